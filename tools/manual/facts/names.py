"""Names of facts in hand-drawn diagrams: each must exist, and counts as a citation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import KINDS
from .base import Fact, UnknownFact

_EVENTS = "|".join(sorted({name.partition(".")[0] for name in KINDS["event"].facts}))
_PATTERNS = (
    ("event", re.compile(rf"\b(?:{_EVENTS})\.[a-z][a-z_]*(?:\.[a-z_]+)*\b(?!\()")),
    ("setting", re.compile(r"\bEMPROPS_[A-Z0-9_]+\b")),
    ("key", re.compile(r"\bemprops:\{[^}\s]*\}:([a-z_]+)")),
    ("endpoint", re.compile(r"\b(?:GET|POST|PUT|PATCH|DELETE) /[\w/{}.-]*[\w}]")),
    ("command", re.compile(r"\bemprops ([a-z][a-z-]*(?: [a-z][a-z-]*)?)")),
)


def named_facts(text: str) -> Iterator[Fact | UnknownFact]:
    """Return every fact that a text names by the look of its name, and a fault for each that does not exist.

    Args:
        text: source of a diagram.
    """
    for kind_name, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            name = match[1] if pattern.groups else match[0]
            try:
                yield _find(kind_name, name)
            except UnknownFact as error:
                yield error


def _find(kind_name: str, name: str) -> Fact:
    kind = KINDS[kind_name]
    first = name.partition(" ")[0]
    if kind_name == "command" and name not in kind.facts and first in kind.facts:
        return kind.facts[first]
    return kind.find(name)
