"""Fixtures of the worker's tests: a pool on a real server, and workers that run in the test's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, ClassVar

import pytest
from pydantic import JsonValue

from emprops.broker import Broker, ClaimedJob, EmbeddedServer
from emprops.core.capabilities import Capabilities
from emprops.core.errors import EmpropsError, ServiceUnavailable
from emprops.core.job import Job
from emprops.core.lifecycle import Status
from emprops.core.settings import BrokerSettings, WorkerSettings
from emprops.worker import Connector, Report, Worker
from emprops.worker.connectors.simulation import SimulationConnector

PATIENCE_SECONDS = 30
"""How long a test waits for something that must happen; it takes this long only when it fails."""

Behaviour = Callable[[ClaimedJob, Report], Any]


async def until(condition: Callable[[], object]) -> None:
    """Wait until something has become true."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0.01)


class Scripted(Connector):
    """A connector that does what a test tells it, and remembers what happened to it."""

    service: ClassVar[str] = "scripted"

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.told_to_stop: list[str] = []
        self.healthy = True
        self.opened = self.closed = 0

    async def open(self) -> None:
        """Count."""
        self.opened += 1

    async def close(self) -> None:
        """Count."""
        self.closed += 1

    async def health(self) -> None:
        """Fail when the test says so."""
        if not self.healthy:
            raise ServiceUnavailable("the test says so")

    async def run(self, job: ClaimedJob, report: Report) -> JsonValue:
        """Do what the test says."""
        try:
            return await self.behaviour(job, report)  # type: ignore[no-any-return]  # a test's own function
        except asyncio.CancelledError:
            self.told_to_stop.append(job.job_id)
            raise


class Site:
    """A pool, its settings, and the workers that a test runs."""

    def __init__(self, url: str, broker_settings: dict[str, Any]) -> None:
        self.settings = BrokerSettings(lease_seconds=5, **broker_settings)
        self.url = url
        self.broker = Broker(self.settings, url=url)
        self.workers: list[tuple[Worker, asyncio.Task[None]]] = []

    async def start(self, connector: Connector, name: str = "worker", **changes: Any) -> Worker:
        """Run a worker; it is registered when this returns."""
        quick: dict[str, Any] = {"reap_seconds": 0.05, "block_seconds": 0.5, "shutdown_grace_seconds": 20}
        worker = Worker(
            Capabilities(services=frozenset({connector.service})),
            settings=self.settings,
            worker_settings=WorkerSettings(**{**quick, **changes}),
            worker_id=name,
            connectors={connector.service: connector},
            url=self.url,
        )
        task = asyncio.create_task(worker.run())
        self.workers.append((worker, task))
        while name not in [known.worker_id for known in await self.broker.workers()]:
            assert not task.done(), task.result()
            await asyncio.sleep(0.01)
        return worker

    async def stop(self, worker: Worker, *, now: bool = False) -> None:
        """Stop a worker and wait for its end."""
        worker.stop()
        if now:
            worker.stop()
        for known, task in self.workers:
            if known is worker:
                await asyncio.wait_for(task, PATIENCE_SECONDS)

    async def submit(self, job_id: str, service: str = "scripted", **fields: Any) -> None:
        """Submit a job that is retried at once."""
        retry = {"backoff_seconds": 0, **fields.pop("retry", {})}
        request = {"job_id": job_id, "requirements": {"service": service}, "retry": retry, **fields}
        await self.broker.submit(request)

    async def ended(self, job_id: str) -> Job:
        """Wait for a job's end, however it ends."""
        with suppress(EmpropsError):
            await self.broker.wait(job_id, timeout_seconds=PATIENCE_SECONDS)
        job = await self.broker.get(job_id)
        assert job.status.final, job
        return job

    async def running(self, job_id: str) -> Job:
        """Wait until a job runs."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (job := await self.broker.get(job_id)).status is not Status.RUNNING:  # noqa: ASYNC110  # asked
                await asyncio.sleep(0.01)
        return job

    async def close(self) -> None:
        """Stop everything."""
        for worker, task in self.workers:
            worker.stop()
            worker.stop()
            await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
        await self.broker.close()


@pytest.fixture
def broker_settings() -> dict[str, Any]:
    """Settings of the queue that a module sets otherwise."""
    return {}


@pytest.fixture
async def site(server: EmbeddedServer, broker_settings: dict[str, Any]) -> AsyncIterator[Site]:
    """An empty pool."""
    made = Site(server.url, broker_settings)
    await made.broker.connection.flushall()
    yield made
    await made.close()


@pytest.fixture
async def simulation(site: Site) -> Worker:
    """A worker that runs simulations."""
    return await site.start(SimulationConnector(), "simulation")
