"""What the leadership brief says of its own: the measures against their targets, and what changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def summary(config: Any, root: Path) -> str:
    """Return the page of measures."""
    return ""


def changes(root: Path, before: str) -> str:
    """Return what changed."""
    return ""
