"""What a principal sees: what belongs to another customer does not exist for it, and the answer is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.access import Principal
from ..core.events import AnyEvent, JobEvent, WebhookEvent, WorkflowEnded
from ..core.explanation import Explanation
from ..core.job import Job
from ..core.matching import CRITERIA
from ..core.workflow import WorkflowState

if TYPE_CHECKING:
    from .broker import Broker

_OF_CUSTOMERS = frozenset(rule.name for rule in CRITERIA if rule.capability.endswith("customers"))
"""Criteria whose report would name the customers that a worker serves."""


async def visible_job(broker: Broker, who: Principal, job_id: str) -> Job:
    """Return a job, if it exists for the principal.

    Raises:
        JobNotFound: there is none with this id that it sees.
    """
    job = await broker.get(job_id)
    if not who.sees(job.customer):
        raise broker.no_job(job_id)
    return job


async def visible_workflow(broker: Broker, who: Principal, workflow: str) -> WorkflowState:
    """Return a workflow, if it exists for the principal.

    Raises:
        WorkflowNotFound: there is none with this name that it sees.
    """
    state = await broker.workflow(workflow)
    if not who.sees(state.customer):
        raise broker.no_workflow(workflow)
    return state


def sees_event(who: Principal, event: AnyEvent) -> bool:
    """Say whether an event exists for a principal: a key of one customer sees what is about its own."""
    return who.sees(event.customer if isinstance(event, JobEvent | WorkflowEnded | WebhookEvent) else None)


def visible_explanation(who: Principal, explanation: Explanation) -> Explanation:
    """Return an explanation without the jobs and the customers of others."""
    if who.customer is None:
        return explanation
    profiles = tuple(
        profile.model_copy(
            update={
                "criteria": tuple(
                    criterion.model_copy(update={"have": ""})
                    if criterion.criterion in _OF_CUSTOMERS
                    else criterion
                    for criterion in profile.criteria
                )
            }
        )
        for profile in explanation.profiles
    )
    return explanation.model_copy(update={"ahead": (), "profiles": profiles})
