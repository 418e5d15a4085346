"""One attempt to deliver one event: sign it, check where it goes, send it there, and say what came of it."""

from __future__ import annotations

import asyncio
import secrets as chance
import ssl
import time
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Final

import httpx

from ..broker import Broker, Webhooks
from ..core.egress import Address
from ..core.events import Event
from ..core.settings import WebhookSettings
from ..core.webhooks import (
    BODY_READ,
    BODY_SHOWN,
    CONCURRENCY_MOST,
    Delivery,
    DeliveryAttempt,
    FailureKind,
    WebhookTest,
    message_id,
    payload_of,
)
from .guard import Resolver, TargetRefused, Unresolved, permitted, resolve
from .signing import sign

ADDRESSES_TRIED = 3
"""Most addresses of a host that are tried in one attempt."""
ERROR_LENGTH = 200
USER_AGENT: Final = f"emprops-webhooks/{version('emprops-job-queue')}"


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of an attempt.

    Attributes:
        attempt: as the log keeps it.
        wait_seconds: how long the endpoint asked to be left alone, in seconds; 0 if it did not.
    """

    attempt: DeliveryAttempt
    wait_seconds: float = 0


class Endpoint:
    """Sends to the endpoint of one subscription, over connections of its own.

    Connections are not shared between subscriptions: one that was opened for a name is never used for another name at
    the same address. Proxies of the environment are not used, since they would resolve the name once more.

    Args:
        pool: name of the pool.
        settings: time limit and allowed networks.
        resolver: finds the addresses of a host.
    """

    def __init__(self, pool: str, settings: WebhookSettings, *, resolver: Resolver = resolve) -> None:
        self._pool = pool
        self._settings = settings
        self._resolver = resolver
        self._client = httpx.AsyncClient(
            verify=trusted(),
            trust_env=False,
            follow_redirects=False,
            timeout=None,
            limits=httpx.Limits(
                max_connections=CONCURRENCY_MOST, max_keepalive_connections=2, keepalive_expiry=30
            ),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(self, url: str, secrets: tuple[str, ...], event: Event, number: int) -> Sent:
        """Make one attempt; whatever happens is told, not raised.

        Args:
            url: address of the endpoint.
            secrets: the secrets to sign with.
            event: the event.
            number: number of the attempt, from 1.
        """
        began, began_ms = time.monotonic(), round(time.time() * 1000)
        answer = _Answer()
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                await self._post(url, secrets, event, answer)
        except TimeoutError:
            if answer.status is None:
                answer.fail(FailureKind.TIMEOUT, f"not over after {self._settings.timeout_seconds:g} s")
        except TargetRefused as error:
            answer.fail(FailureKind.REFUSED_TARGET, str(error))
        except Unresolved as error:
            answer.fail(FailureKind.UNRESOLVED, str(error))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            if answer.status is None:
                answer.fail(FailureKind.UNREACHABLE, f"{type(error).__name__}: {error}")
        answer.judge()
        attempt = DeliveryAttempt(
            message_id=message_id(self._pool, event),
            type=payload_of(event).type,
            attempt=number,
            at_ms=began_ms,
            duration_ms=round((time.monotonic() - began) * 1000),
            failure=answer.failure,
            status=answer.status,
            error=answer.error[:ERROR_LENGTH],
            answer="" if answer.failure is None else answer.shown(),
        )
        return Sent(attempt, answer.wait_seconds)

    async def _post(self, url: str, secrets: tuple[str, ...], event: Event, answer: _Answer) -> None:
        target = httpx.URL(url)
        port = target.port or (443 if target.scheme == "https" else 80)
        allowed = self._settings.networks
        addresses = await permitted(target.host, port, allowed=allowed, resolver=self._resolver)
        body = payload_of(event).model_dump_json()
        headers = {
            "host": target.netloc.decode(),
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            **sign(secrets, message_id(self._pool, event), body),
        }
        for left, address in enumerate(
            addresses[:ADDRESSES_TRIED], start=1 - len(addresses[:ADDRESSES_TRIED])
        ):
            try:
                await self._post_to(target, address, body, headers, answer)
            except httpx.ConnectError:
                if left == 0:
                    raise
            else:
                return

    async def _post_to(
        self, target: httpx.URL, address: Address, body: str, headers: dict[str, str], answer: _Answer
    ) -> None:
        """Post to a judged address; the name stands in the Host header and in the TLS handshake only."""
        request = self._client.build_request(
            "POST",
            target.copy_with(host=str(address)),
            headers=headers,
            content=body,
            extensions={"sni_hostname": target.host},
        )
        response = await self._client.send(request, stream=True)
        try:
            answer.status = response.status_code
            answer.wait_seconds = _wait(response.headers.get("retry-after", ""))
            async for piece in response.aiter_raw():
                answer.body += piece[: BODY_READ - len(answer.body)]
                if len(answer.body) >= BODY_READ:
                    break
        finally:
            await response.aclose()


@dataclass(slots=True)
class _Answer:
    status: int | None = None
    wait_seconds: float = 0
    body: bytes = b""
    failure: FailureKind | None = None
    error: str = ""

    def fail(self, kind: FailureKind, error: str) -> None:
        self.failure, self.error = kind, error

    def judge(self) -> None:
        if self.failure is not None or self.status is None or 200 <= self.status < 300:
            return
        if 300 <= self.status < 400:
            self.fail(FailureKind.REDIRECT, f"answered {self.status}; redirects are not followed")
        else:
            self.fail(FailureKind.STATUS, f"answered {self.status}")

    def shown(self) -> str:
        text = self.body.decode("utf-8", "replace")
        return "".join(letter if letter.isprintable() else " " for letter in text)[:BODY_SHOWN]


def _wait(retry_after: str) -> float:
    """Return the seconds of a ``Retry-After`` header; one that gives a date is left aside."""
    return float(retry_after) if retry_after.isdecimal() and len(retry_after) < 10 else 0


@cache
def trusted() -> ssl.SSLContext:
    """Return whom connections trust: the certificates of the system, or of ``SSL_CERT_FILE``."""
    return ssl.create_default_context()


async def send_test(
    broker: Broker, webhooks: Webhooks, webhook_id: str, *, resolver: Resolver = resolve
) -> Delivery:
    """Send a test to a subscription at once, enabled or not, and record it in its log; it changes nothing else.

    Args:
        broker: the pool.
        webhooks: the subscriptions, as whoever asks sees them.
        webhook_id: id of the subscription.
        resolver: finds the addresses of a host.

    Raises:
        WebhookNotFound: there is none with this id.
    """
    found = await webhooks.get(webhook_id)
    test = WebhookTest(
        event_id=f"test-{chance.token_hex(8)}",
        at=round(time.time() * 1000),
        subscription=webhook_id,
        customer=found.customer,
    )
    endpoint = Endpoint(broker.settings.pool, webhooks.settings, resolver=resolver)
    try:
        sent = await endpoint.send(found.url, await webhooks.secrets(webhook_id), test, 1)
    finally:
        await endpoint.close()
    return await webhooks.log_test(webhook_id, sent.attempt)
