"""The Sphinx builder `pdf`: the pages of a document as Typst source, compiled to a PDF file."""

from __future__ import annotations

import importlib.util
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typst
from docutils import nodes
from sphinx.builders import Builder
from sphinx.environment.adapters.indexentries import IndexEntries
from sphinx.errors import SphinxError

from manual import frontmatter
from manual.palette import palette_of

from . import brief, highlight, markup
from .anchors import Anchors
from .documents import Document, document
from .papers import PAPERS
from .revision import Revision, revision_of
from .tree import Leaf
from .visit import Page
from .visit_api import ApiVisitor
from .visit_boxes import BoxVisitor
from .visit_figures import FigureVisitor
from .visit_tables import TableVisitor
from .visit_text import TextVisitor

if TYPE_CHECKING:
    from collections.abc import Set

    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

TEMPLATE = Path(__file__).with_name("template.typ")
STANDARDS: tuple[Literal["ua-1"], Literal["a-2a"]] = ("ua-1", "a-2a")
"""Standards that the compiler holds the file to: accessible, and for archives."""
FONTS = "fontpkg_arimo"
"""Package with the family of the prose; that of code is part of the compiler."""
Places = list[tuple[str | None, str | Literal[False]]]
"""Where an entry of the index leads: for each place whether it is the main one, and its address."""
_SHEET = re.compile(rb"/Type\s*/Page\b")
_HUE = re.compile(r"#[0-9a-f]{6}$")


class Translator(TextVisitor, TableVisitor, FigureVisitor, BoxVisitor, ApiVisitor):
    """Translates one page: every kind of node that pages have."""


class NotCompiled(SphinxError):
    """Typst refuses the document, or warns of something in it."""

    category = "Typst"


class PdfBuilder(Builder):
    """Prints one document: `pdf_document` says which, `pdf_paper` on what."""

    name = "pdf"
    format = "typst"
    epilog = ""
    supported_image_types = ["image/svg+xml", "image/png", "image/jpeg"]  # noqa: RUF012  # as Builder declares it
    allow_parallel = False

    def init(self) -> None:
        """Look up what is to be printed."""
        self.document: Document = document(self.config.pdf_document, self.config.pdf_documents)
        if self.config.pdf_paper not in PAPERS:
            raise NotCompiled(f"no paper {self.config.pdf_paper!r}, only {', '.join(PAPERS)}")
        self.paper = PAPERS[self.config.pdf_paper]
        self.sheets = 0
        self.steps: list[tuple[str, float, str]] = []

    def get_outdated_docs(self) -> str:
        """Return that all is to be written: a document is one file."""
        return f"{self.document.file}.pdf"

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        """Return the address of a page within the document."""
        return f"%{docname}"

    def get_relative_uri(self, from_: str, to: str, typ: str | None = None) -> str:
        """Return the address of a page, which is the same from everywhere."""
        return self.get_target_uri(to, typ)

    @property
    def file(self) -> Path:
        """The PDF file."""
        return Path(self.outdir) / f"{self.document.file}.pdf"

    def write_documents(self, docnames: Set[str]) -> None:
        """Translate the pages and compile them."""
        work = Path(self.outdir) / "work" / self.document.name
        shutil.rmtree(work, ignore_errors=True)
        (work / "images").mkdir(parents=True)
        revision = revision_of(Path(self.app_root))
        begun = time.monotonic()
        leaves = self.document.leaves(self.env)
        source = self._source(leaves, revision, work)
        (work / "main.typ").write_text(source, encoding="utf-8")
        (work / "tokens.typ").write_text(self._tokens(), encoding="utf-8")
        shutil.copyfile(TEMPLATE, work / TEMPLATE.name)
        translated = time.monotonic()
        self.steps.append(("translate pages", translated - begun, f"{len(leaves)} pages"))
        content = compile_typst(work / "main.typ", revision.made)
        self.file.write_bytes(content)
        self.sheets = len(_SHEET.findall(content))
        self.steps.append(("compile", time.monotonic() - translated, f"{len(content) / 1e6:.1f} MB"))

    @property
    def app_root(self) -> str:
        """Folder of the repository."""
        return str(self.confdir)

    # The document

    def _source(self, leaves: list[Leaf], revision: Revision, work: Path) -> str:
        doctrees = {leaf.docname: self._doctree(leaf.docname) for leaf in leaves}
        anchors = Anchors()
        for docname, doctree in doctrees.items():
            anchors.add(docname, doctree)
        pages = [
            Translator(self._place(leaf, anchors, work)).visit(doctrees[leaf.docname]) for leaf in leaves
        ]
        meta = self._meta(revision)
        parts = [f"#cover(meta)\n#show: with-heads.with(meta)\n#front[\n{self._contents()}]\n#show: main\n"]
        if self.document.summary:
            parts.append(brief.summary(self._introduction(anchors, work), self.document.left_out))
        parts += pages
        if self.document.summary:
            translator = Translator(self._place(Leaf("brief", 1), anchors, work))
            parts.append(brief.changes(self.document.before, translator.visit))
        if self.document.index:
            parts.append(self._index(anchors))
        return f'#import "template.typ": *\n#let meta = {meta}\n#show: manual.with(meta)\n' + "\n".join(parts)

    def _doctree(self, docname: str) -> nodes.document:
        """Return a page with its references resolved and its diagrams drawn."""
        doctree = self.env.get_and_resolve_doctree(docname, self, tags=self.tags)
        self.post_process_images(doctree)
        return doctree

    def _place(self, leaf: Leaf, anchors: Anchors, work: Path) -> Page:
        return Page(
            docname=leaf.docname,
            level=leaf.level,
            anchors=anchors,
            paper=self.paper,
            source=Path(self.srcdir),
            images=work / "images",
            facts=self._facts(leaf.docname),
            part=leaf.part,
        )

    def _introduction(self, anchors: Anchors, work: Path) -> str:
        """Return the first paragraph of the manual, which says what the system is."""
        root = str(self.config.root_doc)
        paragraph = next(self._doctree(root).findall(nodes.paragraph))
        return Translator(self._place(Leaf(root, 1), anchors, work)).visit(paragraph)

    def _facts(self, docname: str) -> str:
        facts = frontmatter.pages(self.env).get(docname)
        if facts is None or facts.landing:
            return ""
        return (
            f"For {frontmatter.listed(facts.audience)} · kept by the {facts.owner} · "
            f"review by {facts.review_by.isoformat()}"
        )

    def _meta(self, revision: Revision) -> str:
        facts = (
            ("Revision", revision.name),
            ("Date", revision.date),
            ("For", self.document.audience),
            ("Kept by", self.config.author),
        )
        listed = markup.array(
            markup.array((markup.content(markup.text(label)), markup.content(markup.text(value))))
            for label, value in facts
        )
        return markup.dictionary(
            (
                ("title", markup.string(self.document.title)),
                ("subtitle", markup.string(self.document.subtitle)),
                ("project", markup.string(self.config.project)),
                ("author", markup.string(self.config.author)),
                ("description", markup.string(self.document.subtitle)),
                ("keywords", markup.array((markup.string(revision.name),))),
                ("language", markup.string(self.config.language)),
                ("paper", markup.string(self.paper.name)),
                ("revision", markup.string(f"revision {revision.name}")),
                ("date", markup.string(revision.date)),
                ("facts", listed),
            )
        )

    def _contents(self) -> str:
        return markup.call("contents", markup.content(markup.text("Contents")))

    def _tokens(self) -> str:
        palette = palette_of(self._app)
        hues = [
            (name.removeprefix("--"), f'rgb("{value}")')
            for name in sorted(palette.light)
            if (value := palette.value(name)) and _HUE.match(value)
        ]
        return f"#let hue = {markup.dictionary(hues)}\n#let code-styles = {highlight.styles()}\n"

    # The index

    def _index(self, anchors: Anchors) -> str:
        title = markup.content(markup.text("Index"))
        part = markup.content(markup.text("To look up"))
        entries = "".join(self._letters(anchors))
        return (
            markup.call("page-title", "1", markup.string("index-of-the-document"), title, part=part)
            + f"\n#columns(2, gutter: 8mm)[\n{entries}]\n"
        )

    def _letters(self, anchors: Anchors) -> Iterator[str]:
        """Yield the entries of Sphinx's own index and those of the facts, which HTML finds by its search."""
        letters = {letter: list(entries) for letter, entries in IndexEntries(self.env).create_index(self)}
        for name, place in self._facts_described():
            letter = name[0].upper() if name[0].isalpha() else "Symbols"
            letters.setdefault(letter, []).append((name, ([("", place)], [], None)))
        for letter in sorted(letters, key=lambda each: (each.isalpha() and len(each) == 1, each)):
            yield markup.call("index-letter", markup.content(markup.text(letter))) + "\n"
            for name, (links, further, _) in sorted(letters[letter], key=lambda entry: entry[0].casefold()):
                yield self._entry(0, name, links, anchors)
                for each, places in further:
                    yield self._entry(1, each, places, anchors)

    def _facts_described(self) -> Iterator[tuple[str, str]]:
        """Yield every fact that a page describes, with its kind, and the address of the place."""
        if "emp" in self.env.domains:
            domain = self.env.domains["emp"]
            for _, name, kind, docname, anchor, _ in domain.get_objects():
                yield f"{name} ({domain.object_types[kind].lname})", f"%{docname}#{anchor}"

    def _entry(self, depth: int, name: str, links: Places, anchors: Anchors) -> str:
        labels = [anchors.label("", uri) for _, uri in links if uri]
        places = markup.strings(list(dict.fromkeys(label for label in labels if label)))
        shown = markup.content(markup.breakable(name, 24))
        return markup.call("index-entry", str(depth), shown, places) + "\n"


def compile_typst(source: Path, made: int) -> bytes:
    """Return the PDF file of Typst source, held to the standards.

    Args:
        source: the file, in the folder that holds everything that it uses.
        made: date of the document, in whole seconds since the epoch.

    Raises:
        NotCompiled: Typst refuses it, or warns.
    """
    compiler = typst.Compiler(
        str(source), root=str(source.parent), font_paths=[str(font_folder())], ignore_system_fonts=True
    )
    try:
        content, warnings = compiler.compile_with_warnings(pdf_standards=list(STANDARDS), timestamp=made)
    except typst.TypstError as error:
        raise NotCompiled(_told(error)) from error
    if warnings:
        raise NotCompiled("\n".join(_told(warning) for warning in warnings))
    assert isinstance(content, bytes)
    return content


def font_folder() -> Path:
    """Return the folder of the font files that the document embeds."""
    found = importlib.util.find_spec(FONTS)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "files"


def _told(trouble: typst.TypstError | typst.TypstWarning) -> str:
    hints = "".join(f"\n  {hint}" for hint in getattr(trouble, "hints", None) or ())
    return (
        f"{getattr(trouble, 'message', trouble)}{hints}\n{getattr(trouble, 'diagnostic', '') or ''}".strip()
    )


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the builder and its settings."""
    app.add_builder(PdfBuilder)
    app.add_config_value("pdf_documents", {}, "", dict)
    app.add_config_value("pdf_document", "manual", "", str)
    app.add_config_value("pdf_paper", "a4", "", str)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
