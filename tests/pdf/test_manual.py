"""The printed manual and the brief: complete, linked, tagged, legible, and the same as the HTML pages."""

from __future__ import annotations

import copy
import os
import re
import runpy
from pathlib import Path
from typing import Any, ClassVar

import pytest
from bs4 import BeautifulSoup, Tag
from sphinx.errors import ConfigError

from pdf.brief import shown as benchmarks
from pdf.documents import document
from pdf.papers import PAPERS
from pdf.visit_figures import SMALLEST_PT
from tests.pdf.conftest import Print
from tests.pdf.reading import Box, Element, Pdf, Run, out_of_cells

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [("manual", "a4", 1), ("manual", "us-letter", 2), ("brief", "a4", 1), ("brief", "us-letter", 1)]
"""Each document on each paper, and the number of the copy."""
TWICE = ["brief", "manual"] if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else ["brief"]
"""What is printed twice on the same paper: by night all, by day what takes a second."""


@pytest.fixture(params=DOCUMENTS, ids=lambda each: " on ".join(each[:2]))
def pdf(request: pytest.FixtureRequest, printed: Print) -> Pdf:
    """Each document on each paper."""
    return printed(*request.param)


@pytest.fixture(scope="module")
def pages(manual: Path) -> dict[str, BeautifulSoup]:
    """Every page of the HTML manual, in the order of its sections."""
    return {
        name: BeautifulSoup((manual / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
        for name, _ in _listed("index")
    }


def _listed(page: str, level: int = 0, seen: set[str] | None = None) -> list[tuple[str, int]]:
    """Return a page and those below it, each once and how deep it stands, as the toctrees of the sources have them."""
    seen = set() if seen is None else seen
    seen.add(page)
    text = (ROOT / "source" / f"{page}.md").read_text(encoding="utf-8")
    found = [(page, max(level, 1))]
    for block in re.findall(r"^```\{toctree\}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            entry = line.strip()
            if entry and not entry.startswith(":"):
                child = (Path(page).parent / entry).as_posix()
                if child not in seen:
                    found += _listed(child, level + 1, seen)
    return found


def _article(page: BeautifulSoup) -> Tag:
    (found,) = page.select("#furo-main-content")
    for extra in found.select(".headerlink"):
        extra.decompose()
    return found


def _settings() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "conf.py"))


def _words(text: str) -> str:
    return " ".join(text.split())


def _squeezed(text: str) -> str:
    """Return text without spaces and dashes: readers leave a hyphen out at the end of a line, and two are one dash."""
    return re.sub(r"[\s\u2060\x02–-]", "", text)


Leaf = tuple[tuple[Element, ...], Run]


def _by_page(pdf: Pdf, pages: dict[str, BeautifulSoup]) -> dict[str, list[Leaf]]:
    """Return the text of each page of the manual, by the elements that it stands in."""
    titles = [_squeezed(_article(page).select("h1")[0].get_text()) for page in pages.values()]
    found: dict[str, list[Leaf]] = {}
    names = iter([*pages, "the index"])
    waiting = iter([*titles, "Index"])
    title, name = next(waiting), ""
    seen: set[int] = set()
    for above, run in pdf.tree.leaves():
        head = next((each for each in above if re.fullmatch(r"H\d", each.tag)), None)
        if head is not None and id(head) not in seen:
            seen.add(id(head))
            if _squeezed(head.text) == title:
                title, name = next(waiting, ""), next(names)
        if name:
            found.setdefault(name, []).append((above, run))
    assert list(found) == [*pages, "the index"]
    return found


# What an independent reader finds


def test_the_outline_is_the_tree_of_pages(printed: Print, pages: dict[str, BeautifulSoup]) -> None:
    expected = [
        (level + (head.name == "h2"), _words(head.get_text()))
        for name, level in _listed("index")
        for head in _article(pages[name]).select("h1, h2")
    ]
    found = [(mark.level, _words(mark.title)) for mark in printed("manual").outline]
    assert found == [*expected, (1, "Index")]


def test_the_brief_has_its_pages_in_order(printed: Print, pages: dict[str, BeautifulSoup]) -> None:
    listed = document("brief", _settings()["pdf_documents"]).pages
    titles = [_words(_article(pages[page]).select("h1")[0].get_text()) for page in listed]
    found = [mark.title for mark in printed("brief").outline if mark.level == 1]
    assert found == ["Summary", *titles, "What changed since the last brief"]


def test_no_link_leads_nowhere(pdf: Pdf) -> None:
    links = list(pdf.links())
    assert links
    assert [page for page, target in links if target is None] == []


def test_every_font_is_in_the_file(pdf: Pdf) -> None:
    fonts = pdf.fonts()
    assert {name.split("+")[-1].split("-")[0] for name in fonts} == {"Arimo", "DejaVuSansMono"}
    assert all(fonts.values())


def test_the_file_says_what_it_is(pdf: Pdf) -> None:
    root = pdf.pike.Root
    assert bool(root.MarkInfo.Marked)
    assert str(root.Lang) == "en"
    assert bool(root.ViewerPreferences.DisplayDocTitle)
    assert pdf.reader.metadata is not None
    assert pdf.reader.metadata.title in {"EmProps Job Queue", "Leadership brief"}
    with pdf.pike.open_metadata() as xmp:
        assert (xmp["pdfuaid:part"], xmp["pdfaid:part"], xmp["pdfaid:conformance"]) == ("1", "2", "A")


def test_pages_are_labelled_as_they_are_numbered(pdf: Pdf) -> None:
    labels = pdf.reader.page_labels
    first = pdf.outline[0].page
    assert labels[first:] == [str(number) for number in range(1, pdf.pages - first + 1)]
    for number in (first, pdf.pages - 1):
        assert pdf.text(number).rstrip().endswith(labels[number])


def test_the_structure_has_headings_in_steps_and_words_for_every_picture(pdf: Pdf) -> None:
    level = 0
    for element in pdf.tree.walk():
        if found := re.fullmatch(r"H(\d)", element.tag):
            assert int(found[1]) <= level + 1, element.text
            level = int(found[1])
        if element.tag == "Figure":
            assert element.alternative


def test_the_paper_is_the_one_that_was_asked_for(pdf: Pdf, request: pytest.FixtureRequest) -> None:
    paper = PAPERS[request.node.callspec.params["pdf"][1]]
    upright = (paper.width, paper.height)
    for number in range(pdf.pages):
        assert pdf.size(number) in (pytest.approx(upright, abs=0.1), pytest.approx(upright[::-1], abs=0.1))


# What stands where


def test_no_text_leaves_its_page(pdf: Pdf) -> None:
    outside = []
    for run in pdf.runs:
        width, height = pdf.size(run.page)
        margin = 40.0
        if run.text.strip() and not run.box.inside(Box(margin, 20, width - margin, height - 20)):
            outside.append((run.page, run.text, run.box))
    assert outside == []


def test_no_text_leaves_its_cell(pdf: Pdf) -> None:
    assert out_of_cells(pdf) == []


# Diagrams


def test_every_diagram_of_a_page_is_on_paper_in_letters_that_can_be_read(
    printed: Print, manual: Path, pages: dict[str, BeautifulSoup]
) -> None:
    pdf = printed("manual")
    count = 0
    for name, leaves in _by_page(pdf, pages).items():
        drawn = [(above, run) for above, run in leaves if any(each.tag == "Figure" for each in above)]
        figures = list({id(above[-1]): None for above, _ in drawn})
        found = [
            sorted(_squeezed(run.text) for above, run in drawn if id(above[-1]) == figure)
            for figure in figures
        ]
        svgs = pages[name].select("#furo-main-content .diagram-box > svg") if name in pages else []
        wanted = [sorted(_squeezed(text.get_text()) for text in svg.select("text")) for svg in svgs]
        assert ["".join(sorted("".join(each))) for each in found] == [
            "".join(sorted("".join(each))) for each in wanted
        ], name
        assert all(run.size >= SMALLEST_PT for _, run in drawn)
        count += len(found)
    assert count > 0
    assert [number for number in range(pdf.pages) if pdf.bitmaps(number)] == []


# The same words as in HTML

NOT_PRINTED = (
    ".headerlink",
    ".colon",
    ".page-facts",
    ".journeys",
    ".diagram",
    ".downloads",
    ".sd-stretched-link",
    "script",
)
"""What the pages have for the screen alone."""


def test_every_page_says_the_same_on_paper(printed: Print, pages: dict[str, BeautifulSoup]) -> None:
    for name, leaves in _by_page(printed("manual"), pages).items():
        if name not in pages:
            continue
        shown, wanted = _paper_text(leaves), _html_text(pages[name])
        if shown != wanted:
            at = next((i for i, (a, b) in enumerate(zip(shown, wanted, strict=False)) if a != b), 0)
            pytest.fail(f"{name}: paper …{shown[at - 60 : at + 60]}…\nHTML …{wanted[at - 60 : at + 60]}…")


def _paper_text(leaves: list[Leaf]) -> str:
    """Return what a page says: without pictures, list markers, page numbers, notes and the line below the title."""
    skipped = {"Figure", "Lbl", "Note"}
    parts = [
        run.text
        for above, run in leaves
        if not skipped & {each.tag for each in above}
        and not re.fullmatch(r"\s*p\.\s?\d+\s*", run.text)
        and not re.match(r"For .* · kept by the .* · review by", run.text)
    ]
    return _squeezed("".join(parts))


def _html_text(page: BeautifulSoup) -> str:
    article = copy.copy(_article(page))
    for extra in article.select(", ".join(NOT_PRINTED)):
        extra.decompose()
    return _squeezed(article.get_text())


# The same bytes, twice


@pytest.mark.parametrize("name", TWICE)
def test_a_document_is_made_twice_with_the_same_bytes(printed: Print, name: str) -> None:
    assert printed(name).path.read_bytes() == printed(name, copy=2).path.read_bytes()


def test_the_source_of_the_manual_is_the_same_on_other_paper(printed: Print) -> None:
    """Each copy is made with hashes of its own: what is in another order in one of them is another text."""
    sources = []
    for pdf, paper in ((printed("manual"), "a4"), (printed("manual", "us-letter", 2), "us-letter")):
        text = (pdf.path.parent / "work" / "manual" / "main.typ").read_text(encoding="utf-8")
        text = text.replace(f'"paper": "{paper}"', '"paper": "any"')
        sources.append(re.sub(r'(#picture\("[^"]*"), [\d.]+pt', r"\1", text))
    assert sources[0] == sources[1]


# The brief


@pytest.mark.parametrize("paper", PAPERS)
def test_the_brief_shows_every_measure_against_its_target_on_one_page(printed: Print, paper: str) -> None:
    pdf = printed("brief", paper)
    said = [element.alternative for element in pdf.tree.walk() if element.tag == "Figure"]
    left_out = document("brief", _settings()["pdf_documents"]).left_out
    every = [target for _, found in benchmarks(left_out) for target in found]
    assert every
    for target in every:
        verdict = "kept" if target.bar.kept else "missed"
        assert [text for text in said if text.startswith(f"{target.name}: ") and text.endswith(verdict)]
    summary = next(mark for mark in pdf.outline if mark.title == "Summary")
    following = pdf.outline[pdf.outline.index(summary) + 1]
    assert following.page == summary.page + 1


def test_a_page_of_the_brief_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    class Environment:
        found_docs: ClassVar = {"there"}

    listed = document(
        "brief", {"brief": {**_settings()["pdf_documents"]["brief"], "pages": ["there", "not/there"]}}
    )
    with pytest.raises(ConfigError, match="pages that do not exist: not/there"):
        listed.leaves(Environment())  # type: ignore[arg-type]  # all that is looked at
