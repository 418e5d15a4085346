"""Python types in words, as a reader who writes no Python would say them."""

from __future__ import annotations

import enum
import re
import types
import typing
from pathlib import Path

from pydantic import BaseModel, JsonValue

from .base import Code, Content, Ref, joined

_WORDS: dict[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "yes or no",
    Path: "path",
}
_MANY = (list, tuple, set, frozenset)


def type_in_words(annotation: object) -> Content:
    """Return a type hint in words; names that may be chosen are listed, ``None`` is left out.

    Raises:
        TypeError: there are no words for it yet.
    """
    if annotation in _WORDS:
        return (_WORDS[annotation],)
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return type_in_words(parts[0])
    if origin is typing.Literal:
        return joined((Code(str(part)) for part in parts), separator=" or ")
    if annotation is JsonValue:
        return ("any JSON",)
    if origin is dict:
        return ("JSON object",)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (_model(annotation),)
    if origin in (typing.Union, types.UnionType) and len(parts) > 4:
        shared = [base for base in parts[0].__mro__ if all(base in part.__mro__ for part in parts)]
        return ("any ", _model(shared[0]))
    if origin in (typing.Union, types.UnionType):
        words = [type_in_words(part) for part in parts if part is not types.NoneType]
        return tuple(
            item for place, part in enumerate(words) for item in ((" or ", *part) if place else part)
        )
    if origin in _MANY:
        return (*type_in_words(parts[0]), ", any number of them")
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        choices = list(annotation)
        if len(choices) <= 4:
            return joined((Code(str(choice.value)) for choice in choices), separator=" or ")
        return (re.sub(r"(?<!^)(?=[A-Z])", " ", annotation.__name__).lower(),)
    raise TypeError(f"the manual has no words for the type {annotation!r}; add them to {__name__}")


def _model(model: type) -> Ref:
    return Ref("object", f"{model.__module__}.{model.__name__}", model.__name__)
