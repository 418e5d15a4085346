"""The life of a job: its statuses and every transition between them, in one table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Where a job stands. A job has exactly one status at any time."""

    WAITING = "waiting"
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    DEAD = "dead"
    CANCELLED = "cancelled"

    @property
    def meaning(self) -> str:
        """What the status says about a job, in one sentence."""
        return _MEANINGS[self]

    @property
    def final(self) -> bool:
        """Whether the job has ended: it stays so, unless it is a dead letter that somebody revives."""
        return self in FINAL


_MEANINGS = {
    Status.WAITING: "The job is not due yet: it was submitted for later, or backs off before its next attempt.",
    Status.PENDING: "The job is in the queue and goes to the next worker that can run it.",
    Status.RUNNING: "One worker holds the job under a lease.",
    Status.COMPLETED: "The job ended with a result, which is kept.",
    Status.DEAD: "The job was given up: its attempts are used up, or no retry can help. It is a dead letter.",
    Status.CANCELLED: "The job was called off; no result is kept.",
}

FINAL = frozenset({Status.COMPLETED, Status.DEAD, Status.CANCELLED})
"""Statuses that end a job. A dead letter can be put back into the queue by hand, the others are for good."""


class Outcome(StrEnum):
    """How one attempt at a job ended."""

    COMPLETED = "completed"
    """The worker handed in a result."""
    FAILED = "failed"
    """The service or its connector reported an error; the attempt is used up."""
    LOST = "lost"
    """The lease ran out without a word from the worker; the attempt is used up."""
    RELEASED = "released"
    """The worker gave the job back; no attempt is used up."""
    CANCELLED = "cancelled"
    """The job was called off while it ran."""
    TIMED_OUT = "timed_out"
    """The attempt, or the job, took longer than it may; the attempt is used up."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One allowed change of a job's status.

    Attributes:
        name: the transition's name.
        sources: statuses it may start from; empty for a new job.
        target: the status it ends in.
        actor: who makes it.
        scripts: the server scripts that make it, each atomically.
        event: the event that it appends, in the same step.
        meaning: when it happens, in one sentence.
        writes: what changes beside the status, in one sentence.
    """

    name: str
    sources: tuple[Status, ...]
    target: Status
    actor: str
    scripts: tuple[str, ...]
    event: str
    meaning: str
    writes: str


TRANSITIONS: tuple[Transition, ...] = (
    Transition(
        "submit",
        (),
        Status.PENDING,
        "client",
        ("submit",),
        "job.submitted",
        "A client submits a job that may run at once.",
        "Specification, payload and place in the order are stored; idle workers that can run it are woken.",
    ),
    Transition(
        "schedule",
        (),
        Status.WAITING,
        "client",
        ("submit",),
        "job.scheduled",
        "A client submits a job that may not run before a given time.",
        "As for submit, with the time at which the job becomes due.",
    ),
    Transition(
        "ready",
        (Status.WAITING,),
        Status.PENDING,
        "any process",
        ("claim", "complete", "reap"),
        "job.ready",
        "The time of a waiting job has come; a claim or the reaper moves it.",
        "The job takes the place in the order that it was given at submit.",
    ),
    Transition(
        "claim",
        (Status.PENDING,),
        Status.RUNNING,
        "worker",
        ("claim", "complete"),
        "job.claimed",
        "A worker takes the first job in the order that it can run.",
        "The attempt number, which is the fencing token, grows by one; the lease begins.",
    ),
    Transition(
        "complete",
        (Status.RUNNING,),
        Status.COMPLETED,
        "worker",
        ("complete",),
        "job.completed",
        "The worker that holds the lease hands in the result.",
        "The job and its result move to the archive, which expires by itself.",
    ),
    Transition(
        "retry",
        (Status.RUNNING,),
        Status.WAITING,
        "worker",
        ("fail",),
        "job.retrying",
        "The attempt failed for a reason that may pass, and attempts are left.",
        "One attempt is used up; the job is due again after its back-off, at its old place in the order.",
    ),
    Transition(
        "bury",
        (Status.RUNNING,),
        Status.DEAD,
        "worker",
        ("fail",),
        "job.dead",
        "The attempt failed for good, or it was the last one.",
        "The job and its attempt history become a dead letter.",
    ),
    Transition(
        "release",
        (Status.RUNNING,),
        Status.PENDING,
        "worker",
        ("release",),
        "job.released",
        "A worker that shuts down, or finds its service gone, gives the job back.",
        "No attempt is used up; the job keeps its place in the order.",
    ),
    Transition(
        "lose",
        (Status.RUNNING,),
        Status.PENDING,
        "any process",
        ("expire",),
        "job.lost",
        "The lease ran out without a word from the worker, and attempts are left.",
        "One attempt is used up; the job keeps its place in the order.",
    ),
    Transition(
        "abandon",
        (Status.RUNNING,),
        Status.DEAD,
        "any process",
        ("expire",),
        "job.dead",
        "The lease or the time of the last attempt ran out.",
        "The job and its attempt history become a dead letter.",
    ),
    Transition(
        "overrun",
        (Status.RUNNING,),
        Status.PENDING,
        "any process",
        ("expire",),
        "job.overran",
        "The attempt took longer than the job allows for one, and attempts are left.",
        "One attempt is used up and its worker is told to stop; the job keeps its place in the order.",
    ),
    Transition(
        "expire",
        (Status.WAITING, Status.PENDING, Status.RUNNING),
        Status.DEAD,
        "any process",
        ("expire",),
        "job.dead",
        "The job did not start, or did not end, in the time that it was given.",
        "A running attempt ends and its worker is told to stop; the job becomes a dead letter.",
    ),
    Transition(
        "cancel",
        (Status.WAITING, Status.PENDING, Status.RUNNING),
        Status.CANCELLED,
        "client",
        ("cancel",),
        "job.cancelled",
        "Somebody calls the job off.",
        "A running job's lease ends at once and its worker is told to stop the service.",
    ),
    Transition(
        "revive",
        (Status.DEAD,),
        Status.PENDING,
        "operator",
        ("revive",),
        "job.revived",
        "Somebody puts a dead letter back into the queue.",
        "The job gets all its attempts anew and its old place in the order; its history stays.",
    ),
)
"""Every transition there is. Scripts make these and no others; a test drives each one."""


def may(source: Status | None, target: Status) -> bool:
    """Tell whether some transition leads from one status to another.

    Args:
        source: the status before; ``None`` for a job that does not exist yet.
        target: the status after.
    """
    return any(
        t.target is target and (source in t.sources if source is not None else not t.sources)
        for t in TRANSITIONS
    )


def transitions_from(
    source: Status | None, transitions: Iterable[Transition] = TRANSITIONS
) -> tuple[Transition, ...]:
    """Return the transitions that may start from a status (``None``: a new job)."""
    return tuple(t for t in transitions if (source in t.sources if source is not None else not t.sources))
