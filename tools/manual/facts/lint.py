"""What a page must not hold: numbers with units that are typed instead of cited, and markup that was not understood."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from docutils import nodes
from sphinx import addnodes

from .render import GENERATED

TYPED = re.compile(
    r"(?<![\w.#-])\d[\d,]*(?:\.\d+)?(?:\s|\N{NO-BREAK SPACE}|-)?"
    r"(?:ms|s|seconds?|minutes?|hours?|days?|bytes?|[kKMGT]i?B|%|per cent|jobs?|entries|attempts?|workers?|machines?)"
    r"(?![\w])"
)
"""A number with a unit, as it would be typed."""
_UNREAD = (
    nodes.literal,
    nodes.literal_block,
    nodes.comment,
    nodes.raw,
    nodes.math,
    nodes.math_block,
    addnodes.desc,
    addnodes.pending_xref,
    addnodes.index,
)
_LEFTOVERS = (
    re.compile(r"^\s*\.\. [a-z][a-z:-]*::", re.MULTILINE),
    re.compile(r"\{[a-z][a-z:-]*\}`"),
    re.compile(r"(?<![\w`]):[a-z][a-z:-]*:`"),
    re.compile(r"^\s*(?:```|:::)\s*\{", re.MULTILINE),
)


def _prose(node: nodes.Node) -> Iterator[nodes.Text]:
    if isinstance(node, nodes.Text):
        yield node
        return
    if isinstance(node, _UNREAD):
        return
    if isinstance(node, nodes.Element) and {GENERATED, "emp-value"} & set(node.get("classes", ())):
        return
    for child in node.children:
        yield from _prose(child)


def typed_numbers(doctree: nodes.document) -> Iterator[str]:
    """Return every number with a unit in a page's prose that no citation stands for, with its surroundings."""
    for text in _prose(doctree):
        for match in TYPED.finditer(str(text)):
            start, end = max(match.start() - 30, 0), match.end() + 30
            yield f"{match[0]!r} in {str(text)[start:end]!r}"


class _Visible(HTMLParser):
    """Collects the text that a reader sees, code aside."""

    _HIDDEN = frozenset({"script", "style", "pre", "code", "template", "svg"})

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._HIDDEN:
            self.depth += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in self._HIDDEN:
            self.depth -= 1

    def handle_data(self, data: str) -> None:
        if not self.depth:
            self.text.append(data)


def leftovers(html: str) -> Iterator[str]:
    """Return every piece of markup in the text of a built page that the build did not understand."""
    reader = _Visible()
    reader.feed(html)
    text = "".join(reader.text)
    for pattern in _LEFTOVERS:
        for match in pattern.finditer(text):
            yield text[match.start() : match.end() + 40].strip()
