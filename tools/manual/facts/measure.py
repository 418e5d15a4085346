"""Facts that were measured: the figures of a benchmark's record, and the limits that it is held to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from emprops.bench import Bar, Measure, Record

from .base import Fact, Field, Kind
from .quantity import NBSP, number
from .source import ROOT, Source

FOLDER = ROOT / "source" / "_figures"


def records() -> Iterator[tuple[Path, Record]]:
    """Return every record of a benchmark, with its file."""
    for path in sorted(FOLDER.glob("*.json")):
        yield path, Record.model_validate_json(path.read_text(encoding="utf-8"))


def provenance_of(record: Record) -> str:
    """Return where a record comes from, in one sentence."""
    made = record.provenance
    server = f"Valkey {made['server']}, " if "server" in made else ""
    return (
        f"Measured on {made['date']} at revision {made['revision']} with `{made['command']}`: {server}"
        f"Python {made['python']}, {made['system']}, {made['cores']} cores of {made['processor']}, shared with others."
    )


def slug(record: Record, name: str) -> str:
    """Return the name by which a figure is cited: the benchmark's and its own, as one word."""
    return f"{record.benchmark}-{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}"


def _source(path: Path, name: str) -> Source:
    lines = path.read_text(encoding="utf-8").splitlines()
    line = next((index for index, text in enumerate(lines, 1) if f'"{name}":' in text), 1)
    return Source(path.relative_to(ROOT).as_posix(), line)


def _figure(value: float, unit: str) -> str:
    return f"{number(value)}{NBSP}{unit}" if unit else number(value)


class Measures(Kind):
    """Figures, each the median of several rounds of one run."""

    name = "measure"
    label = "measured figure"
    plural = "measured figures"
    columns = ("median", "lowest", "highest", "rounds")
    summary_label = "In"
    value = "median"
    code = False
    modules = ("emprops.bench",)

    def load(self) -> Iterable[Fact]:
        """Return every figure, in the order of its record."""
        for path, record in records():
            for name, measure in record.measures.items():
                yield Fact(
                    kind=self.name,
                    name=slug(record, name),
                    title=name,
                    summary=measure.unit,
                    source=_source(path, name),
                    fields=self._fields(measure),
                    group=record.benchmark,
                )

    def _fields(self, measure: Measure) -> tuple[Field, ...]:
        def figure(name: str, label: str, value: float) -> Field:
            return Field(name, label, (_figure(value, measure.unit),), number=True, short=(number(value),))

        return (
            figure("median", "Median", measure.value),
            figure("lowest", "Lowest", measure.low),
            figure("highest", "Highest", measure.high),
            Field("rounds", "Rounds", (number(measure.rounds),), number=True),
        )


class Bars(Kind):
    """Limits that a benchmark holds its figures to."""

    name = "bar"
    label = "limit of a benchmark"
    plural = "limits of benchmarks"
    columns = ("measured", "limit")
    summary_label = "Kept"
    value = "measured"
    code = False
    modules = ("emprops.bench",)

    def load(self) -> Iterable[Fact]:
        """Return every limit, in the order of its record."""
        for path, record in records():
            for name, bar in record.bars.items():
                yield Fact(
                    kind=self.name,
                    name=slug(record, name),
                    title=name,
                    summary="yes" if bar.kept else "no",
                    source=_source(path, name),
                    fields=self._fields(bar),
                    group=record.benchmark,
                )

    def _fields(self, bar: Bar) -> tuple[Field, ...]:
        bound = "at least" if bar.at_least else "at most"
        return (
            Field("measured", "Measured", (_figure(bar.value, bar.unit),), number=True),
            Field("limit", "Limit", (f"{bound} {_figure(bar.limit, bar.unit)}",), number=True),
        )
