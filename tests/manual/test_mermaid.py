"""Diagrams are drawn while the manual is built, and whatever is wrong in one fails the build."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from docutils import nodes
from playwright.sync_api import expect
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.console import nocolor
from sphinx.util.docutils import SphinxDirective, docutils_namespace

from manual.diagram import KINDS, Diagram
from manual.mermaid import mermaid_node
from manual.palette import read_palette
from manual.pele import PeleChanged, draw, library
from tests.browser import OpenPage

ROOT = Path(__file__).resolve().parents[2]
TOKENS = """
:root { --status-pending: rgb(1, 2, 3); --status-running: rgb(4, 5, 6) }
body[data-theme="dark"] { --status-pending: rgb(7, 8, 9) }
@media (prefers-color-scheme: dark) {
  body:not([data-theme="light"]) { --status-pending: rgb(7, 8, 9) }
}
"""
SETTINGS = """
extensions = ["myst_parser", "manual.mermaid"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["css/tokens.css"]
nitpicky = True
myst_heading_anchors = 2
"""


@dataclass
class Built:
    """A project that Sphinx has built."""

    folder: Path
    warnings: str
    failed: bool
    app: Sphinx

    def text(self, path: str) -> str:
        return (self.folder / path).read_text(encoding="utf-8")


Build = Callable[..., Built]

pytestmark = pytest.mark.filterwarnings(
    "ignore:'myst_parser.*is deprecated:sphinx.deprecation.RemovedInSphinx11Warning"
)


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Builds a project of the given pages, with the manual's style sheet of diagrams."""
    source = tmp_path / "source"
    styles = source / "_static" / "css"
    styles.mkdir(parents=True)
    (source / "conf.py").write_text(SETTINGS)
    (styles / "tokens.css").write_text(TOKENS)
    (styles / "diagrams.css").write_text((ROOT / "_static/css/diagrams.css").read_text())

    def run(
        pages: dict[str, str], builder: str = "html", directive: type[SphinxDirective] | None = None
    ) -> Built:
        for name, text in pages.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_text(text)
        out = tmp_path / builder
        warnings = io.StringIO()
        nocolor()
        with docutils_namespace():
            app = Sphinx(
                source,
                source,
                out,
                tmp_path / f"doctrees-{builder}",
                builder,
                status=None,
                warning=warnings,
                freshenv=True,
                warningiserror=True,
            )
            if directive:
                app.add_directive("generated", directive)
            app.build(force_all=True)
        return Built(out, warnings.getvalue(), app.statuscode != 0, app)

    return run


def page(diagram: str, options: str = ":alt: What it shows.") -> str:
    """A page whose only diagram begins in line 3; its source in line 6 if there is one option."""
    return f"# Page\n\n```{{mermaid}}\n{options}\n\n{diagram}\n```\n"


def pictures(markup: str) -> list[ET.Element]:
    return [ET.fromstring(each) for each in re.findall(r"<svg[^>]*class=\"pele.*?</svg>", markup, re.DOTALL)]


def local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def test_a_diagram_is_svg_with_real_text_in_the_page(build: Build) -> None:
    built = build({"index.md": page('flowchart LR\na["API"] -->|submit| b["Valkey"]')})
    assert not built.failed, built.warnings
    (picture,) = pictures(built.text("index.html"))
    texts = {"".join(each.itertext()) for each in picture.iter() if local(each) == "text"}
    assert texts == {"API", "submit", "Valkey"}
    assert not [
        each for each in picture.iter() if local(each) in {"foreignObject", "script", "image", "style"}
    ]


def test_no_page_loads_a_script_for_diagrams(build: Build) -> None:
    built = build({"index.md": page("flowchart LR\na --> b")})
    for name in ("index.html", "genindex.html", "search.html"):
        markup = built.text(name)
        assert not re.search(r"<script[^>]*src=\"(?:https?:)?//|cdn|jsdelivr|mermaid[^\"]*\.m?js", markup), (
            name
        )
        assert "import(" not in markup, name


def test_ids_of_two_diagrams_on_a_page_differ(build: Build) -> None:
    built = build({"index.md": page("flowchart LR\na --> b") + "\n" + page("flowchart LR\na --> b")})
    ids = re.findall(r'\sid="([^"]+)"', built.text("index.html"))
    assert len(pictures(built.text("index.html"))) == 2
    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize(
    ("options", "diagram", "title", "description"),
    [
        (
            ":alt: Alt.",
            "flowchart LR\naccTitle: Own title\naccDescr: Own text\na --> b",
            "Own title",
            "Own text",
        ),
        (":alt: Alt.\n:caption: Caption.", "flowchart LR\na --> b", "Caption.", "Alt."),
        (":alt: Alt.", "flowchart LR\na --> b", "Alt.", None),
        (":caption: Caption.", "flowchart LR\na --> b", "Caption.", None),
    ],
)
def test_a_diagram_is_named_by_its_own_words_then_alt_then_caption(
    build: Build, options: str, diagram: str, title: str, description: str | None
) -> None:
    built = build({"index.md": page(diagram, options)})
    assert not built.failed, built.warnings
    (picture,) = pictures(built.text("index.html"))
    assert picture.get("role") == "img"
    named = {each.get("id"): each.text for each in picture if local(each) in {"title", "desc"}}
    assert named[picture.get("aria-labelledby")] == title
    assert named.get(picture.get("aria-describedby")) == description


def test_a_diagram_without_text_alternative_fails_the_build(build: Build) -> None:
    built = build({"index.md": "# Page\n\nText.\n\n```{mermaid}\nflowchart LR\na --> b\n```\n"})
    assert built.failed
    assert re.search(r"index\.md:5: WARNING: The diagram has no text alternative", built.warnings)


@pytest.mark.parametrize(
    "diagram",
    [
        "flowchart LR\na --> b\nc[[d --> e",
        "flowchart LR\n%% a comment\nc[[d --> e",
        "sequenceDiagram\nA->>B: hi\nthis is no message",
        "---\ntitle: T\n---\nsequenceDiagram\nA->>B: hi\nthis is no message",
    ],
)
def test_a_syntax_error_fails_the_build_at_its_line_and_shows_the_source(build: Build, diagram: str) -> None:
    built = build({"index.md": page(diagram)})
    assert built.failed
    line = 5 + len(diagram.splitlines())
    assert f"index.md:{line}: WARNING: Mermaid cannot draw this" in built.warnings
    assert diagram.splitlines()[-1] in html.unescape(re.sub(r"<[^>]+>", "", built.text("index.html")))


def test_lines_of_restructured_text_are_named_too(build: Build) -> None:
    built = build(
        {"index.rst": "Page\n====\n\n.. mermaid::\n   :alt: Alt.\n\n   flowchart LR\n   a --> b\n   c[[d\n"}
    )
    assert "index.rst:9: WARNING: Mermaid cannot draw this" in built.warnings


def test_lines_of_a_file_with_a_diagram_are_those_of_the_file(build: Build) -> None:
    index = "# Page\n\n```{mermaid} chain.mmd\n:alt: Alt.\n```\n"
    built = build({"index.md": index, "chain.mmd": "flowchart LR\na --> b\nc[[d"})
    assert "chain.mmd:3: WARNING: Mermaid cannot draw this" in built.warnings


class Broken(SphinxDirective):
    """A directive that writes a diagram which cannot be drawn."""

    def run(self) -> list[nodes.Node]:
        return [mermaid_node("flowchart LR\na --> b\nc[[d", location=self.get_source_info(), alt="Alt.")]


def test_a_fault_of_a_diagram_that_code_wrote_is_told_at_its_directive(build: Build) -> None:
    built = build({"index.md": "# Page\n\n```{generated}\n```\n"}, directive=Broken)
    assert built.failed
    assert "index.md:3: WARNING: Mermaid cannot draw this: Parse error on line" in built.warnings


def test_what_is_no_diagram_at_all_fails_the_build_at_the_directive(build: Build) -> None:
    built = build({"index.md": page("nonsense")})
    assert built.failed
    assert "index.md:3: WARNING: Mermaid cannot draw this" in built.warnings


@pytest.mark.parametrize(
    ("diagram", "line"),
    [
        ("flowchart LR\na --> b\nclassDef x fill:#fee", 8),
        ("flowchart LR\na --> b\nstyle a stroke:red", 8),
        ("flowchart LR\na --> b\nlinkStyle 0 stroke:red", 8),
        ("sequenceDiagram\nrect rgb(1,2,3)\nA->>B: hi\nend", 7),
        ("sequenceDiagram\nbox Aqua Group\nparticipant A\nend\nA->>A: hi", 3),
        ('%%{init: {"theme": "forest"}}%%\nflowchart LR\na --> b', 6),
    ],
)
def test_a_fixed_colour_fails_the_build(build: Build, diagram: str, line: int) -> None:
    built = build({"index.md": page(diagram)})
    assert built.failed
    assert f"index.md:{line}: WARNING: A diagram must follow the page's colours" in built.warnings


def test_text_about_colours_is_no_colour(build: Build) -> None:
    built = build({"index.md": page("classDiagram\nclass A {\n+color: red\n}\nA --> B : style fill")})
    assert not built.failed, built.warnings


@pytest.mark.parametrize("kind", KINDS)
def test_a_class_gives_a_box_the_shape_of_its_kind(build: Build, kind: str) -> None:
    built = build({"index.md": page(f'flowchart LR\na["A"]:::{kind} --> b')})
    assert not built.failed, built.warnings
    (picture,) = pictures(built.text("index.html"))
    (box,) = [each for each in picture.iter() if each.get("data-id") == "a"]
    shapes = {"process": "rect", "store": "cyl", "service": "fr-rect", "person": "person", "queue": "h-cyl"}
    assert f"pele-shape-{shapes[kind]}" in box.get("class", "").split()


def test_a_box_of_another_shape_than_its_kind_fails_the_build(build: Build) -> None:
    built = build({"index.md": page("flowchart LR\nb --> a\na([A]):::store")})
    assert built.failed
    assert "index.md:8: WARNING: Node 'a' is a store" in built.warnings


@pytest.mark.parametrize(
    "diagram",
    [
        "flowchart LR\na:::status-pending --> b",
        "stateDiagram-v2\na --> b\nclass a status-pending",
        "stateDiagram-v2\na:::status_pending --> b",
        "classDiagram\nclass a:::status_pending",
    ],
)
def test_a_status_class_takes_the_colour_of_the_status(build: Build, diagram: str) -> None:
    built = build({"index.md": page(diagram)})
    assert not built.failed, built.warnings
    (picture,) = pictures(built.text("index.html"))
    (box,) = [
        each for each in picture.iter() if each.get("data-id") == "a" and "pele-node" in each.get("class", "")
    ]
    assert "--_b:var(--status-pending)" in box.get("style", "")


def test_a_status_without_colour_fails_the_build(build: Build) -> None:
    built = build({"index.md": page("flowchart LR\na:::status-lost --> b")})
    assert built.failed
    assert "index.md:3: WARNING: No style sheet sets a colour --status-lost" in built.warnings


LINKED = """flowchart LR
a["A"] -->|submit| b["B"] --> c["C"]
click a href "sub/target.md#here"
click b href "{doc}`/sub/target`"
click c href "https://example.org/x" "Elsewhere"
"""
TARGET = "# Target\n\n## Here\n\n" + page('flowchart LR\na["A"]\nclick a href "../index.md"').removeprefix(
    "# Page\n\n"
)
TREE = "\n```{toctree}\nsub/target\n```\n"


def hrefs(svg: ET.Element) -> list[str | None]:
    return [each.get("href") for each in svg.iter() if local(each) == "a"]


def test_links_of_labels_are_references_of_the_page(build: Build) -> None:
    built = build({"index.md": page(LINKED) + TREE, "sub/target.md": TARGET})
    assert not built.failed, built.warnings
    (picture,) = pictures(built.text("index.html"))
    assert hrefs(picture) == ["sub/target.html#here", "sub/target.html", "https://example.org/x"]
    assert picture.get("role") == "graphics-document document", "the links of an image are not told"
    (back,) = pictures(built.text("sub/target.html"))
    assert hrefs(back) == ["../index.html"]


def test_links_of_the_large_file_lead_from_its_folder(build: Build) -> None:
    built = build({"index.md": page(LINKED) + TREE, "sub/target.md": TARGET})
    large = ET.fromstring(built.text("_images/index-diagram-1.svg"))
    assert hrefs(large) == ["../sub/target.html#here", "../sub/target.html", "https://example.org/x"]
    back = ET.fromstring(built.text("_images/sub--target-diagram-1.svg"))
    assert hrefs(back) == ["../index.html"]
    assert 'href="../_images/sub--target-diagram-1.svg"' in built.text("sub/target.html")


@pytest.mark.parametrize(
    ("click", "message"),
    [
        ('click a href "nowhere.md"', "index.md:8: WARNING: "),
        ('click z href "https://example.org"', "index.md:3: WARNING: A link is given for 'z'"),
        ("click a call open()", "index.md:8: WARNING: A link must be written as"),
    ],
)
def test_a_link_that_leads_nowhere_fails_the_build(build: Build, click: str, message: str) -> None:
    built = build({"index.md": page(f"flowchart LR\na --> b\n{click}")})
    assert built.failed
    assert message in built.warnings


class Generated(SphinxDirective):
    """A directive that writes a diagram, as those of the facts do."""

    def run(self) -> list[nodes.Node]:
        def link(document: str) -> pending_xref:
            return pending_xref(
                "",
                nodes.inline("", "What it means"),
                refdomain="std",
                reftype="doc",
                reftarget=document,
                refexplicit=True,
                refdoc=self.env.docname,
            )

        return [
            mermaid_node(
                "stateDiagram-v2\npending --> running: claim",
                location=self.get_source_info(),
                alt="A claim makes a pending job run.",
                caption="A claim.",
                links={"pending": link("/sub/target"), "claim": link("/index")},
            )
        ]


def test_code_makes_diagrams_whose_nodes_and_edges_are_references(build: Build) -> None:
    index = "# Page\n\n```{generated}\n```\n" + TREE
    target = "# Target\n\n```{generated}\n```\n"
    built = build({"index.md": index, "sub/target.md": target}, directive=Generated)
    assert not built.failed, built.warnings
    (picture,) = pictures(built.text("index.html"))
    assert sorted(map(str, hrefs(picture))) == ["#", "sub/target.html"]
    (picture,) = pictures(built.text("sub/target.html"))
    assert sorted(map(str, hrefs(picture))) == ["#", "../index.html"]
    titles = {
        each.text for link in picture.iter() if local(link) == "a" for each in link if local(each) == "title"
    }
    assert titles == {"What it means"}


def test_a_name_refers_to_the_figure(build: Build) -> None:
    options = ":alt: Alt.\n:caption: The caption.\n:name: flow"
    built = build({"index.md": page("flowchart LR\na --> b", options) + "\nSee {ref}`flow`.\n"})
    assert not built.failed, built.warnings
    assert re.search(r'<figure[^>]* id="flow"', built.text("index.html"))
    assert 'href="#flow"><span class="std std-ref">The caption.' in built.text("index.html")


def test_a_name_without_caption_refers_to_the_diagram(build: Build) -> None:
    built = build(
        {"index.md": page("flowchart LR\na --> b", ":alt: Alt.\n:name: flow") + "\n[See](#flow).\n"}
    )
    assert not built.failed, built.warnings
    assert re.search(r'<div class="diagram[^>]* id="flow"', built.text("index.html"))


def test_a_gantt_chart_does_not_depend_on_the_day_of_the_build() -> None:
    source = "gantt\ndateFormat YYYY-MM-DD\nsection S\nA :2025-12-30, 10d"
    assert "pele-today" in draw(source, prefix="x", shapes=KINDS).svg, "its today is 2026-01-01"


def test_two_builds_are_equal(build: Build) -> None:
    gantt = "gantt\ndateFormat YYYY-MM-DD\nsection S\nA :a, 2026-01-01, 3d\nB :after a, 400d"
    first = build({"index.md": page(gantt)})
    markup, large = first.text("index.html"), first.text("_images/index-diagram-1.svg")
    second = build({"index.md": page(gantt)})
    assert (second.text("index.html"), second.text("_images/index-diagram-1.svg")) == (markup, large)


def test_other_formats_get_a_file_without_variables(build: Build) -> None:
    diagram = 'stateDiagram-v2\npending --> running: claim\nclass pending status-pending\nclick pending href "#page"'
    built = build({"index.md": page(diagram, ":alt: Alt.\n:caption: Caption.")}, "dummy")
    assert not built.failed, built.warnings
    doctree = built.app.env.get_doctree("index")
    built.app.env.resolve_references(doctree, "index", built.app.builder)
    (image,) = doctree.findall(nodes.image)
    assert image["alt"] == "Alt."
    assert image["candidates"] == {"image/svg+xml": image["uri"]}
    assert image["uri"] in built.app.env.images
    text = Path(image["uri"]).read_text(encoding="utf-8")
    assert "var(" not in text
    assert "--" not in text
    picture = ET.fromstring(text)
    assert picture.get("font-family", "").startswith("Arimo")
    (fill,) = [each.get("fill") for each in picture.iter() if each.get("fill-opacity")]
    assert fill == "rgb(1, 2, 3)"
    assert hrefs(picture) == []


def test_text_of_a_page_has_the_alternative(build: Build) -> None:
    built = build({"index.md": page("flowchart LR\na --> b")}, "text")
    assert "What it shows." in built.text("index.txt")


def test_diagrams_follow_light_and_dark(build: Build, open_page: OpenPage) -> None:
    built = build({"index.md": page("flowchart LR\na:::status-pending --> b")})
    colours = {}
    for scheme, expected in (("light", "rgb(1, 2, 3)"), ("dark", "rgb(7, 8, 9)")):
        for file, name in (("index.html", "page"), ("_images/index-diagram-1.svg", "large")):
            opened = open_page(
                built.folder / file, scheme="dark" if scheme == "dark" else "light", javascript=False
            )
            box = opened.page.locator("[data-id=a].pele-node rect")
            expect(box).to_have_css("stroke", expected)
            label = opened.page.locator("[data-id=b].pele-node text")
            colours[scheme, name] = label.evaluate("each => getComputedStyle(each).fill")
            assert not opened.console_errors
    assert colours["light", "page"] == colours["light", "large"]
    assert colours["dark", "page"] == colours["dark", "large"]
    assert colours["light", "page"] != colours["dark", "page"]


def test_a_wide_diagram_scrolls_in_its_own_box_and_stays_legible(build: Build, open_page: OpenPage) -> None:
    wide = "flowchart LR\n" + " --> ".join(f'n{i}["a long label of box {i}"]' for i in range(9))
    built = build({"index.md": page(wide, ":alt: A chain of nine.")})
    opened = open_page(built.folder / "index.html", width=390).page
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
    box = opened.get_by_role("group", name="Diagram, may scroll: A chain of nine.")
    box.focus()
    expect(box).to_be_focused()
    opened.keyboard.press("ArrowRight")
    opened.wait_for_function("document.querySelector('.diagram-box').scrollLeft > 0")
    scale = opened.locator(".diagram-box > svg").evaluate(
        "s => s.getBoundingClientRect().width / s.viewBox.baseVal.width"
    )
    assert scale * 14 >= 12


def test_a_small_diagram_is_no_stop_for_the_keyboard(build: Build) -> None:
    assert (
        "tabindex"
        not in re.findall(
            r"<div class=\"diagram-box[^>]*>",
            build({"index.md": page("flowchart LR\na --> b")}).text("index.html"),
        )[0]
    )


def test_a_diagram_opens_large_without_javascript(build: Build, open_page: OpenPage) -> None:
    built = build({"index.md": page("flowchart LR\na --> b", ":alt: A to b.")})
    opened = open_page(built.folder / "index.html", javascript=False).page
    before = opened.locator("svg.pele").bounding_box()
    opened.get_by_role("link", name="Open large: A to b.").click()
    opened.wait_for_url("**/_images/index-diagram-1.svg")
    after = opened.locator("svg.pele").bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] == 1440 > before["width"]


def test_another_pele_is_refused() -> None:
    with pytest.raises(PeleChanged, match="to move to another one, look at every diagram"):
        library(expected_sha256="0" * 64)


def test_every_kind_of_diagram_that_pages_use_takes_its_colours_from_the_page() -> None:
    for source in (
        "flowchart LR\na --> b",
        "stateDiagram-v2\n[*] --> a\na --> [*]",
        "sequenceDiagram\nA->>B: hi\nNote over A: n",
        "classDiagram\nA --> B",
        "erDiagram\nA ||--o{ B : has",
        "gantt\ndateFormat YYYY-MM-DD\nsection S\nA :crit, a, 2026-01-01, 3d",
        "timeline\n2025 : a",
    ):
        assert Diagram(draw(source, prefix="x", shapes=KINDS).svg).fixed_colours() == set(), source


def test_the_palette_takes_base_rules_as_light_and_theme_rules_as_dark() -> None:
    palette = read_palette(
        (
            "body{--a:var(--b, 1px);--c:red}@media print{body{--c:black}}",
            ':root{--b: calc(1px + var(--d,2px))}@media not print{body[data-theme="dark"]{--c:blue}}',
            "@media (prefers-color-scheme: dark){body:not([data-theme=light]){--c:green}}",
        )
    )
    assert palette.value("--a") == "calc(1px + 2px)"
    assert (palette.value("--c"), palette.value("--c", "dark")) == ("red", "blue")
    assert palette.value("--none") is None
