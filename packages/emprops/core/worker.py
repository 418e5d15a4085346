"""The model of a registered worker."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from .capabilities import Capabilities
from .requirements import Name


class WorkerInfo(BaseModel):
    """What a worker says about itself when it registers."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    worker_id: Name
    """Id of the worker, one for each process."""
    instance: Name
    """Text that this process alone knows: tells a restart from a second worker with the same id."""
    capabilities: Capabilities
    """What the worker offers."""
    concurrency: int = Field(default=1, ge=1, le=64)
    """Jobs that it runs at a time (1 to 64)."""
    host: str = Field(default="", max_length=255)
    """Name of its host (at most 255 characters)."""
    pid: int = Field(default=0, ge=0)
    """Its process id."""
    version: str = Field(default="", max_length=64)
    """Version of its software (at most 64 characters)."""


class WorkerState(WorkerInfo):
    """A registered worker as the queue knows it."""

    profile_id: str
    """Profile of its capabilities."""
    turned_ms: int | None = None
    """When its claim loop last turned, as its latest heartbeat said (milliseconds since 1970)."""
    expires_ms: int
    """When its record expires unless it is heard of again (milliseconds since 1970)."""
    jobs: tuple[str, ...] = ()
    """Ids of the jobs that it holds."""
