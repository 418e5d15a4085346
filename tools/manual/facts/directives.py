"""The directives that list facts and their uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from docutils import nodes
from docutils.nodes import Node
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from ..mermaid import mermaid_node
from . import KINDS
from .base import Content, Fact, Kind, UnknownFact, nearest
from .command import exit_statuses
from .drawings import PICTURES, sources
from .measure import provenance_of, records
from .render import Cell, Renderer, reference

if TYPE_CHECKING:
    from ..domain import EmpDomain


class FactDirective(SphinxDirective):
    """What the directives share: finding the kind, reporting faults."""

    @property
    def facts_domain(self) -> EmpDomain:
        """The domain that keeps what pages cite and describe."""
        return self.env.domains["emp"]  # type: ignore[return-value]  # setup() registers EmpDomain under this name

    def fault(self, message: str) -> list[Node]:
        """Report a fault at the place of the directive."""
        self.facts_domain.fault(message, self.get_location())
        return []

    def renderer(self) -> Renderer:
        """Return what renders facts for this page."""
        return Renderer(
            self.env.docname,
            self.state.document.note_explicit_target,
            lambda message: self.facts_domain.fault(message, self.get_location()),
        )

    def kind(self) -> Kind | None:
        """Return the kind that the first argument names; ``None``, reported, if there is none."""
        kind = KINDS.get(self.arguments[0])
        if kind is None:
            self.fault(f"no kind of fact {self.arguments[0]!r}{nearest(self.arguments[0], KINDS)}")
            return None
        for path in kind.sources():
            self.env.note_dependency(path)
        if not kind.facts and kind.domain == "emp":
            self.fault(f"there are no {kind.plural}")
            return None
        return kind


class ListDirective(FactDirective):
    """List the facts of a kind.

    Without options, or with ``:group:``, the page becomes the place that describes them. With ``:only:`` (names) or
    ``:columns:`` (fields) it is an extract: a table that links there.
    """

    required_arguments = 1
    option_spec: ClassVar = {
        "only": directives.unchanged_required,
        "columns": directives.unchanged_required,
        "group": directives.unchanged_required,
    }

    def run(self) -> list[Node]:
        """Return the table or the sections."""
        kind = self.kind()
        if kind is None:
            return []
        if kind.domain != "emp":
            return self.fault(f"{kind.plural} are not listed here: the {kind.domain} domain describes them")
        facts = list(kind.facts.values())
        group = self.options.get("group")
        if group is not None:
            if group not in kind.groups:
                return self.fault(f"{kind.plural} have no group {group!r}{nearest(group, kind.groups)}")
            facts = [fact for fact in facts if fact.group == group]
        if "only" in self.options or "columns" in self.options:
            return self._extract(kind, facts)
        for fact in facts:
            self.facts_domain.describe(fact, self.get_location())
        if kind.groups and group is None:
            return [node for name in kind.groups for node in self._group(kind, name)]
        return self._home(kind, facts)

    def _extract(self, kind: Kind, facts: list[Fact]) -> list[Node]:
        columns: Sequence[str] = kind.columns
        try:
            if "only" in self.options:
                facts = [kind.find(name) for name in self.options["only"].split()]
            if "columns" in self.options:
                columns = self.options["columns"].split()
                for name in columns:
                    facts[0].field(name)
        except UnknownFact as error:
            return self.fault(str(error))
        for fact in facts:
            self.facts_domain.cite(fact, location=self.get_location())
        return [self.renderer().overview(kind, facts, columns, home=False)]

    def _group(self, kind: Kind, name: str) -> list[Node]:
        facts = [fact for fact in kind.facts.values() if fact.group == name]
        section = nodes.section(
            "", nodes.title("", name), ids=[f"emp-{kind.name}-group-{nodes.make_id(name)}"]
        )
        self.state.document.note_explicit_target(section)
        section += self._home(kind, facts)
        return [section]

    def _home(self, kind: Kind, facts: list[Fact]) -> list[Node]:
        renderer = self.renderer()
        table = renderer.overview(kind, facts, kind.columns, home=kind.shape == "table")
        if kind.shape == "table":
            return [table]
        return [table, *(renderer.section(kind, fact) for fact in facts)]


class ExitDirective(FactDirective):
    """List the exit statuses of the program and the errors that end it with each."""

    def run(self) -> list[Node]:
        """Return the table."""
        kind = KINDS["error"]
        for path in kind.sources():
            self.env.note_dependency(path)
        renderer = self.renderer()
        entries: list[tuple[str, Content]] = [
            ("0", ("The command did what it was asked to do.",)),
            *((str(status), errors) for status, errors in exit_statuses()),
        ]
        rows = [
            [
                Cell([renderer.paragraph((status,), kind)], number=True),
                Cell([renderer.paragraph(errors, kind)]),
            ]
            for status, errors in entries
        ]
        return [renderer.table(("Exit status", "Error"), rows)]


class ProvenanceDirective(FactDirective):
    """Say where the figures of a benchmark come from."""

    required_arguments = 1

    def run(self) -> list[Node]:
        """Return the sentence."""
        known = {record.benchmark: record for _, record in records()}
        record = known.get(self.arguments[0])
        if record is None:
            return self.fault(f"no benchmark {self.arguments[0]!r}{nearest(self.arguments[0], known)}")
        kind = KINDS["measure"]
        for path in kind.sources():
            self.env.note_dependency(path)
        paragraph = self.renderer().paragraph((provenance_of(record),), kind)
        paragraph["classes"].append("emp-provenance")
        return [paragraph]


class DiagramDirective(FactDirective):
    """Show a diagram that is drawn from the code. Its content, if it has any, is the caption."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"alt": directives.unchanged_required, "name": directives.unchanged_required}

    def run(self) -> list[Node]:
        """Return the figure."""
        name = self.arguments[0]
        if name not in PICTURES:
            return self.fault(f"no diagram {name!r}{nearest(name, PICTURES)}")
        for path in sources():
            self.env.note_dependency(path)
        picture = PICTURES[name]()
        links: dict[str, Node] = {}
        for label, ref in picture.links.items():
            try:
                fact = KINDS[ref.kind].find(ref.name)
            except UnknownFact as error:
                return self.fault(f"the diagram {name!r} shows something that does not exist: {error}")
            self.facts_domain.cite_name(fact.kind, fact.name)
            content = nodes.inline("", fact.title)
            links[label] = reference(fact.kind, fact.name, content, self.env.docname, soft=True)
        caption: str | list[Node] = picture.caption
        if self.content:
            caption, messages = self.parse_inline(" ".join(self.content))
            caption = [*caption, *messages]
        figure = mermaid_node(
            picture.source,
            location=self.get_source_info(),
            alt=self.options.get("alt", picture.alt),
            caption=caption,
            links=links,
        )
        self.add_name(figure)
        return [figure]


class usage_table(nodes.General, nodes.Element):  # noqa: N801  # docutils names nodes in lower case
    """Stands for the table of pages that cite the facts of a kind until every page is read."""


class UsageDirective(FactDirective):
    """List the facts of a kind with the pages that cite each."""

    required_arguments = 1

    def run(self) -> list[Node]:
        """Return the place where the table will stand."""
        kind = self.kind()
        if kind is None:
            return []
        self.facts_domain.note_usage_page()
        return [usage_table("", kind=kind.name)]
