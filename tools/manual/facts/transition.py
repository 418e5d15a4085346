"""Facts about the transitions between the statuses of a job."""

from __future__ import annotations

from collections.abc import Iterable

from emprops.core.lifecycle import TRANSITIONS

from .base import Fact, Field, Kind, Ref, joined
from .source import call_lines, module, source_at


class Transitions(Kind):
    """How a job gets from one status to another."""

    name = "transition"
    label = "transition"
    plural = "transitions"
    columns = ("change", "event")
    details = ("actor", "scripts", "writes")
    stacked = True
    summary_label = "When"
    card = ("change", "event", "scripts")
    code = False
    modules = ("emprops.core.lifecycle",)

    def load(self) -> Iterable[Fact]:
        """Return every transition, in the order of a job's life."""
        declared = module("emprops.core.lifecycle")
        lines = call_lines(declared.tree, "Transition")
        for transition in TRANSITIONS:
            sources = [Ref("status", status.value) for status in transition.sources]
            target = Ref("status", transition.target.value)
            start = joined(sources, empty="a new job")
            yield Fact(
                kind=self.name,
                name=transition.name,
                title=transition.name,
                summary=transition.meaning,
                source=source_at(declared.path, lines[transition.name]),
                fields=(
                    Field("change", "Change", (*start, " → ", target)),
                    Field("from", "From", start),
                    Field("to", "To", (target,)),
                    Field("actor", "Made by", (transition.actor,)),
                    Field("scripts", "Script", joined(Ref("script", name) for name in transition.scripts)),
                    Field("event", "Event", (Ref("event", transition.event),)),
                    Field("writes", "Changes", (transition.writes,)),
                ),
            )
