"""The table at the end of a command: which step took how long."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

Row = tuple[str, float, str]
"""A step: its name, how long it took in seconds, and a note (may be empty)."""


VARIABLE = "EMPROPS_MAKE_STARTED"
"""Environment variable in which the Makefile hands on when it began, in whole seconds since the epoch."""


def set_up() -> list[Row]:
    """The row for the set-up of the environment: all that passed since `make` began; none without make.

    Whoever starts a further command takes the variable out of its environment, lest it count that time again.
    """
    started = os.environ.get(VARIABLE)
    return [("set up", max(0.0, int(time.time()) - int(started)), "")] if started else []


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text with their total.

    Args:
        rows: the steps in the order to show them.
    """
    total = sum(seconds for _, seconds, _ in rows)
    width = max(len("total"), *(len(name) for name, _, _ in rows))
    lines = ["", "where the time went"]
    for name, seconds, note in [*rows, ("total", total, "")]:
        lines.append(f"  {name:<{width}}  {seconds:7.1f} s  {note}".rstrip())
    return "\n".join(lines)
