"""Commands that measure the queue on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from ..bench import (
    HttpPlan,
    Plan,
    Record,
    SocketPlan,
    run_claim_benchmark,
    run_http_benchmark,
    run_socket_benchmark,
)
from .output import AsJson, err, out, print_json, print_table, run, table

bench = typer.Typer(help="Measure the queue on this machine, with a server of its own.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(bench, name="bench")


@bench.command("claim")
def claim(
    pending: Annotated[
        int, typer.Option(help="Jobs in the large pool (1,000 to 10,000,000).", min=1000, max=10_000_000)
    ] = Plan.pending,
    classes: Annotated[
        int,
        typer.Option(help="Requirement classes in the pool of many (10 to 100,000).", min=10, max=100_000),
    ] = Plan.classes,
    rounds: Annotated[
        int, typer.Option(help="Rounds of each figure (3 to 1,000).", min=3, max=1000)
    ] = Plan.rounds,
    output: Annotated[Path | None, typer.Option(help="File to write the record to, as JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure what a claim costs as the queue grows, how soon a job starts, and what a pending job takes."""
    plan = Plan(pending=pending, classes=classes, rounds=rounds)
    _tell(run(run_claim_benchmark(plan, ["emprops", *sys.argv[1:]], err.print)), output, as_json=as_json)


@bench.command("http")
def http(
    rounds: Annotated[
        int, typer.Option(help="Rounds of each figure (1 to 1,000).", min=1, max=1000)
    ] = HttpPlan.rounds,
    clients: Annotated[
        int, typer.Option(help="Connections that submit at a time (1 to 1,000).", min=1, max=1000)
    ] = HttpPlan.clients,
    output: Annotated[Path | None, typer.Option(help="File to write the record to, as JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure what a submit over HTTP costs beside one with the Python client, and what the API takes idle."""
    plan = HttpPlan(rounds=rounds, clients=clients)
    _tell(run(run_http_benchmark(plan, ["emprops", *sys.argv[1:]], err.print)), output, as_json=as_json)


@bench.command("socket")
def socket(
    clients: Annotated[
        int, typer.Option(help="Connected clients (10 to 10,000).", min=10, max=10_000)
    ] = SocketPlan.clients,
    events: Annotated[
        int,
        typer.Option(
            help="Events that are timed in each part of a round (10 to 10,000).", min=10, max=10_000
        ),
    ] = SocketPlan.events,
    rounds: Annotated[int, typer.Option(help="Rounds (1 to 100).", min=1, max=100)] = SocketPlan.rounds,
    output: Annotated[Path | None, typer.Option(help="File to write the record to, as JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure what a WebSocket client costs, how soon it has an event, and whether a slow reader harms others."""
    plan = SocketPlan(clients=clients, events=events, rounds=rounds)
    _tell(run(run_socket_benchmark(plan, ["emprops", *sys.argv[1:]], err.print)), output, as_json=as_json)


def _tell(record: Record, output: Path | None, *, as_json: bool) -> None:
    if output is not None:
        output.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
    if as_json:
        print_json(record)
    else:
        _show(record)


def _show(record: Record) -> None:
    shown = table("Figure", "Median#", "Lowest#", "Highest#", "Unit")
    for name, measure in record.measures.items():
        figures = (f"{figure:,.4g}" for figure in (measure.value, measure.low, measure.high))
        shown.add_row(name, *figures, measure.unit)
    print_table(shown)
    out.print()
    shown = table("Limit", "Measured#", "Allowed", "Kept")
    for name, bar in record.bars.items():
        allowed = f"{'at least' if bar.at_least else 'at most'} {bar.limit:,g} {bar.unit}".rstrip()
        kept = Text("yes", style="green") if bar.kept else Text("no", style="bold red")
        shown.add_row(name, f"{bar.value:,.4g}", allowed, kept)
    print_table(shown)
