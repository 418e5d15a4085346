"""The manual and the code know the same facts, and no page says a figure that the code does not."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from docutils import nodes

from manual.facts import KINDS
from manual.facts.lint import leftovers, typed_numbers
from manual.facts.message import SCHEMAS

DECLARED = [name for name, kind in KINDS.items() if kind.domain == "emp"]
UNDOCUMENTED_KINDS = frozenset({"data", "attribute"})
"""What may go without a docstring of its own: its class or module says what it is for."""


@pytest.fixture(scope="module")
def catalogue(manual: Path) -> dict[str, list[dict[str, Any]]]:
    """The facts of each kind, as the built manual has them."""
    kinds = json.loads((manual / "facts.json").read_text(encoding="utf-8"))["kinds"]
    return {name: kind["facts"] for name, kind in kinds.items()}


@pytest.mark.parametrize("kind", DECLARED)
def test_every_fact_of_the_code_is_described_on_a_page(
    catalogue: dict[str, list[dict[str, Any]]], kind: str
) -> None:
    described = {fact["name"] for fact in catalogue[kind] if fact["page"]}
    assert described == set(KINDS[kind].facts)


def test_every_public_python_object_is_described_on_a_page(
    catalogue: dict[str, list[dict[str, Any]]],
) -> None:
    missing = [
        fact["name"]
        for fact in catalogue["object"]
        if not fact["page"] and (fact["summary"] or fact["fields"]["type"] not in UNDOCUMENTED_KINDS)
    ]
    assert missing == []


def test_every_public_python_object_has_a_docstring() -> None:
    missing = [
        fact.name
        for fact in KINDS["object"].facts.values()
        if not fact.summary and fact.field("type").content[0] not in UNDOCUMENTED_KINDS
    ]
    assert missing == []


def test_every_described_fact_has_its_anchor_on_its_page(
    manual: Path, catalogue: dict[str, list[dict[str, Any]]]
) -> None:
    pages: dict[str, str] = {}
    missing = []
    for kind, facts in catalogue.items():
        for fact in facts:
            if fact["page"]:
                path = f"{fact['page']}.html"
                pages.setdefault(path, (manual / path).read_text(encoding="utf-8"))
                if f'id="{fact["anchor"]}"' not in pages[path]:
                    missing.append(f"{kind} {fact['name']}: {path}#{fact['anchor']}")
    assert missing == []


def test_every_schema_that_a_page_refers_to_is_in_the_document(manual: Path) -> None:
    document = json.loads((manual / "api" / "asyncapi.json").read_text(encoding="utf-8"))
    page = (manual / "implementation" / "websocket-protocol.html").read_text(encoding="utf-8")
    named = set(re.findall(re.escape(SCHEMAS) + r"(\w+)", page))
    assert named
    assert named <= set(document["components"]["schemas"])


def test_the_name_of_a_field_is_no_link(manual: Path) -> None:
    tables = [
        table
        for page in ("websocket-protocol", "monitoring-apis")
        for table in BeautifulSoup(
            (manual / "implementation" / f"{page}.html").read_text(encoding="utf-8"), "html.parser"
        ).select("table.emp-grid")
        if table.th is not None and table.th.get_text() == "Field"
    ]
    names = [row.td for table in tables for row in table.select("tbody tr") if row.td is not None]
    assert "snapshot" in {name.get_text() for name in names}
    assert [name.get_text() for name in names if name.a is not None] == []


def test_no_figure_with_a_unit_is_typed(manual: Path) -> None:
    folder = manual.parent / "doctrees"
    found = []
    for path in sorted(folder.rglob("*.doctree")):
        with path.open("rb") as file:
            doctree = pickle.load(file)
        assert isinstance(doctree, nodes.document)
        page = path.relative_to(folder).with_suffix("")
        found += [f"{page}: {typed}; cite it with emp:value or emp:const" for typed in typed_numbers(doctree)]
    assert found == []


def test_no_markup_is_left_in_the_text_of_a_page(manual: Path) -> None:
    found = [
        f"{path.relative_to(manual)}: {piece}"
        for path in sorted(manual.rglob("*.html"))
        for piece in leftovers(path.read_text(encoding="utf-8"))
    ]
    assert found == []
