"""Resuming: every event exactly once and in order, whatever happens to connections and processes."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from emprops.broker import ApiKeys, Broker, EmbeddedServer
from emprops.core.access import Role
from emprops.core.messages import PATH
from emprops.core.replay import replay
from emprops.core.settings import BrokerSettings
from tests.api.socket.conftest import Site
from tests.cli.conftest import Shell

JOBS = 1000
KILLS = 3


@pytest.mark.parametrize("limits", [{"SOCKET_HEARTBEAT_SECONDS": 0.1}])
async def test_a_client_that_leaves_and_resumes_at_random_misses_nothing_and_sees_nothing_twice(
    site: Site,
) -> None:
    jobs = 300

    async def work() -> None:
        for number in range(jobs):
            await site.submit(f"j{number}")

    async def follow(stay: int) -> list[str]:
        seen: list[str] = []
        after = "0-0"
        while len(seen) < jobs:
            connection = (await site.client()).connection
            await connection.send(json.dumps({"type": "subscribe", "id": "s", "after": after}))
            for _ in range(stay):
                if len(seen) == jobs:
                    break
                message = json.loads(await connection.recv())
                # What a client resumes from, whether the last thing it got is an event or a word about a position.
                after = message.get("event", {}).get("event_id") or message.get("position") or after
                if message["type"] == "event":
                    seen.append(message["event"]["event_id"])
            connection.transport.abort()
        return seen

    working = asyncio.create_task(work())
    found = await asyncio.gather(*(follow(stay) for stay in (23, 41, 77, 150)))
    await working
    expected = [event.event_id for event in await site.broker.read_events()]
    for seen in found:
        assert seen == expected


async def test_many_subscriptions_that_join_while_events_come_each_see_all(site: Site) -> None:
    jobs = 200
    client = await site.client()
    working = asyncio.create_task(_submit_all(site, jobs))
    for number in range(50):
        await client.send({"type": "subscribe", "id": f"s{number}", "after": "0-0"})
        await asyncio.sleep(0.002)
    found: dict[str, list[str]] = {}
    for message in await client.events(50 * jobs):
        found.setdefault(message["id"], []).append(message["event"]["event_id"])
    await working
    expected = [event.event_id for event in await site.broker.read_events()]
    assert len(found) == 50
    assert all(seen == expected for seen in found.values())
    await client.nothing()


async def _submit_all(site: Site, jobs: int) -> None:
    for number in range(jobs):
        await site.submit(f"j{number}")


@pytest.mark.parametrize("limits", [{"EVENTS_KEPT": 100}])
async def test_a_position_that_was_trimmed_is_refused(site: Site) -> None:
    for number in range(300):
        await site.submit(f"j{number}")
    kept = [event.event_id for event in await site.broker.read_events()]
    assert len(kept) < 300
    client = await site.client()
    oldest = kept[0]
    before = f"{int(oldest.partition('-')[0]) - 1}-0"
    error = await client.ask({"type": "subscribe", "id": "s", "after": before})
    assert (error["type"], error["code"], error["id"]) == ("error", "events_trimmed", "s")
    assert error["detail"]["oldest"] == oldest
    await client.send({"type": "subscribe", "id": "s", "after": oldest})
    assert [message["event"]["event_id"] for message in await client.events(len(kept) - 1)] == kept[1:]


@pytest.mark.parametrize("position", ["9999999999999-0", "1-0"])
async def test_a_position_that_the_stream_has_not_reached_is_refused(site: Site, position: str) -> None:
    if position != "1-0":  # with no event at all, any position is from elsewhere
        await site.submit("j")
    client = await site.client()
    error = await client.ask({"type": "subscribe", "id": "s", "after": position})
    assert (error["type"], error["code"]) == ("error", "position_unknown")
    assert (await client.ask({"type": "subscribe", "id": "s"}))["type"] == "subscribed"


class Follower:
    """A client as users write it: it goes on from the last event after whatever ended its connection."""

    def __init__(self, address: str, token: str) -> None:
        self.events: list[dict[str, Any]] = []
        self.connections = 0
        self._address = address
        self._headers = {"Authorization": f"Bearer {token}"}

    async def follow(self) -> None:
        """Read for ever."""
        while True:
            with suppress(OSError, ConnectionClosed):
                async with connect(self._address, additional_headers=self._headers) as connection:
                    self.connections += 1
                    after = self.events[-1]["event_id"] if self.events else "0-0"
                    await connection.send(json.dumps({"type": "subscribe", "id": "s", "after": after}))
                    async for text in connection:
                        message = json.loads(text)
                        if message["type"] == "event":
                            self.events.append(message["event"])
            await asyncio.sleep(0.02)


@pytest.fixture
def shell(server: EmbeddedServer) -> Iterator[Shell]:
    """Commands that find the server of the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EMPROPS_")}
    made = Shell({**kept, "EMPROPS_REDIS_URL": server.url, "EMPROPS_WORKER_CONCURRENCY": "4"})
    yield made
    made.close()


async def test_the_api_is_killed_again_and_again_and_a_client_has_every_event_once_in_order(
    server: EmbeddedServer, shell: Shell
) -> None:
    async with Broker(BrokerSettings.load(), url=server.url) as broker:
        await broker.connection.flushall()
        _, token = await ApiKeys(broker).create("test", [Role.READ])
        shell.environment["EMPROPS_API_PORT"] = "0"
        api = shell.start("api")
        address = (await asyncio.to_thread(api.until, "http://")).split()[-1]
        shell.environment["EMPROPS_API_PORT"] = address.rpartition(":")[2]
        for _ in range(2):
            shell.start("worker", "--service", "simulation")
        follower = Follower(address.replace("http", "ws") + PATH, token)
        following = asyncio.create_task(follower.follow())
        requests = [
            {"job_id": f"j{n}", "requirements": {"service": "simulation"}, "payload": {"duration_seconds": 0}}
            for n in range(JOBS)
        ]
        part = JOBS // (KILLS + 1)
        for number in range(KILLS + 1):
            await broker.submit_many(requests[number * part : (number + 1) * part])
            seen = len(follower.events)
            await _until(lambda: follower.connections > number and len(follower.events) >= seen + part // 2)  # noqa: B023
            if number < KILLS:  # in the middle of its work, and of the client's reading
                api.kill()
                api = shell.start("api")
        await _until(lambda: sum(event["type"] == "job.completed" for event in follower.events) == JOBS)
        expected = [
            event.model_dump(mode="json", exclude_none=True)
            for event in await broker.read_events(limit=50_000)
        ]
        await _until(lambda: follower.events[-1:] == expected[-1:])
        following.cancel()
        assert follower.connections == KILLS + 1
        assert follower.events == expected
        ended = replay(await broker.read_events(limit=50_000))
        assert sum(job.status == "completed" for job in ended.values()) == JOBS


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # what happens in other processes sets no event here
            await asyncio.sleep(0.02)
