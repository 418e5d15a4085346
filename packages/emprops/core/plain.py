"""Numbers and switches that must be just that: no text that reads as a number, no switch that counts as one."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Strict
from pydantic_core import PydanticCustomError


def plain_number(value: Any) -> Any:
    """Return a value that may be a number.

    Raises:
        PydanticCustomError: it is a text or a switch, which pydantic would turn into one.
    """
    if isinstance(value, bool | str | bytes):
        raise PydanticCustomError("number_type", "Input should be a number")
    return value


# Not strict: 2.0 is a whole number to JSON.
Whole = Annotated[int, BeforeValidator(plain_number)]
"""A whole number."""
Number = Annotated[float, Strict()]
"""A number."""
Flag = Annotated[bool, Strict()]
"""Yes or no."""
