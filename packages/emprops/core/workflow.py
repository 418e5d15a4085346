"""What can be said about several jobs at once: a workflow, and the jobs of a class that nobody can run."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from .requirements import Requirements


class WorkflowState(BaseModel):
    """How far a workflow is. It has ended when no job of it is open; a later submit opens it again."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    workflow: str
    """Name of the workflow."""
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
