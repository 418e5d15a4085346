"""Facts about the operations of the API: role, parameters, body, answers and errors, read from the OpenAPI."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from emprops.api.app import METHODS, create_app
from emprops.core.settings import ApiSettings

from .base import Code, Content, Fact, Field, Grid, Inline, Kind, Ref, joined
from .quantity import number
from .source import Source, definitions, source_at

JSON = "application/json"
SEEN_BY = {
    None: "whoever asks: no key is needed",
    False: "every key with the role; that of one customer reaches only what is its own",
    True: "every key with the role, but that of one customer: it shows the pool as a whole",
}
_WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "yes or no",
    "object": "object",
    "null": "null",
}
DEEP = 2
"""How far the fields of fields are told."""


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document of the API."""
    return create_app(ApiSettings.model_construct()).openapi()


@cache
def _places() -> dict[str, Source]:
    """Return where each operation is written, by its id."""
    found = {}
    for route in create_app(ApiSettings.model_construct()).state.operations:
        function = route.endpoint
        file = inspect.getsourcefile(function)
        if hasattr(route, "responses") and file is not None:
            found[route.name] = source_at(file, inspect.getsourcelines(function)[1])
    return found


class Endpoints(Kind):
    """What can be asked over HTTP."""

    name = "endpoint"
    label = "endpoint"
    plural = "endpoints"
    shape = "sections"
    columns = ("role",)
    summary_label = "Purpose"
    card = ("role", "errors")
    mentions = ("setting", "command", "event", "error")
    modules = ("emprops.api", "emprops.core")

    def load(self) -> Iterable[Fact]:
        """Return every operation, resource by resource."""
        for path, methods in document()["paths"].items():
            for method, operation in methods.items():
                if method in METHODS:
                    yield self._fact(f"{method.upper()} {path}", operation)

    def _fact(self, name: str, operation: dict[str, Any]) -> Fact:
        summary, *paragraphs = operation["description"].split("\n\n")
        role = operation.get("x-required-role")
        answers = {s: a for s, a in operation["responses"].items() if s < "400"}
        errors = sorted(
            {code for answer in operation["responses"].values() for code in answer.get("x-error-codes", ())}
        )
        return Fact(
            kind=self.name,
            name=name,
            title=name,
            summary=summary,
            source=_places()[operation["operationId"]],
            fields=(
                Field("role", "Role", (Ref("role", role),) if role else ("none",), role or "none"),
                Field("open_to", "Open to", (SEEN_BY[operation.get("x-pool-wide")],)),
                Field("answers", "Answers", joined((_answer(s, a) for s, a in answers.items()), "; ")),
                Field("errors", "Errors", joined((Ref("error", code) for code in errors), empty="none")),
            ),
            description=tuple(paragraphs),
            blocks=tuple(_grids(operation, answers)),
            group=operation["tags"][0].capitalize(),
            aliases=(operation["operationId"],),
        )


def _answer(status: str, answer: dict[str, Any]) -> Inline:
    return f"{status}: {answer['description'].split(chr(10))[0].rstrip('.')}"


def _grids(operation: dict[str, Any], answers: dict[str, Any]) -> Iterator[Grid]:
    parameters = operation.get("parameters", ())
    if parameters:
        yield Grid(
            "Parameters",
            ("Parameter", "In", "Type", "Default", "Meaning"),
            tuple(
                (
                    (Code(parameter["name"]),),
                    (parameter["in"],),
                    _type(parameter["schema"]),
                    _default(parameter["schema"], required=parameter.get("required", False)),
                    (_sentence(parameter),),
                )
                for parameter in parameters
            ),
        )
    body = operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema")
    if body is not None:
        asked: tuple[tuple[Content, ...], ...] = tuple(
            ((Code(name),), _type(schema), _default(schema, required=required), (_sentence(schema),))
            for name, schema, required in _fields(body, DEEP)
        )
        yield Grid("Body, JSON", ("Field", "Type", "Default", "Meaning"), asked)
    shapes: dict[str, list[str]] = {}
    for status, answer in answers.items():
        schema = answer.get("content", {}).get(JSON, {}).get("schema")
        if schema is not None:
            shapes.setdefault(json.dumps(schema), []).append(status)
    for shape, statuses in shapes.items():
        rows = tuple(
            ((Code(name),), _type(field), (_sentence(field),))
            for name, field, _ in _fields(json.loads(shape), 1)
        )
        yield Grid(f"Answer {' or '.join(statuses)}, JSON", ("Field", "Type", "Meaning"), rows)


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with what it refers to, its own words first."""
    if "$ref" in schema:
        named: dict[str, Any] = document()["components"]["schemas"][_name(schema)]
        return {**named, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def _name(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _fields(
    schema: dict[str, Any], deep: int, prefix: str = ""
) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield the fields of an object: name, schema, and whether it must be there; those of fields after them."""
    known = _resolved(schema)
    for name, field in known.get("properties", {}).items():
        yield f"{prefix}{name}", field, name in known.get("required", ())
        inner = _resolved(field)
        if deep > 1 and inner.get("properties"):
            yield from _fields(inner, deep - 1, f"{prefix}{name}.")


def _sentence(schema: dict[str, Any]) -> str:
    return str(_resolved(schema).get("description", "")).split("\n\n")[0]


def _default(schema: dict[str, Any], *, required: bool) -> Content:
    if required:
        return ("required",)
    value = _resolved(schema).get("default")
    if value is None or value in ([], {}, ""):
        return ("—",)
    if isinstance(value, bool):
        return ("yes" if value else "no",)
    return (number(value),) if isinstance(value, int | float) else (Code(str(value)),)


def _type(schema: dict[str, Any]) -> Content:
    if "$ref" in schema:
        named = _resolved(schema)
        if "enum" not in named:
            return (_model(_name(schema)),)
        schema = named
    if "const" in schema:
        return (Code(str(schema["const"])),)
    if "enum" in schema:
        return joined((Code(str(choice)) for choice in schema["enum"]), separator=" or ")
    for many in ("anyOf", "oneOf"):
        if many in schema:
            kinds = [_type(each) for each in schema[many] if each.get("type") != "null"]
            if len(kinds) > 4:
                return ("one of several",)
            parts = [
                item for place, kind in enumerate(kinds) for item in ((" or ", *kind) if place else kind)
            ]
            return (*parts, ", may be null") if len(kinds) < len(schema[many]) else tuple(parts)
    if schema.get("type") == "array":
        most = f", at most {number(schema['maxItems'])}" if "maxItems" in schema else ""
        return (f"list{most}, of ", *_type(schema["items"])) if schema.get("items") else ("list",)
    words = _WORDS.get(schema.get("type", ""), "any JSON")
    return (words + _bounds(schema),)


def _bounds(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above = schema.get("exclusiveMinimum")
    if "maxLength" in schema:
        return f", at most {number(schema['maxLength'])} characters"
    if low is not None and high is not None:
        return f", {number(low)} to {number(high)}"
    if above is not None and high is not None:
        return f", above {number(above)}, to {number(high)}"
    return f", {number(low)} or more" if low is not None else ""


def _model(name: str) -> Inline:
    """Return a mention of the Python model that a schema is made from."""
    homes = [
        known
        for known, declared in definitions().items()
        if declared.kind == "class"
        and known.endswith(f".{name}")
        and known.startswith(("emprops.api.", "emprops.core."))
    ]
    return Ref("object", homes[0], name) if len(homes) == 1 else Code(name)
