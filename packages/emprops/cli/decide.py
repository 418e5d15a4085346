"""Commands with which an operator decides about jobs: dead letters, workflows, work that nobody can run."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.text import Text

from ..broker import Broker
from ..core.job import Job
from ..core.workflow import UnrunnableClass, WorkflowState
from .jobs import JobIdArgument
from .output import AsJson, ago, out, print_json, print_line, print_table, run, status_text, table


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (revive, discard, workflow, unrunnable):
        app.command()(command)


def revive(job_id: JobIdArgument, as_json: AsJson = False) -> None:
    """Put a dead letter back into the queue, with all its attempts anew."""
    found = run(_revive(job_id))
    if as_json:
        print_json(found)
    else:
        out.print(Text.assemble(("job ", "bold"), found.job_id, "  ", status_text(found.status)))


async def _revive(job_id: str) -> Job:
    async with Broker() as broker:
        return await broker.revive(job_id)


def discard(job_id: JobIdArgument, as_json: AsJson = False) -> None:
    """Throw a dead letter away, with its payload and history."""
    run(_discard(job_id))
    if as_json:
        print_json({"job_id": job_id, "discarded": True})
    else:
        print_line(f"job {job_id}  discarded")


async def _discard(job_id: str) -> None:
    async with Broker() as broker:
        await broker.discard(job_id)


def workflow(
    name: Annotated[str, typer.Argument(help="Name of the workflow.")],
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Call it off: its open jobs are cancelled, and it takes no more.")
    ] = False,
    reason: Annotated[str, typer.Option(help="With --cancel: why, for whoever reads the jobs later.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show how far a workflow is, or call it off as a whole."""
    found = run(_workflow(name, cancel=cancel, reason=reason))
    if as_json:
        print_json(found)
        return
    shown = table("Workflow", "Open#", "Completed#", "Dead#", "Cancelled#", "Submitted", "State")
    state = "closed" if found.closed else "open" if found.open else "ended"
    counts = (found.open, found.completed, found.dead, found.cancelled)
    shown.add_row(found.workflow, *(str(count) for count in counts), ago(found.submitted_ms), state)
    print_table(shown)


async def _workflow(name: str, *, cancel: bool, reason: str) -> WorkflowState:
    async with Broker() as broker:
        return await (broker.cancel_workflow(name, reason) if cancel else broker.workflow(name))


def unrunnable(as_json: AsJson = False) -> None:
    """List pending work that no registered worker can run, and what it needs."""
    found = run(_unrunnable())
    if as_json:
        print_json(found)
        return
    if not found:
        out.print("every pending job can be run by some worker")
        return
    shown = table("Jobs#", "Since", "Needs")
    for item in found:
        needs = item.requirements.model_dump(mode="json", exclude_defaults=True)
        shown.add_row(str(item.pending), ago(item.since_ms), json.dumps(needs))
    print_table(shown)


async def _unrunnable() -> list[UnrunnableClass]:
    async with Broker() as broker:
        return await broker.unrunnable()
