"""The deliverer: serves its share of the subscriptions, one loop each, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from ..broker import Broker, Deliveries
from ..broker.deliveries import OpenEvent, Share, View
from ..core.errors import EmpropsError, WebhookLeaseLost
from ..core.settings import WebhookSettings
from .guard import Resolver, resolve
from .sending import Endpoint

PAUSE_SECONDS = 0.5
"""Wait after the server did not answer, in seconds."""
_log = logging.getLogger(__name__)


class Deliverer:
    """Delivers the events of a pool to its webhook subscriptions.

    Several may run, in one place or many: each subscription is served by one of them, under a lease with a fencing
    token. When a deliverer is killed, its subscriptions go to the others once its leases have run out.

    Args:
        broker: the pool.
        settings: limits and times; read from the environment if left out.
        deliverer_id: its id, unique among those that run; made from host and process if left out.
        resolver: finds the addresses of a host.
    """

    def __init__(
        self,
        broker: Broker,
        settings: WebhookSettings | None = None,
        *,
        deliverer_id: str | None = None,
        resolver: Resolver = resolve,
    ) -> None:
        self.broker = broker
        self.settings = settings or WebhookSettings.load()
        self.deliverer_id = deliverer_id or _made_id()
        self.deliveries = Deliveries(broker, self.settings, self.deliverer_id)
        self.resolver = resolver
        self.slots = asyncio.Semaphore(self.settings.concurrency)
        self._serving: dict[str, _Service] = {}
        self._ended: set[asyncio.Task[None]] = set()
        self._share_again = asyncio.Event()
        self._stopping = asyncio.Event()
        self._valid_until = 0.0

    def stop(self) -> None:
        """Let what is under way end, then let the subscriptions go."""
        self._stopping.set()
        self._share_again.set()

    def look(self) -> None:
        """Look at once for what is due and what is new, and share anew."""
        self._share_again.set()
        for service in self._serving.values():
            service.look()

    @property
    def holds(self) -> bool:
        """Whether its leases last; without a server they run out and nothing more is sent."""
        return time.monotonic() < self._valid_until

    async def run(self, on_ready: Callable[[], None] | None = None) -> None:
        """Deliver until :meth:`stop`.

        Args:
            on_ready: called when the first share is served.
        """
        tail = asyncio.create_task(self._follow())
        try:
            while not self._stopping.is_set():
                self._share_again.clear()
                await self._renew()
                if on_ready is not None and self.holds:
                    on_ready()
                    on_ready = None
                pause = self.settings.lease_seconds / 3 if self.holds else PAUSE_SECONDS
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._share_again.wait()
            await self._finish()
        finally:
            tail.cancel()
            for service in list(self._serving.values()):
                service.break_off()
                self._end(service)
            await asyncio.gather(tail, *self._ended, return_exceptions=True)

    async def _finish(self) -> None:
        """Let what is under way end, renewing the leases meanwhile, and give the subscriptions back."""
        for service in self._serving.values():
            service.drain()
        while any(not service.idle for service in self._serving.values()) and self.holds:
            under_way = [task for service in self._serving.values() for task in service.under_way]
            await asyncio.wait(under_way, timeout=self.settings.lease_seconds / 3)
            await self._renew()
        with suppress(EmpropsError):
            await self.deliveries.share(stay=False)

    async def _renew(self) -> None:
        released = [name for name, service in self._serving.items() if service.draining and service.idle]
        began = time.monotonic()
        try:
            share = await self.deliveries.share(release=released)
        except EmpropsError as error:
            _log.warning("webhook leases were not renewed: %s", error.message)
            return
        self._valid_until = began + self.settings.lease_seconds
        self._serve(share)

    def _serve(self, share: Share) -> None:
        for name, service in list(self._serving.items()):
            if share.tokens.get(name) != service.token or service.task.done():
                self._end(service)
        for name, token in share.tokens.items():
            if name not in self._serving:
                self._serving[name] = _Service(self, name, token)
        for name in list(share.tokens)[share.most :]:
            self._serving[name].drain()
        if self._stopping.is_set():
            for service in self._serving.values():
                service.drain()

    def _end(self, service: _Service) -> None:
        del self._serving[service.webhook_id]
        closing = asyncio.create_task(service.close())
        self._ended.add(closing)
        closing.add_done_callback(self._ended.discard)

    def share_again(self) -> None:
        """Share anew: a subscription was let go, or is gone."""
        self._share_again.set()

    async def _follow(self) -> None:
        """Wake the services when something happens, and share anew when it is about subscriptions."""
        while True:
            try:
                async for event in self.broker.follow_events():
                    if event.type.startswith("webhook."):
                        self._share_again.set()
                    for service in self._serving.values():
                        service.look()
            except EmpropsError as error:
                _log.warning("events cannot be followed: %s", error.message)
                await asyncio.sleep(PAUSE_SECONDS)
                self.look()  # what happened meanwhile is in the stream


class _Service:
    """Serves one subscription while this deliverer has its lease."""

    def __init__(self, deliverer: Deliverer, webhook_id: str, token: str) -> None:
        self.webhook_id = webhook_id
        self.token = token
        self.draining = False
        self._deliverer = deliverer
        self._deliveries = deliverer.deliveries
        self._endpoint = Endpoint(
            deliverer.broker.settings.pool, deliverer.settings, resolver=deliverer.resolver
        )
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._again = asyncio.Event()
        self._kept = ""
        self._looked = ""
        self._kept_at = time.monotonic()
        self.task = asyncio.create_task(self._run())

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._sending

    @property
    def under_way(self) -> list[asyncio.Task[None]]:
        """The attempts that are under way."""
        return list(self._sending.values())

    def look(self) -> None:
        """Look again for what is due and what is new."""
        self._again.set()

    def drain(self) -> None:
        """Begin nothing more."""
        self.draining = True
        self._again.set()

    def break_off(self) -> None:
        """Break off what is under way; it stays open, and is sent again by whoever comes next."""
        for task in self._sending.values():
            task.cancel()

    async def close(self) -> None:
        """End; what is under way is let end first, though it may be refused to settle it."""
        self.task.cancel()
        await asyncio.gather(self.task, *self._sending.values(), return_exceptions=True)
        await self._endpoint.close()

    async def _run(self) -> None:
        while True:
            self._again.clear()
            try:
                wait = await self._turn()
            except WebhookLeaseLost:
                self._deliverer.share_again()
                return
            except EmpropsError as error:
                _log.warning("webhook %s is not served: %s", self.webhook_id, error.message)
                wait = PAUSE_SECONDS
            except Exception:  # noqa: BLE001  # a fault of ours about one subscription must not end the others
                _log.exception("webhook %s is not served", self.webhook_id)
                wait = PAUSE_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._again.wait()

    async def _turn(self) -> float:
        """Begin what is due, take up what is new; return how long nothing else will be due, in seconds."""
        longest = self._deliverer.settings.lease_seconds
        if self.draining:
            if self.idle:
                self._deliverer.share_again()
            return longest
        if not self._deliverer.holds:
            return PAUSE_SECONDS
        # What is under way now may be settled before the view is there, and must not be begun again.
        under_way = set(self._sending)
        view = await self._deliveries.view(self.webhook_id)
        if view is None:
            raise WebhookLeaseLost
        seen = view.subscription
        if seen.position != self._kept:
            self._kept = self._looked = seen.position
        due = [one for one in view.open if one.event.event_id not in under_way]
        for one in due:
            if one.due_ms <= view.now_ms:
                self._begin(view, one)
        more, self._looked = await self._deliveries.take(self.token, seen, self._looked)
        if more:
            return 0
        if self._looked != self._kept and time.monotonic() - self._kept_at > longest / 3:
            await self._deliveries.keep(self.token, seen, self._looked)
            self._kept, self._kept_at = self._looked, time.monotonic()
        waits = [(one.due_ms - view.now_ms) / 1000 for one in due if one.due_ms > view.now_ms]
        return min([longest, *waits])

    def _begin(self, view: View, one: OpenEvent) -> None:
        event_id = one.event.event_id
        task = asyncio.create_task(self._logged_attempt(view, one))
        self._sending[event_id] = task
        task.add_done_callback(lambda _: self._done(event_id))

    def _done(self, event_id: str) -> None:
        del self._sending[event_id]
        self._again.set()

    async def _logged_attempt(self, view: View, one: OpenEvent) -> None:
        try:
            await self._attempt(view, one)
        except Exception:  # noqa: BLE001  # as above, and whoever begins it would begin it again at once
            _log.exception("webhook %s: event %s was not sent", self.webhook_id, one.event.event_id)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _attempt(self, view: View, one: OpenEvent) -> None:
        async with self._deliverer.slots:
            if not self._deliverer.holds or self.draining:
                return
            sent = await self._endpoint.send(view.subscription.url, view.secrets, one.event, one.attempts + 1)
        while True:
            try:
                outcome = await self._deliveries.settle(
                    self.token,
                    self.webhook_id,
                    one.event.event_id,
                    sent.attempt,
                    wait_seconds=sent.wait_seconds,
                )
            except WebhookLeaseLost:
                return
            except EmpropsError as error:
                _log.warning("webhook %s: an attempt was not settled: %s", self.webhook_id, error.message)
                if not self._deliverer.holds:
                    return
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                if sent.attempt.failure is not None:
                    _log.warning("webhook %s: %s: %s", self.webhook_id, outcome.value, sent.attempt.error)
                return


def _made_id() -> str:
    host = "".join(letter for letter in socket.gethostname() if letter.isalnum() or letter in ".-")
    return f"{host or 'host'}-{os.getpid()}-{os.urandom(3).hex()}"
