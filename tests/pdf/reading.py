"""Reads a PDF file without what made it: its pages, what is drawn on them, and the tree of its structure."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pypdfium2.raw as pdfium
from pypdf import PdfReader
from pypdf.generic import Destination


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page, in points from its lower left corner."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def area(self) -> float:
        """Its area, in square points."""
        return (self.right - self.left) * (self.top - self.bottom)

    def inside(self, other: Box, slack: float = 0.6) -> bool:
        """Tell whether it lies in another, give or take some points."""
        return (
            self.left >= other.left - slack
            and self.right <= other.right + slack
            and self.bottom >= other.bottom - slack
            and self.top <= other.top + slack
        )


@dataclass(frozen=True, slots=True)
class Run:
    """Text that is drawn in one go.

    Attributes:
        text: what it says.
        box: where it stands.
        size: of its letters as they are on the page, in points.
        page: sheet, counted from 0.
        mark: number of the marked content that it belongs to; -1 for none.
    """

    text: str
    box: Box
    size: float
    page: int
    mark: int


@dataclass
class Element:
    """One element of the structure.

    Attributes:
        tag: what it is.
        alternative: its text alternative; empty for none.
        children: elements and runs in reading order.
    """

    tag: str
    alternative: str
    children: list[Element | Run] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        """Yield it and every element below it."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def leaves(self, above: tuple[Element, ...] = ()) -> Iterator[tuple[tuple[Element, ...], Run]]:
        """Yield all text in it with the elements that it stands in, outermost first."""
        for child in self.children:
            if isinstance(child, Run):
                yield (*above, self), child
            else:
                yield from child.leaves((*above, self))

    def runs(self) -> Iterator[Run]:
        """Yield all text in it."""
        for child in self.children:
            if isinstance(child, Run):
                yield child
            else:
                yield from child.runs()

    @property
    def text(self) -> str:
        """All text in it."""
        return "".join(run.text for run in self.runs())


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the outline: how deep it stands (1 or more), its title and its sheet."""

    level: int
    title: str
    page: int


class Pdf:
    """A PDF file.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reader = PdfReader(path)
        self.pike = pikepdf.Pdf.open(path)
        self.drawn = pypdfium2.PdfDocument(path)
        self.pages = len(self.drawn)
        self._fills: dict[int, list[Box]] = {}

    def size(self, page: int) -> tuple[float, float]:
        """Return how wide and how high a page is, in points."""
        return self._sizes[page]

    @cached_property
    def _sizes(self) -> list[tuple[float, float]]:
        return [self.drawn.get_page_size(number) for number in range(self.pages)]

    @cached_property
    def outline(self) -> list[Bookmark]:
        """The bookmarks, in order."""
        return list(self._bookmarks(self.reader.outline, 1))

    def _bookmarks(self, entries: list[Any], level: int) -> Iterator[Bookmark]:
        for entry in entries:
            if isinstance(entry, Destination):
                page = self.reader.get_destination_page_number(entry)
                assert page is not None
                yield Bookmark(level, str(entry.title), page)
            else:
                yield from self._bookmarks(entry, level + 1)

    # What is drawn

    @cached_property
    def runs(self) -> list[Run]:
        """All text of all pages."""
        return [run for number in range(self.pages) for run in self._runs(number)]

    def _runs(self, number: int) -> Iterator[Run]:
        page = self.drawn[number]
        letters = page.get_textpage()
        for item in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT], max_depth=15):
            raw = item.raw
            length = pdfium.FPDFTextObj_GetText(raw, letters, None, 0)
            buffer = ctypes.create_string_buffer(length)
            pdfium.FPDFTextObj_GetText(
                raw, letters, ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), length
            )
            size = ctypes.c_float()
            pdfium.FPDFTextObj_GetFontSize(raw, size)
            matrix = item.get_matrix()
            scale = abs(matrix.a * matrix.d - matrix.b * matrix.c) ** 0.5
            yield Run(
                text=buffer.raw[: max(0, length - 2)].decode("utf-16-le"),
                box=Box(*item.get_bounds()),
                size=size.value * scale,
                page=number,
                mark=pdfium.FPDFPageObj_GetMarkedContentID(raw),
            )

    def fills(self, number: int) -> list[Box]:
        """Return every filled rectangle of a page."""
        if number not in self._fills:
            self._fills[number] = self._find_fills(number)
        return self._fills[number]

    def _find_fills(self, number: int) -> list[Box]:
        found = []
        for item in self.drawn[number].get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=1):
            mode, stroke = ctypes.c_int(), ctypes.c_int()
            pdfium.FPDFPath_GetDrawMode(item.raw, mode, stroke)
            if mode.value and not stroke.value:
                found.append(Box(*item.get_bounds()))
        return found

    def bitmaps(self, number: int) -> int:
        """Return how many pictures of a page are made of dots."""
        return sum(
            1 for _ in self.drawn[number].get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=15)
        )

    def text(self, number: int) -> str:
        """Return the text of a page."""
        return str(self.drawn[number].get_textpage().get_text_bounded()).replace("\r\n", "\n")

    # Its structure

    @cached_property
    def tree(self) -> Element:
        """The structure, with the text of each element."""
        marked: dict[tuple[int, int], list[Run]] = {}
        for run in self.runs:
            marked.setdefault((run.page, run.mark), []).append(run)
        pages = {page.obj.objgen: number for number, page in enumerate(self.pike.pages)}
        root = Element("root", "")
        self._grow(root, self.pike.Root.StructTreeRoot.K, None, marked, pages)
        return root

    def _grow(
        self,
        parent: Element,
        node: Any,
        page: int | None,
        marked: dict[tuple[int, int], list[Run]],
        pages: dict[tuple[int, int], int],
    ) -> None:
        if isinstance(node, int):
            if page is not None:
                parent.children += marked.get((page, node), [])
            return
        if isinstance(node, pikepdf.Array):
            for each in node:
                self._grow(parent, each, page, marked, pages)
            return
        page = pages[node.Pg.objgen] if "/Pg" in node else page
        if "/S" in node:
            element = Element(str(node.S).removeprefix("/"), str(node.get("/Alt", "")))
            parent.children.append(element)
            if "/K" in node:
                self._grow(element, node.K, page, marked, pages)
        elif "/MCID" in node and page is not None:
            parent.children += marked.get((page, int(node.MCID)), [])

    # Fonts and links

    def fonts(self) -> dict[str, bool]:
        """Return every font by its name, and whether the file holds it."""
        found: dict[str, bool] = {}
        for page in self.pike.pages:
            self._fonts(page.obj.get("/Resources", {}), found)
        return found

    def _fonts(self, resources: Any, found: dict[str, bool]) -> None:
        for font in dict(resources.get("/Font", {})).values():
            for each in font.get("/DescendantFonts", [font]):
                described = each.get("/FontDescriptor", {})
                held = any(key in described for key in ("/FontFile", "/FontFile2", "/FontFile3"))
                found[str(each.get("/BaseFont", each.get("/Name", "?")))] = (
                    held or font.get("/Subtype") == "/Type3"
                )
        for inner in dict(resources.get("/XObject", {})).values():
            if "/Resources" in inner:
                self._fonts(inner.Resources, found)

    def links(self) -> Iterator[tuple[int, Any]]:
        """Yield the sheet of each link within the file, and the sheet that it leads to; `None` if it leads nowhere."""
        pages = {page.obj.objgen: number for number, page in enumerate(self.pike.pages)}
        names = self._names()
        for number, page in enumerate(self.pike.pages):
            for note in page.get("/Annots", []):
                if note.get("/Subtype") != "/Link":
                    continue
                action: Any = note.get("/A", {})
                if action.get("/S") == "/URI":
                    continue
                target = note.get("/Dest", action.get("/D"))
                if isinstance(target, (pikepdf.String, pikepdf.Name)):
                    target = names.get(str(target).removeprefix("/"))
                if isinstance(target, pikepdf.Dictionary):
                    target = target.get("/D")
                yield number, pages.get(target[0].objgen) if target is not None and len(target) else None

    def _names(self) -> dict[str, Any]:
        root = self.pike.Root
        found = {str(name).removeprefix("/"): value for name, value in dict(root.get("/Dests", {})).items()}
        if "/Names" in root and "/Dests" in root.Names:
            found |= {str(name): value for name, value in pikepdf.NameTree(root.Names.Dests).items()}
        return found


def out_of_cells(pdf: Pdf) -> list[tuple[int, str]]:
    """Return the sheet and the text of each cell of a table whose text leaves it.

    Every cell is painted: all its text on a page lies in one such rectangle, which no other cell of its row has.

    Args:
        pdf: the file.
    """
    wrong = []
    for row in (element for element in pdf.tree.walk() if element.tag == "TR"):
        taken: set[tuple[int, Box]] = set()
        for cell in (each for each in row.children if isinstance(each, Element)):
            runs = [run for run in cell.runs() if run.text.strip()]
            for page in sorted({run.page for run in runs}):
                boxes = [run.box for run in runs if run.page == page]
                around = [fill for fill in pdf.fills(page) if all(box.inside(fill) for box in boxes)]
                own = min(around, key=lambda fill: fill.area, default=None)
                if own is None or (page, own) in taken:
                    wrong.append((page, cell.text))
                else:
                    taken.add((page, own))
    return wrong
