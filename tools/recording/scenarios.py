"""The runs that are recorded, each a short program against a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import uvicorn
from websockets.asyncio.client import ClientConnection, connect

from emprops.api.listening import base_url, listen
from emprops.api.serving import serve
from emprops.broker import ApiKeys, Broker, EmbeddedServer, WorkerSession
from emprops.core.access import Role
from emprops.core.job import Failure
from emprops.core.messages import PATH
from emprops.core.settings import ApiSettings, BrokerSettings
from emprops.core.worker import WorkerInfo

from .recorder import Recorder, event_lines


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run.

    Attributes:
        name: name of its record.
        caption: what to see in it, in one sentence.
        description: the run in words, for those who do not see the picture.
        play: makes the run, noting its steps.
    """

    name: str
    caption: str
    description: str
    play: Callable[[Recorder, str], Awaitable[list[dict[str, Any]]]]


async def _worker(broker: Broker, worker_id: str) -> WorkerSession:
    info = WorkerInfo.model_validate(
        {"worker_id": worker_id, "instance": "0" * 16, "capabilities": {"services": ["simulation"]}}
    )
    session = WorkerSession(broker, info)
    await session.register()
    return session


async def _one_job(recorder: Recorder, url: str) -> list[dict[str, Any]]:
    settings = BrokerSettings()
    async with Broker(settings, url=url) as client, Broker(settings, url=url) as at_work:
        recorder.watch(at_work, "worker")
        session = await _worker(at_work, "worker-1")
        await session.claim()
        recorder.watch(client, "client")
        start = await client.last_event_id()
        await client.submit({"job_id": "one-job", "requirements": {"service": "simulation"}})
        await session.wait_for_work(5)
        recorder.note("server", "worker", "answer", "the marker: there may be work")
        (job,) = (await session.claim()).jobs
        recorder.note("worker", "service", "run", "run the payload")
        recorder.note("service", "worker", "answer", "half done")
        await session.progress(job, 0.5)
        await session.heartbeat([(job.job_id, job.attempt)])
        recorder.note("service", "worker", "answer", "the result")
        await session.complete(job, {"image": "cube.png"})
        await client.wait("one-job", timeout_seconds=5)
        recorder.note("server", "client", "event", "job.completed")
        events = await client.read_events(start)
        await session.close()
        return event_lines(events, events[0].at)


async def _retry(recorder: Recorder, url: str) -> list[dict[str, Any]]:
    settings = BrokerSettings(lease_seconds=0.2)
    async with Broker(settings, url=url) as broker:
        first, second = await _worker(broker, "worker-1"), await _worker(broker, "worker-2")
        recorder.watch(broker, "client")
        start = await broker.last_event_id()
        retry = {"max_attempts": 3, "backoff_seconds": 0.1}
        await broker.submit({"job_id": "retry", "requirements": {"service": "simulation"}, "retry": retry})
        (job,) = (await first.claim()).jobs
        await first.progress(job, 0.3, "sampling")
        await first.fail(job, Failure(code="service_failed", message="out of GPU memory", retryable=True))
        while not (claim := await first.claim()).jobs:
            await first.wait_for_work(claim.due_in_seconds or 0.01)
        await first.progress(claim.jobs[0], 0.5, "sampling")
        while not await second.reap():
            await second.wait_for_work(0.02)
        (job,) = (await second.claim()).jobs
        await second.progress(job, 0.9, "saving")
        await second.complete(job, {"image": "cube.png"})
        events = await broker.read_events(start)
        await first.close()
        await second.close()
        return event_lines(events, events[0].at)


class _Caller:
    """A client of the WebSocket whose messages are noted, both ways."""

    def __init__(self, recorder: Recorder, address: str, token: str) -> None:
        self._recorder = recorder
        self._address = address
        self._token = token
        self._connection: ClientConnection | None = None

    async def open(self) -> None:
        """Connect, and show the key as a browser does."""
        self._connection = await connect(self._address, compression=None)
        await self.ask({"type": "authenticate", "key": self._token})

    async def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a message and return what comes next."""
        assert self._connection is not None
        self._recorder.note("client", "api", "message", message["type"])
        await self._connection.send(json.dumps(message))
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        """Return what comes next."""
        assert self._connection is not None
        message: dict[str, Any] = json.loads(await self._connection.recv())
        if message["type"] == "event":
            self._recorder.note("api", "client", "event", message["event"]["type"])
        else:
            self._recorder.note("api", "client", "message", message["type"])
        return message

    async def cut(self) -> None:
        """Lose the connection."""
        assert self._connection is not None
        self._recorder.note("client", "api", "run", "the connection is cut")
        self._connection.transport.abort()
        await self._connection.wait_closed()


async def _socket(recorder: Recorder, url: str) -> list[dict[str, Any]]:
    servers: list[uvicorn.Server] = []
    listener = listen(ApiSettings(port=0))
    address = base_url(listener).replace("http", "ws") + PATH
    serving = asyncio.create_task(
        serve(ApiSettings(port=0), listener=listener, url=url, on_server=servers.append)
    )
    while not (servers and servers[0].started):  # noqa: ASYNC110  # uvicorn tells nobody
        await asyncio.sleep(0.01)
    async with Broker(BrokerSettings(), url=url) as at_work:
        session = await _worker(at_work, "worker-1")
        _, token = await ApiKeys(at_work).create("browser", [Role.READ, Role.SUBMIT])
        app: Any = servers[0].config.app
        recorder.watch(app.state.broker, "api")
        start = await at_work.last_event_id()
        client = _Caller(recorder, address, token)
        wanted = {
            "type": "subscribe",
            "id": "s",
            "jobs": ["socket"],
            "types": ["job.claimed", "job.completed"],
        }
        await client.open()
        await client.ask(wanted)
        job = {"job_id": "socket", "requirements": {"service": "simulation"}}
        await client.ask({"type": "submit", "request": "r", "job": job})
        (claimed,) = (await session.claim()).jobs
        seen = (await client.hear())["event"]["event_id"]
        await client.cut()
        recorder.watch(at_work, "worker")
        await session.complete(claimed, {"image": "cube.png"})
        await client.open()
        await client.ask({**wanted, "after": seen})
        await client.hear()
        servers[0].should_exit = True
        await client.hear()
        await serving
        events = await at_work.read_events(start)
        await session.close()
    return event_lines(events, events[0].at)


SCENARIOS = (
    Scenario(
        "one-job",
        "One job, recorded: the client submits, an idle worker is woken, claims, runs, reports and completes.",
        "The client runs submit on the server and leaves a marker. The server wakes the worker, which claims, is told "
        "to judge a new class, judges it, claims again and gets the job. It runs the payload through its connector, "
        "reports progress, sends a heartbeat and completes. The client sees the event job.completed.",
        _one_job,
    ),
    Scenario(
        "retry",
        "A job whose first attempt fails, whose second worker falls silent, and whose third attempt succeeds.",
        "Submitted, claimed, failed and backing off; ready and claimed again; lost when the lease ran out; claimed by "
        "another worker and completed.",
        _retry,
    ),
    Scenario(
        "socket",
        "A session, recorded: the client loses its connection and resumes; the job that ended meanwhile is not missed.",
        "The client connects, authenticates and is welcomed; it subscribes to a job and submits it, which the API "
        "passes on to the server. It is sent the event job.claimed. The connection is cut, and the worker completes "
        "the job. The client connects again, authenticates, subscribes after the last event that it saw, and is sent "
        "the event job.completed. The API stops and says that it is closing.",
        _socket,
    ),
)
"""Every recorded run."""


async def play(scenario: Scenario) -> dict[str, Any]:
    """Make a run on a server of its own and return what is kept of it, without where it was made."""
    recorder = Recorder()
    with EmbeddedServer() as server:
        events = await scenario.play(recorder, server.url)
    return {
        "name": scenario.name,
        "caption": scenario.caption,
        "description": scenario.description,
        "steps": recorder.as_json(),
        "events": events,
    }
