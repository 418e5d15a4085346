"""The pool as a whole: its workers, its queue, and the work that nobody can run."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from ...core.worker import WorkerState
from ...core.workflow import PoolState, UnrunnableClass
from ..auth import PoolReader
from ..problem import refusals
from ..state import PoolBroker

router = APIRouter(prefix="/v1", tags=["pool"])


class WorkerList(BaseModel):
    """The registered workers."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    workers: list[WorkerState]
    """By id, with the jobs that each holds."""


class UnrunnableList(BaseModel):
    """Pending work that no registered worker can run."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    classes: list[UnrunnableClass]
    """What such jobs need, oldest first (at most 1,000)."""


@router.get("/workers", responses=refusals())
async def list_workers(broker: PoolBroker, _: PoolReader) -> WorkerList:
    """List the registered workers with what they can do and the jobs that they hold."""
    return WorkerList(workers=await broker.workers())


@router.get("/queue", responses=refusals())
async def read_queue(broker: PoolBroker, _: PoolReader) -> PoolState:
    """Read how many jobs of each status the pool has."""
    return await broker.pool_state()


@router.get("/queue/unrunnable", responses=refusals())
async def list_unrunnable(broker: PoolBroker, _: PoolReader) -> UnrunnableList:
    """List pending work that no registered worker can run, and what it needs."""
    return UnrunnableList(classes=await broker.unrunnable())
