"""Signing a delivery, as the Standard Webhooks specification says; its own library does it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook


def sign(secrets: Sequence[str], message_id: str, body: str, at: datetime | None = None) -> dict[str, str]:
    """Return the headers that say which message it is, when it was sent and who sent it.

    Args:
        secrets: the secrets to sign with; a receiver that knows any one of them can verify.
        message_id: the same at every attempt, so that the receiver can leave out what it has had.
        body: the body exactly as it is sent.
        at: time of the attempt; a receiver refuses one that is some minutes old. ``None``: now.
    """
    moment = at or datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, moment, body) for secret in secrets),
    }
