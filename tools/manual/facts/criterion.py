"""Facts about the criteria by which a worker is judged for a job."""

from __future__ import annotations

from collections.abc import Iterable

from emprops.core.matching import CRITERIA

from .base import Fact, Field, Kind, Ref
from .source import call_lines, module, source_at


class Criteria(Kind):
    """What a worker must meet to run a job."""

    name = "criterion"
    label = "criterion"
    plural = "criteria"
    columns = ("wanted", "have")
    summary_label = "Rule"
    card = ("wanted", "have")
    modules = ("emprops.core.matching", "emprops.core.requirements", "emprops.core.capabilities")

    def load(self) -> Iterable[Fact]:
        """Return every criterion, in the order in which they are applied."""
        declared = module("emprops.core.matching")
        lines = call_lines(declared.tree, "Criterion")
        for criterion in CRITERIA:
            wanted, have = criterion.requirement, criterion.capability
            yield Fact(
                kind=self.name,
                name=criterion.name,
                title=criterion.name,
                summary=criterion.rule,
                source=source_at(declared.path, lines[criterion.name]),
                fields=(
                    Field(
                        "wanted",
                        "The job asks",
                        (Ref("object", f"emprops.core.requirements.Requirements.{wanted}", wanted),),
                    ),
                    Field(
                        "have",
                        "The worker has",
                        (Ref("object", f"emprops.core.capabilities.Capabilities.{have}", have),),
                    ),
                ),
            )
