"""Workflows: read how far one is, and call it off."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from ...broker.visibility import visible_workflow
from ...core.errors import WorkflowNotFound
from ...core.workflow import WorkflowState
from ..auth import Reader, Submitter
from ..problem import refusals
from ..state import PoolBroker
from .jobs import Decision

router = APIRouter(prefix="/v1/workflows", tags=["workflows"])
WorkflowInPath = Annotated[str, Path(description="Name of the workflow.")]


# Before the operation below: the name of a workflow may hold a slash.
@router.post("/{workflow:path}/cancel", responses=refusals(WorkflowNotFound, body=True))
async def cancel_workflow(
    workflow: WorkflowInPath, decision: Decision, broker: PoolBroker, caller: Submitter
) -> WorkflowState:
    """Call a workflow off as a whole: its open jobs are cancelled, and it takes no more."""
    await visible_workflow(broker, caller, workflow)
    return await broker.cancel_workflow(workflow, decision.reason)


@router.get("/{workflow:path}", responses=refusals(WorkflowNotFound))
async def read_workflow(workflow: WorkflowInPath, broker: PoolBroker, caller: Reader) -> WorkflowState:
    """Read how far a workflow is."""
    return await visible_workflow(broker, caller, workflow)
