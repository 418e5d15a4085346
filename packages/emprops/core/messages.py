"""Every message on the WebSocket, in both directions: the one place that server, clients and manual take them from."""

from __future__ import annotations

import difflib
import inspect
import json
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from .access import Role
from .errors import MessageMalformed, MessageUnknown
from .events import AnyEvent, all_events
from .job import JobId, JobRequest
from .lifecycle import Status
from .plain import Flag
from .requirements import Name
from .validation import parse

VERSION = 1
"""Version of the protocol; it stands in the path of the endpoint."""
PATH = f"/v{VERSION}/socket"
"""Path of the endpoint."""
FILTER_MOST = 100
"""Most values of one filter of a subscription."""
SNAPSHOT_MOST = 1000
"""Most jobs of one snapshot."""
EVENT_TYPES: tuple[str, ...] = tuple(event.type_name() for event in all_events())
"""Names of the events that can be subscribed to."""

Direction = Literal["client", "server"]
"""Who sends a message."""
_LABEL = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")
Label = Annotated[str, StringConstraints(pattern=_LABEL.pattern)]
"""An id that the client chooses: 1 to 64 letters, digits, dots, underscores, colons or hyphens."""
Position = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,19}-[0-9]{1,19}$")]
"""The id of an event as a place in the stream; `0-0` stands before the oldest event that is kept."""
EventType = Annotated[str, StringConstraints(pattern=r"^[a-z]+\.[a-z]+$")]
"""The name of an event."""


class Message(BaseModel):
    """What all messages have. One without an example that it accepts itself cannot be declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    sender: ClassVar[Direction]
    """Who sends it."""
    example: ClassVar[Mapping[str, Any]]
    """One message of its kind, as it stands on the wire."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "type" in cls.model_fields:
            if "example" not in cls.__dict__:
                raise TypeError(f"message {cls.__name__} declares no example")
            cls.model_rebuild()
            cls.model_validate(cls.example)

    @classmethod
    def type_name(cls) -> str:
        """Return the name that stands in the field `type`."""
        return str(get_args(cls.model_fields["type"].annotation)[0])

    def text(self) -> str:
        """Return the message as it stands on the wire: compact JSON, without what is absent."""
        return self.model_dump_json(exclude_none=True)


class ClientMessage(Message):
    """What a client may send."""

    sender: ClassVar[Direction] = "client"
    requires: ClassVar[Role | None] = None
    """Role that the key must have; `None`: any."""
    answers: ClassVar[tuple[str, ...]]
    """Types of the messages that may answer it."""


class ServerMessage(Message):
    """What the server may send."""

    sender: ClassVar[Direction] = "server"


class Authenticate(ClientMessage):
    """Show an API key: the first message of a client that could not send the header `Authorization`."""

    answers: ClassVar[tuple[str, ...]] = ("welcome", "error")
    example: ClassVar[Mapping[str, Any]] = {"type": "authenticate", "key": "emp_0123456789ab_…"}

    type: Literal["authenticate"] = "authenticate"
    key: Annotated[str, StringConstraints(min_length=1, max_length=512)] = Field(repr=False)
    """The API key (1 to 512 characters)."""


class Subscribe(ClientMessage):
    """Ask for events. An event is sent if it passes every filter that is given; without any, all are."""

    requires: ClassVar[Role | None] = Role.READ
    answers: ClassVar[tuple[str, ...]] = ("subscribed", "error")
    example: ClassVar[Mapping[str, Any]] = {
        "type": "subscribe",
        "id": "film",
        "workflows": ["film-7"],
        "types": ["job.completed", "job.dead", "job.cancelled"],
        "after": "1764079200000-0",
    }

    type: Literal["subscribe"] = "subscribe"
    id: Label
    """Name of the subscription, chosen by the client; it stands in everything that is sent for it."""
    jobs: tuple[JobId, ...] = Field(default=(), max_length=FILTER_MOST)
    """Only events about these jobs, which need not exist yet (at most 100)."""
    workflows: tuple[Name, ...] = Field(default=(), max_length=FILTER_MOST)
    """Only events of these workflows (at most 100)."""
    customers: tuple[Name, ...] = Field(default=(), max_length=FILTER_MOST)
    """Only events about jobs of these customers (at most 100)."""
    workers: tuple[Name, ...] = Field(default=(), max_length=FILTER_MOST)
    """Only events that name one of these workers (at most 100)."""
    types: tuple[EventType, ...] = Field(default=(), max_length=FILTER_MOST)
    """Only these events (at most 100)."""
    after: Position | None = None
    """Id of the last event already seen: everything after it is sent first. Absent: from now on."""
    snapshot: Flag = False
    """Whether the state of the jobs is sent first, with the event id at which it is true; not with `after`."""

    @model_validator(mode="after")
    def _types_exist(self) -> Self:
        for name in self.types:
            if name not in EVENT_TYPES:
                raise ValueError(f"there is no event {name!r}{_nearest(name, EVENT_TYPES)}")
        if self.snapshot and self.after is not None:
            raise ValueError("snapshot and after exclude one another: a snapshot has a position of its own")
        return self


class Unsubscribe(ClientMessage):
    """End a subscription."""

    requires: ClassVar[Role | None] = Role.READ
    answers: ClassVar[tuple[str, ...]] = ("unsubscribed", "error")
    example: ClassVar[Mapping[str, Any]] = {"type": "unsubscribe", "id": "film"}

    type: Literal["unsubscribe"] = "unsubscribe"
    id: Label
    """Name of the subscription."""


class Submit(ClientMessage):
    """Submit a job. Lost in doubt, it is sent again: the job exists once."""

    requires: ClassVar[Role | None] = Role.SUBMIT
    answers: ClassVar[tuple[str, ...]] = ("accepted", "error")
    example: ClassVar[Mapping[str, Any]] = {
        "type": "submit",
        "request": "r1",
        "job": {"job_id": "frame-1", "requirements": {"service": "simulation"}, "workflow": "film-7"},
    }

    type: Literal["submit"] = "submit"
    request: Label
    """Name of the request, chosen by the client; it stands in the answer."""
    job: JobRequest
    """The job. It has a `job_id` or an `idempotency_key`, so that the message can be sent again."""

    @model_validator(mode="after")
    def _can_be_sent_again(self) -> Self:
        if self.job.job_id is None and self.job.idempotency_key is None:
            raise ValueError(
                "the job needs a job_id or an idempotency_key, so that the message can be sent again"
            )
        return self


class Ping(ClientMessage):
    """Ask whether the connection lives, from where WebSocket pings are out of reach, as in a browser."""

    answers: ClassVar[tuple[str, ...]] = ("pong",)
    example: ClassVar[Mapping[str, Any]] = {"type": "ping", "request": "p1"}

    type: Literal["ping"] = "ping"
    request: Label | None = None
    """Name of the request; it stands in the answer."""


class Welcome(ServerMessage):
    """The first message of the server: the key is valid, and this is what holds on the connection."""

    example: ClassVar[Mapping[str, Any]] = {
        "type": "welcome",
        "pool": "default",
        "position": "1764079200000-0",
        "roles": ["read", "submit"],
        "customer": "acme",
        "heartbeat_seconds": 15,
        "frame_limit_bytes": 2097152,
        "subscriptions": 100,
    }

    type: Literal["welcome"] = "welcome"
    pool: str
    """The pool that the connection is about."""
    position: Position
    """Newest event that the process has seen."""
    roles: tuple[Role, ...]
    """Roles of the key."""
    customer: str | None = None
    """The only customer whose jobs the key can see, if it is bound to one."""
    heartbeat_seconds: float
    """How often a `heartbeat` comes, in seconds; after three times as long in silence, connect anew."""
    frame_limit_bytes: int
    """Largest message that the client may send, in bytes."""
    subscriptions: int
    """Most subscriptions of the connection."""


class Subscribed(ServerMessage):
    """A subscription holds; what follows for it comes in the order of the stream, each event once."""

    example: ClassVar[Mapping[str, Any]] = {"type": "subscribed", "id": "film", "position": "1764079200000-0"}

    type: Literal["subscribed"] = "subscribed"
    id: Label
    """Name of the subscription."""
    position: Position
    """Every event after this one that passes the filters is sent."""


class Unsubscribed(ServerMessage):
    """A subscription has ended; nothing more is sent for it."""

    example: ClassVar[Mapping[str, Any]] = {"type": "unsubscribed", "id": "film"}

    type: Literal["unsubscribed"] = "unsubscribed"
    id: Label
    """Name of the subscription."""


class SnapshotJob(BaseModel):
    """A job as it stands at the position of a snapshot."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    job: str
    """Id of the job."""
    status: Status
    """Where it stands."""
    customer: str | None = None
    """Customer of the job, if it has one."""
    workflow: str | None = None
    """Workflow of the job, if it has one."""
    attempt: int
    """Number of the latest attempt; 0 before the first claim."""
    attempts_used: int
    """Attempts that ended as failed or lost."""
    worker: str | None = None
    """Worker that holds or held it."""
    progress: float
    """Share of the work that is done (0 to 1)."""
    message: str = ""
    """What the service was last doing, or what the last error said."""
    error: str | None = None
    """Code of the last error."""
    submitted_ms: int
    """When it was submitted (milliseconds since 1970)."""
    changed_ms: int
    """When its status last changed (milliseconds since 1970)."""


class Snapshot(ServerMessage):
    """The jobs as they stand at one event; the events after it follow.

    It holds the jobs that the subscription names, by themselves or by their workflow, ended ones included as long as
    their records are kept. Of a subscription that names none it holds the open jobs of the customers that it names, or
    whose key it is; of any other, the running jobs.
    """

    example: ClassVar[Mapping[str, Any]] = {
        "type": "snapshot",
        "id": "film",
        "position": "1764079200000-0",
        "jobs": [
            {
                "job": "frame-1",
                "status": "running",
                "workflow": "film-7",
                "attempt": 1,
                "attempts_used": 0,
                "worker": "gpu-1",
                "progress": 0.4,
                "message": "sampling",
                "submitted_ms": 1764079100000,
                "changed_ms": 1764079150000,
            }
        ],
        "complete": True,
    }

    type: Literal["snapshot"] = "snapshot"
    id: Label
    """Name of the subscription."""
    position: Position
    """The event at which the snapshot is true."""
    jobs: tuple[SnapshotJob, ...]
    """The jobs that pass the filters; a filter on event types does not count here."""
    complete: bool
    """Whether these are all; false if there are more than fit."""


class EventMessage(ServerMessage):
    """An event that a subscription asked for."""

    example: ClassVar[Mapping[str, Any]] = {
        "type": "event",
        "id": "film",
        "event": {
            "event_id": "1764079201250-0",
            "at": 1764079201250,
            "type": "job.completed",
            "job": "frame-1",
            "status": "completed",
            "workflow": "film-7",
            "worker": "gpu-1",
            "attempt": 1,
        },
    }

    type: Literal["event"] = "event"
    id: Label
    """Name of the subscription."""
    event: AnyEvent
    """The event. Its `event_id` is what a client resumes from."""


class Accepted(ServerMessage):
    """A job is in the queue."""

    example: ClassVar[Mapping[str, Any]] = {
        "type": "accepted",
        "request": "r1",
        "job_id": "frame-1",
        "created": True,
        "class_id": "9f2b6c01d4e8a733",
    }

    type: Literal["accepted"] = "accepted"
    request: Label
    """Name of the request."""
    job_id: str
    """Id of the job, new or found."""
    created: bool
    """Whether this message made the job; false if an earlier one had."""
    class_id: str
    """Requirement class of the job."""


class ErrorMessage(ServerMessage):
    """A message of the client was refused, or a subscription cannot go on. The connection stays open."""

    example: ClassVar[Mapping[str, Any]] = {
        "type": "error",
        "about": "subscribe",
        "id": "film",
        "code": "events_trimmed",
        "message": "event 1764079200000-0 is older than the oldest that is kept, 1764080000000-0",
        "remedy": "Subscribe with a snapshot.",
        "retryable": False,
        "detail": {"oldest": "1764080000000-0"},
    }

    type: Literal["error"] = "error"
    about: str
    """Type of the message that it answers."""
    id: Label | None = None
    """Name of the subscription, if it is about one. The subscription has ended."""
    request: Label | None = None
    """Name of the request, if it had one."""
    code: str
    """Code of the error."""
    message: str
    """What is wrong, in one sentence."""
    remedy: str
    """What to do about it."""
    retryable: bool
    """Whether the same message can succeed later."""
    detail: dict[str, JsonValue] = Field(default_factory=dict)
    """Facts about this occurrence."""

    @staticmethod
    def named(text: str) -> bool:
        """Say whether a text can name a subscription or request; one that cannot is not repeated in an answer."""
        return _LABEL.fullmatch(text) is not None


class Pong(ServerMessage):
    """The answer to `ping`."""

    example: ClassVar[Mapping[str, Any]] = {"type": "pong", "request": "p1"}

    type: Literal["pong"] = "pong"
    request: Label | None = None
    """Name of the request, if it had one."""


class Heartbeat(ServerMessage):
    """The connection lives, and the client has been sent everything up to a position, also when nothing was for it."""

    example: ClassVar[Mapping[str, Any]] = {"type": "heartbeat", "position": "1764079260000-3"}

    type: Literal["heartbeat"] = "heartbeat"
    position: Position | None = None
    """Every event up to this one that passes a filter has been sent: resume from it. Absent while history is read."""


class Closing(ServerMessage):
    """The server is about to close the connection."""

    example: ClassVar[Mapping[str, Any]] = {
        "type": "closing",
        "code": 1001,
        "name": "going_away",
        "remedy": "Connect again, to any API process of the pool, and resume from the last event.",
    }

    type: Literal["closing"] = "closing"
    code: int
    """Close code that follows in the close frame."""
    name: str
    """Its name."""
    remedy: str
    """What to do."""


CLIENT_MESSAGES = (Authenticate, Subscribe, Unsubscribe, Submit, Ping)
"""Every message that a client may send, in the order in which a client comes to them."""
SERVER_MESSAGES = (
    Welcome,
    Subscribed,
    Snapshot,
    EventMessage,
    Unsubscribed,
    Accepted,
    ErrorMessage,
    Pong,
    Heartbeat,
    Closing,
)
"""Every message that the server may send, in the order in which a client meets them."""
AnyServerMessage = Annotated[
    Welcome
    | Subscribed
    | Snapshot
    | EventMessage
    | Unsubscribed
    | Accepted
    | ErrorMessage
    | Pong
    | Heartbeat
    | Closing,
    Field(discriminator="type"),
]
"""Any message of the server, told apart by its type."""

_BY_TYPE = {message.type_name(): message for message in CLIENT_MESSAGES}


def all_messages() -> tuple[type[Message], ...]:
    """Return the model of every message, those of the client first."""
    return (*CLIENT_MESSAGES, *SERVER_MESSAGES)


def summary_of(message: type[Message]) -> str:
    """Return what a message says: the first line of its docstring."""
    return (inspect.getdoc(message) or "").split("\n", 1)[0]


def decode(text: str) -> Mapping[str, Any]:
    """Read the text of a frame as far as its type.

    Args:
        text: a text frame of a client.

    Raises:
        MessageMalformed: it is not a JSON object with a type.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MessageMalformed(f"the frame is not JSON: {error}", detail={}) from error
    if not isinstance(data, dict) or not isinstance(data.get("type"), str):
        raise MessageMalformed("the frame is no JSON object with a type")
    return data


def parse_message(data: Mapping[str, Any]) -> ClientMessage:
    """Read a message of a client.

    Args:
        data: what :func:`decode` returned.

    Raises:
        MessageUnknown: there is no message with this type; the detail gives the nearest known one.
        UnknownField: a field does not exist; the detail gives the nearest known name.
        InvalidRequest: a field is missing, of the wrong type or out of range; the detail lists all of them.
    """
    name = data["type"]
    model = _BY_TYPE.get(name)
    if model is None:
        raise MessageUnknown(
            f"there is no message {name[:100]!r}{_nearest(name, _BY_TYPE)}",
            detail={"known": sorted(_BY_TYPE)},
        )
    return parse(model, data, what=f"message {name}")


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(names)}"
