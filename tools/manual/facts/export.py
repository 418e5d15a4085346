"""What the facts are outside the pages: `facts.json`, and the data of the cards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import KINDS
from .base import Fact, Field, Kind, Scalar
from .render import plain

if TYPE_CHECKING:
    from ..domain import EmpDomain

CARDS = "_static/emp-cards.js"


def _value(field: Field) -> Scalar:
    return field.value if field.value is not None else plain(field.content)


def _facts(domain: EmpDomain, kind: Kind) -> Iterator[dict[str, Any]]:
    for fact in domain.facts(kind):
        page, anchor = domain.home(fact) or (None, None)
        yield {
            "name": fact.name,
            "title": fact.title,
            "summary": plain((fact.summary,)),
            "group": fact.group or None,
            "fields": {field.name: _value(field) for field in fact.fields},
            "source": str(fact.source) if fact.source.path else None,
            "page": page,
            "anchor": anchor,
            "used_on": domain.used_on(fact),
        }


def catalogue(domain: EmpDomain) -> dict[str, Any]:
    """Return every fact of every kind, with the page that describes it and the pages that cite it."""
    return {
        "schema": 1,
        "kinds": {
            kind.name: {"label": kind.label, "plural": kind.plural, "facts": list(_facts(domain, kind))}
            for kind in KINDS.values()
        },
    }


def _cards(domain: EmpDomain) -> Iterator[tuple[str, dict[str, Any]]]:
    uri = domain.page_uri
    for kind in KINDS.values():
        for fact in domain.facts(kind):
            home = domain.home(fact)
            if home is None:
                continue
            yield (
                home[1],
                {
                    "kind": kind.label,
                    "title": fact.title,
                    "code": kind.code,
                    "summary": plain((fact.summary,)),
                    "fields": _rows(kind, fact),
                    "source": str(fact.source) if fact.source.path else "",
                    "pages": [[domain.page_title(page), uri(page)] for page in domain.used_on(fact)],
                },
            )


def _rows(kind: Kind, fact: Fact) -> list[list[str]]:
    fields = [fact.field(name) for name in kind.card]
    return [[field.label, plain(field.content)] for field in fields]


def write(domain: EmpDomain, folder: Path) -> None:
    """Write `facts.json` and the cards below a built HTML folder.

    Args:
        domain: the domain, all pages read.
        folder: the folder of the built pages.
    """
    text = json.dumps(catalogue(domain), indent=1, ensure_ascii=False, sort_keys=True)
    (folder / "facts.json").write_text(text + "\n", encoding="utf-8")
    cards = json.dumps(dict(_cards(domain)), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    (folder / CARDS).write_text(f"window.empCards={cards};\n", encoding="utf-8")
