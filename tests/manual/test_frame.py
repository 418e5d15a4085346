"""The frame of every page: the sections on top, the line of facts, the journeys; and front matter that is refused."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from manual.frontmatter import FrontMatterError, read
from manual.theme import SECTIONS
from tests.browser import OpenPage

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "source"
JOURNEYS = sorted(path.stem for path in (SOURCE / "journeys").glob("*.md"))
GENERATED = ("search", "genindex", "py-modindex")


@pytest.fixture(scope="module")
def parsed(manual: Path) -> dict[str, BeautifulSoup]:
    """Every page, parsed, by name."""
    return {
        path.relative_to(manual).with_suffix("").as_posix(): BeautifulSoup(
            path.read_text(encoding="utf-8"), "html.parser"
        )
        for path in sorted(manual.rglob("*.html"))
        if not path.relative_to(manual).as_posix().startswith("_")
    }


def _only(page: BeautifulSoup | Tag, selector: str) -> Tag:
    (found,) = page.select(selector)
    return found


def test_every_page_has_the_sections_on_top_in_their_order(parsed: dict[str, BeautifulSoup]) -> None:
    existing = [title for folder, title in SECTIONS if (SOURCE / folder / "index.md").exists()]
    for name, page in parsed.items():
        links = page.select(".topbar-sections a")
        assert [link.get_text() for link in links] == existing, name
    assert set(GENERATED) <= parsed.keys()


def test_a_name_in_the_table_of_contents_breaks_after_its_dots_only(parsed: dict[str, BeautifulSoup]) -> None:
    entries = parsed["implementation/api-internals/core"].select(".toc-tree a")
    dotted = [entry for entry in entries if "." in entry.get_text()]
    assert dotted
    for entry in dotted:
        # An entry that fits stays whole; the style sheet breaks elsewhere only where no such place is left.
        assert entry.decode_contents().replace(".<wbr/>", ".").count("<wbr/>") == 0
        assert entry.decode_contents().count(".<wbr/>") == entry.get_text().count(".")


def test_the_section_that_a_page_is_in_is_marked(parsed: dict[str, BeautifulSoup]) -> None:
    titles = dict(SECTIONS)
    for name, page in parsed.items():
        marked = [link.get_text() for link in page.select(".topbar-sections a[aria-current]")]
        folder = name.split("/")[0] if "/" in name else ""
        assert marked == ([titles[folder]] if folder in titles else []), name


def test_every_page_says_for_whom_it_is_and_who_keeps_it(parsed: dict[str, BeautifulSoup]) -> None:
    for path in SOURCE.rglob("*.md"):
        name = path.relative_to(SOURCE).with_suffix("").as_posix()
        line = _only(parsed[name], "p.page-facts").get_text()
        facts = read(path.read_text(encoding="utf-8"))
        assert f"kept by the {facts.owner}" in line, name
        assert facts.review_by.isoformat() in line, name


@pytest.mark.parametrize("journey", JOURNEYS)
def test_a_journey_can_be_read_page_after_page(parsed: dict[str, BeautifulSoup], journey: str) -> None:
    name, steps = f"journeys/{journey}", []
    links = parsed[name].select("ol.journey-steps > li > p > a")
    expected = [str(link["href"]).split("?")[0].removeprefix("../").removesuffix(".html") for link in links]
    assert expected
    title = _only(parsed[name], "h1").contents[0].get_text()
    for number, page in enumerate(expected, start=1):
        bar = next(
            item
            for item in parsed[page].select("nav.journeys li")
            if item.get_text(" ", strip=True).startswith(title)
        )
        assert f"step {number} of {len(expected)}" in " ".join(bar.get_text(" ").split()), page
        following = bar.select("a[rel~=next]")
        steps.append([link["href"] for link in following])
    assert [bool(step) for step in steps] == [True] * (len(expected) - 1) + [False]


def test_every_page_of_a_section_stands_in_its_sidebar(parsed: dict[str, BeautifulSoup]) -> None:
    for path in SOURCE.rglob("*.md"):
        name = path.relative_to(SOURCE).with_suffix("").as_posix()
        if "/" not in name:
            continue
        current = parsed[name].select('nav[aria-label="Pages of this section"] [aria-current="page"]')
        assert len(current) == 1, name


def test_no_page_loads_anything_from_elsewhere(manual: Path, parsed: dict[str, BeautifulSoup]) -> None:
    found = [
        f"{name}: {tag.name} {tag.get(attribute)}"
        for name, page in parsed.items()
        for tag in page.find_all(["script", "link", "img", "iframe", "source", "video", "object", "embed"])
        for attribute in ("src", "href", "data")
        if re.match(r"(https?:)?//", str(tag.get(attribute, "")))
    ]
    styles = [
        f"{path.name}: {match}"
        for path in manual.rglob("*.css")
        for match in re.findall(r"url\(\s*[\"']?(?:https?:)?//[^)]*", path.read_text(encoding="utf-8"))
    ]
    assert found + styles == []


def test_colours_are_named_in_one_place_only() -> None:
    colour = re.compile(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)|\b(?:rgb|hsl|oklch|lab)a?\(")
    found = [
        f"{path.name}:{number}: {line.strip()}"
        for path in sorted((ROOT / "_static" / "css").glob("*.css"))
        if path.name not in ("tokens.css", "print.css")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if colour.search(line)
    ]
    assert found == []


def test_every_picture_and_every_landmark_has_words(parsed: dict[str, BeautifulSoup]) -> None:
    for name, page in parsed.items():
        for image in page.select("img"):
            assert image.get("alt") is not None, (name, image)
        for drawing in page.select("figure svg, .mermaid svg, svg[role=img]"):
            assert drawing.get("aria-label") or drawing.get("aria-labelledby") or drawing.find("title"), name
        labels = [nav.get("aria-label") or nav.get("aria-labelledby") for nav in page.select("nav")]
        assert all(labels), (name, labels)
        assert len(set(labels)) == len(labels), (name, labels)


def test_headings_descend_one_step_at_a_time(parsed: dict[str, BeautifulSoup]) -> None:
    for name, page in parsed.items():
        levels = [
            int(heading.name[1]) for heading in page.select("article h1, article h2, article h3, article h4")
        ]
        assert levels.count(1) == 1, name
        assert levels[0] == 1, name
        assert all(after - before <= 1 for before, after in pairwise(levels)), name


def test_search_finds_a_page_from_the_bar_on_top(manual: Path, open_page: OpenPage) -> None:
    visit = open_page(manual / "architecture" / "index.html")
    visit.page.fill(".topbar-search input", "lease")
    visit.page.press(".topbar-search input", "Enter")
    visit.page.wait_for_selector("#search-results ul.search li")
    assert "search.html?q=lease" in visit.page.url
    assert visit.page.locator("#search-results ul.search li").count() > 1
    assert visit.outside_requests == []
    assert visit.page_errors == []


def test_the_bar_on_top_stays_in_view(manual: Path, open_page: OpenPage) -> None:
    page = open_page(manual / "architecture" / "redis-internals.html").page
    page.evaluate("window.scrollTo(0, 5000)")
    page.wait_for_function("window.scrollY > 1000")
    box = page.locator(".topbar").bounding_box()
    assert box is not None
    assert box["y"] == 0
    seen = "x => document.elementFromPoint(x, 20).closest('.topbar') !== null"
    assert [page.evaluate(seen, x) for x in (30, 700, 1400)] == [True, True, True]


def test_the_manual_can_be_read_without_scripts(manual: Path, open_page: OpenPage) -> None:
    visit = open_page(manual / "architecture" / "job-lifecycle.html", javascript=False)
    assert visit.page.locator(".topbar-sections a").first.is_visible()
    assert visit.page.locator("article figure svg").first.is_visible()
    assert visit.page.locator("article table").first.is_visible()


GOOD = """\
---
audience: [E, O]
owner: queue maintainer
questions:
  - Why does a job wait?
review-by: 2027-05-24
type: reference
---
# Title
"""


def test_front_matter_that_is_right_is_read() -> None:
    facts = read(GOOD)
    assert facts.audience == ("Engineering", "Operations")
    assert facts.questions == ("Why does a job wait?",)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (GOOD, "# Title\n", "no front matter"),
        ("owner: queue maintainer\n", "", "lacks owner"),
        ("[E, O]", "[E, X]", "audience"),
        ("[E, O]", "[]", "audience"),
        ("Why does a job wait?", "Jobs wait", "question mark"),
        ("2027-05-24", "soon", "review-by"),
        ("type: reference", "type: novel", "type"),
        ("type: reference", "type: reference\nstatus: draft", "unknown keys status"),
        ("[E, O]", "[E, O", "not YAML"),
        ("queue maintainer", "''", "owner"),
    ],
)
def test_front_matter_that_is_wrong_is_refused_by_name(old: str, new: str, told: str) -> None:
    with pytest.raises(FrontMatterError, match=told):
        read(GOOD.replace(old, new))
