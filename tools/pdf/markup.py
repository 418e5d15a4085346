"""Typst source: strings, calls and content, so that nothing of a page is ever read as markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

BREAKS = re.compile(r"(?<=[_./:=,\-\[(@&?|])(?=[^\s_./:=,\-\[(@&?|)\]])|(?<=[a-z])(?=[A-Z])")
"""Where a long name may be broken: after its separators, and before a capital."""
LONGEST_PIECE = 22
"""Letters after which a piece without any separator, such as a hash, is broken."""


def string(text: str) -> str:
    """Return text as a Typst string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    escaped = escaped.replace("\n", "\\n").replace("\r", "").replace("\t", "\\t")
    return f'"{escaped}"'


def array(items: Iterable[str]) -> str:
    """Return expressions as a Typst array."""
    listed = list(items)
    return f"({', '.join(listed)}{',' if len(listed) == 1 else ''})" if listed else "()"


def dictionary(items: Iterable[tuple[str, str]]) -> str:
    """Return names and expressions as a Typst dictionary."""
    listed = [f"{string(name)}: {value}" for name, value in items]
    return f"({', '.join(listed)})" if listed else "(:)"


def content(markup: str) -> str:
    """Return markup as an expression."""
    return f"[{markup}]"


def call(function: str, *arguments: str, **named: str) -> str:
    """Return markup that calls a function of the template.

    Args:
        function: its name.
        arguments: expressions.
        named: expressions by the names of the parameters.
    """
    shown = [*arguments, *(f"{name.replace('_', '-')}: {value}" for name, value in named.items())]
    return f"#{function}({', '.join(shown)});"


def text(words: str) -> str:
    """Return markup that shows text as it is."""
    return f"#{string(words)};" if words else ""


def pieces(word: str) -> list[str]:
    """Return a word in the pieces between which a line may break.

    Args:
        word: without spaces.
    """
    found = []
    for part in BREAKS.split(word):
        found += [part[start : start + LONGEST_PIECE] for start in range(0, len(part), LONGEST_PIECE)]
    return found


def breakable(words: str, longest: int) -> str:
    """Return markup that shows text whose long words may be broken.

    Args:
        words: the text.
        longest: how many letters a word may have without being broken (1 or more).
    """
    out = []
    plain = ""
    for part in re.split(r"(\s+)", words):
        if len(part) > longest and len(pieces(part)) > 1:
            out += [text(plain), call("broken", strings(pieces(part)))]
            plain = ""
        else:
            plain += part
    return "".join([*out, text(plain)])


def strings(texts: Sequence[str]) -> str:
    """Return texts as a Typst array of strings."""
    return array(string(each) for each in texts)
