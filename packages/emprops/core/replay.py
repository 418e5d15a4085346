"""Rebuilding the state of jobs from their events alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from .events import (
    AnyEvent,
    JobClaimed,
    JobDead,
    JobDiscarded,
    JobEvent,
    JobLost,
    JobOverran,
    JobProgressed,
    JobRetrying,
    JobRevived,
    JobScheduled,
    JobSubmitted,
)
from .lifecycle import Status, may


@dataclass(frozen=True, slots=True)
class ReplayedJob:
    """What the events say about one job.

    Attributes:
        status: where it stands.
        attempt: number of the latest attempt.
        attempts_used: attempts that ended as failed or lost.
        worker: worker that holds it, or held it last.
        order: its order key.
    """

    status: Status
    attempt: int = 0
    attempts_used: int = 0
    worker: str | None = None
    order: str = ""


class ReplayError(ValueError):
    """The events contradict the lifecycle: one is missing, doubled or out of order."""


def replay(events: Iterable[AnyEvent]) -> dict[str, ReplayedJob]:
    """Fold events, oldest first, into the state of each job that they name.

    Raises:
        ReplayError: an event reports a change that the lifecycle table does not allow from the state before it.
    """
    jobs: dict[str, ReplayedJob] = {}
    for event in events:
        if isinstance(event, JobEvent):
            jobs[event.job] = _apply(jobs.get(event.job), event)
            if isinstance(event, JobDiscarded):
                del jobs[event.job]
    return jobs


def _apply(before: ReplayedJob | None, event: JobEvent) -> ReplayedJob:
    if isinstance(event, JobProgressed):
        if before is None or before.status is not Status.RUNNING or before.attempt != event.attempt:
            raise ReplayError(
                f"event {event.event_id}: progress of attempt {event.attempt} of job {event.job}: {before}"
            )
        return before
    if isinstance(event, JobDiscarded):
        if before is None or before.status is not Status.DEAD:
            raise ReplayError(f"event {event.event_id}: job {event.job} was discarded: {before}")
        return before
    if not may(before.status if before else None, event.status):
        raise ReplayError(
            f"event {event.event_id}: job {event.job} cannot go from {before} to {event.status}"
        )
    if isinstance(event, JobSubmitted | JobScheduled):
        return ReplayedJob(event.status, order=event.order)
    assert before is not None  # may() allows only a submit to start from nothing
    after = replace(before, status=event.status)
    if isinstance(event, JobClaimed):
        return replace(after, attempt=event.attempt, worker=event.worker)
    if isinstance(event, JobRetrying | JobLost | JobOverran | JobDead):
        return replace(after, attempts_used=event.attempts_used)
    if isinstance(event, JobRevived):
        return replace(after, attempts_used=0)
    return after
