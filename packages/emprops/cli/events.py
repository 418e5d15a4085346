"""The command that shows what happened, and follows what happens."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer
from rich.text import Text

from ..broker import Broker
from ..core.events import AnyEvent, JobEvent, WorkerEvent
from .output import AsJson, out, print_line, run, status_text


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(events)


def events(
    after: Annotated[str, typer.Option(help="Id of the last event already seen.")] = "0-0",
    limit: Annotated[int, typer.Option(help="Events at most (1 to 100,000).", min=1, max=100_000)] = 1000,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with events as they happen, until Ctrl-C.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show events, oldest first; with --json one JSON object a line."""
    run(_events(after, limit, follow=follow, as_json=as_json))


async def _events(after: str, limit: int, *, follow: bool, as_json: bool) -> None:
    async with Broker() as broker:
        if follow:
            async for event in broker.follow_events(after):
                _show(event, as_json=as_json)
            return
        for event in await broker.read_events(after, limit=limit):
            _show(event, as_json=as_json)


def _show(event: AnyEvent, *, as_json: bool) -> None:
    if as_json:
        print_line(json.dumps(event.model_dump(mode="json", exclude_none=True), ensure_ascii=False))
        return
    clock = time.strftime("%H:%M:%S", time.localtime(event.at / 1000))
    line = Text.assemble((f"{clock}.{event.at % 1000:03d}  ", "bright_black"), f"{event.type:<17} ")
    if isinstance(event, JobEvent):
        line.append(event.job)
        line.append("  ")
        line.append_text(status_text(event.status))
    hidden = {"type", "at", "event_id", "job", "status", "order", "class_id"}
    for name, value in event.model_dump(exclude_none=True).items():
        if name not in hidden and value != "" and not (isinstance(event, WorkerEvent) and name == "profile"):
            line.append(f"  {name}={value}")
    out.print(line)
