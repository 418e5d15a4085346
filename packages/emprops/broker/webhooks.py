"""The webhook subscriptions of a pool, as their owners see them: created, changed, switched, replayed, looked at.

A secret is needed in clear to sign, so it is kept in clear, in a key of its own that no listing reads. It is shown
once, when it is made; nobody can read it again, and it is in no event, no log and no other answer. Whoever can read the
server can sign.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..core.canonical import canonical_json
from ..core.egress import literal_address, refusal_of
from ..core.errors import EventsTrimmed, WebhookNotFound, WebhookTargetRefused
from ..core.settings import WebhookSettings
from ..core.validation import invalid, parse
from ..core.webhooks import (
    SECRET_BYTES,
    SECRET_PREFIX,
    Delivery,
    DeliveryAttempt,
    WebhookChange,
    WebhookRequest,
    WebhookSubscription,
    host_of,
)
from .broker import POSITION_PATTERN
from .connection import server_errors

if TYPE_CHECKING:
    from .broker import Broker

FROM_OLDEST = "0-0"
"""Position before the oldest event that is kept."""
REASON_LENGTH = 200
"""Longest reason for disabling a subscription, in characters."""
SEQUENCE_MOST = 10**19 - 1
"""Beyond every number of an event within its millisecond."""
_WEBHOOK_ID = re.compile(r"wh_[0-9a-f]{16}")


class Webhooks:
    """The webhook subscriptions of one pool.

    Args:
        broker: the pool.
        settings: limits and times; read from the environment if left out.
        customer: the only customer whose subscriptions are seen and made; ``None``: all.
    """

    def __init__(
        self, broker: Broker, settings: WebhookSettings | None = None, *, customer: str | None = None
    ) -> None:
        self._broker = broker
        self.settings = settings or WebhookSettings.load()
        self._customer = customer

    async def create(self, request: WebhookRequest | Mapping[str, Any]) -> tuple[WebhookSubscription, str]:
        """Create a subscription to what happens from now on.

        Args:
            request: what is asked for, as a model or as a mapping of its fields.

        Returns:
            The subscription, and its secret, which cannot be had again.

        Raises:
            InvalidRequest: a field is missing, of the wrong type or out of range.
            UnknownField: a field does not exist; the detail gives the nearest known name.
            WebhookTargetRefused: the host is written as an address to which nothing is sent. A name is looked up, and
                refused, at each delivery.
            WebhookLimitReached: the pool has as many subscriptions as it takes.
            ServerUnreachable: the server does not answer; a subscription whose secret nobody knows may exist.
        """
        wanted = parse(WebhookRequest, request, what="webhook")
        if self._customer is not None:
            if wanted.customer not in (None, self._customer):
                raise invalid("customer", "not the customer of whoever asks")
            wanted = wanted.model_copy(update={"customer": self._customer})
        self._require_target(wanted.url)
        webhook_id = f"wh_{secrets.token_hex(8)}"
        secret = _new_secret()
        arguments: dict[str, str | int] = {
            "id": webhook_id,
            "record": canonical_json(
                {**wanted.model_dump(mode="json"), "created_ms": await self._broker.now()}
            ),
            "secret": secret,
            "customer": wanted.customer or "",
            "limit": self.settings.limit,
        }
        await self._broker.executor.run("create_webhook", arguments)
        return await self.get(webhook_id), secret

    async def subscriptions(self) -> list[WebhookSubscription]:
        """Return the subscriptions, oldest first."""
        keys = self._broker.keys
        async with server_errors(), self._broker.connection.pipeline(transaction=True) as pipe:
            pipe.hgetall(keys.key("webhooks"))
            pipe.hgetall(keys.key("webhook_states"))
            records, states = await pipe.execute()
        found = [subscription(webhook_id, records[webhook_id], states[webhook_id]) for webhook_id in records]
        seen = [one for one in found if self._sees(one)]
        return sorted(seen, key=lambda one: (one.created_ms, one.webhook_id))

    async def get(self, webhook_id: str) -> WebhookSubscription:
        """Return one subscription.

        Raises:
            WebhookNotFound: there is none with this id.
        """
        return (await self._read(webhook_id))[1]

    async def update(self, webhook_id: str, change: WebhookChange | Mapping[str, Any]) -> WebhookSubscription:
        """Change what a subscription asks for, from the next delivery on.

        Args:
            webhook_id: id of the subscription.
            change: the fields to change; those that are not set stay.

        Raises:
            WebhookNotFound: there is none with this id.
            InvalidRequest: a field is of the wrong type or out of range.
            UnknownField: a field does not exist, or cannot be changed.
            WebhookTargetRefused: the host is written as an address to which nothing is sent.
        """
        changed = parse(
            WebhookChange,
            change.model_dump(exclude_unset=True) if isinstance(change, WebhookChange) else change,
            what="webhook",
        ).model_dump(exclude_unset=True)
        while True:
            before, _ = await self._read(webhook_id)
            record = json.loads(before)
            created = record.pop("created_ms")
            wanted = parse(WebhookRequest, {**record, **changed}, what="webhook")
            self._require_target(wanted.url)
            after = canonical_json({**wanted.model_dump(mode="json"), "created_ms": created})
            arguments: dict[str, str | int] = {"id": webhook_id, "before": before, "after": after}
            if await self._broker.executor.run("alter_webhook", arguments):
                return await self.get(webhook_id)

    async def delete(self, webhook_id: str) -> None:
        """Delete a subscription, with its open events, its log and its secret.

        Raises:
            WebhookNotFound: there is none with this id.
        """
        await self._read(webhook_id)
        await self._broker.executor.run("delete_webhook", {"id": webhook_id}, {"webhook_log": webhook_id})

    async def enable(self, webhook_id: str) -> WebhookSubscription:
        """Enable a subscription: it goes on where it stopped, with all attempts anew. An enabled one stays as it is.

        Raises:
            WebhookNotFound: there is none with this id.
        """
        await self._read(webhook_id)
        await self._broker.executor.run("switch_webhook", {"id": webhook_id, "enabled": 1, "message": ""})
        return await self.get(webhook_id)

    async def disable(self, webhook_id: str, reason: str = "") -> WebhookSubscription:
        """Disable a subscription: nothing is sent until it is enabled. A disabled one stays as it is.

        Args:
            webhook_id: id of the subscription.
            reason: why, for whoever reads it later (at most 200 characters).

        Raises:
            WebhookNotFound: there is none with this id.
            InvalidRequest: the reason is too long.
        """
        if len(reason) > REASON_LENGTH:
            raise invalid("reason", f"longer than {REASON_LENGTH} characters")
        await self._read(webhook_id)
        await self._broker.executor.run("switch_webhook", {"id": webhook_id, "enabled": 0, "message": reason})
        return await self.get(webhook_id)

    async def rotate(self, webhook_id: str) -> tuple[str, int]:
        """Give a subscription a new secret. For a while deliveries carry a signature with each of the two.

        Only the last secret before this one overlaps: a second rotation ends the overlap of the first.

        Args:
            webhook_id: id of the subscription.

        Returns:
            The new secret, which cannot be had again, and until when the old one signs, in ms since 1970.

        Raises:
            WebhookNotFound: there is none with this id.
        """
        await self._read(webhook_id)
        secret = _new_secret()
        overlap_ms = round(self.settings.secret_overlap_seconds * 1000)
        arguments: dict[str, str | int] = {"id": webhook_id, "secret": secret, "overlap_ms": overlap_ms}
        return secret, int(await self._broker.executor.run("rotate_webhook", arguments))

    async def replay(self, webhook_id: str, after: str) -> WebhookSubscription:
        """Send the events after a position once more, then go on; each has the `webhook-id` that it had before.

        Args:
            webhook_id: id of the subscription.
            after: id of the event after which it goes on; ``0-0``: from the oldest that is kept.

        Raises:
            WebhookNotFound: there is none with this id.
            InvalidRequest: the position is not the id of an event, or is newer than the newest event.
            EventsTrimmed: events after the position are not kept any more; the detail gives the oldest position.
        """
        await self._read(webhook_id)
        if not POSITION_PATTERN.fullmatch(after):
            raise invalid("after", f"{after[:60]!r} is not the id of an event, as 1700000000000-0")
        if event_order(after) > event_order(await self._broker.last_event_id()):
            raise invalid("after", "newer than the newest event")
        missing, oldest = await trimmed_after(self._broker, after)
        if missing and after != FROM_OLDEST:
            raise EventsTrimmed(
                f"events after {after} are not kept any more", detail={"after": after, "oldest": oldest}
            )
        position = oldest if missing else after
        await self._broker.executor.run("rewind_webhook", {"id": webhook_id, "after": position})
        return await self.get(webhook_id)

    async def deliveries(self, webhook_id: str, *, limit: int = 100) -> list[Delivery]:
        """Return the latest attempts to deliver to a subscription, newest first.

        Args:
            webhook_id: id of the subscription.
            limit: how many at most (1 to 10,000).

        Raises:
            WebhookNotFound: there is none with this id.
        """
        await self._read(webhook_id)
        async with server_errors():
            entries = await self._broker.connection.lrange(
                self._broker.keys.key("webhook_log", webhook_id), 0, limit - 1
            )
        return [_delivery(entry) for entry in entries]

    async def log_test(self, webhook_id: str, attempt: DeliveryAttempt) -> Delivery:
        """Record a test delivery in the log.

        Args:
            webhook_id: id of the subscription.
            attempt: what came of it.

        Raises:
            WebhookNotFound: there is none with this id.
        """
        entry = attempt.model_dump_json(exclude_none=True)
        arguments: dict[str, str | int] = {"id": webhook_id, "entry": entry, **log_limits(self.settings)}
        await self._broker.executor.run("log_delivery", arguments, {"webhook_log": webhook_id})
        return _delivery(f"tested {entry}")

    async def secrets(self, webhook_id: str) -> tuple[str, ...]:
        """Return the secrets that a delivery is signed with now, the newest first; for whoever sends, nobody else.

        Raises:
            WebhookNotFound: there is none with this id.
        """
        await self._read(webhook_id)
        async with server_errors():
            text = await self._broker.connection.hget(self._broker.keys.key("webhook_secrets"), webhook_id)
        return signing_secrets(text or "", await self._broker.now())

    def _require_target(self, url: str) -> None:
        address = literal_address(host_of(url))
        refusal = refusal_of(address, self.settings.networks) if address is not None else ""
        if refusal:
            raise WebhookTargetRefused(f"url: {refusal}", detail={"host": host_of(url)})

    def _sees(self, one: WebhookSubscription) -> bool:
        return self._customer is None or one.customer == self._customer

    async def _read(self, webhook_id: str) -> tuple[str, WebhookSubscription]:
        if _WEBHOOK_ID.fullmatch(webhook_id):
            async with server_errors(), self._broker.connection.pipeline(transaction=True) as pipe:
                pipe.hget(self._broker.keys.key("webhooks"), webhook_id)
                pipe.hget(self._broker.keys.key("webhook_states"), webhook_id)
                record, state = await pipe.execute()
            if record is not None:
                found = subscription(webhook_id, record, state)
                if self._sees(found):
                    return record, found
        shown = webhook_id[:100].encode("ascii", "backslashreplace").decode()
        raise WebhookNotFound(f"there is no webhook {shown!r}", detail={"webhook_id": shown})


def subscription(webhook_id: str, record: str, state: str) -> WebhookSubscription:
    """Return a subscription, from the texts in which the server keeps it.

    Args:
        webhook_id: its id.
        record: its text in ``webhooks``.
        state: its text in ``webhook_states``.
    """
    now: dict[str, Any] = json.loads(state)
    return WebhookSubscription.model_validate(
        {
            **json.loads(record),
            "webhook_id": webhook_id,
            "enabled": now["enabled"],
            "reason": now.get("reason"),
            "message": now.get("message", ""),
            "since_ms": now["since"],
            "position": now["position"],
            "open": len(now["open"]),
            "delivered": now["delivered"],
            "given_up": now["given_up"],
            "success_ms": now.get("success"),
            "failure_ms": now.get("failure"),
            "lagged_ms": now.get("lagged"),
        }
    )


def signing_secrets(text: str, now_ms: int) -> tuple[str, ...]:
    """Return the secrets that sign at a time, from the text in which the server keeps them, the newest first."""
    parts = text.split()
    overlaps = len(parts) == 3 and now_ms < int(parts[2])
    return tuple(parts[:2]) if overlaps else tuple(parts[:1])


def log_limits(settings: WebhookSettings) -> dict[str, str | int]:
    """Return what bounds a delivery log, as the scripts take it."""
    return {"log_entries": settings.log_entries, "log_ms": round(settings.log_seconds * 1000)}


def event_order(event_id: str) -> tuple[int, int]:
    """Return what event ids are ordered by."""
    time, _, number = event_id.partition("-")
    return int(time), int(number)


def before(event_id: str) -> str:
    """Return the position just before an event: nothing is between the two."""
    time, number = event_order(event_id)
    return f"{time}-{number - 1}" if number else f"{time - 1}-{SEQUENCE_MOST}"


async def trimmed_after(broker: Broker, position: str) -> tuple[bool, str]:
    """Say whether events after a position may have been trimmed.

    It is certain that none was if the entry at the position is still there, if nothing was ever trimmed, or if the
    oldest entry follows directly. Otherwise the last entry that went may have been the position itself, which is told
    the same way: a note too many, never one too few.

    Args:
        broker: the pool.
        position: id of the last event seen.

    Returns:
        Whether events may be missing, and the position just before the oldest event that is kept.
    """
    events = broker.keys.key("events")
    async with server_errors(), broker.connection.pipeline(transaction=True) as pipe:
        pipe.xrange(events, position, position, 1)
        pipe.xrange(events, "-", "+", 1)
        pipe.exists(events)
        there, first, exists = await pipe.execute()
        if not exists or there:
            return False, position
        info = await broker.connection.xinfo_stream(events)
    trimmed = info["entries-added"] > info["length"]
    oldest = before(first[0][0]) if first else position
    return bool(trimmed and event_order(position) < event_order(oldest)), oldest


def _delivery(entry: str) -> Delivery:
    outcome, _, text = entry.partition(" ")
    return Delivery.model_validate({**json.loads(text), "outcome": outcome})


def _new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
