"""Facts about the keys on the server: pattern, layout, lifetime, writers and readers."""

from __future__ import annotations

from collections.abc import Iterable

from emprops.broker.scripts import FOLDER, all_scripts
from emprops.core.keys import KEYS, Key

from .base import Code, Fact, Field, Kind, Ref, joined
from .source import call_lines, key_uses, module, source_at


class Keys(Kind):
    """What the queue keeps on the server."""

    name = "key"
    label = "key"
    plural = "keys"
    shape = "sections"
    columns = ("type",)
    summary_label = "Holds"
    card = ("pattern", "type", "lifetime")
    modules = ("emprops.core.keys", "emprops.broker")

    def load(self) -> Iterable[Fact]:
        """Return every key, in the order of its declaration."""
        declared = module("emprops.core.keys")
        lines = call_lines(declared.tree, "Key")
        files = tuple(str(path) for path in sorted(FOLDER.rglob("*.lua")))
        for key in KEYS:
            yield Fact(
                kind=self.name,
                name=key.name,
                title=key.name,
                summary=key.holds,
                source=source_at(declared.path, lines[key.name]),
                fields=self._fields(key),
                sources=files,
            )

    def _fields(self, key: Key) -> tuple[Field, ...]:
        scripts = all_scripts().values()
        writers = [Ref("script", script.name) for script in scripts if key.name in script.writes]
        readers = [Ref("script", script.name) for script in scripts if key.name in script.reads]
        python = sorted({use.public for use in key_uses(key.name)})
        return (
            Field("pattern", "On the server", (Code(key.pattern),)),
            Field("type", "Type", (key.kind,)),
            Field("layout", "Layout", (key.layout,)),
            Field("lifetime", "Lifetime", (key.lifetime,)),
            Field("written_by", "Scripts that write", joined(writers)),
            Field("read_by", "Scripts that read", joined(readers)),
            Field("python", "Python that uses", joined(Ref("object", place) for place in python)),
        )
