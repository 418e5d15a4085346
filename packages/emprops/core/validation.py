"""Turning bad input into the errors that say what is wrong, where, and what the nearest known name is."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from .errors import InvalidRequest, UnknownField

Model = TypeVar("Model", bound=BaseModel)


def parse(model: type[Model], data: Model | Mapping[str, Any], *, what: str) -> Model:
    """Read data into a model.

    Args:
        model: the model to read into.
        data: the input; an instance of the model is checked again, since it may have been built unchecked.
        what: what the data is, for the message (``"job request"``).

    Raises:
        UnknownField: a field does not exist; the detail gives the nearest known name.
        InvalidRequest: a field is missing, of the wrong type or out of range; the detail lists all of them.
    """
    if isinstance(data, BaseModel):
        data = data.model_dump()
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise explain(
            model, error.errors(include_url=False, include_context=False, include_input=False), what
        ) from error
    except RecursionError as error:
        raise InvalidRequest(f"{what}: nested too deeply", detail={"problems": []}) from error


def invalid(field: str, problem: str) -> InvalidRequest:
    """Return the error for one argument that is not valid.

    Args:
        field: its name.
        problem: what is wrong with it.
    """
    return InvalidRequest(f"{field}: {problem}", detail={"problems": [{"field": field, "problem": problem}]})


def require_within(field: str, value: object, least: float, most: float) -> None:
    """Refuse a number that is out of range.

    Raises:
        InvalidRequest: it is no number, or not within the range (both ends belong to it).
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise invalid(field, f"{value!r} is not in {least:,} to {most:,}")


def explain(
    model: type[BaseModel] | None, faults: Sequence[Mapping[str, Any]], what: str
) -> InvalidRequest | UnknownField:
    """Return the error for what pydantic found wrong.

    Args:
        model: the model that was read into, for the names that are known; ``None`` if there is none.
        faults: what pydantic found.
        what: what the data is, for the message.
    """
    problems = []
    for fault in faults:
        where = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden" and model is not None:
            known = _fields_at(model, fault["loc"][:-1])
            name = str(fault["loc"][-1])
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(known))}"
            return UnknownField(
                f"{what}: there is no field {_shown(where)!r}{hint}",
                detail={"field": _shown(where), "nearest": near[0] if near else None, "known": sorted(known)},
            )
        problems.append({"field": _shown(where), "problem": fault["msg"]})
    listed = "; ".join(f"{p['field'] or 'the whole'}: {p['problem']}" for p in problems[:3])
    more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
    return InvalidRequest(f"{what}: {listed}{more}", detail={"problems": problems})


def _shown(text: str) -> str:
    return text if len(text) <= 200 else text[:200] + "…"


def _fields_at(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    for part in path:
        field = model.model_fields.get(str(part))
        if (
            field is not None
            and isinstance(field.annotation, type)
            and issubclass(field.annotation, BaseModel)
        ):
            model = field.annotation
    return list(model.model_fields)
