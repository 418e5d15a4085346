"""What a fact is, and what a kind of facts says about itself."""

from __future__ import annotations

import difflib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

from .source import Source, module_files

Scalar = str | int | float | bool | None


class UnknownFact(LookupError):
    """A name that no fact of a kind has; the message gives the nearest known ones."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A mention of another fact inside a fact's text.

    Attributes:
        kind: kind of the fact that is meant.
        name: its name.
        text: what is shown; empty: its title.
    """

    kind: str
    name: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """A piece of code inside a fact's text.

    Attributes:
        text: the code.
        cites: whether it is a link where a fact has that name; the name of a field names no fact.
    """

    text: str
    cites: bool = True


Inline = str | Code | Ref
Content = tuple[Inline, ...]
"""Text of a fact: strings in which backticks mark code, pieces of code, and mentions of facts."""


def joined(parts: Iterable[Inline], separator: str = ", ", empty: str = "—") -> Content:
    """Return the parts with a separator between them, or the text for nothing."""
    content: list[Inline] = []
    for part in parts:
        if content:
            content.append(separator)
        content.append(part)
    return tuple(content) or (empty,)


@dataclass(frozen=True, slots=True)
class Field:
    """One named statement about a fact.

    Attributes:
        name: how a citation of the value and a table's list of columns name it.
        label: its head, as readers see it.
        content: what is shown.
        value: the value itself where it is not text; ``None``: the text is the value.
        number: whether it is a figure, set flush right in a table.
        short: what a table shows instead; empty: the content.
    """

    name: str
    label: str
    content: Content
    value: Scalar = None
    number: bool = False
    short: Content = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """A table inside the description of a fact."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Content, ...], ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Source text inside the description of a fact.

    Attributes:
        caption: what it is.
        language: its language.
        text: the text.
        folded: whether it is folded away until it is asked for.
    """

    caption: str
    language: str
    text: str
    folded: bool = True


Block = Grid | Listing


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that the code decides and the manual cites.

    Attributes:
        kind: name of its kind.
        name: its name, unique in its kind; what a citation says.
        title: what a citation shows.
        summary: what it is, in one sentence.
        source: where it is declared.
        fields: statements about it, in the order in which they are shown.
        description: further paragraphs.
        blocks: tables and listings that belong to it.
        group: what it is listed under; empty if the kind has no groups.
        aliases: other names by which it may be cited.
        sources: further files that what is said about it comes from.
    """

    kind: str
    name: str
    title: str
    summary: str
    source: Source
    fields: tuple[Field, ...] = ()
    description: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    group: str = ""
    aliases: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """Id of the place that describes it, in HTML."""
        return f"emp-{self.kind}-{re.sub('[^A-Za-z0-9._-]+', '-', self.name).strip('-')}"

    def field(self, name: str) -> Field:
        """Return a field by its name.

        Raises:
            UnknownFact: the fact has no such field.
        """
        for field in self.fields:
            if field.name == name:
                return field
        raise UnknownFact(
            f"{self.kind} {self.name!r} has no field {name!r}{nearest(name, [f.name for f in self.fields])}"
        )


class Kind(ABC):
    """One kind of facts. A subclass says what they are called, where they come from and how they are shown.

    Attributes:
        name: name of its role, and of the kind in directives and in `facts.json`.
        label: one of them, in words.
        plural: all of them, in words.
        shape: ``table``: a row each; ``sections``: an overview table and a section each.
        columns: names of the fields in the table, after the fact itself and before its summary.
        details: names of the fields in small type under its summary, in a table that describes it.
        stacked: whether, where it is described, the summary stands under the name instead of in a column of its own.
        summary_label: head of the column with the summary.
        card: names of the fields on its card.
        value: field that a citation of its value means when it names none; empty: it must name one.
        code: whether its title is a name from code, and set as such.
        mentions: kinds, itself aside, whose names in its texts become links.
        domain: the Sphinx domain that describes its facts.
        modules: Python modules whose change may add or remove a fact.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    plural: ClassVar[str]
    shape: ClassVar[Literal["table", "sections"]] = "table"
    columns: ClassVar[tuple[str, ...]] = ()
    details: ClassVar[tuple[str, ...]] = ()
    stacked: ClassVar[bool] = False
    summary_label: ClassVar[str] = "Meaning"
    card: ClassVar[tuple[str, ...]] = ()
    value: ClassVar[str] = ""
    code: ClassVar[bool] = True
    mentions: ClassVar[tuple[str, ...]] = ("setting", "command", "event")
    domain: ClassVar[str] = "emp"
    modules: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def load(self) -> Iterable[Fact]:
        """Return every fact of the kind, in the order in which they are listed."""

    @cached_property
    def facts(self) -> Mapping[str, Fact]:
        """Every fact of the kind by its name."""
        return {fact.name: fact for fact in self.load()}

    @cached_property
    def _by_alias(self) -> Mapping[str, Fact]:
        return {alias: fact for fact in self.facts.values() for alias in fact.aliases}

    @property
    def groups(self) -> tuple[str, ...]:
        """What the facts are listed under, in order."""
        return tuple(dict.fromkeys(fact.group for fact in self.facts.values() if fact.group))

    def get(self, name: str) -> Fact | None:
        """Return a fact by its name or an alias; ``None`` if there is none."""
        return self.facts.get(name) or self._by_alias.get(name)

    def find(self, name: str) -> Fact:
        """Return a fact by its name or an alias.

        Raises:
            UnknownFact: there is none; the message gives the nearest known name.
        """
        fact = self.get(name)
        if fact is None:
            raise UnknownFact(f"no {self.label} {name!r}{nearest(name, [*self.facts, *self._by_alias])}")
        return fact

    def classes(self, fact: Fact) -> list[str]:
        """Return the CSS classes of a citation."""
        return ["emp-fact", f"emp-{self.name}"]

    def sources(self) -> set[str]:
        """Return the absolute paths of the files that the kind is read from."""
        paths = {path for module in self.modules for path in module_files(module)}
        for fact in self.facts.values():
            paths.add(str(fact.source.file))
            paths.update(fact.sources)
        return paths


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: the nearest known ones, or a few of all."""
    known = list(dict.fromkeys(known))
    lowered = {item.lower(): item for item in known}
    near = [lowered[match] for match in difflib.get_close_matches(name.lower(), lowered, n=2, cutoff=0.5)]
    if near:
        return "; did you mean " + " or ".join(repr(item) for item in near) + "?"
    if not known:
        return "; none is known"
    shown = ", ".join(sorted(known)[:8])
    return f"; known are {shown}" + (f" and {len(known) - 8} more" if len(known) > 8 else "")
