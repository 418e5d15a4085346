"""Values in words: a number with its unit, as a reader would say it."""

from __future__ import annotations

import re

NBSP = "\N{NO-BREAK SPACE}"
_TIMES = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
_SIZES = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
_WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
FORMATS = ("number", "percent", "seconds", "milliseconds", "bytes", "gigabytes", "words", "code")
"""Names of the ways in which a value can be written."""


def number(value: float) -> str:
    """Return a number with a comma between thousands and no needless zeros."""
    if value != int(value):
        whole, _, rest = f"{value:,.6f}".rstrip("0").partition(".")
        return f"{whole}.{rest}"
    return f"{int(value):,}"


def duration(seconds: float) -> str:
    """Return a time in the largest unit that divides it: ``30 s``, ``5 minutes``, ``7 days``."""
    for length, name in _TIMES:
        if seconds > 90 and seconds % length == 0:
            return _counted(seconds / length, name)
    if 0 < seconds < 0.1:
        return f"{number(seconds * 1000)}{NBSP}ms"
    return f"{number(seconds)}{NBSP}s"


def size(count: float) -> str:
    """Return a number of bytes in the largest binary unit that divides it: ``1 MiB``."""
    for length, name in _SIZES:
        if count >= length and count % length == 0:
            return f"{number(count / length)}{NBSP}{name}"
    return _counted(count, "byte")


def words(value: float) -> str:
    """Return a whole number up to twelve as a word, any other in figures."""
    if value in range(len(_WORDS)):
        return _WORDS[int(value)]
    return number(value)


def quantity(value: object, unit: str) -> str:
    """Return a value with its unit.

    Args:
        value: the value.
        unit: ``s``, ``ms``, ``bytes``, ``GB``, ``1``, ``yes/no``, a plural noun, or a name for text.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value) if value not in ("", None) else "empty"
    if unit == "s":
        return duration(value)
    if unit == "ms":
        return duration(value / 1000) if value % 1000 == 0 and value else f"{number(value)}{NBSP}ms"
    if unit == "bytes":
        return size(value)
    if unit == "GB":
        return f"{number(value)}{NBSP}GB"
    if unit in ("1", ""):
        return number(value)
    singular = re.sub("s$", "", re.sub("ies$", "y", unit))
    return _counted(value, singular, unit)


def span(low: object, high: object, unit: str) -> str:
    """Return a range, its unit said once if both ends share it: ``1 to 64 jobs``, ``0.2 s to 1 hour``."""
    first, last = quantity(low, unit), quantity(high, unit)
    start, _, noun = first.partition(NBSP)
    shared = noun and last.partition(NBSP)[2].rstrip("s") == noun.rstrip("s")
    return f"{start if shared else first} to {last}"


def _counted(value: float, singular: str, plural: str = "") -> str:
    return f"{number(value)}{NBSP}{singular if value == 1 else plural or singular + 's'}"


def formatted(value: object, form: str) -> str:
    """Return a value in one of :data:`FORMATS`.

    Raises:
        ValueError: the form is unknown.
        TypeError: the form is for numbers and the value is none.
    """
    if form not in FORMATS:
        raise ValueError(f"no format {form!r}; known are {', '.join(FORMATS)}")
    if form == "code":
        return repr(value) if not isinstance(value, str) else value
    if not isinstance(value, int | float):
        raise TypeError(f"format {form!r} needs a number, this is {value!r}")
    if form == "percent":
        return f"{number(round(value * 100, 6))}{NBSP}%"
    if form == "words":
        return words(value)
    unit = {"seconds": "s", "milliseconds": "ms", "bytes": "bytes", "gigabytes": "GB", "number": "1"}[form]
    return quantity(value, unit)


def unit_of_name(name: str) -> str:
    """Return the unit that the last word of a Python name states, ``1`` if none does."""
    last = name.lower().rpartition("_")[2]
    return {"seconds": "s", "ms": "ms", "bytes": "bytes", "gb": "GB"}.get(last, "1")
