"""What all visitors share: finding the method for a node, and what surrounds it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from docutils import nodes
from sphinx.errors import SphinxError

from . import markup
from .anchors import Anchors
from .papers import Paper


class UnknownNode(SphinxError):
    """A page has a kind of node that nothing says how to print."""

    category = "No shape on paper"


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds the node that is translated.

    Attributes:
        wide: whether it stands in the full width of the page, and not in a list, cell or box.
        longest: how many letters a word may have without being broken.
        numbers: whether links show the number of the page that they lead to.
        notes: whether footnotes may stand here.
        api: whether it belongs to the description of a Python object.
        verbatim: whether words are code.
    """

    wide: bool = True
    longest: int = 26
    numbers: bool = True
    notes: bool = True
    api: bool = False
    verbatim: bool = False


@dataclass(slots=True)
class Page:
    """One page of the manual that is translated.

    Attributes:
        docname: its name.
        level: level of its title (1 or more).
        facts: the quiet line below its title; empty for none.
        part: what is written above it in the contents; empty for nothing.
        anchors: where its links may lead.
        paper: on what it is printed.
        source: folder of the manual's sources.
        images: folder that its pictures are copied to.
        bookmarked: how many levels of its headings, the title not counted, are bookmarks.
    """

    docname: str
    level: int
    anchors: Anchors
    paper: Paper
    source: Path
    images: Path
    facts: str = ""
    part: str = ""
    bookmarked: int = 1
    numbered: set[str] = field(default_factory=set)


class Visitor:
    """Translates nodes of one page.

    Args:
        page: the page.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.around = Around()

    def visit(self, node: nodes.Node) -> str:
        """Return a node as Typst markup.

        Raises:
            UnknownNode: there is no method for its kind.
        """
        kind = type(node).__name__
        method = getattr(self, f"visit_{kind}", None)
        if method is None:
            line = getattr(node, "line", None)
            raise UnknownNode(
                f"{self.page.docname}{f':{line}' if line else ''}: a node {kind!r} has no shape on paper. "
                f"Write a method visit_{kind} in tools/pdf, with a test in tests/pdf."
            )
        shown: str = method(node)
        return shown

    def all(self, children: Iterable[nodes.Node]) -> str:
        """Return nodes as markup, one after the other."""
        return "".join(self.visit(child) for child in children)

    def children(self, node: nodes.Node) -> str:
        """Return what a node holds as markup."""
        return self.all(node.children)

    def item(self, node: nodes.Node) -> str:
        """Return what a list item or a cell holds; one paragraph alone is no block."""
        only = node.children[0] if len(node.children) == 1 else None
        if isinstance(only, nodes.paragraph) and not only["classes"]:
            return self.anchors(node) + self.anchors(only) + self.children(only)
        return self.anchors(node) + self.children(node)

    @contextmanager
    def inside(self, **changes: object) -> Iterator[None]:
        """Translate in other surroundings.

        Args:
            changes: fields of `Around`.
        """
        before = self.around
        self.around = replace(before, **changes)  # type: ignore[arg-type]  # checked by the dataclass
        yield
        self.around = before

    def anchors(self, node: nodes.Node) -> str:
        """Return markup for the place that the ids of a node are, if it has any."""
        ids: list[str] = node.get("ids", []) if isinstance(node, nodes.Element) else []
        if not ids:
            return ""
        return self.place(f"{self.page.docname}#{ids[0]}")

    def place(self, label: str) -> str:
        """Return markup for a place, once."""
        if label in self.page.anchors.placed:
            return ""
        self.page.anchors.placed.add(label)
        return call_anchor(label)


def call_anchor(label: str) -> str:
    """Return markup for a place that a link may lead to."""
    return markup.call("anchor", markup.string(label))
