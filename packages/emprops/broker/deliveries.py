"""The webhook subscriptions as a deliverer sees them: shared by leases, moved forward, each attempt settled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..core.events import AnyEvent, parse_event
from ..core.retry import RetryPolicy
from ..core.settings import WebhookSettings
from ..core.webhooks import DeliveryAttempt, DeliveryOutcome, FailureKind, WebhookSubscription
from .connection import server_errors
from .webhooks import event_order, log_limits, signing_secrets, subscription, trimmed_after

if TYPE_CHECKING:
    from .broker import Broker

GONE = 410
"""Status with which an endpoint says that it wants no more."""
READ_AT_ONCE = 500
"""Most events that are read from the stream in one exchange."""
MESSAGE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Share:
    """What a deliverer serves.

    Attributes:
        most: how many subscriptions it should serve; what it has above that it lets go when nothing of it is under way.
        tokens: the fencing token of each subscription that it serves, by the subscription's id.
    """

    most: int
    tokens: dict[str, str]


@dataclass(frozen=True, slots=True)
class OpenEvent:
    """An event that is taken up for a subscription and neither delivered nor given up.

    Attributes:
        event: the event.
        attempts: attempts that failed so far.
        due_ms: when the next attempt is due (milliseconds since 1970, the server's clock).
    """

    event: AnyEvent
    attempts: int
    due_ms: int


@dataclass(frozen=True, slots=True)
class View:
    """A subscription at one moment, with all that is needed to serve it.

    Attributes:
        subscription: the subscription.
        secrets: the secrets to sign with, the newest first.
        open: its open events, oldest first.
        now_ms: the server's time (milliseconds since 1970).
    """

    subscription: WebhookSubscription
    secrets: tuple[str, ...] = field(repr=False)
    open: tuple[OpenEvent, ...]
    now_ms: int


class Deliveries:
    """A deliverer's dealings with a pool.

    Args:
        broker: the pool.
        settings: attempts, waits and leases.
        deliverer: id of the deliverer, unique among those that run.
    """

    def __init__(self, broker: Broker, settings: WebhookSettings, deliverer: str) -> None:
        self._broker = broker
        self._settings = settings
        self._retry = RetryPolicy(
            max_attempts=settings.attempts,
            backoff_seconds=settings.backoff_seconds,
            backoff_cap_seconds=settings.backoff_cap_seconds,
        )
        self.deliverer = deliverer

    async def share(self, *, release: Sequence[str] = (), stay: bool = True) -> Share:
        """Renew the leases, and take free subscriptions up to a fair share.

        Args:
            release: ids of subscriptions to let go.
            stay: whether the deliverer goes on; otherwise it lets go of all.
        """
        answer = await self._broker.executor.run(
            "share_webhooks",
            {
                "deliverer": self.deliverer,
                "lease_ms": round(self._settings.lease_seconds * 1000),
                "stay": int(stay),
                "release": release,
            },
        )
        return Share(int(answer[0]), dict(zip(answer[1::2], answer[2::2], strict=True)))

    async def view(self, webhook_id: str) -> View | None:
        """Return a subscription with all that is needed to serve it; ``None`` if it is gone or disabled."""
        keys = self._broker.keys
        async with server_errors(), self._broker.connection.pipeline(transaction=True) as pipe:
            pipe.hget(keys.key("webhooks"), webhook_id)
            pipe.hget(keys.key("webhook_secrets"), webhook_id)
            pipe.hget(keys.key("webhook_states"), webhook_id)
            record, secret, state = await pipe.execute()
            if record is None or not json.loads(state)["enabled"]:
                return None
            entries: dict[str, dict[str, int]] = json.loads(state)["open"]
            ids = sorted(entries, key=event_order)
            bodies = (
                await self._broker.connection.hmget(
                    keys.key("webhook_bodies"), [f"{webhook_id} {event_id}" for event_id in ids]
                )
                if ids
                else []
            )
        now = await self._broker.now()
        opened = tuple(
            OpenEvent(
                parse_event(event_id, json.loads(body)),
                entries[event_id]["attempts"],
                entries[event_id]["due"],
            )
            for event_id, body in zip(ids, bodies, strict=True)
            if body is not None
        )
        found = subscription(webhook_id, record, state)
        return View(found, signing_secrets(secret, now), opened, now)

    async def take(self, token: str, seen: WebhookSubscription, position: str) -> tuple[bool, str]:
        """Look further in the stream for a subscription, and open what it wants, as far as it has room.

        Args:
            token: fencing token of the lease.
            seen: the subscription, with the position that is kept and the number of its open events.
            position: how far the deliverer has looked already without finding anything.

        Returns:
            Whether there is more to read at once, and how far it has looked.

        Raises:
            WebhookLeaseLost: another deliverer serves the subscription, or it was disabled or deleted.
        """
        room = seen.concurrency - seen.open
        if room <= 0:
            return False, position
        events = self._broker.keys.key("events")
        async with server_errors():
            page = await self._broker.connection.xrange(events, position, "+", READ_AT_ONCE + 1)
        missed = ""
        if page and page[0][0] == position:
            page = page[1:]
        elif page:
            trimmed, _ = await trimmed_after(self._broker, position)
            missed = page[0][0] if trimmed else ""
        pairs: list[str] = []
        looked = position
        for event_id, fields in page:
            if len(pairs) == 2 * room:
                break
            if seen.wants(parse_event(event_id, fields)):
                pairs += [event_id, json.dumps(fields)]
            looked = event_id
        more = bool(page) and (looked != page[-1][0] or len(page) >= READ_AT_ONCE)
        if pairs or missed:
            moved = await self._moved(token, seen, looked, missed, pairs)
            return moved, looked if moved else position
        return more, looked

    async def keep(self, token: str, seen: WebhookSubscription, position: str) -> bool:
        """Keep how far the deliverer has looked, so that whoever comes after it need not look again.

        Args:
            token: fencing token of the lease.
            seen: the subscription, with the position that is kept.
            position: how far the deliverer has looked.

        Returns:
            Whether it was kept; if not, somebody has set the subscription to another place.

        Raises:
            WebhookLeaseLost: another deliverer serves the subscription, or it was disabled or deleted.
        """
        return await self._moved(token, seen, position, "", [])

    async def _moved(
        self, token: str, seen: WebhookSubscription, position: str, missed: str, pairs: list[str]
    ) -> bool:
        arguments: dict[str, str | int | Sequence[str]] = {
            "id": seen.webhook_id,
            "token": token,
            "before": seen.position,
            "position": position,
            "missed": missed,
            "pairs": pairs,
        }
        return bool(await self._broker.executor.run("take_events", arguments))

    async def settle(
        self, token: str, webhook_id: str, event_id: str, attempt: DeliveryAttempt, *, wait_seconds: float = 0
    ) -> DeliveryOutcome:
        """Record an attempt, and learn what follows.

        Args:
            token: fencing token of the lease.
            webhook_id: id of the subscription.
            event_id: id of the event.
            attempt: what came of it.
            wait_seconds: how long the endpoint asked to be left alone, in seconds; at most the longest wait counts.

        Raises:
            WebhookLeaseLost: another deliverer serves the subscription, or it was disabled or deleted.
        """
        result = "delivered"
        if attempt.failure is not None:
            gone = attempt.failure is FailureKind.STATUS and attempt.status == GONE
            result = "gone" if gone else "failed"
        wait = max(
            self._retry.delay_seconds(attempt.attempt), min(wait_seconds, self._settings.backoff_cap_seconds)
        )
        arguments: dict[str, str | int] = {
            "id": webhook_id,
            "token": token,
            "event": event_id,
            "result": result,
            "attempts": self._settings.attempts,
            "wait_ms": round(wait * 1000),
            "message": attempt.error[:MESSAGE_LENGTH],
            "entry": attempt.model_dump_json(exclude_none=True),
            **log_limits(self._settings),
        }
        return DeliveryOutcome(
            await self._broker.executor.run("settle_delivery", arguments, {"webhook_log": webhook_id})
        )
