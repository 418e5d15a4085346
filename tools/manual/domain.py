"""The `emp` domain: facts of the code, cited on pages, described in one place each, checked at every build."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from sphinx import addnodes
from sphinx.domains import Domain, ObjType
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.nodes import make_refnode
from sphinxcontrib.mermaid import mermaid

from .facts import KINDS, export
from .facts.base import Fact, Kind, UnknownFact, nearest
from .facts.directives import (
    DiagramDirective,
    ExitDirective,
    ListDirective,
    ProvenanceDirective,
    UsageDirective,
    usage_table,
)
from .facts.names import named_facts
from .facts.render import Cell, Renderer, folded, folded_caption
from .facts.roles import ConstRole, CountRole, FactRole, ValueRole
from .facts.source import Source

if TYPE_CHECKING:
    from docutils.nodes import Element
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.builders import Builder
    from sphinx.environment import BuildEnvironment
    from sphinx.util.typing import ExtensionMetadata
    from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)
Location = tuple[str, int] | str | None


class EmpDomain(Domain):
    """Facts of the EmProps Job Queue."""

    name = "emp"
    label = "EmProps"
    object_types: ClassVar = {kind.name: ObjType(kind.label, kind.name) for kind in KINDS.values()}
    roles: ClassVar = {
        **{kind.name: FactRole(kind) for kind in KINDS.values()},
        "value": ValueRole(),
        "count": CountRole(),
        "const": ConstRole(),
    }
    directives: ClassVar = {
        "list": ListDirective,
        "provenance": ProvenanceDirective,
        "usage": UsageDirective,
        "diagram": DiagramDirective,
        "exit-statuses": ExitDirective,
    }
    initial_data: ClassVar = {
        "homes": {},  # "kind:name" -> page that describes the fact
        "citations": {},  # page -> {"kind:name"} that it cites
        "strict": {},  # page -> {"kind:name": place}: citations that need a description to link to
        "terms": {},  # term in lower case -> (page, anchor, term, definition)
        "usage_pages": set(),  # pages that show which pages cite what
        "written_homes": {},  # the homes at the end of the build before
        "written_citations": {},  # the citations at the end of the build before
    }
    data_version = 1

    # What pages say about facts, while they are read

    def fault(self, message: str, location: Location) -> None:
        """Report a fault on the page that is read, and have the page read again until it is mended."""
        logger.warning(message, location=location, type="emp")
        self.env.note_reread()

    def cite(self, fact: Fact, *, location: Location = None) -> None:
        """Note that the page that is read cites a fact, and depends on the file that declares it."""
        self.cite_name(fact.kind, fact.name)
        self.data["strict"].setdefault(self.env.docname, {})[_id(fact)] = location
        self.env.note_dependency(str(fact.source.file))

    def cite_name(self, kind: str, name: str) -> None:
        """Note that the page that is read cites a fact that other pages declare."""
        self.data["citations"].setdefault(self.env.docname, set()).add(f"{kind}:{name}")

    def describe(self, fact: Fact, location: Location) -> None:
        """Note that the page that is read describes a fact; a second description is a fault."""
        home = self.data["homes"].get(_id(fact))
        if home is not None:
            self.fault(f"{fact.kind} {fact.name!r} is described on {home} already", location)
            return
        self.data["homes"][_id(fact)] = self.env.docname

    def note_usage_page(self) -> None:
        """Note that the page that is read shows which pages cite what."""
        self.data["usage_pages"].add(self.env.docname)

    def clear_doc(self, docname: str) -> None:
        """Forget what a page said."""
        for name in ("homes", "terms"):
            kept = {key: value for key, value in self.data[name].items() if _page(value) != docname}
            self.data[name] = kept
        self.data["citations"].pop(docname, None)
        self.data["strict"].pop(docname, None)
        self.data["usage_pages"].discard(docname)

    def merge_domaindata(self, docnames: Iterable[str], otherdata: dict[str, Any]) -> None:
        """Take over what a parallel reader found on its pages."""
        pages = set(docnames)
        for key, page in otherdata["homes"].items():
            if page not in pages:
                continue
            if self.data["homes"].setdefault(key, page) != page:
                logger.warning("%s is described on %s already", key, self.data["homes"][key], location=page)
        self.data["terms"].update({k: v for k, v in otherdata["terms"].items() if v[0] in pages})
        for name in ("citations", "strict"):
            self.data[name].update({k: v for k, v in otherdata[name].items() if k in pages})
        self.data["usage_pages"] |= otherdata["usage_pages"] & pages

    # What is known once all pages are read

    def facts(self, kind: Kind) -> Iterator[Fact]:
        """Return the facts of a kind, those that pages declare included."""
        yield from kind.facts.values()
        if kind.name == "term":
            for _, (_, _, term, definition) in sorted(self.data["terms"].items()):
                yield Fact("term", term, term, definition, Source("", 0))

    def home(self, fact: Fact) -> tuple[str, str] | None:
        """Return the page that describes a fact and the id of the place on it; ``None`` if none does."""
        if fact.kind == "term":
            page, anchor, _, _ = self.data["terms"][fact.name.lower()]
            return page, anchor
        if KINDS[fact.kind].domain == "py":
            entry = self.env.domains.python_domain.objects.get(fact.name)
            return (entry.docname, entry.node_id) if entry is not None else None
        page = self.data["homes"].get(_id(fact))
        return (page, fact.anchor) if page is not None else None

    def used_on(self, fact: Fact) -> list[str]:
        """Return the pages that cite a fact, sorted."""
        key = f"term:{fact.name.lower()}" if fact.kind == "term" else _id(fact)
        return sorted(page for page, cited in self.data["citations"].items() if key in cited)

    def page_title(self, page: str) -> str:
        """Return the title of a page."""
        return self.env.titles[page].astext()

    def page_uri(self, page: str) -> str:
        """Return the address of a page, relative to the root of the manual."""
        return self.env._app.builder.get_target_uri(page)

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        """Return what search and other projects find: every fact that a page describes."""
        for kind in KINDS.values():
            if kind.domain != "emp":
                continue
            for fact in kind.facts.values():
                home = self.home(fact)
                if home is not None:
                    yield fact.title, fact.title, kind.name, *home, 0 if kind.code else 1

    def resolve_xref(
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        typ: str,
        target: str,
        node: pending_xref,
        contnode: Element,
    ) -> nodes.reference | None:
        """Return the link to a fact's description."""
        if typ == "term":
            entry = self.data["terms"].get(target.lower())
            if entry is None:
                return None
            page, anchor, _, summary = entry
            return _link(builder, fromdocname, page, anchor, contnode, summary, ["emp-fact", "emp-term"])
        kind = KINDS[typ]
        fact = kind.get(target)
        if fact is None:
            return None
        home = self.home(fact)
        if home is None:
            return nodes.inline("", "", contnode, classes=kind.classes(fact))  # type: ignore[return-value]  # no link
        return _link(builder, fromdocname, *home, contnode, fact.summary, kind.classes(fact))

    def resolve_any_xref(
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        target: str,
        node: pending_xref,
        contnode: Element,
    ) -> list[tuple[str, nodes.reference]]:
        """Return nothing: a fact is cited by its role, and what a plain link names is a page or a place on one."""
        return []

    def check_consistency(self) -> None:
        """Report citations of facts that no page describes."""
        for page, cited in sorted(self.data["strict"].items()):
            for key, location in sorted(cited.items()):
                kind_name, _, name = key.partition(":")
                kind = KINDS[kind_name]
                if name in kind.facts and self.home(kind.facts[name]) is None:
                    directive = "autodoc" if kind.domain == "py" else f"{{emp:list}} {kind_name}"
                    logger.warning(
                        "%s %r is cited but no page describes it (%s does)",
                        kind.label,
                        name,
                        directive,
                        location=location or page,
                        type="emp",
                    )

    def unused(self) -> dict[str, list[str]]:
        """Return, for each kind, the facts that no page describes or cites: the manual does not know them."""
        return {
            kind.name: names
            for kind in KINDS.values()
            if (
                names := [
                    fact.name
                    for fact in self.facts(kind)
                    if self.home(fact) is None and not self.used_on(fact)
                ]
            )
        }


def coverage(env: BuildEnvironment) -> dict[str, list[str]]:
    """Return, for each kind, the facts that no page describes or cites."""
    domain = env.domains["emp"]
    assert isinstance(domain, EmpDomain)
    return domain.unused()


def _id(fact: Fact) -> str:
    return f"{fact.kind}:{fact.name}"


def _page(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else value[0]


def _link(
    builder: Builder,
    fromdocname: str,
    page: str,
    anchor: str,
    content: Element,
    summary: str,
    classes: list[str],
) -> nodes.reference:
    link = make_refnode(builder, fromdocname, page, anchor, content, summary)
    link["classes"] += classes
    return link


# Events of the build


def _collect_terms(app: Sphinx, doctree: nodes.document) -> None:
    """Note the terms that a page declares, and those and the Python objects that it mentions."""
    domain = app.env.domains["emp"]
    assert isinstance(domain, EmpDomain)
    for glossary in doctree.findall(addnodes.glossary):
        for item in glossary.findall(nodes.definition_list_item):
            definition = next((node.astext() for node in item.findall(nodes.definition)), "")
            summary = " ".join(definition.split("\n\n", 1)[0].split())
            for term in item.findall(nodes.term):
                name = term.astext()
                domain.data["terms"][name.lower()] = (app.env.docname, term["ids"][0], name, summary)
    for xref in doctree.findall(addnodes.pending_xref):
        if xref.get("refdomain") == "std" and xref["reftype"] == "term":
            domain.cite_name("term", xref["reftarget"].lower())
        elif xref.get("refdomain") == "py" and xref["reftarget"] in KINDS["object"].facts:
            domain.cite_name("object", xref["reftarget"])


def _check_drawn_names(app: Sphinx, doctree: nodes.document) -> None:
    """Check the names of facts in hand-drawn diagrams; those that exist count as cited."""
    domain = app.env.domains["emp"]
    assert isinstance(domain, EmpDomain)
    for drawn in doctree.findall(mermaid):
        for found in named_facts(drawn["code"]):
            if isinstance(found, UnknownFact):
                domain.fault(f"in a diagram: {found}", f"{drawn.source}:{drawn.line}")
            else:
                domain.cite_name(found.kind, found.name)
                app.env.note_dependency(str(found.source.file))


def _pages_to_write_again(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Return the pages whose links moved since the build before, and those that show uses."""
    domain = env.domains["emp"]
    assert isinstance(domain, EmpDomain)
    before, now = domain.data["written_homes"], domain.data["homes"]
    moved = {key for key in before.keys() | now.keys() if before.get(key) != now.get(key)}
    domain.data["written_homes"] = dict(now)
    pages = {page for page, cited in domain.data["citations"].items() if cited & moved}
    if domain.data["written_citations"] != domain.data["citations"]:
        pages |= domain.data["usage_pages"]
    domain.data["written_citations"] = {page: set(cited) for page, cited in domain.data["citations"].items()}
    return sorted(pages)


def _warn_of_unknown_term(app: Sphinx, domain: Domain | None, node: pending_xref) -> bool | None:
    if not isinstance(domain, EmpDomain):
        return None
    target = node["reftarget"]
    terms = [term for _, _, term, _ in domain.data["terms"].values()]
    logger.warning("no term %r%s", target, nearest(target, terms), location=node, type="emp")
    return True


def _export(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        domain = app.env.domains["emp"]
        assert isinstance(domain, EmpDomain)
        export.write(domain, Path(app.outdir))


def _note_nothing(node: nodes.Element) -> None:
    """Leave a node without an entry in the document: these tables are no targets."""


class UsageTables(SphinxPostTransform):
    """Fills in the tables of pages that cite facts."""

    default_priority = 5  # before references are resolved, which the table consists of

    def run(self, **kwargs: Any) -> None:
        """Replace each place by its table."""
        domain = self.env.domains["emp"]
        assert isinstance(domain, EmpDomain)
        for place in list(self.document.findall(usage_table)):
            kind = KINDS[place["kind"]]
            renderer = Renderer(self.env.docname, _note_nothing, logger.warning)
            rows = []
            for fact in domain.facts(kind):
                name = renderer.citation_paragraph(kind, fact)
                rows.append([Cell([name]), Cell([self._pages(domain, domain.used_on(fact))])])
            place.replace_self(renderer.table((kind.label.capitalize(), "Cited on"), rows))

    def _pages(self, domain: EmpDomain, pages: list[str]) -> nodes.paragraph:
        paragraph = nodes.paragraph("", "" if pages else "no other page")
        for page in pages:
            if len(paragraph):
                paragraph += nodes.Text(", ")
            paragraph += make_refnode(
                self.env._app.builder, self.env.docname, page, "", nodes.Text(domain.page_title(page))
            )
        return paragraph


# Writing folded content


def _visit_folded(translator: HTML5Translator, node: folded) -> None:
    translator.body.append(translator.starttag(node, "details", CLASS="emp-folded"))


def _depart_folded(translator: HTML5Translator, node: folded) -> None:
    translator.body.append("</details>\n")


def _visit_caption(translator: HTML5Translator, node: folded_caption) -> None:
    translator.body.append("<summary>")


def _depart_caption(translator: HTML5Translator, node: folded_caption) -> None:
    translator.body.append("</summary>\n")


def _pass(translator: Any, node: nodes.Element) -> None:
    """Write nothing: the content stands open."""


def _visit_open_caption(translator: Any, node: nodes.Element) -> None:
    translator.visit_paragraph(node)


def _depart_open_caption(translator: Any, node: nodes.Element) -> None:
    translator.depart_paragraph(node)


def _tool_digest() -> str:
    """Return a digest of this domain's own source: a change to it has every page read again."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted((Path(__file__).parent / "facts").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the domain."""
    app.setup_extension("manual.mermaid")
    app.add_domain(EmpDomain)
    app.add_config_value("emp_tool_digest", _tool_digest(), "env", str)
    open_ = (_pass, _pass)
    open_caption = (_visit_open_caption, _depart_open_caption)
    app.add_node(folded, html=(_visit_folded, _depart_folded), latex=open_, text=open_, man=open_)
    app.add_node(
        folded_caption,
        html=(_visit_caption, _depart_caption),
        latex=open_caption,
        text=open_caption,
        man=open_caption,
    )
    app.add_node(usage_table)
    app.add_post_transform(UsageTables)
    app.add_css_file("css/facts.css")
    app.add_js_file("js/facts.js", loading_method="defer")
    app.connect("doctree-read", _collect_terms)
    app.connect("doctree-read", _check_drawn_names)
    app.connect("env-updated", _pages_to_write_again)
    app.connect("warn-missing-reference", _warn_of_unknown_term)
    app.connect("build-finished", _export)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
