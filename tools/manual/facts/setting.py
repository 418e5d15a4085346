"""Facts about the settings: variable, type, default, unit, range, effect and readers."""

from __future__ import annotations

import typing
from collections.abc import Iterable
from pathlib import Path

from pydantic.fields import FieldInfo

from emprops.core.settings import PREFIX, EmpropsSettings, all_settings, unit_of

from .base import Code, Content, Fact, Field, Inline, Kind, Ref, Scalar, joined
from .quantity import quantity, span
from .source import definition, module, setting_uses
from .types import type_in_words


class Settings(Kind):
    """What an environment variable decides."""

    name = "setting"
    label = "setting"
    plural = "settings"
    columns = ("default", "range")
    details = ("type", "read_by")
    stacked = True
    summary_label = "Effect"
    card = ("default", "range", "type")
    value = "default"
    modules = ("emprops.core.settings",)

    def load(self) -> Iterable[Fact]:
        """Return every setting, class by class."""
        for settings in all_settings():
            group = definition(f"{settings.__module__}.{settings.__name__}").doc.partition(":")[0].rstrip(".")
            for name, field in settings.model_fields.items():
                yield self._fact(settings, name, field, group)

    def _fact(self, settings: type[EmpropsSettings], name: str, field: FieldInfo, group: str) -> Fact:
        variable = settings.variable(name)
        unit = unit_of(field)
        readers = sorted({use.module for use in setting_uses(name)} - {settings.__module__})
        low, high = limit(field.metadata, "ge", "gt"), limit(field.metadata, "le", "lt")
        fields = [
            Field("default", "Default", (_shown(field.default, unit),), field.default),
            Field("range", "Range", _range(field, unit, low, high)),
            Field("type", "Type", type_in_words(field.annotation)),
            Field("unit", "Unit", ("a plain number" if unit == "1" else unit,), unit),
            Field(
                "read_by",
                "Read by",
                joined((Ref("object", reader) for reader in readers), empty="nothing yet"),
            ),
            Field(
                "field", "In Python", (Ref("object", f"{settings.__module__}.{settings.__name__}.{name}"),)
            ),
        ]
        if low is not None:
            fields.append(Field("min", "Least", (quantity(low, unit),), low))
        if high is not None:
            fields.append(Field("max", "Most", (quantity(high, unit),), high))
        return Fact(
            kind=self.name,
            name=variable.removeprefix(PREFIX).lower(),
            title=variable,
            summary=field.description or "",
            source=definition(f"{settings.__module__}.{settings.__name__}.{name}").source,
            fields=tuple(fields),
            group=group,
            aliases=(variable, f"{settings.__name__}.{name}"),
            sources=tuple(str(_file_of(reader)) for reader in readers),
        )


def _shown(value: object, unit: str) -> Inline:
    text = quantity(value, unit)
    return Code(text) if isinstance(value, str) and value else text


def _file_of(name: str) -> Path:
    return module(name).path


def limit(metadata: Iterable[object], *names: str) -> Scalar:
    """Return the first limit of these names that a field's metadata states, ``None`` if it states none."""
    for item in metadata:
        for name in names:
            value = getattr(item, name, None)
            if value is not None:
                return typing.cast(Scalar, value)
    return None


def _range(field: FieldInfo, unit: str, low: Scalar, high: Scalar) -> Content:
    if low is not None and high is not None:
        return (span(low, high, unit),)
    if low is not None:
        return (f"{quantity(low, unit)} or more",)
    if high is not None:
        return (f"at most {quantity(high, unit)}",)
    pattern = limit(field.metadata, "pattern")
    if pattern is not None:
        return (Code(str(pattern)),)
    if typing.get_origin(field.annotation) is typing.Literal:
        return joined(Code(choice) for choice in typing.get_args(field.annotation))
    return ("yes or no",) if unit == "yes/no" else (f"any {unit}" if unit in ("URL", "path") else "any",)
