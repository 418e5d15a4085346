"""The answer to "why": what a job is waiting for, and what each profile lacks."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from .capabilities import Capabilities
from .lifecycle import Status
from .matching import Verdict, affinity_seconds, may_take, verdicts
from .requirements import Requirements


class CriterionReport(BaseModel):
    """What one criterion says about a job and a profile."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    criterion: str
    """Name of the criterion."""
    satisfied: bool
    """Whether the profile meets it."""
    wanted: str
    """What the job asks for; empty if it asks for nothing."""
    have: str
    """What the profile offers."""


class ProfileReport(BaseModel):
    """Whether workers of one profile can run a job, criterion by criterion."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    profile_id: str
    """Id of the profile."""
    workers: tuple[str, ...]
    """Ids of its registered workers."""
    eligible: bool
    """Whether all criteria hold."""
    affinity_seconds: float
    """Head start of the job on this profile, in seconds."""
    criteria: tuple[CriterionReport, ...]
    """What each criterion says, in the order in which they are applied."""


class Explanation(BaseModel):
    """Why a job is where it is."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    job_id: str
    """Id of the job."""
    status: Status
    """Where it stands."""
    answer: str
    """The answer in one sentence."""
    class_id: str
    """Requirement class of the job."""
    position: int | None = None
    """Jobs that will be served before it on a worker that can run it, plus one; only for a pending job."""
    ahead: tuple[str, ...] = ()
    """Ids of the first jobs that are ahead of it, at most ten."""
    profiles: tuple[ProfileReport, ...] = ()
    """One report for each profile with a registered worker."""


def report(
    profile_id: str, workers: tuple[str, ...], wanted: Requirements, offered: Capabilities
) -> ProfileReport:
    """Return what each criterion says about a job and a profile.

    Args:
        profile_id: id of the profile.
        workers: ids of its registered workers.
        wanted: what the job asks for.
        offered: what the profile offers.
    """
    found = list(verdicts(wanted, offered))
    if wanted.excluded_workers:
        left = [worker for worker in workers if may_take(wanted, worker)]
        excluded = ", ".join(sorted(wanted.excluded_workers))
        found.append(Verdict("excluded_workers", bool(left), f"not {excluded}", ", ".join(workers)))
    return ProfileReport(
        profile_id=profile_id,
        workers=workers,
        eligible=all(v.satisfied for v in found),
        affinity_seconds=affinity_seconds(wanted, offered),
        criteria=tuple(
            CriterionReport(criterion=v.criterion, satisfied=v.satisfied, wanted=v.wanted, have=v.have)
            for v in found
        ),
    )
