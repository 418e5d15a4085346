"""Webhooks: what a subscription asks for, what is sent to it, and what the delivery log keeps."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    JsonValue,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)

from .events import AnyEvent, Event, JobEvent, WebhookEvent, WebhookLagged, WorkflowEnded, all_events
from .job import JobId
from .plain import Whole
from .requirements import Name

CONCURRENCY_DEFAULT = 8
"""Events of a subscription that are open at a time, unless it says otherwise."""
CONCURRENCY_MOST = 32
"""Most events of a subscription that are open at a time."""
URL_LENGTH = 2000
"""Longest address of a webhook, in characters."""
BODY_READ = 1024
"""How much of an endpoint's answer is read, in bytes."""
BODY_SHOWN = 200
"""How much of a failed attempt's answer the delivery log shows, in characters."""
SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32
"""Length of a secret, in bytes."""


class WebhookTest(WebhookEvent):
    """A test delivery that somebody asked for; it is in no stream, and sent once."""

    type: Literal["webhook.test"] = "webhook.test"
    message: str = "This is a test delivery."
    """What it is."""


def webhook_kinds() -> tuple[type[Event], ...]:
    """Return the model of everything that a webhook can deliver: every event, and the test."""
    return (*all_events(), WebhookTest)


def reaches_customers(kind: type[Event]) -> bool:
    """Say whether a subscription that is limited to a customer can get a kind: only what names a customer."""
    return "customer" in kind.model_fields


def checked_url(url: str) -> str:
    """Return the address of an endpoint in its usual form.

    Raises:
        ValueError: it is no `http` or `https` address, or has a user, a password or a fragment.
    """
    try:
        parsed = HttpUrl(url)
    except ValidationError as error:
        raise ValueError("not an http or https address") from error
    if parsed.username or parsed.password:
        raise ValueError("user and password in an address end up in logs; the signature says who sends")
    if parsed.fragment is not None:
        raise ValueError("the part after # is never sent")
    return str(parsed)


def known_events(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names of events, each once.

    Raises:
        ValueError: there is no event of one of the names.
    """
    known = [event.type_name() for event in all_events()]
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(f"no event {', '.join(unknown)}; known are {', '.join(known)}")
    return tuple(sorted(set(names)))


WebhookUrl = Annotated[
    str,
    StringConstraints(min_length=1, max_length=URL_LENGTH),
    AfterValidator(checked_url),
    WithJsonSchema({"type": "string", "format": "http-url", "minLength": 1, "maxLength": URL_LENGTH}),
]
"""Address of an endpoint: `http` or `https`, without user, password or fragment."""
EventNames = Annotated[
    tuple[str, ...],
    Field(max_length=64),
    AfterValidator(known_events),
    WithJsonSchema(
        {
            "type": "array",
            "maxItems": 64,
            "items": {"type": "string", "enum": [event.type_name() for event in all_events()]},
        }
    ),
]
"""Names of events, each once."""
Description = Annotated[str, StringConstraints(max_length=200)]


class WebhookChange(BaseModel):
    """What of a subscription can be changed; a field that is left out stays as it is."""

    # Defaults from factories stand in no schema: a field has a value or is left out, and only two may be `null`.
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    url: WebhookUrl = Field(default_factory=str)
    """Where events are sent: an `http` or `https` address of at most 2,000 characters."""
    events: EventNames = Field(default_factory=tuple)
    """Names of the events that are sent; an empty list: all."""
    workflow: Name | None = None
    """Only events of this workflow; `null`: of all."""
    job: JobId | None = None
    """Only events of this job; `null`: of all."""
    concurrency: Whole = Field(default_factory=int, ge=1, le=CONCURRENCY_MOST)
    """Events that are open at a time (1 to 32); 1 keeps the order strictly."""
    description: Description = Field(default_factory=str)
    """What it is for, in at most 200 characters."""


class WebhookRequest(BaseModel):
    """A subscription that is asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    url: WebhookUrl
    """Where events are sent: an `http` or `https` address of at most 2,000 characters."""
    events: EventNames = ()
    """Names of the events that are sent; empty: all."""
    customer: Name | None = None
    """Only events of this customer; this cannot be changed later."""
    workflow: Name | None = None
    """Only events of this workflow."""
    job: JobId | None = None
    """Only events of this job."""
    concurrency: Whole = Field(default=CONCURRENCY_DEFAULT, ge=1, le=CONCURRENCY_MOST)
    """Events that are open at a time (1 to 32); 1 keeps the order strictly."""
    description: Description = ""
    """What it is for, in at most 200 characters."""


class WebhookSubscription(WebhookRequest):
    """A subscription as it is shown: all but its secret, which nobody can read again."""

    webhook_id: str
    """Id of the subscription."""
    created_ms: int
    """When it was created (milliseconds since 1970, the server's clock)."""
    enabled: bool
    """Whether it gets events."""
    reason: Literal["asked", "gone", "exhausted"] | None = None
    """Why it is disabled: somebody asked for it; the endpoint said 410; all attempts failed."""
    message: str = ""
    """What the last attempt said before it was disabled, or why somebody asked for it."""
    since_ms: int
    """Since when it is enabled or disabled (milliseconds since 1970)."""
    position: str
    """Id of the last event that was looked at for it."""
    open: int
    """Events that are taken up and neither delivered nor given up."""
    delivered: int
    """Events that were delivered."""
    given_up: int
    """Events that were given up after all attempts failed while others got through."""
    success_ms: int | None = None
    """When an event was last delivered (milliseconds since 1970)."""
    failure_ms: int | None = None
    """When an attempt last failed (milliseconds since 1970)."""
    lagged_ms: int | None = None
    """When it was last found that events were trimmed before they were delivered (milliseconds since 1970)."""

    def wants(self, event: AnyEvent) -> bool:
        """Say whether an event is sent to the subscription.

        Only events that name its customer pass if it is limited to one. It is always told that it missed events.

        Args:
            event: an event of the pool.
        """
        if isinstance(event, WebhookLagged) and event.subscription == self.webhook_id:
            return True
        if self.customer is not None and getattr(event, "customer", None) != self.customer:
            return False
        if self.events and event.type not in self.events:
            return False
        if self.workflow is not None:
            named = event.workflow if isinstance(event, JobEvent | WorkflowEnded) else None
            if named != self.workflow:
                return False
        return self.job is None or (isinstance(event, JobEvent) and event.job == self.job)


class DeliveryOutcome(StrEnum):
    """What became of an attempt to deliver."""

    DELIVERED = "delivered"
    RETRYING = "retrying"
    GIVEN_UP = "given_up"
    DISABLED = "disabled"
    TESTED = "tested"

    @property
    def meaning(self) -> str:
        """What it says, in one sentence."""
        return _OUTCOMES[self]


_OUTCOMES = {
    DeliveryOutcome.DELIVERED: "The endpoint took it: it answered with a status from 200 to 299.",
    DeliveryOutcome.RETRYING: "It failed and is tried again.",
    DeliveryOutcome.GIVEN_UP: "The last attempt failed while other events got through; the event is not sent again.",
    DeliveryOutcome.DISABLED: "It failed and the subscription was disabled; the event waits for it to be enabled.",
    DeliveryOutcome.TESTED: "It was a test, which is never tried again.",
}


class FailureKind(StrEnum):
    """Why an attempt to deliver failed."""

    STATUS = "status"
    REDIRECT = "redirect"
    REFUSED_TARGET = "refused_target"
    UNRESOLVED = "unresolved"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"

    @property
    def meaning(self) -> str:
        """What it says, in one sentence."""
        return _FAILURES[self]


_FAILURES = {
    FailureKind.STATUS: "The endpoint answered with a status outside 200 to 299.",
    FailureKind.REDIRECT: "The endpoint answered with a redirect, and redirects are not followed.",
    FailureKind.REFUSED_TARGET: "The name leads to an address to which webhooks are not sent; nothing was sent.",
    FailureKind.UNRESOLVED: "The name of the host could not be resolved.",
    FailureKind.UNREACHABLE: "No connection, or it broke, or its certificate is not valid for the name.",
    FailureKind.TIMEOUT: "The attempt was not over in time.",
}


class DeliveryAttempt(BaseModel):
    """One attempt to deliver an event, before it is known what follows."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    message_id: str
    """The `webhook-id` header: the same at every attempt and in every subscription."""
    type: str
    """Name of the event."""
    attempt: int
    """Number of the attempt, from 1."""
    at_ms: int
    """When it began (milliseconds since 1970, the deliverer's clock)."""
    duration_ms: int
    """How long it took, in milliseconds."""
    failure: FailureKind | None = None
    """Why it failed; none: it did not."""
    status: int | None = None
    """Status of the answer; none: there was no answer."""
    error: str = ""
    """What went wrong, in words."""
    answer: str = ""
    """Beginning of the answer to a failed attempt, at most 200 characters."""


class Delivery(DeliveryAttempt):
    """One entry of a delivery log."""

    outcome: DeliveryOutcome
    """What became of the attempt."""


class WebhookPayload(BaseModel):
    """The body of a delivery, as the Standard Webhooks specification has it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    type: str
    """Name of the event."""
    timestamp: str
    """When it happened (ISO 8601, UTC)."""
    data: dict[str, JsonValue]
    """The event's other fields; those that it does not have are absent."""


def payload_of(event: Event) -> WebhookPayload:
    """Return the body that delivers an event.

    Args:
        event: an event of the pool, or a test.
    """
    fields: dict[str, Any] = event.model_dump(mode="json", exclude_none=True)
    happened = datetime.fromtimestamp(event.at / 1000, UTC).isoformat(timespec="milliseconds")
    return WebhookPayload(type=fields.pop("type"), timestamp=happened.replace("+00:00", "Z"), data=fields)


def message_id(pool: str, event: Event) -> str:
    """Return the `webhook-id` of an event: one event has one id, whoever gets it and however often.

    Args:
        pool: name of the pool.
        event: an event of the pool, or a test.
    """
    return f"{pool}_{event.event_id}"


def host_of(url: str) -> str:
    """Return the host of a webhook's address, without brackets.

    Args:
        url: a checked address.
    """
    return (HttpUrl(url).host or "").strip("[]")
