"""The table at the end of a command: which step took how long."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

Row = tuple[str, float, str]
"""A step: its name, how long it took in seconds, and a note (may be empty)."""


def since_make_started() -> float:
    """Seconds since `make` began, to the second; 0 when make did not start this process.

    The Makefile exports the time it was read at; what lies between is the set-up of the environment.
    """
    started = os.environ.get("EMPROPS_MAKE_STARTED", "")
    return max(0.0, int(time.time()) - int(started)) if started.isdigit() else 0.0


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
