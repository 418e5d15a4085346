"""Facts about the server scripts: keys, arguments, what each changes, and its source."""

from __future__ import annotations

from collections.abc import Iterable

from emprops.broker.scripts import FOLDER, Script, all_scripts

from .base import Code, Fact, Field, Inline, Kind, Listing, Ref, joined
from .source import source_at


class Scripts(Kind):
    """The atomic steps of the queue."""

    name = "script"
    label = "server script"
    plural = "server scripts"
    shape = "sections"
    columns = ("transitions", "errors")
    summary_label = "Purpose"
    card = ("transitions", "errors", "events")
    mentions = ("key", "setting", "event")
    modules = ("emprops.broker.scripts",)

    def load(self) -> Iterable[Fact]:
        """Return every script, by name."""
        parts = tuple(str(path) for path in sorted((FOLDER / "lib").glob("*.lua")))
        for script in all_scripts().values():
            yield Fact(
                kind=self.name,
                name=script.name,
                title=script.name,
                summary=script.summary,
                source=source_at(script.path, 1),
                fields=self._fields(script),
                description=(script.description,) if script.description else (),
                blocks=(Listing(f"Source of {script.name}.lua", "lua", script.source),),
                aliases=(f"{script.name}.lua",),
                sources=parts,
            )

    def _fields(self, script: Script) -> tuple[Field, ...]:
        return (
            Field("transitions", "Transitions", joined(Ref("transition", t) for t in script.transitions)),
            Field("events", "Events", joined(Ref("event", event) for event in script.events)),
            Field("errors", "Refuses with", joined(Ref("error", code) for code in script.errors)),
            Field("reads", "Reads", joined(Ref("key", name) for name in script.reads)),
            Field("writes", "Writes", joined(Ref("key", name) for name in script.writes)),
            Field("keys", "Keys, in order", joined(_key(name) for name in script.keys)),
            Field("arguments", "Arguments, in order", joined(Code(name) for name in script.arguments)),
            Field("returns", "Returns", (script.returns,)),
        )


def _key(name: str) -> Inline:
    plain = name.removesuffix("*")
    return Ref("key", plain, f"{plain} …" if name != plain else "")
