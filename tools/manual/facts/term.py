"""Facts about terms: the glossary pages declare them, so they are known once those are read."""

from __future__ import annotations

from collections.abc import Iterable

from .base import Fact, Kind


class Terms(Kind):
    """Words with one meaning in this system."""

    name = "term"
    label = "term"
    plural = "terms"
    code = False
    domain = "std"

    def load(self) -> Iterable[Fact]:
        """Return nothing: no code declares a term."""
        return ()
