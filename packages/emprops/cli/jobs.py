"""Commands that look at jobs and workers, explain a job, or call it off."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.text import Text

from ..broker import Broker
from ..core.explanation import Explanation
from ..core.job import Job, JobSummary
from ..core.lifecycle import Status
from ..core.worker import WorkerState
from .output import AsJson, ago, out, print_json, print_table, run, status_text, table

JobIdArgument = Annotated[str, typer.Argument(help="Id of the job.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (jobs, job, explain, cancel, workers):
        app.command()(command)


def jobs(
    status: Annotated[Status | None, typer.Option(help="Only jobs of this status.")] = None,
    limit: Annotated[int, typer.Option(help="Jobs of each status at most (1 to 1,000).")] = 20,
    as_json: AsJson = False,
) -> None:
    """List jobs: pending ones in the order in which they will be served, ended ones newest first."""
    found = run(_jobs([status] if status else list(Status), limit))
    if as_json:
        print_json(found)
        return
    if not found:
        out.print("no jobs" if status is None else f"no {status.value} jobs")
        return
    shown = table("Job", "Status", "Service", "Priority#", "Attempt#", "Progress#", "Worker", "Submitted")
    for item in found:
        shown.add_row(
            item.job_id,
            status_text(item.status),
            item.service,
            str(item.priority),
            str(item.attempt),
            f"{item.progress:.0%}" if item.status is Status.RUNNING else "",
            item.worker or "",
            ago(item.submitted_ms),
        )
    print_table(shown)


async def _jobs(statuses: list[Status], limit: int) -> list[JobSummary]:
    async with Broker() as broker:
        return [item for status in statuses for item in await broker.jobs(status, limit=limit)]


def job(job_id: JobIdArgument, as_json: AsJson = False) -> None:
    """Show one job with its payload, result and attempts."""
    found = run(_get(job_id))
    if as_json:
        print_json(found)
    else:
        _show(found)


async def _get(job_id: str) -> Job:
    async with Broker() as broker:
        return await broker.get(job_id)


def _show(found: Job) -> None:
    facts: list[tuple[str, Any]] = [
        ("job", found.job_id),
        ("status", status_text(found.status)),
        ("requirements", json.dumps(found.requirements.model_dump(mode="json", exclude_defaults=True))),
        ("priority", str(found.priority)),
        ("customer", found.customer),
        ("workflow", found.workflow),
        ("submitted", ago(found.submitted_ms)),
        ("changed", ago(found.changed_ms)),
        ("attempts", f"{found.attempts_used} of {found.retry.max_attempts} used"),
        ("worker", found.worker),
        (
            "progress",
            f"{found.progress:.0%} {found.progress_message}" if found.status is Status.RUNNING else None,
        ),
        ("error", found.error),
        ("message", found.message or None),
        ("payload", json.dumps(found.payload, ensure_ascii=False)),
        (
            "result",
            json.dumps(found.result, ensure_ascii=False) if found.status is Status.COMPLETED else None,
        ),
    ]
    for name, value in facts:
        if value is not None:
            out.print(
                Text.assemble((f"{name:<13}", "bold"), value if isinstance(value, Text) else Text(value))
            )
    if found.attempts:
        out.print()
        shown = table("Attempt#", "Outcome", "Took#", "Error", "Worker", "Message")
        for attempt in found.attempts:
            took = (attempt.ended_ms - attempt.started_ms) / 1000
            shown.add_row(
                str(attempt.attempt),
                attempt.outcome.value,
                f"{took:.2f} s",
                attempt.error or "",
                attempt.worker,
                attempt.message,
            )
        print_table(shown)


def explain(job_id: JobIdArgument, as_json: AsJson = False) -> None:
    """Say why a job is where it is, criterion by criterion for each profile of workers."""
    found = run(_explain(job_id))
    if as_json:
        print_json(found)
        return
    out.print(Text.assemble(("job ", "bold"), found.job_id, "  ", status_text(found.status)))
    out.print(found.answer)
    if found.ahead:
        out.print(f"ahead of it: {', '.join(found.ahead)}")
    for profile in found.profiles:
        out.print()
        verdict = "can run it" if profile.eligible else "cannot run it"
        out.print(Text.assemble((f"profile {profile.profile_id} ", "bold"), verdict))
        out.print(f"workers: {', '.join(profile.workers)}")
        shown = table("Criterion", "Met", "Wanted", "Has")
        for criterion in profile.criteria:
            met = Text("yes", style="green") if criterion.satisfied else Text("no", style="bold red")
            shown.add_row(
                criterion.criterion, met, criterion.wanted or "anything", criterion.have or "nothing stated"
            )
        print_table(shown)


async def _explain(job_id: str) -> Explanation:
    async with Broker() as broker:
        return await broker.explain(job_id)


def cancel(
    job_id: JobIdArgument,
    reason: Annotated[str, typer.Option(help="Why, for whoever reads the job later.")] = "",
    as_json: AsJson = False,
) -> None:
    """Call a job off; a running one ends at once and its worker is told to stop."""
    found = run(_cancel(job_id, reason))
    if as_json:
        print_json(found)
    else:
        out.print(Text.assemble(("job ", "bold"), found.job_id, "  ", status_text(found.status)))


async def _cancel(job_id: str, reason: str) -> Job:
    async with Broker() as broker:
        return await broker.cancel(job_id, reason)


def workers(as_json: AsJson = False) -> None:
    """List the registered workers and the jobs that they hold."""
    found = run(_workers())
    if as_json:
        print_json(found)
        return
    if not found:
        out.print("no workers")
        return
    shown = table("Worker", "Profile", "Services", "Jobs#", "Holds")
    for item in found:
        services = ", ".join(sorted(item.capabilities.services))
        jobs_held = f"{len(item.jobs)} of {item.concurrency}"
        shown.add_row(item.worker_id, item.profile_id, services, jobs_held, ", ".join(item.jobs))
    print_table(shown)


async def _workers() -> list[WorkerState]:
    async with Broker() as broker:
        return await broker.workers()
