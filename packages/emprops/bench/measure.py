"""What a benchmark tells: figures with their spread, and bars that a ratio must keep."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict


class Measure(BaseModel):
    """One figure: the median of several rounds, with the lowest and the highest."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    value: float
    """Median over the rounds."""
    low: float
    """Lowest round."""
    high: float
    """Highest round."""
    rounds: int
    """How many rounds."""
    unit: str
    """Unit of the figures."""

    @classmethod
    def of(cls, rounds: Sequence[float], unit: str) -> Measure:
        """Return the figure of some rounds."""
        return cls(
            value=_short(statistics.median(rounds)),
            low=_short(min(rounds)),
            high=_short(max(rounds)),
            rounds=len(rounds),
            unit=unit,
        )


class Bar(BaseModel):
    """A limit that a ratio of two figures of the run, or one figure, must keep."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    value: float
    """What was measured."""
    limit: float
    """The limit."""
    at_least: bool = False
    """Whether the value must reach the limit; otherwise it must not exceed it."""
    unit: str = ""
    """Unit of value and limit; empty for a ratio."""
    kept: bool
    """Whether it is kept."""

    @classmethod
    def of(cls, value: float, limit: float, *, at_least: bool = False, unit: str = "") -> Bar:
        """Compare a value with its limit."""
        kept = value >= limit if at_least else value <= limit
        return cls(value=_short(value), limit=limit, at_least=at_least, unit=unit, kept=kept)


class Record(BaseModel):
    """One run of a benchmark."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    benchmark: str
    """Name of the benchmark."""
    provenance: dict[str, str | int]
    """Machine, revision, versions, command and date."""
    plan: dict[str, int]
    """Sizes of the run."""
    measures: dict[str, Measure]
    """The figures, by name."""
    bars: dict[str, Bar]
    """The limits, by name."""


def _short(value: float) -> float:
    return float(f"{value:.4g}")
