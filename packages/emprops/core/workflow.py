"""What can be said about several jobs at once: a pool, a workflow, the jobs of a class that nobody can run."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from .requirements import Requirements


class WorkflowState(BaseModel):
    """How far a workflow is. It has ended when no job of it is open; a later submit opens it again."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    workflow: str
    """Name of the workflow."""
    customer: str | None = None
    """Customer of all its jobs, if they have one."""
    submitted_ms: int
    """When its first job was submitted (milliseconds since 1970): the time in the order of all its jobs."""
    open: int
    """Jobs that have not ended."""
    completed: int
    """Jobs that are completed."""
    dead: int
    """Jobs that were given up."""
    cancelled: int
    """Jobs that were called off."""
    closed: bool = False
    """Whether it was called off as a whole and takes no more jobs."""


class UnrunnableClass(BaseModel):
    """Pending jobs of one requirement class that no registered worker can run."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    class_id: str
    """Id of the class."""
    requirements: Requirements
    """What its jobs need."""
    pending: int
    """How many of them are pending."""
    since_ms: int
    """When they were first found (milliseconds since 1970)."""


class PoolState(BaseModel):
    """How full a pool is."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    pool: str
    """Name of the pool."""
    waiting: int
    """Jobs that are not due yet."""
    pending: int
    """Jobs in the queue."""
    running: int
    """Jobs that a worker holds."""
    dead: int
    """Dead letters that can be listed."""
    finished: int
    """Completed and cancelled jobs that can be listed."""
    workers: int
    """Registered workers."""
    unrunnable_classes: int
    """Requirement classes with pending jobs that no registered worker can run."""
