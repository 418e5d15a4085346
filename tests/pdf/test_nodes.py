"""Every kind of node that a page may have has its shape on paper; one that has none stops the build."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util.docutils import docutils_namespace

from pdf.builder import Translator
from pdf.visit import UnknownNode, Visitor
from tests.pdf.cases import CASES, Case
from tests.pdf.reading import Pdf, out_of_cells

ROOT = Path(__file__).resolve().parents[2]
DESIGN = "design_"
SETTINGS = f"""
from sphinx.util.docutils import SphinxDirective
from manual.facts.base import Listing
from manual.facts.render import listing

extensions = ["myst_parser", "sphinx_design", "pdf"]
project = "Cases"
html_theme = "furo"
html_static_path = [{str(ROOT / "_static")!r}]
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "fieldlist", "tasklist"]
suppress_warnings = ["ref.python", "design.fa-build", "design"]
source_suffix = {{".md": "markdown", ".rst": "restructuredtext"}}
smartquotes = False
pdf_documents = {{
    "manual": {{"file": "cases", "title": "Cases", "subtitle": "One a page", "audience": "tests", "index": True}}
}}

class FoldedSource(SphinxDirective):
    def run(self):
        return [listing(Listing("Source of it", "python", "return 1"))]

def setup(app):
    app.add_directive("folded-source", FoldedSource)
"""
PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" width="200" height="60" font-family="Arimo" font-size="14">
<rect x="1" y="1" width="198" height="58" fill="none" stroke="black"/><text x="20" y="30">Word</text></svg>"""

pytestmark = pytest.mark.filterwarnings(
    "ignore:'myst_parser.*is deprecated:sphinx.deprecation.RemovedInSphinx11Warning"
)


@dataclass
class Cases:
    """The cases, printed.

    Attributes:
        pdf: the file, a page for each case.
        visited: the kinds of nodes that each page had.
    """

    pdf: Pdf
    visited: dict[str, set[str]]

    def sheets(self, case: Case) -> range:
        """Return the sheets of a case."""
        tops = [mark for mark in self.pdf.outline if mark.level == 1]
        index = next(index for index, mark in enumerate(tops) if mark.title == f"Case {case.kind}")
        return range(tops[index].page, tops[index + 1].page)


def make(folder: Path, pages: dict[str, str]) -> Sphinx:
    """Print pages.

    Args:
        folder: where the project goes.
        pages: the text of each page by the name of its file.
    """
    (folder / "conf.py").write_text(SETTINGS, encoding="utf-8")
    (folder / "picture.svg").write_text(PICTURE, encoding="utf-8")
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    names = "\n".join(Path(name).stem for name in pages if name != "leaf.md")
    (folder / "index.md").write_text(
        f"# Cases\n\n```{{toctree}}\n:hidden:\n\n{names}\n```\n", encoding="utf-8"
    )
    with docutils_namespace():
        app = Sphinx(
            folder, folder, folder / "out", folder / "doctrees", "pdf", status=None, warningiserror=True
        )
        app.build()
    assert app.statuscode == 0
    return app


def _page(case: Case) -> tuple[str, str]:
    title = f"Case {case.kind}"
    if case.rst:
        return f"case-{case.kind}.rst", f"{title}\n{'=' * len(title)}\n\n{case.source}\n"
    return f"case-{case.kind}.md", f"# {title}\n\n{case.source}\n"


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cases]:
    """All cases in one document."""
    visited: dict[str, set[str]] = {}
    original = Visitor.visit

    def noted(self: Visitor, node: object) -> str:
        names = visited.setdefault(self.page.docname, set())
        names.add(type(node).__name__)
        component = getattr(node, "attributes", {}).get("design_component")
        if component:
            names.add(component.replace("-", "_"))
        return original(self, node)  # type: ignore[arg-type]  # a node

    folder = tmp_path_factory.mktemp("cases")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        patch.setattr(Visitor, "visit", noted)
        make(folder, dict(map(_page, CASES)) | {"leaf.md": "# Leaf\n\nText.\n"})
    yield Cases(Pdf(folder / "out" / "cases.pdf"), visited)
    shutil.rmtree(folder)


def test_every_method_has_its_case() -> None:
    methods = {
        name.removeprefix("visit_").removeprefix(DESIGN)
        for name in dir(Translator)
        if name.startswith(("visit_", DESIGN))
    }
    assert methods == {case.kind for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_a_node_has_its_shape(cases: Cases, case: Case) -> None:
    sheets = cases.sheets(case)
    text = _squeezed("\n".join(cases.pdf.text(number) for number in sheets))
    place = 0
    for words in case.says:
        found = text.find(_squeezed(words), place)
        assert found >= 0, f"{words!r} is not in {text[place:]!r}"
        place = found + len(_squeezed(words))
    if case.silent:
        assert _squeezed(case.silent) not in text
    if case.tag:
        tags = {
            element.tag
            for element in cases.pdf.tree.walk()
            if any(run.page in sheets for run in element.runs()) or element.tag == "Document"
        }
        assert case.tag in tags


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_the_page_of_a_case_really_has_the_node(cases: Cases, case: Case) -> None:
    unseen = {"title", "label"}  # what their parents take, or that stands elsewhere
    if case.kind not in unseen:
        assert case.kind in cases.visited[f"case-{case.kind}"]


def test_a_node_that_has_no_shape_stops_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.delattr("pdf.visit_text.TextVisitor.visit_strong")
    with pytest.raises(
        UnknownNode, match=r"page:3: a node 'strong' has no shape on paper\. Write a method visit_strong"
    ):
        make(tmp_path, {"page.md": "# Page\n\n**Weight**.\n"})


def test_a_picture_whose_text_would_be_too_small_stops_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    wide = PICTURE.replace('width="200"', 'width="2400"')
    page = "# Page\n\n```{image} wide.svg\n:alt: A box\n```\n"
    with pytest.raises(SphinxError, match=r"the text of a diagram would be 4\.\d pt small"):
        make(tmp_path, {"wide.svg": wide, "page.md": page})


@pytest.mark.parametrize(("columns", "wide"), [(6, False), (11, True), (16, True)])
def test_a_table_that_is_too_wide_lies_on_its_side_and_stays_in_its_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int, wide: bool
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    row = f"| {' | '.join(['measurement'] * columns)} |"
    table = "\n".join([row, f"| {' | '.join(['---'] * columns)} |", *[row] * 60])
    make(tmp_path, {"page.md": f"# Page\n\nBefore.\n\n{table}\n\nAfter.\n"})
    pdf = Pdf(tmp_path / "out" / "cases.pdf")
    lying = [number for number in range(pdf.pages) if pdf.size(number)[0] > pdf.size(number)[1]]
    assert (len(lying) > 1) == wide
    assert lying == list(range(lying[0], lying[-1] + 1)) if wide else not lying
    assert out_of_cells(pdf) == []
    heads = [number for number in range(pdf.pages) if "measurement" in pdf.text(number)]
    assert all(pdf.fills(number) for number in heads)


def test_a_letter_that_no_font_has_stops_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    with pytest.raises(SphinxError, match="PDF/UA-1"):
        make(tmp_path, {"page.md": "# Page\n\nDone \U0001f680.\n"})


def _squeezed(text: str) -> str:
    return re.sub(r"[\s\u2060\u200b]", "", text)
