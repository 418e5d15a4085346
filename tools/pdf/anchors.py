"""Where links may lead: every id of the pages of a document, and the label that it has in Typst."""

from __future__ import annotations

from docutils import nodes
from sphinx.errors import SphinxError


class DanglingLink(SphinxError):
    """A link leads to a place that its page does not have."""

    category = "Link to nowhere"


class Anchors:
    """The places of a document that links may lead to.

    A section is one place under all its ids: its heading carries one label.
    """

    def __init__(self) -> None:
        self._labels: dict[str, str] = {}
        self._pages: set[str] = set()
        self.placed: set[str] = set()

    def add(self, docname: str, doctree: nodes.document) -> None:
        """Take up every id of a page.

        Args:
            docname: the page.
            doctree: its document.
        """
        self._pages.add(docname)
        for node in doctree.findall(nodes.Element):
            ids: list[str] = node.get("ids", [])
            for each in ids:
                self._labels[f"{docname}#{each}"] = f"{docname}#{ids[0]}"
        first = next(doctree.findall(nodes.section), None)
        if first is not None:
            self._labels[docname] = f"{docname}#{first['ids'][0]}"

    def label(self, docname: str, uri: str) -> str | None:
        """Return the label that a link leads to; `None` if its page is not in this document.

        Args:
            docname: page that has the link.
            uri: what `PdfBuilder.get_target_uri` gave, with or without an id; or an id alone.

        Raises:
            DanglingLink: the page is in this document and has no such place.
        """
        page, _, anchor = uri.removeprefix("%").partition("#")
        page = page or docname
        if page not in self._pages:
            return None
        key = f"{page}#{anchor}" if anchor else page
        if key not in self._labels:
            raise DanglingLink(f"{docname} links to {key}, and there is no such place.")
        return self._labels[key]
