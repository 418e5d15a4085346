"""What the leadership brief says of its own: the measures against their targets, and what changed since."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from docutils.core import publish_doctree
from myst_parser.parsers.docutils_ import Parser
from sphinx.errors import ConfigError

from emprops.bench import Bar, Measure, Record
from manual.facts.measure import provenance_of, records
from manual.facts.quantity import number
from manual.facts.render import Cell, Renderer
from manual.facts.source import ROOT

from . import markup
from .revision import file_at

CHANGELOG = "CHANGELOG.md"
FIRST = "This is the first brief: everything there is, is new."
_VERSION = re.compile(r"^## \[([^\]]+)\]", re.MULTILINE)
_ENTRY = re.compile(r"^- .*(?:\n  .*)*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Target:
    """A measured figure and the limit that it is held to.

    Attributes:
        name: what was measured.
        bar: the figure and the limit.
        measure: its spread; none for a ratio of two figures.
    """

    name: str
    bar: Bar
    measure: Measure | None

    @property
    def share(self) -> float:
        """The figure as a share of its limit."""
        return self.bar.value / self.bar.limit if self.bar.limit else 0.0

    def spread(self) -> tuple[float, float] | None:
        """Return the lowest and the highest round as shares of the limit; none if there was one round only."""
        if self.measure is None or self.measure.rounds < 2 or not self.bar.limit:
            return None
        return self.measure.low / self.bar.limit, self.measure.high / self.bar.limit

    def in_words(self) -> str:
        """Return figure and limit in words."""
        bound = "at least" if self.bar.at_least else "at most"
        return f"{_figure(self.bar.value, self.bar.unit)}, {bound} {_figure(self.bar.limit, self.bar.unit)}"


def targets(record: Record) -> list[Target]:
    """Return the targets of a benchmark.

    Args:
        record: its record.
    """
    return [Target(name, bar, record.measures.get(name)) for name, bar in record.bars.items()]


def shown(left_out: tuple[str, ...]) -> list[tuple[Record, list[Target]]]:
    """Return the benchmarks that the summary shows, each with its targets.

    Args:
        left_out: names of those that it does not show.

    Raises:
        ConfigError: one of them does not exist.
    """
    every = {record.benchmark: record for _, record in records()}
    if missing := sorted(set(left_out) - every.keys()):
        raise ConfigError(
            f"pdf_documents in conf.py leaves out benchmarks that do not exist: {', '.join(missing)}"
        )
    groups = [(record, targets(record)) for name, record in every.items() if name not in left_out]
    return [(record, found) for record, found in groups if found]


def summary(introduction: str, left_out: tuple[str, ...]) -> str:
    """Return the page with the measures against their targets, as markup.

    Args:
        introduction: what the system is, as markup.
        left_out: names of benchmarks that it does not show.
    """
    groups = shown(left_out)
    every = [target for _, found in groups for target in found]
    parts = [
        markup.call("page-title", "1", markup.string("brief#summary"), _shown("Summary")),
        introduction,
        markup.call("prose", _shown(_verdict(every))),
        markup.call("targets", *(_group(record, found) for record, found in groups), count=str(len(every))),
    ]
    return "\n".join(parts) + "\n"


def _verdict(every: list[Target]) -> str:
    missed = [target for target in every if not target.bar.kept]
    kept = len(every) - len(missed)
    if not missed:
        return f"All {len(every)} targets are kept."
    names = "; ".join(f"{target.name} ({target.in_words()})" for target in missed)
    return f"{kept} of {len(every)} targets are kept. Missed: {names}."


def _group(record: Record, found: list[Target]) -> str:
    rows = markup.array(_row(target) for target in found)
    return markup.dictionary(
        (
            ("name", markup.string(record.benchmark)),
            ("rows", rows),
            ("provenance", _shown(provenance_of(record).replace("`", ""))),
        )
    )


def _row(target: Target) -> str:
    spread = target.spread()
    return markup.dictionary(
        (
            ("name", markup.string(target.name)),
            ("share", f"{target.share:.4f}"),
            ("spread", markup.array(f"{each:.4f}" for each in spread) if spread else "none"),
            ("value", markup.string(_figure(target.bar.value, target.bar.unit))),
            ("limit", markup.string(_figure(target.bar.limit, target.bar.unit))),
            ("rounds", str(target.measure.rounds) if target.measure else "none"),
            ("at-least", "true" if target.bar.at_least else "false"),
            ("kept", "true" if target.bar.kept else "false"),
        )
    )


def changes(before: str, translate: Callable[[nodes.Element], str], root: Path = ROOT) -> str:
    """Return what changed since the brief before, as markup: entries of the changelog, and figures.

    Args:
        before: revision of the brief before; empty if there is none.
        translate: turns a node into markup.
        root: the repository.

    Raises:
        NoRevision: there is no revision `before`.
    """
    title = markup.call(
        "page-title", "1", markup.string("brief#changes"), _shown("What changed since the last brief")
    )
    lead = nodes.paragraph("", f"Since the brief of revision {before}." if before else FIRST)
    body = [lead, *_entries(root, before), *_moved(root, before)]
    return title + "\n" + "".join(translate(node) for node in body)


def _entries(root: Path, before: str) -> list[nodes.Element]:
    """Return the new entries of the changelog under their headings."""
    text = (root / CHANGELOG).read_text(encoding="utf-8")
    old = set(_ENTRY.findall(file_at(root, before, CHANGELOG) or "")) if before else set()
    kept = _ENTRY.sub(lambda entry: "" if entry[0] in old else entry[0], text)
    kept = _VERSION.sub(r"## \1", kept)
    doctree = publish_doctree(
        kept,
        parser=Parser(),
        settings_overrides={"report_level": 5, "doctitle_xform": False, "myst_suppress_warnings": ["myst"]},
    )
    return list(_with_entries(list(_flat(doctree))))


def _flat(doctree: nodes.Element) -> Iterator[nodes.Element]:
    """Return headings and what stands below them in one row, the top of the file left out."""
    for node in doctree.children:
        if isinstance(node, nodes.section):
            title = node.children[0]
            yield nodes.rubric("", "", *[each.deepcopy() for each in title.children])
            yield from _flat(node)
        elif isinstance(node, (nodes.paragraph, nodes.bullet_list)):
            yield node


def _with_entries(row: list[nodes.Element]) -> Iterator[nodes.Element]:
    """Return lists and what leads to them; a heading without a list below it is left out."""
    waiting: list[nodes.Element] = []
    for node in row:
        if isinstance(node, nodes.bullet_list):
            yield from waiting
            yield node
            waiting = []
            continue
        # A heading ends what stood below the one before; a paragraph the paragraph before it.
        headings = [each for each in waiting if isinstance(each, nodes.rubric)]
        waiting = [*(headings[-1:] if isinstance(node, nodes.rubric) else headings), node]


def _moved(root: Path, before: str) -> list[nodes.Element]:
    """Return the table of the figures that are new or have another value."""
    if not before:
        return []
    rows = []
    for path, record in records():
        text = file_at(root, before, path.relative_to(ROOT).as_posix())
        old = Record.model_validate_json(text).measures if text else {}
        for name, measure in record.measures.items():
            was = old.get(name)
            if was is None or was.value != measure.value:
                rows.append(_change(record.benchmark, name, was, measure))
    if not rows:
        return [nodes.paragraph("", "No figure was measured anew.")]
    table = Renderer("", _nothing, _nothing).table(("Benchmark", "Figure", "Before", "Now", "Change"), rows)
    return [nodes.rubric("", "Figures"), table]


def _nothing(told: object) -> None:
    """Take no note: a table of the brief is no target, and has nothing to be warned of."""


def _change(benchmark: str, name: str, was: Measure | None, now: Measure) -> list[Cell]:
    change = f"{now.value / was.value - 1:+.0%}" if was and was.value else "new"
    texts = (
        benchmark,
        name,
        _figure(was.value, was.unit) if was else "–",
        _figure(now.value, now.unit),
        change,
    )
    return [Cell([nodes.paragraph("", text)], number=index > 1) for index, text in enumerate(texts)]


def _figure(value: float, unit: str) -> str:
    return f"{number(value)} {unit}" if unit else number(value)


def _shown(text: str) -> str:
    return markup.content(markup.text(text))
