"""Whether what came out is what a page shows: `…` stands for what differs from run to run."""

from __future__ import annotations

import difflib
import re

ANY = "…"
_GAP = re.compile(r"(?:\\ ){2,}")
_UNSTEADY = (
    (re.compile(r"\b[0-9a-f]{12}[0-9a-f]{16}\b"), ANY),
    (re.compile(r"\b[0-9a-f]{16}\b"), ANY),
    (re.compile(r"\b\d{2}:\d{2}:\d{2}(?:\.\d+)?\b"), ANY),
    (re.compile(r"\b\d+ (?:s|min|h|d) ago\b"), ANY),
    (re.compile(r"\b\d{13}\b"), ANY),
    (re.compile(r"\b[\w.-]+-\d+-[0-9a-f]{6}\b"), ANY),
    (re.compile(r"\b\d+\.\d\d s\b"), ANY),
)


def matches(shown: str, actual: str) -> bool:
    """Tell whether an output is the one that a page shows.

    Args:
        shown: what the page shows; within a line `…` stands for any text, on a line of its own for any lines. Two
            spaces or more, which part the columns of a table, stand for any number of them, since a column is as wide
            as the ids in it.
        actual: what came out.
    """
    pattern = ""
    for line in shown.strip("\n").split("\n"):
        if line.strip() == ANY:
            pattern += r"(?:[^\n]*\n)*"
        else:
            pattern += "[^\n]*".join(_literally(part.rstrip()) for part in line.rstrip().split(ANY)) + r"\n"
    return re.fullmatch(pattern, _tidy(actual)) is not None


def difference(shown: str, actual: str) -> str:
    """Return the difference between what a page shows and what came out, line by line."""
    lines = difflib.unified_diff(
        shown.strip("\n").split("\n"),
        _tidy(actual).rstrip("\n").split("\n"),
        "shown",
        "came out",
        lineterm="",
    )
    return "\n".join(lines)


def steady(actual: str) -> str:
    """Return an output with what differs from run to run replaced, to be shown on a page."""
    text = _tidy(actual).rstrip("\n")
    for pattern, stand_in in _UNSTEADY:
        text = pattern.sub(stand_in, text)
    return text


def _literally(text: str) -> str:
    return _GAP.sub(" {2,}", re.escape(text))


def _tidy(text: str) -> str:
    return "".join(line.rstrip() + "\n" for line in text.strip("\n").split("\n"))
