"""Fixtures of the webhooks' tests: a pool with a clock that is set, endpoints, deliverers in the test's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from emprops.broker import Broker, EmbeddedServer, Webhooks
from emprops.core.events import AnyEvent
from emprops.core.settings import WebhookSettings
from emprops.core.webhooks import WebhookSubscription
from emprops.webhooks import Deliverer, resolve
from emprops.webhooks.guard import Resolver
from tests.queue.harness import START_MS, Pool, settings
from tests.webhooks.receiver import PATIENCE_SECONDS, Receiver


class Site:
    """A pool, its webhooks, and deliverers that a test starts, all with the clock of the pool."""

    def __init__(self, pool: Pool, settings: WebhookSettings) -> None:
        self.pool = pool
        self.settings = settings
        self.webhooks = Webhooks(pool.broker, settings)
        self.deliverers: list[Deliverer] = []
        self._running: list[asyncio.Task[None]] = []

    async def subscribe(self, receiver: Receiver, **fields: Any) -> tuple[WebhookSubscription, str]:
        """Subscribe an endpoint, to `job.submitted` unless told otherwise."""
        return await self.webhooks.create({"url": receiver.url, "events": ["job.submitted"], **fields})

    def start(self, resolver: Resolver = resolve, broker: Broker | None = None) -> Deliverer:
        """Start a deliverer."""
        deliverer = Deliverer(broker or self.pool.broker, self.settings, resolver=resolver)
        self.deliverers.append(deliverer)
        self._running.append(asyncio.create_task(deliverer.run()))
        return deliverer

    async def stop(self) -> None:
        """Stop the deliverers in an orderly way."""
        for deliverer in self.deliverers:
            deliverer.stop()
        await asyncio.gather(*self._running)
        self.deliverers.clear()
        self._running.clear()

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass, and let the deliverers notice."""
        self.pool.pass_seconds(seconds)
        for deliverer in self.deliverers:
            deliverer.look()

    async def until(self, condition: Callable[[], Coroutine[Any, Any, bool]]) -> None:
        """Wait until something on the server is so."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await condition():  # noqa: ASYNC110  # the server tells nobody
                await asyncio.sleep(0.005)

    async def settled(self, webhook_id: str, **wanted: Any) -> WebhookSubscription:
        """Wait until a subscription has these values."""

        async def so() -> bool:
            found = await self.webhooks.get(webhook_id)
            return all(getattr(found, name) == value for name, value in wanted.items())

        try:
            await self.until(so)
        except TimeoutError:
            raise AssertionError(f"never {wanted}: {await self.webhooks.get(webhook_id)}") from None
        return await self.webhooks.get(webhook_id)

    async def events(self, kind: str) -> list[AnyEvent]:
        """Return the events of a kind, oldest first."""
        return [event for event in await self.pool.broker.read_events() if event.type == kind]


@pytest.fixture
async def site(server: EmbeddedServer) -> AsyncIterator[Site]:
    """A site on an empty server; a failed attempt is repeated after a second of the pool's clock."""
    broker = Broker(settings(), url=server.url, now_ms=START_MS)
    await broker.connection.flushall()
    made = Site(
        Pool(broker),
        WebhookSettings(
            allowed_networks="127.0.0.0/8",
            attempts=3,
            backoff_seconds=1,
            backoff_cap_seconds=2,
            lease_seconds=10,
            timeout_seconds=5,
        ),
    )
    yield made
    await made.stop()
    await made.pool.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """An endpoint that takes everything."""
    made = await Receiver().start()
    yield made
    await made.stop()


@pytest.fixture
async def other() -> AsyncIterator[Receiver]:
    """Another endpoint, at another loopback address."""
    made = await Receiver("127.0.0.2").start()
    yield made
    await made.stop()
