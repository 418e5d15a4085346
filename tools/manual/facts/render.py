"""Facts as document nodes: citations, tables, sections."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from docutils import nodes
from sphinx import addnodes

from . import KINDS
from .base import Code, Content, Fact, Field, Grid, Inline, Kind, Listing, Ref, UnknownFact

_BACKTICKS = re.compile(r"`([^`]+)`")
_ROLE = re.compile(r":[a-z:]+:`~?(?:[^`<]*\.)?([^`.<]+)`")
_COMMAND = re.compile(r"emprops [a-z]")
GENERATED = "emp-generated"
"""Class of what was rendered from facts: checks of prose leave it alone."""


def citation(kind: Kind, fact: Fact, docname: str, *, text: str = "", soft: bool = False) -> nodes.Node:
    """Return a link to the place that describes a fact, to be resolved when all pages are read.

    Args:
        kind: kind of the fact.
        fact: the fact.
        docname: page that cites it.
        text: what is shown; empty: the fact's title.
        soft: whether a fact that no page describes is shown without a link and without a warning.
    """
    shown = text or fact.title
    content: nodes.TextElement = nodes.inline("", shown)
    if kind.code and (not text or soft):
        content = nodes.literal("", shown)
    return reference(kind.name, fact.name, content, docname, soft=soft)


def reference(
    kind: str, name: str, content: nodes.TextElement, docname: str, *, soft: bool = False
) -> addnodes.pending_xref:
    """Return a link to a fact that shows the given content."""
    return addnodes.pending_xref(
        "",
        content,
        refdomain="emp",
        reftype=kind,
        reftarget=name,
        refdoc=docname,
        refexplicit=True,
        refwarn=True,
        soft=soft,
    )


def plain(content: Content) -> str:
    """Return content as text."""
    parts = []
    for item in content:
        if isinstance(item, Ref):
            parts.append(item.text or _title(item))
        else:
            parts.append(item.text if isinstance(item, Code) else clean(item).replace("`", ""))
    return "".join(parts)


def _commands() -> Iterable[Fact]:
    return KINDS["command"].facts.values()


def _title(ref: Ref) -> str:
    return KINDS[ref.kind].find(ref.name).title


def clean(text: str) -> str:
    """Return a docstring's text with its references as code in backticks."""
    return _ROLE.sub(r"`\1`", text).replace("``", "`")


class Renderer:
    """Renders facts for one page.

    Args:
        docname: the page.
        note: registers a node with an id in the document.
        warn: reports a fault in a fact's own text.
    """

    def __init__(
        self, docname: str, note: Callable[[nodes.Element], None], warn: Callable[[str], None]
    ) -> None:
        self.docname = docname
        self.note = note
        self.warn = warn

    def inline(self, content: Content, kind: Kind) -> list[nodes.Node]:
        """Return content as nodes; code that names a fact becomes a link to it."""
        return [node for item in content for node in self._item(item, kind)]

    def _item(self, item: Inline, kind: Kind) -> Iterator[nodes.Node]:
        if isinstance(item, Ref):
            try:
                fact = KINDS[item.kind].find(item.name)
            except UnknownFact as error:
                self.warn(f"{kind.label}: it refers to something that does not exist: {error}")
                yield nodes.literal("", item.text or item.name)
                return
            yield citation(KINDS[item.kind], fact, self.docname, text=item.text, soft=True)
        elif isinstance(item, Code):
            yield self._code(item.text, kind) if item.cites else nodes.literal("", item.text)
        else:
            for index, part in enumerate(_BACKTICKS.split(clean(item))):
                if index % 2:
                    yield self._code(part, kind)
                elif part:
                    yield nodes.Text(part)

    def _code(self, text: str, kind: Kind) -> nodes.Node:
        for candidate in (kind, *(KINDS[name] for name in kind.mentions)):
            if candidate.code and candidate.domain == "emp":
                fact = candidate.get(text)
                if fact is not None and text == fact.title:
                    return citation(candidate, fact, self.docname, soft=True)
        if _COMMAND.match(text) and not any(
            f"{text} ".startswith(f"{known.title} ") for known in _commands()
        ):
            self.warn(f"{kind.label}: its text names a command that does not exist: {text!r}")
        return nodes.literal("", text)

    def paragraph(self, content: Content, kind: Kind, *classes: str) -> nodes.paragraph:
        """Return content as a paragraph."""
        return nodes.paragraph("", "", *self.inline(content, kind), classes=list(classes))

    def table(self, head: Sequence[str], rows: Sequence[Sequence[Cell]], *classes: str) -> nodes.table:
        """Return a table.

        Args:
            head: heads of its columns.
            rows: cells of its rows.
            classes: CSS classes.
        """
        numeric = [all(row[index].number for row in rows) for index in range(len(head))]
        group = nodes.tgroup("", cols=len(head))
        for index in range(len(head)):
            group += nodes.colspec("", colwidth=max(_width(row[index], head[index]) for row in rows))
        top = nodes.row("")
        for index, label in enumerate(head):
            top += nodes.entry("", nodes.paragraph("", label), classes=["num"] if numeric[index] else [])
        body = nodes.tbody("")
        for row in rows:
            line = nodes.row("")
            for cell in row:
                line += nodes.entry("", *cell.nodes, classes=["num"] if cell.number else [])
            body += line
        group += [nodes.thead("", top), body]
        return nodes.table("", group, classes=[GENERATED, "emp-table", *classes])

    def overview(
        self, kind: Kind, facts: Sequence[Fact], columns: Sequence[str], *, home: bool
    ) -> nodes.table:
        """Return a table of facts, one a row.

        Args:
            kind: kind of the facts.
            facts: the facts.
            columns: names of the fields that get a column.
            home: whether the table is the place that describes them.
        """
        stacked = home and kind.stacked
        labels = {field.name: field.label for fact in facts for field in fact.fields}
        head = [kind.label.capitalize(), *(labels[name] for name in columns), kind.summary_label]
        rows = [
            [
                self._name_cell(kind, fact, home=home),
                *(self._field_cell(kind, fact.field(name)) for name in columns),
                self._summary_cell(kind, fact, home=home),
            ]
            for fact in facts
        ]
        if stacked:
            head[0] = f"{head[0]} and {head.pop().lower()}"
            for row in rows:
                row[0] = Cell([*row[0].nodes, *row.pop().nodes])
        return self.table(head, rows, f"emp-{kind.name}-table", *(["emp-stacked"] if stacked else []))

    def _name_cell(self, kind: Kind, fact: Fact, *, home: bool) -> Cell:
        paragraph = nodes.paragraph("")
        if home:
            target = nodes.target("", "", ids=[fact.anchor], classes=["emp-anchor"])
            self.note(target)
            paragraph += target
        paragraph += citation(kind, fact, self.docname, soft=True)
        return Cell([paragraph])

    def _field_cell(self, kind: Kind, field: Field) -> Cell:
        return Cell([self.paragraph(field.short or field.content, kind)], number=field.number)

    def _summary_cell(self, kind: Kind, fact: Fact, *, home: bool) -> Cell:
        cell = [self.paragraph((fact.summary,), kind)]
        if home and kind.details:
            content: list[Inline] = []
            for name in kind.details:
                field = fact.field(name)
                content += [" · " if content else "", f"{field.label}: ", *field.content]
            cell.append(self.paragraph(tuple(content), kind, "emp-details"))
        return Cell(cell)

    def section(self, kind: Kind, fact: Fact) -> nodes.section:
        """Return the section that describes a fact."""
        title = nodes.title("", "", nodes.literal("", fact.title) if kind.code else nodes.Text(fact.title))
        section = nodes.section("", title, ids=[fact.anchor], classes=[GENERATED, "emp-section"])
        self.note(section)
        section += self.paragraph((fact.summary,), kind, "emp-summary")
        for text in fact.description:
            section += self.paragraph((text,), kind)
        sheet = nodes.field_list("", classes=["emp-sheet"])
        declared = Field("declared", "Declared in", (Code(str(fact.source)),))
        for field in (*fact.fields, declared):
            body = nodes.field_body("", self.paragraph(field.content, kind))
            sheet += nodes.field("", nodes.field_name("", field.label), body)
        section += sheet
        for block in fact.blocks:
            section += self.grid(block, kind) if isinstance(block, Grid) else listing(block)
        return section

    def citation_paragraph(self, kind: Kind, fact: Fact) -> nodes.paragraph:
        """Return a paragraph that is a link to a fact."""
        return nodes.paragraph("", "", citation(kind, fact, self.docname, soft=True))

    def grid(self, grid: Grid, kind: Kind) -> nodes.table:
        """Return a table that belongs to a fact."""
        rows = [[Cell([self.paragraph(content, kind)]) for content in row] for row in grid.rows]
        table = self.table(grid.head, rows, "emp-grid")
        table.insert(0, nodes.title("", grid.caption))
        return table


class Cell:
    """Content of one cell of a table.

    Args:
        nodes: what it holds.
        number: whether it is a figure.
    """

    def __init__(self, nodes: Sequence[nodes.Node], *, number: bool = False) -> None:
        self.nodes = nodes
        self.number = number


def _width(cell: Cell, head: str) -> int:
    longest = max(len(node.astext()) for node in cell.nodes)
    return max(len(head), min(longest, 60))


class folded(nodes.General, nodes.Element):  # noqa: N801  # docutils names nodes in lower case
    """Content behind a caption that opens it; open where nothing can be folded."""


class folded_caption(nodes.General, nodes.TextElement):  # noqa: N801  # docutils names nodes in lower case
    """The caption of folded content."""


def listing(block: Listing) -> nodes.Element:
    """Return source text, folded away until it is asked for or under its caption."""
    # Pygments reads `a < f(x)` in Lua as a variable's attribute and calls it an error; the server checks the source.
    code = nodes.literal_block(
        block.text, block.text, language=block.language, force=True, classes=[GENERATED]
    )
    if block.folded:
        return folded("", folded_caption("", block.caption), code)
    return nodes.container("", nodes.paragraph("", "", nodes.strong("", block.caption)), code)
