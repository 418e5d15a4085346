"""Facts about what a webhook delivers: each kind, whom it reaches, and a body as an endpoint gets it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from emprops.core.events import Event, all_events, summary_of
from emprops.core.lifecycle import TRANSITIONS, Status
from emprops.core.webhooks import payload_of, reaches_customers, webhook_kinds

from .base import Code, Fact, Field, Kind, Ref
from .source import definition

_AT = 1_900_000_000_000
_SAMPLES: dict[str, Any] = {
    "event_id": f"{_AT}-0",
    "at": _AT,
    "job": "portrait-17",
    "customer": "studio",
    "workflow": "album-3",
    "worker": "gpu-1",
    "class_id": "0123456789abcdef",
    "order": "32" + f"{_AT:012x}" + "0000000001",
    "profile": "fedcba9876543210",
    "attempt": 1,
    "attempts_used": 1,
    "progress": 0.5,
    "message": "",
    "error": "service_failed",
    "due": _AT + 2000,
    "completed": 3,
    "dead": 0,
    "cancelled": 0,
    "subscription": "wh_0123456789abcdef",
    "after": f"{_AT - 5}-0",
    "until": f"{_AT - 1}-0",
}
"""A value for each field of an event, so that a new field without one is noticed."""
_OWN: dict[str, dict[str, Any]] = {
    "job.discarded": {"status": Status.DEAD},
    "webhook.enabled": {"reason": "created"},
    "webhook.disabled": {"reason": "gone", "message": "answered 410"},
}


class WebhookEvents(Kind):
    """What a webhook delivers."""

    name = "webhook-event"
    label = "webhook event"
    plural = "webhook events"
    columns = ("customer", "event")
    summary_label = "When"
    card = ("customer", "example")
    modules = ("emprops.core.webhooks", "emprops.core.events")

    def load(self) -> Iterable[Fact]:
        """Return every kind of delivery, in the order of the events, the test last."""
        streamed = set(all_events())
        for kind in webhook_kinds():
            name = kind.type_name()
            reaches = reaches_customers(kind)
            yield Fact(
                kind=self.name,
                name=name,
                title=name,
                summary=summary_of(kind),
                source=definition(f"{kind.__module__}.{kind.__name__}").source,
                fields=(
                    Field(
                        "customer",
                        "Reaches the subscriptions of one customer",
                        ("yes, if it names the customer" if reaches else "no",),
                        reaches,
                    ),
                    Field(
                        "event",
                        "Data",
                        ("the fields of ", Ref("event", name)) if kind in streamed else ("a message",),
                    ),
                    Field("example", "Body", (Code(example(kind)),)),
                ),
            )


def example(kind: type[Event]) -> str:
    """Return a body that delivers a kind, made by what makes every body.

    Raises:
        KeyError: the kind has a field that there is no sample for.
    """
    name = kind.type_name()
    given = {
        field: _SAMPLES[field] for field in kind.model_fields if field not in ("type", "status", "reason")
    }
    status = next((t.target for t in TRANSITIONS if t.event == name), Status.RUNNING)
    known = {"status": status} if "status" in kind.model_fields else {}
    return payload_of(kind.model_validate({**given, **known, **_OWN.get(name, {})})).model_dump_json()
