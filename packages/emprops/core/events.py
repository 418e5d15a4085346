"""Every event: what is appended to a pool's stream, in the same step as the change that it reports."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from .lifecycle import Status


class Event(BaseModel):
    """What all events have."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    event_id: str
    """Position in the stream; events of a pool are read and resumed by it."""
    at: int
    """When it happened (milliseconds since 1970, the server's clock)."""

    @classmethod
    def type_name(cls) -> str:
        """Return the name that stands in the stream."""
        return str(get_args(cls.model_fields["type"].annotation)[0])


class JobEvent(Event):
    """What all events about a job have."""

    job: str
    """Id of the job."""
    status: Status
    """Status of the job after the event."""
    customer: str | None = None
    """Customer of the job, if it has one."""
    workflow: str | None = None
    """Workflow of the job, if it has one."""


class JobSubmitted(JobEvent):
    """A job entered the queue."""

    type: Literal["job.submitted"] = "job.submitted"
    class_id: str
    """Requirement class."""
    order: str
    """Order key."""


class JobScheduled(JobEvent):
    """A job was submitted for later."""

    type: Literal["job.scheduled"] = "job.scheduled"
    class_id: str
    """Requirement class."""
    order: str
    """Order key."""
    due: int
    """When it becomes due (milliseconds since 1970)."""


class JobReady(JobEvent):
    """A waiting job became due and entered the queue."""

    type: Literal["job.ready"] = "job.ready"


class JobClaimed(JobEvent):
    """A worker took a job."""

    type: Literal["job.claimed"] = "job.claimed"
    worker: str
    """Id of the worker."""
    attempt: int
    """Number of the attempt, the fencing token."""


class JobProgressed(JobEvent):
    """A running job advanced; at most one event in each throttling interval, the last value always."""

    type: Literal["job.progressed"] = "job.progressed"
    worker: str
    """Id of the worker."""
    attempt: int
    """Number of the attempt."""
    progress: float
    """Share of the work that is done (0 to 1)."""
    message: str = ""
    """What the service is doing."""


class JobCompleted(JobEvent):
    """A job ended with a result."""

    type: Literal["job.completed"] = "job.completed"
    worker: str
    """Id of the worker."""
    attempt: int
    """Number of the attempt."""


class JobRetrying(JobEvent):
    """An attempt failed and the job backs off before the next one."""

    type: Literal["job.retrying"] = "job.retrying"
    worker: str
    """Id of the worker."""
    attempt: int
    """Number of the attempt."""
    attempts_used: int
    """Attempts used up so far."""
    error: str
    """Code of the error."""
    message: str = ""
    """What happened."""
    due: int
    """When the job is due again (milliseconds since 1970)."""


class JobDead(JobEvent):
    """A job was given up."""

    type: Literal["job.dead"] = "job.dead"
    worker: str | None = None
    """Id of the worker of the last attempt, if there was one."""
    attempt: int | None = None
    """Number of the attempt, if there was one."""
    attempts_used: int
    """Attempts used up."""
    error: str
    """Code of the error."""
    message: str = ""
    """What happened."""


class JobReleased(JobEvent):
    """A worker gave a job back without using an attempt."""

    type: Literal["job.released"] = "job.released"
    worker: str
    """Id of the worker."""
    attempt: int
    """Number of the attempt."""
    message: str = ""
    """Why it gave the job back."""


class JobLost(JobEvent):
    """A lease ran out and the job went back to the queue."""

    type: Literal["job.lost"] = "job.lost"
    worker: str
    """Id of the worker that fell silent."""
    attempt: int
    """Number of the attempt."""
    attempts_used: int
    """Attempts used up so far."""


class JobOverran(JobEvent):
    """An attempt took longer than the job allows, and the job went back to the queue."""

    type: Literal["job.overran"] = "job.overran"
    worker: str
    """Id of the worker, which is told to stop."""
    attempt: int
    """Number of the attempt."""
    attempts_used: int
    """Attempts used up so far."""


class JobRevived(JobEvent):
    """A dead letter was put back into the queue."""

    type: Literal["job.revived"] = "job.revived"


class JobDiscarded(JobEvent):
    """A dead letter was thrown away; the job does not exist any more."""

    type: Literal["job.discarded"] = "job.discarded"


class JobCancelled(JobEvent):
    """A job was called off."""

    type: Literal["job.cancelled"] = "job.cancelled"
    worker: str | None = None
    """Id of the worker that held it, if it was running."""
    message: str = ""
    """The reason that was given."""


class WorkflowEnded(Event):
    """The last open job of a workflow ended. A later submit opens the workflow again."""

    type: Literal["workflow.ended"] = "workflow.ended"
    workflow: str
    """The workflow."""
    customer: str | None = None
    """Customer of the workflow, if it has one."""
    completed: int
    """Jobs of it that are completed."""
    dead: int
    """Jobs of it that were given up."""
    cancelled: int
    """Jobs of it that were called off."""


class ClassUnrunnable(Event):
    """Pending jobs were found that no registered worker can run."""

    type: Literal["class.unrunnable"] = "class.unrunnable"
    class_id: str
    """Requirement class of the jobs."""


class ClassRunnable(Event):
    """The jobs of a class that nobody could run can be run again, or are gone."""

    type: Literal["class.runnable"] = "class.runnable"
    class_id: str
    """Requirement class."""


class WorkerEvent(Event):
    """What all events about a worker have."""

    worker: str
    """Id of the worker."""


class WorkerRegistered(WorkerEvent):
    """A worker joined the pool, or came back after its record had expired."""

    type: Literal["worker.registered"] = "worker.registered"
    profile: str
    """Its profile."""


class WorkerLeft(WorkerEvent):
    """A worker left in an orderly way."""

    type: Literal["worker.left"] = "worker.left"


class WorkerLost(WorkerEvent):
    """A worker fell silent and its record expired."""

    type: Literal["worker.lost"] = "worker.lost"


class WebhookEvent(Event):
    """What all events about a webhook subscription have."""

    subscription: str
    """Id of the subscription."""
    customer: str | None = None
    """The only customer whose events it gets, if it is limited to one."""


class WebhookEnabled(WebhookEvent):
    """A subscription began to get events: it was created or enabled."""

    type: Literal["webhook.enabled"] = "webhook.enabled"
    reason: Literal["created", "asked"]
    """Whether it is new, or was enabled again."""


class WebhookDisabled(WebhookEvent):
    """A subscription gets no more events until it is enabled again; those that happen meanwhile wait for it."""

    type: Literal["webhook.disabled"] = "webhook.disabled"
    reason: Literal["asked", "gone", "exhausted"]
    """Somebody asked for it; the endpoint said 410; or all attempts failed and nothing got through meanwhile."""
    message: str = ""
    """What the last attempt said, or why it was asked for."""


class WebhookLagged(WebhookEvent):
    """A subscription was so far behind that events were trimmed before it got them."""

    type: Literal["webhook.lagged"] = "webhook.lagged"
    after: str
    """Id of the last event that it had seen; what it missed came after."""
    until: str
    """Id of the event with which it goes on; what it missed came before."""


class WebhookReplayed(WebhookEvent):
    """A subscription was set to another place in the stream, to get the events from there on once more."""

    type: Literal["webhook.replayed"] = "webhook.replayed"
    after: str
    """Id of the event after which it goes on."""


AnyEvent = Annotated[
    JobSubmitted
    | JobScheduled
    | JobReady
    | JobClaimed
    | JobProgressed
    | JobCompleted
    | JobRetrying
    | JobDead
    | JobReleased
    | JobLost
    | JobOverran
    | JobCancelled
    | JobRevived
    | JobDiscarded
    | WorkflowEnded
    | ClassUnrunnable
    | ClassRunnable
    | WorkerRegistered
    | WorkerLeft
    | WorkerLost
    | WebhookEnabled
    | WebhookDisabled
    | WebhookLagged
    | WebhookReplayed,
    Field(discriminator="type"),
]
"""Any event, told apart by its type."""

_ADAPTER: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


def all_events() -> tuple[type[Event], ...]:
    """Return the model of every event, in the order of a job's life, then of workers and webhooks."""
    union = get_args(AnyEvent)[0]
    return tuple(get_args(union))


def summary_of(event: type[Event]) -> str:
    """Return when an event is appended: the first line of its docstring."""
    return (inspect.getdoc(event) or "").split("\n", 1)[0]


def parse_event(event_id: str, fields: Mapping[str, str]) -> AnyEvent:
    """Read one stream entry.

    Args:
        event_id: the entry's id.
        fields: the entry's fields as the server returns them, all text.

    Raises:
        pydantic.ValidationError: the entry is none of the events; only a foreign writer can cause that.
    """
    return _ADAPTER.validate_python({"event_id": event_id, **fields})
