"""Tables on paper: every cell, and the longest words of each column, from which the template finds the widths."""

from __future__ import annotations

import re
from dataclasses import dataclass

from docutils import nodes

from . import markup
from .visit import Visitor

LONGEST = 11
"""Letters that a word in a cell may have without being broken."""
WORDS = 4
"""How many of the longest words of a column are measured: letters differ in width."""

TALL = 900
"""Letters from which on a cell may be torn over two pages."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """One cell of a table."""

    x: int
    entry: nodes.entry

    @property
    def across(self) -> int:
        return int(self.entry.get("morecols", 0)) + 1

    @property
    def down(self) -> int:
        return int(self.entry.get("morerows", 0)) + 1


class TableVisitor(Visitor):
    """Tables."""

    def visit_table(self, node: nodes.table) -> str:
        group = next(node.findall(nodes.tgroup))
        title = next((each for each in node.children if isinstance(each, nodes.title)), None)
        columns = int(group["cols"])
        head = [row for part in group.findall(nodes.thead) for row in _rows(part)]
        body = [row for part in group.findall(nodes.tbody) for row in _rows(part)]
        numeric = [_numeric(body, index) for index in range(columns)]
        nested = not self.around.wide
        with self.inside(wide=False, longest=LONGEST, numbers=False, notes=False):
            words = [self._words(head, body, index) for index in range(columns)]
            named = {"nested": "true"} if nested else {}
            if title is not None:
                named["caption"] = markup.content(self.children(title))
            shown = markup.call(
                "data-table",
                str(columns),
                markup.array("true" if each else "false" for each in numeric),
                markup.array(words),
                self._cells(head),
                self._cells(body),
                **named,
            )
        return f"{self.anchors(node)}{shown}\n\n"

    def _cells(self, rows: list[list[_Cell]]) -> str:
        return markup.array(markup.array(self._cell(cell) for cell in row) for row in rows)

    def _cell(self, cell: _Cell) -> str:
        return markup.dictionary(
            (
                ("x", str(cell.x)),
                ("colspan", str(cell.across)),
                ("rowspan", str(cell.down)),
                ("breakable", "true" if len(cell.entry.astext()) > TALL else "false"),
                ("body", markup.content(self.item(cell.entry))),
            )
        )

    def _words(self, head: list[list[_Cell]], body: list[list[_Cell]], column: int) -> str:
        """Return the longest words of a column that are not broken, as content to be measured."""
        found: set[tuple[bool, str]] = set()
        for number, rows in enumerate((head, body)):
            for cell in (each for row in rows for each in row if each.x == column and each.across == 1):
                for text in cell.entry.findall(nodes.Text):
                    code = isinstance(text.parent, (nodes.literal, nodes.literal_block))
                    for word in re.split(r"\s+", text.astext()):
                        parts = markup.pieces(word) if len(word) > LONGEST else [word]
                        found |= {(code or number == 0, part) for part in parts}
        longest = sorted(found, key=lambda each: (-len(each[1]), each))
        chosen = [
            each for code in (True, False) for each in [word for word in longest if word[0] == code][:WORDS]
        ]
        # A head is bold, which code is always wider than.
        return markup.array(
            markup.content(markup.call("code" if code else "strong", markup.string(word)))
            for code, word in chosen
            if word
        )


def _rows(part: nodes.Element) -> list[list[_Cell]]:
    """Return the cells of a table's head or body, each in its column."""
    taken: dict[int, int] = {}
    rows = []
    for row in part.children:
        cells, x = [], 0
        for entry in row.children:
            while taken.get(x, 0) > 0:
                x += 1
            cell = _Cell(x, entry)  # type: ignore[arg-type]  # a row holds entries
            cells.append(cell)
            for column in range(x, x + cell.across):
                taken[column] = cell.down
            x += cell.across
        taken = {column: left - 1 for column, left in taken.items() if left > 1}
        rows.append(cells)
    return rows


def _numeric(rows: list[list[_Cell]], column: int) -> bool:
    cells = [cell.entry for row in rows for cell in row if cell.x == column]
    return bool(cells) and all({"num", "text-right"} & _classes(entry) for entry in cells)


def _classes(entry: nodes.entry) -> set[str]:
    inner = (each for each in entry.children if isinstance(each, nodes.Element))
    found: set[str] = set()
    for each in (entry, *inner):
        found |= set(each.get("classes", []))
    return found
