"""The `emp` domain binds pages to the code: real builds of small manuals, some of them against changed code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from docutils import nodes
from docutils.utils import new_document
from playwright.sync_api import Browser
from sphinx.util.inventory import InventoryFile

from manual.facts import KINDS
from manual.facts.base import UnknownFact
from manual.facts.lint import leftovers, typed_numbers
from manual.facts.quantity import formatted, quantity, span
from tests.browser import OpenPage
from tests.build_server import BuildServer

ROOT = Path(__file__).resolve().parents[2]
CONF = """
project = "Small manual"
extensions = ["myst_parser", "sphinx.ext.autodoc", "manual.domain"]
html_static_path = [{static!r}]
html_theme = "basic"
nitpicky = True
"""
HOMES = {
    "status": "lifecycle",
    "transition": "lifecycle",
    "outcome": "lifecycle",
    "criterion": "matching",
    "setting": "settings",
    "error": "errors",
    "event": "events",
    "key": "keys",
    "script": "scripts",
    "command": "commands",
}


@dataclass
class Project:
    """A small manual in a folder of its own.

    Attributes:
        folder: the folder.
        code: folder that holds the packages; a copy may be changed.
        server: what builds it; ``None``: a process that imports the packages from `code`.
    """

    folder: Path
    code: Path
    server: BuildServer | None = None

    def write(self, **pages: str) -> None:
        """Write pages; each gets a title."""
        for name, text in pages.items():
            body = f"# Page {name}\n\n{text}\n"
            (self.folder / f"{name}.md").write_text(body, encoding="utf-8")
        others = "\n".join(sorted(path.stem for path in self.folder.glob("*.md") if path.stem != "index"))
        index = f"# Index\n\n```{{toctree}}\n{others}\n```\n"
        path = self.folder / "index.md"
        if not path.exists() or path.read_text(encoding="utf-8") != index:
            path.write_text(index, encoding="utf-8")

    def build(self, *options: str) -> tuple[int, str]:
        """Build in a process of its own; return its exit status and what it printed."""
        if self.server is not None:
            arguments = ["-q", *options, str(self.folder), str(self.html)]
            return self.server.build(arguments, self.folder.with_suffix(".log"))
        done = subprocess.run(
            [sys.executable, "-m", "sphinx", "-q", *options, str(self.folder), str(self.html)],
            env={**os.environ, "PYTHONPATH": f"{self.code}:{ROOT / 'tools'}"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def built(self) -> None:
        """Build, with every warning an error."""
        status, output = self.build("-W", "--keep-going")
        assert status == 0, output

    def refused(self) -> str:
        """Build what must not build; return what it says."""
        status, output = self.build("-W", "--keep-going")
        assert status != 0, "the manual was built in spite of its fault"
        return output

    @property
    def html(self) -> Path:
        """Folder of the built pages."""
        return self.folder / "_build"

    def page(self, name: str) -> str:
        """Return a built page."""
        return (self.html / f"{name}.html").read_text(encoding="utf-8")

    def facts(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the facts of a kind by name, as `facts.json` has them."""
        catalogue = json.loads((self.html / "facts.json").read_text(encoding="utf-8"))
        return {fact["name"]: fact for fact in catalogue["kinds"][kind]["facts"]}

    def cards(self) -> dict[str, Any]:
        """Return the data of the cards by anchor."""
        text = (self.html / "_static" / "emp-cards.js").read_text(encoding="utf-8")
        cards: dict[str, Any] = json.loads(text.removeprefix("window.empCards=").removesuffix(";\n"))
        return cards


def make(folder: Path, code: Path, server: BuildServer | None = None) -> Project:
    """Make a small manual."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "conf.py").write_text(CONF.format(static=str(ROOT / "_static")), encoding="utf-8")
    return Project(folder, code, server)


@pytest.fixture(scope="module")
def build_server() -> Iterator[BuildServer]:
    """Builds small manuals of the packages as they are."""
    with BuildServer() as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, build_server: BuildServer) -> Project:
    """A small manual of the packages as they are."""
    return make(tmp_path / "manual", ROOT / "packages", build_server)


@pytest.fixture
def changeable(tmp_path: Path) -> Project:
    """A small manual of a copy of the packages that a test may change."""
    code = tmp_path / "packages"
    shutil.copytree(ROOT / "packages", code, ignore=shutil.ignore_patterns("__pycache__"))
    return make(tmp_path / "manual", code)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, build_server: BuildServer) -> Project:
    """A small manual that describes every fact and cites a few; built."""
    project = make(tmp_path_factory.mktemp("reference"), ROOT / "packages", build_server)
    lists: dict[str, str] = {}
    for kind, page in HOMES.items():
        lists[page] = lists.get(page, "") + f"## {kind}\n\n```{{emp:list}} {kind}\n```\n\n"
    project.write(
        **lists,
        citing=(
            "A {emp:status}`pending` job, {emp:error}`lease_lost`, {emp:error}`the lease is gone <lease_lost>`, "
            "{emp:setting}`lease_seconds` is {emp:value}`setting:lease_seconds`, {emp:event}`job.claimed`, "
            "{emp:value}`error:lease_lost.http_status`, {emp:count}`status` statuses, {emp:term}`lease`, "
            "{emp:const}`emprops.core.retry.JITTER as percent`, "
            "{emp:const}`emprops.core.retry.RetryPolicy.max_attempts.max`."
        ),
        glossary="```{glossary}\nlease\n  The time for which a worker holds a job.\n```",
        pictures="```{emp:diagram} lifecycle\n```\n\n```{emp:diagram} layers\n```",
        uses="```{emp:usage} error\n```\n\n```{emp:exit-statuses}\n```",
        extract="```{emp:list} setting\n:only: lease_seconds worker_concurrency\n:columns: default unit\n```",
    )
    status, output = project.build()
    assert status == 0, output
    # The colours of statuses come with the manual's own style sheets, which a small manual goes without.
    faults = [line for line in output.splitlines() if "WARNING" in line and "--status-" not in line]
    assert not faults, output
    return project


def test_unknown_fact_fails_the_build_and_names_the_nearest(project: Project) -> None:
    project.write(a="x\n\nIt ends as {emp:error}`lease_lots`.")
    output = project.refused()
    assert "a.md:5" in output
    assert "no error 'lease_lots'; did you mean 'lease_lost'" in output


def test_fault_is_told_again_by_the_next_build(project: Project) -> None:
    project.write(a="It ends as {emp:error}`lease_lots`.")
    project.refused()
    assert "lease_lots" in project.refused()


WRONG = (
    ("{emp:value}`setting:lease_secs`", "no setting"),
    ("{emp:value}`error:lease_lost`", "has no field ''"),
    ("{emp:value}`error:lease_lost.http`", "did you mean 'http_status'"),
    ("{emp:value}`seting:lease_seconds`", "did you mean 'setting'"),
    ("{emp:count}`errors`", "did you mean 'error'"),
    ("{emp:const}`emprops.core.retry.JITTERS`", "did you mean 'JITTER'"),
    ("{emp:const}`emprops.core.retry.JITTER as parsecs`", "no format 'parsecs'"),
    ("{emp:const}`emprops.core.retry.RetryPolicy.max_attempts.max_length`", "no limit 'max_length'"),
    ("{emp:term}`leese`", "no term 'leese'"),
    ("```{emp:list} eror\n```", "did you mean 'error'"),
    ("```{emp:list} error\n:only: lease_lots\n```", "did you mean 'lease_lost'"),
    ("```{emp:list} error\n:columns: http\n```", "did you mean 'http_status'"),
    ("```{emp:list} setting\n:group: The queu\n```", "did you mean 'The queue'"),
    ("```{emp:list} error\n:sort: code\n```", "Unknown option key: 'sort'"),
    ("```{emp:list} object\n```", "the py domain describes them"),
    ("```{emp:diagram} lifecicle\n```", "did you mean 'lifecycle'"),
    ("```{mermaid}\n:alt: x\nflowchart LR\n  a[job.clamed]\n```", "did you mean 'job.claimed'"),
    ("```{mermaid}\n:alt: x\nflowchart LR\n  a[EMPROPS_LEASE_SECOND]\n```", "'EMPROPS_LEASE_SECONDS'"),
    ('```{mermaid}\n:alt: x\nflowchart LR\n  a["emprops:{pool}:pendin"]\n```', "did you mean 'pending'"),
    ("See [there](missing.md).", "cross-reference target not found: 'missing.md'"),
)
"""Wrong citations, and what the build says of each."""


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory, build_server: BuildServer) -> list[str]:
    """What is wrong with a small manual in which each wrong citation is on a page of its own, line by line."""
    project = make(tmp_path_factory.mktemp("wrong"), ROOT / "packages", build_server)
    project.write(
        terms="```{glossary}\nlease\n  Time.\n```",
        **{f"wrong-{number}": text for number, (text, _) in enumerate(WRONG)},
    )
    return project.refused().splitlines()


@pytest.mark.parametrize("number", range(len(WRONG)), ids=[text for text, _ in WRONG])
def test_wrong_citation_fails_the_build(refusals: list[str], number: int) -> None:
    """With `-W`, any line that warns makes the build fail."""
    said = [
        line for line in refusals if f"wrong-{number}.md:" in line and ("WARNING" in line or "ERROR" in line)
    ]
    assert any(WRONG[number][1] in line for line in said), said


def test_fact_described_on_two_pages_fails_the_build(project: Project) -> None:
    project.write(a="```{emp:list} outcome\n```", b="```{emp:list} outcome\n```")
    assert "outcome 'lost' is described on a already" in project.refused()


def test_citation_of_a_fact_that_no_page_describes_fails_the_build(project: Project) -> None:
    project.write(a="It is {emp:outcome}`lost`.")
    output = project.refused()
    assert "outcome 'lost' is cited but no page describes it ({emp:list} outcome does)" in output
    assert "a.md:3" in output


@pytest.mark.parametrize("kind", HOMES)
def test_list_of_a_kind_describes_every_fact(reference: Project, kind: str) -> None:
    page = reference.page(HOMES[kind])
    for fact in KINDS[kind].facts.values():
        assert page.count(f'id="{fact.anchor}"') == 1, fact.name
    listed = reference.facts(kind)
    assert set(listed) == set(KINDS[kind].facts)
    assert {fact["page"] for fact in listed.values()} <= {HOMES[kind]}


def test_every_kind_that_code_declares_has_facts() -> None:
    for kind in KINDS.values():
        assert bool(kind.facts) == (kind.name != "term"), kind.name


def test_every_fact_says_what_it_is_and_where() -> None:
    for name in HOMES:
        for fact in KINDS[name].facts.values():
            assert fact.summary, f"{name} {fact.name} has no summary"
            lines = fact.source.file.read_text(encoding="utf-8").splitlines()
            assert 1 <= fact.source.line <= len(lines)


def test_citation_links_to_the_description(reference: Project) -> None:
    page = reference.page("citing")
    assert 'href="errors.html#emp-error-lease_lost"' in page
    assert 'class="emp-fact emp-status emp-status-pending reference internal"' in page
    assert ">the lease is gone</span></a>" in page
    assert 'href="events.html#emp-event-job.claimed"' in page


def test_values_are_those_of_the_code(reference: Project) -> None:
    page = reference.page("citing")
    for shown in ("30\N{NO-BREAK SPACE}s", "409", "six", "25\N{NO-BREAK SPACE}%", "20"):
        assert f'<span class="emp-value">{shown}</span>' in page


def test_card_has_definition_values_source_and_the_pages_that_cite(reference: Project) -> None:
    card = reference.cards()["emp-setting-lease_seconds"]
    assert card["title"] == "EMPROPS_LEASE_SECONDS"
    assert card["summary"].startswith("How long a job stays with a silent worker.")
    assert ["Default", "30\N{NO-BREAK SPACE}s"] in card["fields"]
    assert card["source"].startswith("packages/emprops/core/settings.py:")
    assert card["pages"] == [["Page citing", "citing.html"], ["Page extract", "extract.html"]]


def test_card_of_a_term_is_its_definition(reference: Project) -> None:
    card = reference.cards()["term-lease"]
    assert card["summary"] == "The time for which a worker holds a job."


def test_usage_table_names_the_pages_that_cite(reference: Project) -> None:
    row = reference.page("uses").split('href="errors.html#emp-error-lease_lost"')[1].split("</tr>")[0]
    assert 'href="citing.html"' in row
    assert "no other page" not in row


def test_diagram_has_every_status_and_transition_as_a_link(reference: Project) -> None:
    page = reference.page("pictures")
    for kind in ("status", "transition"):
        for fact in KINDS[kind].facts.values():
            assert f'href="lifecycle.html#{fact.anchor}"' in page, fact.name


def test_inventory_and_search_know_every_fact_by_its_exact_name(reference: Project) -> None:
    data = (reference.html / "objects.inv").read_bytes()
    inventory = InventoryFile.loads(data, uri="")
    index = (reference.html / "searchindex.js").read_text(encoding="utf-8")
    terms = json.loads(index.removeprefix("Search.setIndex(").removesuffix(")"))
    objects = {
        f"{prefix}.{entry[4]}".lstrip(".") for prefix, found in terms["objects"].items() for entry in found
    }
    for name in HOMES:
        for fact in KINDS[name].facts.values():
            assert inventory.data[f"emp:{name}"][fact.title].uri.endswith(f"#{fact.anchor}"), fact.name
            assert fact.title in objects, fact.name
    assert "lease_lost" in terms["terms"]


def test_facts_json_is_the_same_in_every_build(reference: Project) -> None:
    before = (reference.html / "facts.json").read_bytes()
    reference.build("-E")
    assert (reference.html / "facts.json").read_bytes() == before


def test_parallel_build_keeps_what_every_page_cites(reference: Project) -> None:
    before = (reference.html / "facts.json").read_bytes()
    status, output = reference.build("-E", "-j", "2")
    assert status == 0, output
    assert (reference.html / "facts.json").read_bytes() == before


def test_changed_code_changes_the_pages_that_cite_it(changeable: Project) -> None:
    changeable.write(
        a="{emp:value}`setting:lease_seconds`",
        b="```{emp:list} setting\n```",
        c="No facts.",
    )
    changeable.build()
    assert "30\N{NO-BREAK SPACE}s" in changeable.page("a")
    untouched = (changeable.html / "c.html").stat().st_mtime_ns
    settings = changeable.code / "emprops" / "core" / "settings.py"
    text = settings.read_text(encoding="utf-8")
    assert "        30.0,\n" in text
    settings.write_text(text.replace("        30.0,\n", "        45.0,\n", 1), encoding="utf-8")
    changeable.build()
    assert "45\N{NO-BREAK SPACE}s" in changeable.page("a")
    assert "45\N{NO-BREAK SPACE}s" in changeable.page("b")
    assert (changeable.html / "c.html").stat().st_mtime_ns == untouched


def test_renamed_fact_fails_the_next_build(changeable: Project) -> None:
    changeable.write(a="{emp:error}`lease_lost`", b="```{emp:list} error\n```")
    changeable.build()
    for path in [*changeable.code.rglob("errors.py"), *changeable.code.rglob("*.lua")]:
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("lease_lost", "lease_gone"), encoding="utf-8")
    output = changeable.refused()
    assert "no error 'lease_lost'; did you mean" in output
    assert "'lease_gone'" in output


def test_moved_description_moves_the_links_of_pages_that_did_not_change(project: Project) -> None:
    project.write(a="It is {emp:outcome}`lost`.", b="```{emp:list} outcome\n```", c="Nothing.")
    project.built()
    project.write(b="Nothing.", c="```{emp:list} outcome\n```")
    project.built()
    assert 'href="c.html#emp-outcome-lost"' in project.page("a")


def test_build_without_a_change_writes_no_page(project: Project) -> None:
    project.write(
        a="It is {emp:outcome}`lost`.", b="```{emp:list} outcome\n```", c="```{emp:usage} outcome\n```"
    )
    project.built()
    before = {path: path.stat().st_mtime_ns for path in project.html.glob("?.html")}
    project.built()
    assert {path: path.stat().st_mtime_ns for path in project.html.glob("?.html")} == before


def test_usage_table_follows_citations_on_other_pages(project: Project) -> None:
    project.write(
        a="It is {emp:outcome}`lost`.", b="```{emp:list} outcome\n```", c="```{emp:usage} outcome\n```"
    )
    project.built()
    assert 'href="a.html"' in project.page("c").split("<table")[1].split("</table")[0]
    project.write(a="It is {emp:outcome}`failed`.", d="It is {emp:outcome}`lost`.")
    project.built()
    lost = project.page("c").split('href="b.html#emp-outcome-lost"')[1].split("</tr>")[0]
    assert 'href="d.html"' in lost
    assert 'href="a.html"' not in lost


def test_page_that_is_removed_no_longer_cites(project: Project) -> None:
    project.write(a="It is {emp:outcome}`lost`.", b="```{emp:list} outcome\n```")
    project.built()
    assert project.facts("outcome")["lost"]["used_on"] == ["a"]
    (project.folder / "a.md").unlink()
    project.write()
    project.built()
    assert project.facts("outcome")["lost"]["used_on"] == []


def test_fact_that_no_page_describes_is_known_as_such(project: Project) -> None:
    project.write(a="```{emp:list} outcome\n```")
    project.built()
    assert project.facts("outcome")["lost"]["page"] == "a"
    assert {fact["page"] for fact in project.facts("error").values()} == {None}


def test_list_with_a_group_describes_that_group(project: Project) -> None:
    project.write(a="```{emp:list} setting\n:group: A worker\n```")
    status, output = project.build()
    assert status == 0, output
    described = {name for name, fact in project.facts("setting").items() if fact["page"]}
    assert described == {fact.name for fact in KINDS["setting"].facts.values() if fact.group == "A worker"}


def test_card_opens_when_pointed_at_and_closes_on_escape(reference: Project, open_page: OpenPage) -> None:
    visit = open_page(reference.html / "citing.html")
    visit.page.locator("a.emp-error").first.hover()
    card = visit.page.locator("#emp-card")
    card.wait_for(state="visible")
    assert "The worker does not hold this job any more." in card.inner_text()
    visit.page.keyboard.press("Escape")
    card.wait_for(state="hidden")
    assert not visit.page_errors


def test_card_opens_on_keyboard_focus_and_is_announced(reference: Project, open_page: OpenPage) -> None:
    page = open_page(reference.html / "citing.html").page
    link = page.locator("a.emp-status").first
    page.keyboard.press("Tab")
    link.focus()
    card = page.locator("#emp-card")
    card.wait_for(state="visible")
    assert "The job is in the queue" in card.inner_text()
    assert link.get_attribute("aria-describedby") == "emp-card"


def test_card_names_the_other_pages_that_cite(reference: Project, open_page: OpenPage) -> None:
    page = open_page(reference.html / "citing.html").page
    page.locator("a.emp-setting").first.hover()
    card = page.locator("#emp-card")
    card.wait_for(state="visible")
    assert "Also used on Page extract" in card.inner_text()
    assert "Page citing" not in card.inner_text()


def test_first_tap_opens_the_card_and_the_description_is_a_tap_away(
    reference: Project, chromium: Browser
) -> None:
    with chromium.new_context(viewport={"width": 390, "height": 800}, has_touch=True) as context:
        page = context.new_page()
        address = (reference.html / "citing.html").as_uri()
        page.goto(address)
        page.locator("a.emp-error").first.tap()
        card = page.locator("#emp-card")
        card.wait_for(state="visible")
        assert page.url == address
        box = card.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        card.get_by_text("Open its description").tap()
        page.wait_for_url("**/errors.html#emp-error-lease_lost")


def test_without_scripts_a_citation_is_a_link_with_its_definition(
    reference: Project, open_page: OpenPage
) -> None:
    page = open_page(reference.html / "citing.html", javascript=False).page
    link = page.locator("a.emp-error").first
    assert link.get_attribute("title") == "The worker does not hold this job any more."
    link.click()
    page.wait_for_url("**/errors.html#emp-error-lease_lost")


def test_find_takes_names_and_aliases_and_refuses_others() -> None:
    settings = KINDS["setting"]
    assert settings.find("EMPROPS_LEASE_SECONDS") is settings.find("lease_seconds")
    assert KINDS["object"].find("RetryPolicy").name == "emprops.core.retry.RetryPolicy"
    with pytest.raises(UnknownFact, match="did you mean 'lease_seconds'"):
        settings.find("lease_second")


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (30.0, "s", "30 s"),
        (0.25, "s", "0.25 s"),
        (0.05, "s", "50 ms"),
        (60, "s", "60 s"),
        (300, "s", "5 minutes"),
        (3600, "s", "1 hour"),
        (604_800.0, "s", "7 days"),
        (1_048_576, "bytes", "1 MiB"),
        (1, "bytes", "1 byte"),
        (1500, "bytes", "1,500 bytes"),
        (1, "jobs", "1 job"),
        (1, "entries", "1 entry"),
        (100_000, "entries", "100,000 entries"),
        (True, "yes/no", "yes"),
        ("", "URL", "empty"),
    ],
)
def test_quantity_is_what_a_reader_would_say(value: object, unit: str, shown: str) -> None:
    assert quantity(value, unit).replace("\N{NO-BREAK SPACE}", " ") == shown


def test_range_says_a_shared_unit_once() -> None:
    assert span(1, 64, "jobs").replace("\N{NO-BREAK SPACE}", " ") == "1 to 64 jobs"
    assert span(0.2, 3600, "s").replace("\N{NO-BREAK SPACE}", " ") == "0.2 s to 1 hour"


def test_percentage_is_rounded_to_what_is_meant() -> None:
    assert formatted(0.1 + 0.2, "percent") == "30\N{NO-BREAK SPACE}%"


@pytest.mark.parametrize(
    "text", ["waits 30 s", "after 5 minutes", "25 % of it", "1 MiB", "a 10-second lease"]
)
def test_typed_number_with_a_unit_is_found(text: str) -> None:
    page = new_document("page")
    page += nodes.paragraph("", text)
    assert list(typed_numbers(page))


@pytest.mark.parametrize(
    "text", ["in six steps", "chapter 3 says", "section 2.1, see 4", "Python 3.11", "HTTP 409"]
)
def test_number_without_a_unit_is_left_alone(text: str) -> None:
    page = new_document("page")
    page += nodes.paragraph("", text)
    page += nodes.literal_block("", "sleep 30 s")
    page += nodes.paragraph("", "", nodes.inline("", "30 s", classes=["emp-value"]))
    assert not list(typed_numbers(page))


@pytest.mark.parametrize(
    "text", [".. note:: x", "see {emp:error}`x`", "see :ref:`x`", "```{note}", ":::{tip}"]
)
def test_markup_that_was_not_understood_is_found(text: str) -> None:
    assert list(leftovers(f"<p>{text}</p>"))


def test_markup_shown_as_code_is_left_alone() -> None:
    assert not list(leftovers("<pre>.. note:: x</pre><p><code>{emp:error}`x`</code> and a: b</p>"))
