"""Facts about Python objects: what the source declares; the Python domain describes them."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable

from .base import Fact, Field, Kind
from .source import definitions, modules, source_at


class Objects(Kind):
    """Public names of the packages, and the modules."""

    name = "object"
    label = "Python object"
    plural = "Python objects"
    card = ("type", "module")
    domain = "py"

    def load(self) -> Iterable[Fact]:
        """Return every module and every public name that one declares, by dotted name."""
        for module in modules():
            summary = (ast.get_docstring(module.tree) or "").split("\n", 1)[0]
            yield Fact(
                kind=self.name,
                name=module.name,
                title=module.name,
                summary=summary,
                source=source_at(module.path, 1),
                fields=(Field("type", "Type", ("module",)), Field("module", "Module", (module.name,))),
            )
        known = definitions()
        short = Counter(name.rpartition(".")[2] for name in known)
        inner = Counter(".".join(name.split(".")[-2:]) for name in known)
        for name, declared in known.items():
            owner, _, last = name.rpartition(".")
            member = declared.kind in ("method", "property", "attribute")
            title = f"{owner.rpartition('.')[2]}.{last}" if member else last
            aliases = [last] if short[last] == 1 else []
            if member and inner[title] == 1:
                aliases.append(title)
            yield Fact(
                kind=self.name,
                name=name,
                title=title,
                summary=declared.doc,
                source=declared.source,
                fields=(
                    Field("type", "Type", (declared.kind,)),
                    Field("module", "Module", (owner.rpartition(".")[0] if member else owner,)),
                ),
                aliases=tuple(aliases),
            )
