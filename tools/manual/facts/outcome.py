"""Facts about how an attempt at a job ends."""

from __future__ import annotations

from collections.abc import Iterable

from emprops.core.lifecycle import Outcome

from .base import Fact, Kind
from .source import definition


class Outcomes(Kind):
    """How an attempt can end."""

    name = "outcome"
    label = "outcome"
    plural = "outcomes"
    modules = ("emprops.core.lifecycle",)

    def load(self) -> Iterable[Fact]:
        """Return every outcome, in the order of its declaration."""
        for outcome in Outcome:
            declared = definition(f"emprops.core.lifecycle.Outcome.{outcome.name}")
            yield Fact(
                kind=self.name,
                name=outcome.value,
                title=outcome.value,
                summary=declared.doc,
                source=declared.source,
            )
