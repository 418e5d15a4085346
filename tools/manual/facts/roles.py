"""The roles that cite facts: one for each kind, and those for values, counts and constants."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.nodes import Node, system_message
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from sphinx.util.docutils import ReferenceRole, SphinxRole

from . import KINDS
from .base import Kind, UnknownFact, nearest
from .quantity import FORMATS, formatted, quantity, unit_of_name, words
from .render import citation, plain, reference
from .setting import limit
from .source import Module, definitions, modules

if TYPE_CHECKING:
    from ..domain import EmpDomain

Answer = tuple[list[Node], list[system_message]]


def _domain(role: SphinxRole) -> EmpDomain:
    return role.env.domains["emp"]  # type: ignore[return-value]  # setup() registers EmpDomain under this name


def _fault(role: SphinxRole, message: str, shown: str) -> Answer:
    _domain(role).fault(message, role.get_location())
    return [nodes.literal("", shown, classes=["emp-unknown"])], []


class FactRole(ReferenceRole):
    """Cite a fact: show its title, link to its description.

    Args:
        kind: kind of the facts.
    """

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.kind = kind

    def run(self) -> Answer:
        """Return the citation."""
        text = self.title if self.has_explicit_title else ""
        if self.kind.name == "term":
            _domain(self).cite_name("term", self.target.lower())
            return [
                reference("term", self.target, nodes.inline("", text or self.target), self.env.docname)
            ], []
        try:
            fact = self.kind.find(self.target)
        except UnknownFact as error:
            return _fault(self, str(error), self.target)
        _domain(self).cite(fact, location=self.get_location())
        return [citation(self.kind, fact, self.env.docname, text=text)], []


class ValueRole(SphinxRole):
    """Cite a value of a fact, ``kind:name`` or ``kind:name.field``: show it with its unit, link to the fact."""

    def run(self) -> Answer:
        """Return the value."""
        kind_name, _, rest = self.text.partition(":")
        kind = KINDS.get(kind_name)
        if kind is None or not rest:
            message = f"a value is cited as kind:name or kind:name.field, not {self.text!r}"
            return _fault(self, message + nearest(kind_name, KINDS), self.text)
        name, field_name = rest, kind.value
        try:
            try:
                fact = kind.find(rest)
            except UnknownFact:
                name, _, field_name = rest.rpartition(".")
                fact = kind.find(name or rest)
            field = fact.field(field_name)
        except UnknownFact as error:
            return _fault(self, str(error), self.text)
        _domain(self).cite(fact, location=self.get_location())
        for path in fact.sources:
            self.env.note_dependency(path)
        content = nodes.inline("", plain(field.content), classes=["emp-value"])
        return [reference(kind.name, fact.name, content, self.env.docname)], []


class CountRole(SphinxRole):
    """Cite how many facts of a kind there are: a word up to twelve; a capital begins a sentence."""

    def run(self) -> Answer:
        """Return the number."""
        kind = KINDS.get(self.text.lower())
        if kind is None:
            return _fault(self, f"no kind of fact {self.text!r}{nearest(self.text, KINDS)}", self.text)
        for path in kind.sources():
            self.env.note_dependency(path)
        shown = words(len(kind.facts))
        if self.text[:1].isupper():
            shown = shown.capitalize()
        return [nodes.inline("", shown, classes=["emp-value"])], []


class ConstRole(SphinxRole):
    """Cite a constant by its dotted name, optionally with `` as format``: show its value, link to its description.

    The name may lead to a constant, to a field of a model (its default), or to a limit of one: its ``min``, ``max``,
    ``min_length``, ``max_length`` or ``pattern``.
    """

    def run(self) -> Answer:
        """Return the value."""
        name, _, form = self.text.partition(" as ")
        name = name.strip().replace(":", ".")
        try:
            owner, path = _split(name)
            value, last = _look_up(owner, path)
            shown = formatted(value, form.strip()) if form else quantity(value, unit_of_name(last))
        except (TypeError, ValueError, LookupError) as error:
            hint = f"; formats are {', '.join(FORMATS)}" if form else ""
            return _fault(self, f"{error}{hint}", self.text)
        self.env.note_dependency(str(owner.path))
        content = nodes.inline("", shown, classes=["emp-value"])
        declared = _declared(name)
        if declared is None:
            return [content], []
        _domain(self).cite_name("object", declared)
        return [reference("object", declared, content, self.env.docname, soft=True)], []


def _split(name: str) -> tuple[Module, list[str]]:
    """Return the module that a dotted name begins with, and the rest of the name."""
    known = {found.name: found for found in modules()}
    owner, rest = name, list[str]()
    while owner and owner not in known:
        owner, _, last = owner.rpartition(".")
        rest.insert(0, last)
    if not owner or not rest:
        raise LookupError(f"no constant {name!r}{nearest(name, definitions())}")
    return known[owner], rest


LIMITS = {"min": ("ge", "gt"), "max": ("le", "lt"), "min_length": (), "max_length": (), "pattern": ()}


def _look_up(owner: Module, path: list[str]) -> tuple[Any, str]:
    value: Any = importlib.import_module(owner.name)
    named = ""
    for part in path:
        if part in LIMITS and (isinstance(value, FieldInfo) or hasattr(value, "__metadata__")):
            metadata = value.metadata if isinstance(value, FieldInfo) else _metadata(value)
            value = limit(metadata, *(LIMITS[part] or (part,)))
            if value is None:
                raise LookupError(f"{owner.name}.{'.'.join(path)}: there is no limit {part!r}")
            return value, named if part in ("min", "max") else ""
        if isinstance(value, type) and issubclass(value, BaseModel) and part in value.model_fields:
            value = value.model_fields[part]
        elif hasattr(value, part):
            value = getattr(value, part)
        else:
            raise LookupError(f"{owner.name} has no {'.'.join(path)!r}{nearest(part, vars(value))}")
        named = part
    if isinstance(value, FieldInfo):
        value = value.get_default(call_default_factory=True, validated_data={})
    return value, named


def _metadata(annotated: Any) -> list[object]:
    found: list[object] = []
    for item in annotated.__metadata__:
        found += list(item.metadata) if isinstance(item, FieldInfo) else [item]
    return found


def _declared(name: str) -> str | None:
    while name not in definitions():
        name, _, _ = name.rpartition(".")
        if not name:
            return None
    return name
