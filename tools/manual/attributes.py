"""Docstrings of attributes are prose: napoleon is kept from reading what stands before a colon in them as a type."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

PROSE = frozenset({"attribute", "data", "property"})
BEFORE_NAPOLEON, AFTER_NAPOLEON = 100, 900


class _Shelter:
    """Holds a docstring while napoleon looks at it."""

    def __init__(self) -> None:
        self._kept: list[str] = []

    def take(self, app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
        self._kept = list(lines) if what in PROSE else []
        if self._kept:
            lines.clear()

    def give_back(
        self, app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
    ) -> None:
        if self._kept:
            lines[:] = self._kept
            self._kept = []


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the shelter."""
    shelter = _Shelter()
    app.connect("autodoc-process-docstring", shelter.take, priority=BEFORE_NAPOLEON)
    app.connect("autodoc-process-docstring", shelter.give_back, priority=AFTER_NAPOLEON)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
