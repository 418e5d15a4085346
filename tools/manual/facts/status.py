"""Facts about the statuses of a job."""

from __future__ import annotations

from collections.abc import Iterable

from emprops.core.lifecycle import FINAL, TRANSITIONS, Status

from .base import Fact, Field, Kind, Ref, joined
from .source import definition


class Statuses(Kind):
    """Where a job can stand."""

    name = "status"
    label = "status"
    plural = "statuses"
    columns = ("entered_by", "left_by")
    card = ("entered_by", "left_by")
    code = False
    modules = ("emprops.core.lifecycle",)

    def load(self) -> Iterable[Fact]:
        """Return every status, in the order of a job's life."""
        for status in Status:
            entered = [Ref("transition", t.name) for t in TRANSITIONS if t.target is status]
            left = [Ref("transition", t.name) for t in TRANSITIONS if status in t.sources]
            yield Fact(
                kind=self.name,
                name=status.value,
                title=status.value,
                summary=status.meaning,
                source=definition(f"emprops.core.lifecycle.Status.{status.name}").source,
                fields=(
                    Field("entered_by", "Entered by", joined(entered)),
                    Field("left_by", "Left by", joined(left, empty="nothing: it is final")),
                    Field("final", "Final", ("yes" if status in FINAL else "no",), status in FINAL),
                ),
            )

    def classes(self, fact: Fact) -> list[str]:
        """Return the classes of the badge: its colour is the theme's."""
        return [*super().classes(fact), f"emp-status-{fact.name}"]
