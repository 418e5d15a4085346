"""The command that submits a job, and shows its progress until it has ended."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn

from ..broker import WAIT_MOST_SECONDS, Broker, require_completed
from ..core.errors import InvalidRequest, WaitTimeout
from ..core.events import JobClaimed, JobDead, JobEvent, JobLost, JobOverran, JobProgressed, JobRetrying
from ..core.job import Job, Receipt
from ..core.validation import invalid, require_within
from .output import AsJson, err, out, print_json, print_line, run


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(submit)


def submit(
    service: Annotated[str, typer.Argument(help="The service that runs the job.")],
    payload: Annotated[
        str,
        typer.Option(
            help="What the service is given, a JSON object; @FILE reads a file, - the standard input."
        ),
    ] = "{}",
    model: Annotated[
        list[str] | None, typer.Option(help="A model that the worker must have; repeat for more.")
    ] = None,
    gpu_memory_gb: Annotated[float, typer.Option(help="GPU memory that the job needs, in gigabytes.")] = 0,
    memory_gb: Annotated[float, typer.Option(help="Main memory that the job needs, in gigabytes.")] = 0,
    cpu_cores: Annotated[int, typer.Option(help="CPU cores that the job needs.")] = 0,
    region: Annotated[
        list[str] | None, typer.Option(help="A region where the job may run; repeat for more.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="A label that the worker must carry; repeat for more.")
    ] = None,
    exclude_label: Annotated[
        list[str] | None, typer.Option(help="A label that the worker must not carry; repeat for more.")
    ] = None,
    priority: Annotated[int, typer.Option(help="Priority; the higher is served first (0 to 100).")] = 50,
    customer: Annotated[str | None, typer.Option(help="Customer whom the job belongs to.")] = None,
    workflow: Annotated[str | None, typer.Option(help="Workflow that the job belongs to.")] = None,
    delay: Annotated[float, typer.Option(help="How long the job must not start, in seconds.")] = 0,
    max_attempts: Annotated[int, typer.Option(help="Attempts in all (1 to 20).")] = 3,
    avoid_failed_worker: Annotated[
        bool, typer.Option("--avoid-failed-worker", help="After a failure, go on with other workers only.")
    ] = False,
    exclude_worker: Annotated[
        list[str] | None, typer.Option(help="Id of a worker that must not run the job; repeat for more.")
    ] = None,
    isolated: Annotated[
        bool, typer.Option("--isolated", help="Run only on workers that serve the job's customer alone.")
    ] = False,
    queue_timeout: Annotated[
        float | None, typer.Option(help="Longest time until the first attempt starts, in seconds.")
    ] = None,
    run_timeout: Annotated[
        float | None, typer.Option(help="Longest time of one attempt, in seconds.")
    ] = None,
    total_timeout: Annotated[
        float | None, typer.Option(help="Longest time from the submit to the end, in seconds.")
    ] = None,
    require_worker: Annotated[
        bool, typer.Option("--require-worker", help="Refuse the job if no registered worker can run it.")
    ] = False,
    idempotency_key: Annotated[
        str | None,
        typer.Option(help="Text that stands for this request: submitted twice, the job exists once."),
    ] = None,
    job_id: Annotated[str | None, typer.Option(help="Id of the job. Default: a new one.")] = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Print the id and end; the job goes on.")
    ] = False,
    timeout: Annotated[float | None, typer.Option(help="How long to wait for the end, in seconds.")] = None,
    as_json: AsJson = False,
) -> None:
    """Submit a job, show its progress, and print its result."""
    request: dict[str, Any] = {
        "requirements": {
            "service": service,
            "models": model or [],
            "gpu_memory_gb": gpu_memory_gb,
            "memory_gb": memory_gb,
            "cpu_cores": cpu_cores,
            "regions": region or [],
            "labels": label or [],
            "excluded_labels": exclude_label or [],
            "excluded_workers": exclude_worker or [],
            "isolated": isolated,
        },
        "payload": _payload(payload),
        "priority": priority,
        "customer": customer,
        "workflow": workflow,
        "delay_seconds": delay,
        "retry": {"max_attempts": max_attempts, "avoid_failed_worker": avoid_failed_worker},
        "timeouts": {
            "queue_seconds": queue_timeout,
            "run_seconds": run_timeout,
            "total_seconds": total_timeout,
        },
        "require_worker": require_worker,
        "idempotency_key": idempotency_key,
        "job_id": job_id,
    }
    run(_submit(request, wait=not no_wait, patience=timeout, as_json=as_json))


def _payload(text: str) -> Any:
    if text == "-":
        text = sys.stdin.read()
    elif text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise _bad_payload(f"cannot read {text[1:]!r}: {error}") from error
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _bad_payload(f"not JSON: {error}") from error


def _bad_payload(problem: str) -> InvalidRequest:
    return invalid("payload", problem)


async def _submit(request: dict[str, Any], *, wait: bool, patience: float | None, as_json: bool) -> None:
    async with Broker() as broker:
        if patience is not None:
            require_within("timeout", patience, 0, WAIT_MOST_SECONDS)
        start = await broker.last_event_id()
        receipt = await broker.submit(request)
        if not wait:
            if as_json:
                print_json(receipt)
            else:
                print_line(receipt.job_id)
            return
        job = await _watch(broker, receipt, start, patience=patience, quiet=as_json)
        require_completed(job)
        if as_json:
            print_json(job)
        else:
            print_line(json.dumps(job.result, ensure_ascii=False))


async def _watch(broker: Broker, receipt: Receipt, start: str, *, patience: float | None, quiet: bool) -> Job:
    if not quiet:
        err.print(f"job {receipt.job_id}" + ("" if receipt.created else " (it existed already)"))
    shown = _Shown(quiet=quiet)
    try:
        async with asyncio.timeout(patience):
            job = await broker.get(receipt.job_id)
            if not job.status.final:
                with shown:
                    async for event in broker.follow_events(start):
                        if isinstance(event, JobEvent) and event.job == receipt.job_id:
                            shown.tell(event)
                            if event.status.final:
                                break
                job = await broker.get(receipt.job_id)
    except TimeoutError:
        raise WaitTimeout(
            f"job {receipt.job_id} has not ended after {patience} s", detail={"job_id": receipt.job_id}
        ) from None
    return job


class _Shown:
    """Progress as a bar in a terminal, as lines elsewhere, or not at all."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Progress | None = None
        if not quiet and out.is_terminal:
            columns = (TextColumn("{task.fields[state]}"), BarColumn(), TextColumn("{task.description}"))
            self._bar = Progress(*columns, console=err, transient=True)
            self._task = self._bar.add_task("", total=1.0, state="pending")

    def __enter__(self) -> None:
        if self._bar is not None:
            self._bar.start()

    def __exit__(self, *details: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tell(self, event: JobEvent) -> None:
        """Show an event."""
        if self._quiet:
            return
        words = _in_words(event)
        if self._bar is not None:
            change: dict[str, Any] = {"state": event.status.value, "description": words}
            if isinstance(event, JobProgressed):
                change["completed"] = event.progress
            self._bar.update(self._task, **change)
        else:
            err.print(f"{event.status.value:<9} {words}".rstrip())


def _in_words(event: JobEvent) -> str:
    if isinstance(event, JobProgressed):
        return f"{event.progress:.0%} {event.message}".rstrip()
    if isinstance(event, JobClaimed):
        return f"attempt {event.attempt} on {event.worker}"
    if isinstance(event, JobDead) and event.attempt is None:
        return event.error
    if isinstance(event, JobRetrying | JobDead):
        return f"attempt {event.attempt} failed: {event.error}"
    if isinstance(event, JobOverran):
        return f"attempt {event.attempt} took too long: {event.worker} is told to stop"
    if isinstance(event, JobLost):
        return f"attempt {event.attempt} lost: {event.worker} fell silent"
    return ""
