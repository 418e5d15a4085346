"""Facts about the events: when each is appended, by what, and its fields."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic.fields import FieldInfo

from emprops.broker.scripts import all_scripts
from emprops.core.events import Event, all_events, summary_of
from emprops.core.lifecycle import TRANSITIONS

from .base import Code, Content, Fact, Field, Grid, Kind, Ref, joined
from .source import definition
from .types import type_in_words


class Events(Kind):
    """What stands in a pool's stream."""

    name = "event"
    label = "event"
    plural = "events"
    shape = "sections"
    columns = ("transitions", "scripts")
    summary_label = "When"
    card = ("transitions", "scripts")
    modules = ("emprops.core.events", "emprops.core.lifecycle", "emprops.broker.scripts")

    def load(self) -> Iterable[Fact]:
        """Return every event, in the order of a job's life."""
        return [self._fact(event) for event in all_events()]

    def _fact(self, event: type[Event]) -> Fact:
        name = event.type_name()
        transitions = [Ref("transition", t.name) for t in TRANSITIONS if t.event == name]
        scripts = [script for script in all_scripts().values() if name in script.events]
        path = f"{event.__module__}.{event.__name__}"
        own = [field for field in event.model_fields if field in event.__annotations__]
        shared = [field for field in event.model_fields if field not in own]
        rows = tuple(_row(field, event.model_fields[field]) for field in (*own, *shared))
        return Fact(
            kind=self.name,
            name=name,
            title=name,
            summary=summary_of(event),
            source=definition(path).source,
            fields=(
                Field("transitions", "Transitions", joined(transitions)),
                Field("scripts", "Appended by", joined(Ref("script", script.name) for script in scripts)),
                Field("model", "Python model", (Ref("object", path),)),
            ),
            blocks=(Grid(f"Fields of {name}", ("Field", "Type", "Meaning"), rows),),
            aliases=(event.__name__,),
            sources=tuple(str(script.path) for script in scripts),
        )


def _row(name: str, field: FieldInfo) -> tuple[Content, ...]:
    words = type_in_words(field.annotation)
    optional = () if field.is_required() or name == "type" else (", may be absent",)
    meaning = field.description or "Name of the event."
    return (Code(name, cites=False),), (*words, *optional), (meaning,)
