"""How commands speak: tables and plain lines for people, JSON for programs, errors on the error channel."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine, Sequence
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ..core.errors import EmpropsError
from ..core.lifecycle import Status

Result = TypeVar("Result")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text for people.")]

STYLES = {
    Status.WAITING: "yellow",
    Status.PENDING: "blue",
    Status.RUNNING: "cyan",
    Status.COMPLETED: "green",
    Status.DEAD: "red",
    Status.CANCELLED: "bright_black",
}
"""Colour of each status in a terminal, always beside its name."""

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's work to its end."""
    return asyncio.run(work)


def print_json(value: BaseModel | Sequence[BaseModel] | dict[str, Any]) -> None:
    """Print one JSON document."""
    if isinstance(value, BaseModel):
        data: Any = value.model_dump(mode="json")
    elif isinstance(value, dict):
        data = value
    else:
        data = [item.model_dump(mode="json") for item in value]
    typer.echo(json.dumps(data, ensure_ascii=False))


def print_line(text: str) -> None:
    """Print one line at once, also when nobody but a program reads it."""
    typer.echo(text)


def status_text(status: Status) -> Text:
    """Return a status in its colour."""
    return Text(status.value, style=STYLES[status])


def table(*heads: str) -> Table:
    """Return an empty table; heads that end in a number sign stand above figures."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        figures = head.endswith("#")
        made.add_column(
            head.rstrip("#"), justify="right" if figures else "left", no_wrap=True, overflow="fold"
        )
    return made


def print_table(shown: Table) -> None:
    """Print a table; in a narrow terminal its lines go on in the next one, and nothing in it is cut."""
    natural = Measurement.get(out, out.options.update(width=10_000), shown).maximum
    Console(width=max(out.width, natural), soft_wrap=True, highlight=False).print(shown)


def ago(moment_ms: int) -> str:
    """Return how long ago a moment was, in words.

    Args:
        moment_ms: the moment (milliseconds since 1970).
    """
    seconds = max(0, round(time.time() - moment_ms / 1000))
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def report_error(error: EmpropsError, *, as_json: bool) -> None:
    """Print an error on the error channel: what is wrong, and what to do."""
    if as_json:
        typer.echo(json.dumps(error.as_dict(), ensure_ascii=False), err=True)
        return
    err.print(Text.assemble(("error ", "bold red"), (error.code, "bold"), f"  {error.message}"))
    err.print(Text(f"what to do: {error.remedy}"))
