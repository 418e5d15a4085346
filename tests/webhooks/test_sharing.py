"""Several deliverers share the subscriptions: each event once in normal running, none lost when they are killed."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from emprops.broker import Broker, Deliveries, EmbeddedServer, Webhooks
from emprops.core.errors import WebhookLeaseLost
from emprops.core.settings import WebhookSettings
from emprops.core.webhooks import DeliveryAttempt
from tests.queue.harness import settings
from tests.webhooks.conftest import Site
from tests.webhooks.receiver import BROKEN, HANGS, OK, Receiver

SUBSCRIPTIONS = 5
EVENTS = 80
ATTEMPT = DeliveryAttempt(message_id="m", type="job.submitted", attempt=1, at_ms=0, duration_ms=0)


@pytest.fixture
async def receivers() -> AsyncIterator[list[Receiver]]:
    """Several endpoints that take everything."""
    made = [await Receiver().start() for _ in range(SUBSCRIPTIONS)]
    yield made
    for receiver in made:
        await receiver.stop()


async def test_several_deliverers_deliver_each_event_once(site: Site, receivers: list[Receiver]) -> None:
    for receiver in receivers:
        await site.subscribe(receiver)
    brokers = [Broker(settings(), url=site.pool.broker.url, now_ms=site.pool.now) for _ in range(2)]
    first = site.start()
    for number in range(EVENTS):
        await site.pool.submit(f"job-{number}")
        if number == EVENTS // 3:
            second, third = (site.start(broker=broker) for broker in brokers)
        if number == 2 * EVENTS // 3:
            second.stop()
    for receiver in receivers:
        await receiver.got(EVENTS)
    for deliverer in (first, third):
        deliverer.look()
    await site.stop()
    for receiver in receivers:
        assert len(receiver.ids) == len(set(receiver.ids)) == EVENTS
    for broker in brokers:
        await broker.close()


async def test_subscriptions_are_shared_fairly_and_nothing_under_way_is_taken_away(
    site: Site, receivers: list[Receiver]
) -> None:
    made = [(await site.subscribe(receiver))[0].webhook_id for receiver in receivers]
    one = Deliveries(site.pool.broker, site.settings, "one")
    two = Deliveries(site.pool.broker, site.settings, "two")
    assert set((await one.share()).tokens) == set(made)
    assert (await two.share()).tokens == {}
    share = await one.share()
    assert (share.most, len(share.tokens)) == (3, 5)
    let_go = list(share.tokens)[3:]
    assert set((await one.share(release=let_go)).tokens) == set(list(share.tokens)[:3])
    assert set((await two.share()).tokens) == set(let_go)
    assert (await one.share(stay=False)).tokens == {}
    assert set((await two.share()).tokens) == set(made)


async def test_what_a_deliverer_reports_after_its_lease_is_lost_is_refused(
    site: Site, receiver: Receiver
) -> None:
    made, _ = await site.subscribe(receiver)
    await site.pool.submit("a")
    stale = Deliveries(site.pool.broker, site.settings, "stale")
    fresh = Deliveries(site.pool.broker, site.settings, "fresh")
    old = (await stale.share()).tokens[made.webhook_id]
    await stale.take(old, made, made.position)
    view = await stale.view(made.webhook_id)
    assert view is not None
    (opened,) = view.open
    site.pass_seconds(site.settings.lease_seconds)
    new = (await fresh.share()).tokens[made.webhook_id]
    assert int(new) > int(old)
    before = await site.pool.picture()
    now = await site.webhooks.get(made.webhook_id)
    with pytest.raises(WebhookLeaseLost):
        await stale.settle(old, made.webhook_id, opened.event.event_id, ATTEMPT)
    with pytest.raises(WebhookLeaseLost):
        await stale.keep(old, now, "9999999999999-0")
    assert await site.pool.picture() == before
    await fresh.settle(new, made.webhook_id, opened.event.event_id, ATTEMPT)
    with pytest.raises(WebhookLeaseLost):
        await fresh.settle(new, made.webhook_id, opened.event.event_id, ATTEMPT)


async def test_a_deliverer_that_stops_lets_what_is_under_way_end(site: Site, receiver: Receiver) -> None:
    made, _ = await site.subscribe(receiver)
    site.settings = site.settings.model_copy(update={"timeout_seconds": 0.3})
    receiver.answer = HANGS
    deliverer = site.start()
    await site.pool.submit("a")
    await receiver.got(1)
    deliverer.stop()
    await site.pool.submit("b")
    await site.stop()
    assert receiver.jobs == ["a"]
    (entry,) = await site.webhooks.deliveries(made.webhook_id)
    assert entry.attempt == 1
    leases = await site.pool.broker.connection.hgetall(site.pool.broker.keys.key("webhook_leases"))
    assert [lease.split()[1:] for lease in leases.values()] == [["-", "0"]]


class Processes:
    """Deliverers as processes."""

    def __init__(self, url: str) -> None:
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("EMPROPS_")},
            "EMPROPS_REDIS_URL": url,
            "EMPROPS_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
            "EMPROPS_WEBHOOK_LEASE_SECONDS": "0.4",
            "EMPROPS_WEBHOOK_BACKOFF_SECONDS": "0.05",
            "EMPROPS_WEBHOOK_BACKOFF_CAP_SECONDS": "0.1",
            "EMPROPS_WEBHOOK_ATTEMPTS": "20",
        }
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start one more."""
        command = [sys.executable, "-m", "emprops.cli", "deliver"]
        self.running.append(
            subprocess.Popen(
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        )

    def kill(self, number: int) -> None:
        """Kill one; it can do nothing about it."""
        killed = self.running.pop(number)
        killed.kill()
        killed.communicate()

    def stop(self) -> list[int]:
        """End all in an orderly way; return their exit statuses."""
        for process in self.running:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b"ready"), "before that, a signal just kills it"
            process.send_signal(signal.SIGTERM)
        ended, self.running = self.running, []
        for process in ended:
            process.communicate(timeout=20)
        return [process.returncode for process in ended]


@pytest.fixture
def deliverers(server: EmbeddedServer) -> Iterator[Processes]:
    """Deliverers as processes, of which none outlives the test."""
    made = Processes(server.url)
    yield made
    while made.running:
        made.kill(0)


async def test_no_event_is_lost_when_deliverers_are_killed_and_duplicates_have_the_same_id(
    server: EmbeddedServer, receivers: list[Receiver], deliverers: Processes
) -> None:
    chance = random.Random(7)
    broker = Broker(settings(), url=server.url)
    await broker.connection.flushall()
    webhooks = Webhooks(broker, WebhookSettings(allowed_networks="127.0.0.0/8"))
    for number, receiver in enumerate(receivers):
        receiver.answer = lambda _: BROKEN if chance.random() < 0.1 else OK
        wanted = {"url": receiver.url, "events": ["job.submitted"], "concurrency": 1 if number == 0 else 8}
        await webhooks.create(wanted)
    for _ in range(2):
        deliverers.start()
    for round_ in range(4):
        for number in range(EVENTS // 4):
            await broker.submit({"job_id": f"job-{round_}-{number}", "requirements": {"service": "s"}})
        busiest = max(receivers, key=lambda receiver: len(receiver.requests))
        await busiest.got(EVENTS // 4 * round_ + chance.randrange(EVENTS // 4))
        deliverers.kill(chance.randrange(len(deliverers.running)))
        deliverers.start()
    expected = [
        f"default_{event.event_id}" for event in await broker.read_events() if event.type == "job.submitted"
    ]
    for receiver in receivers:
        await receiver.until(lambda: len(set(receiver.ids)) == EVENTS)  # noqa: B023  # awaited at once
    assert deliverers.stop() == [0, 0]
    for receiver in receivers:
        assert set(receiver.ids) == set(expected)
        assert len({(request.message_id, request.body) for request in receiver.requests}) == EVENTS
    assert list(dict.fromkeys(receivers[0].ids)) == expected, "one at a time keeps the order"
    assert all(one.delivered == EVENTS for one in await webhooks.subscriptions())
    await broker.close()


# redis-py forgets to close a connection whose beginning was broken off, which this test does on purpose.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_deliverers_without_a_server_send_nothing_and_go_on_when_it_is_back(
    site: Site, receiver: Receiver
) -> None:
    site.settings = site.settings.model_copy(update={"lease_seconds": 0.3})
    made, _ = await site.subscribe(receiver)
    broker = Broker(settings(command_timeout_seconds=0.2), url=site.pool.broker.url)
    site.pool.broker.executor.now_ms = None
    deliverer = site.start(broker=broker)
    await site.pool.submit("a")
    await site.settled(made.webhook_id, delivered=1)
    await site.pool.broker.connection.client_pause(700)
    while deliverer.holds:  # noqa: ASYNC110  # nobody tells
        await asyncio.sleep(0.02)
    await site.pool.submit("b")
    await receiver.got(2)
    assert receiver.jobs == ["a", "b"]
    await site.stop()
    await broker.close()
    gc.collect()
