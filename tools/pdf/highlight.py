"""Code in colours: the same lexers and the same style as in HTML, as runs that the template colours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from pygments.styles import get_style_by_name
from pygments.token import _TokenType
from sphinx.highlighting import PygmentsBridge

from . import markup

STYLE = "a11y-light"
"""Style of the light HTML pages: furo's own."""
WIDEST_WORD = 40
"""Letters that a word of code may have without being broken."""
Look = tuple[str, bool, bool]
"""Colour (six hexadecimal digits, or empty), whether bold, whether italic."""


@cache
def looks() -> dict[_TokenType, Look]:
    """Return how each kind of token looks."""
    return {
        token: (style["color"] or "", bool(style["bold"]), bool(style["italic"]))
        for token, style in get_style_by_name(STYLE)
    }


@cache
def palette() -> tuple[Look, ...]:
    """Return the looks that there are, plain text first."""
    return ("", False, False), *sorted(set(looks().values()) - {("", False, False)})


def styles() -> str:
    """Return the looks as a Typst array of arguments for `text`."""
    return markup.array(_arguments(look) for look in palette())


def _arguments(look: Look) -> str:
    colour, bold, italic = look
    named = []
    if colour:
        named.append(("fill", f'rgb("#{colour}")'))
    if bold:
        named.append(("weight", "700"))
    if italic:
        named.append(("style", '"italic"'))
    return markup.dictionary(named)


def lines(source: str, language: str, options: dict[str, object], *, force: bool) -> str:
    """Return code as a Typst array of lines: by how much each is indented, and its runs, a look and text or pieces.

    Args:
        source: the code.
        language: what it is written in.
        options: options of the lexer.
        force: whether to colour it although the lexer finds errors.
    """
    lexer = PygmentsBridge("html", STYLE).get_lexer(source, language, options, force)
    numbers = {look: number for number, look in enumerate(palette())}
    rows: list[list[tuple[int, str]]] = [[]]
    for token, value in lexer.get_tokens(source):
        for index, part in enumerate(value.split("\n")):
            if index:
                rows.append([])
            if part:
                _append(rows[-1], numbers[looks()[token]], part.expandtabs(4))
    while rows and not rows[-1]:
        rows.pop()
    return markup.array(markup.array((str(_indent(row)), markup.array(_runs(row)))) for row in rows)


def _indent(row: list[tuple[int, str]]) -> int:
    """Return by how many letters a line is indented."""
    line = "".join(part for _, part in row)
    return len(line) - len(line.lstrip(" "))


def _append(row: list[tuple[int, str]], number: int, part: str) -> None:
    """Add a run, joined with the one before if it looks the same."""
    if row and (row[-1][0] == number or not part.strip()):
        number, before = row.pop()
        part = before + part
    row.append((number, part))


def _runs(row: list[tuple[int, str]]) -> Iterator[str]:
    """Return the runs of a line as Typst; those within a word that may be too long in pieces."""
    whole = "".join(part for _, part in row)
    long = [found.span() for found in re.finditer(r"\S+", whole) if len(found[0]) > WIDEST_WORD]
    start = 0
    for number, part in row:
        end = start + len(part)
        shown = markup.string(part)
        if any(first < end and start < last for first, last in long):
            shown = markup.strings(
                [piece for word in re.split(r"(\s+)", part) if word for piece in markup.pieces(word)]
            )
        yield markup.array((str(number), shown))
        start = end
