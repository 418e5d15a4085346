"""The worker: claims jobs, runs them through connectors, reports, and gives back what it cannot finish."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from typing import TypeVar

from ..broker import Broker, ClaimedJob, WorkerSession
from ..core.capabilities import Capabilities
from ..core.errors import (
    AttemptFailure,
    ConnectorFault,
    EmpropsError,
    InvalidRequest,
    LeaseLost,
    ResultTooLarge,
    ServerFault,
    ServerUnreachable,
    ServiceUnavailable,
    WorkerUnknown,
)
from ..core.job import Failure
from ..core.settings import BrokerSettings, WorkerSettings
from ..core.validation import parse
from ..core.worker import WorkerInfo
from .connector import Connector, connector_class
from .heartbeat import Heartbeat
from .progress import ProgressReporter

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

MESSAGE_MOST = 2000
RETRY_FIRST_SECONDS = 0.1
RETRY_CAP_SECONDS = 5.0


def new_worker_id() -> str:
    """Return an id for this process: host, process id, and six hexadecimal digits of chance."""
    host = "".join(c if c.isalnum() or c in "-." else "-" for c in socket.gethostname()).strip("-.") or "host"
    return f"{host[:80]}-{os.getpid()}-{os.urandom(3).hex()}"


class Worker:
    """One worker process.

    It registers what it can do, claims as many jobs as it has room for, and runs each as a task of its own. Leases are
    renewed from a thread, so a connector that blocks does not lose its job. A job that is called off, or whose lease
    is lost, is cancelled at once. If the server cannot be reached, running jobs go on and reports are tried again until
    the lease is surely gone.

    Args:
        capabilities: what the worker offers; its services name its connectors.
        settings: where the queue is; read from the environment if left out.
        worker_settings: how the worker works; read from the environment if left out.
        worker_id: its id; made from host and process if left out.
        connectors: the connector of each service; found through entry points if left out.
        url: address of the server, before the settings.

    Raises:
        InvalidRequest: the worker id is not one.
        ConnectorUnknown: no installed package offers a connector for one of the services.
        ServerUnreachable: no server is configured and no embedded one is running.
    """

    def __init__(
        self,
        capabilities: Capabilities,
        *,
        settings: BrokerSettings | None = None,
        worker_settings: WorkerSettings | None = None,
        worker_id: str | None = None,
        connectors: Mapping[str, Connector] | None = None,
        url: str | None = None,
    ) -> None:
        self.settings = settings or BrokerSettings.load()
        self.worker_settings = worker_settings or WorkerSettings.load()
        names = sorted(capabilities.services)
        self._connectors = (
            dict(connectors) if connectors is not None else {n: connector_class(n)() for n in names}
        )
        about = {
            "worker_id": new_worker_id() if worker_id is None else worker_id,
            "instance": os.urandom(8).hex(),
            "capabilities": capabilities,
            "concurrency": self.worker_settings.concurrency,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "version": version("emprops-job-queue"),
        }
        self.info = parse(WorkerInfo, about, what="worker")
        self._broker = Broker(self.settings, url=url)
        self._session = WorkerSession(self._broker, self.info)
        self._running: dict[str, tuple[ClaimedJob, asyncio.Task[None]]] = {}
        self._dropped: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._stop_now = asyncio.Event()
        self._slot_free = asyncio.Event()
        self._unregistered = asyncio.Event()
        self._turned = time.monotonic()

    @property
    def seconds_since_turn(self) -> float:
        """Seconds since the claim loop last turned, which is the worker's liveness."""
        return time.monotonic() - self._turned

    @property
    def held(self) -> dict[str, int]:
        """Jobs that the worker holds, with their attempts."""
        return {job_id: job.attempt for job_id, (job, _) in list(self._running.items())}

    def stop(self) -> None:
        """Ask the worker to stop: the first call lets running jobs go on for the grace time, a second one does not."""
        if self._stopping.is_set():
            self._stop_now.set()
        self._stopping.set()

    async def run(self) -> None:
        """Work until :meth:`stop` is called.

        Raises:
            WorkerInUse: another running process has this worker id.
        """
        try:
            await self._until_reached(self._session.register)
            try:
                await self._work()
            finally:
                await self._leave()
        finally:
            await self._session.close()
            await self._broker.close()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        heartbeat = Heartbeat(
            self.settings,
            self._broker.url,
            self.info,
            held=lambda: self.held,
            idle_seconds=lambda: self.seconds_since_turn,
            on_lost=lambda lost: _call(loop, self._drop, lost),
            on_unknown=lambda: _call(loop, self._unregistered.set),
        )
        heartbeat.start()
        helpers = [asyncio.create_task(self._reap()), asyncio.create_task(self._take_orders())]
        for helper in helpers:
            helper.add_done_callback(self._stop_on_fault)
        try:
            for connector in self._connectors.values():
                await self._until_healthy(connector, opening=True)
            await self._claim_until_stopped()
        finally:
            await self._finish()
            for helper in helpers:
                helper.cancel()
            ends = await asyncio.gather(*helpers, return_exceptions=True)
            await asyncio.to_thread(heartbeat.stop)
            for connector in self._connectors.values():
                await self._close(connector)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    def _stop_on_fault(self, helper: asyncio.Task[None]) -> None:
        """Stop when a helper breaks off: a worker that hears no orders must not go on as if all were well."""
        if not helper.cancelled():
            self.stop()

    # Claiming

    async def _claim_until_stopped(self) -> None:
        pause = RETRY_FIRST_SECONDS
        while not self._stopping.is_set():
            self._turned = time.monotonic()
            try:
                if self._unregistered.is_set():
                    await self._session.register()
                    self._unregistered.clear()
                await self._turn()
                pause = RETRY_FIRST_SECONDS
            except WorkerUnknown:
                self._unregistered.set()
            except (ServerUnreachable, ServerFault) as error:
                logger.warning("claim: %s", error)
                await self._sleep(pause * random.uniform(0.5, 1.0))
                pause = min(pause * 2, RETRY_CAP_SECONDS)

    async def _turn(self) -> None:
        free = self.info.concurrency - len(self._running)
        if free <= 0:
            self._slot_free.clear()
            a_while = asyncio.sleep(self.worker_settings.block_seconds)
            await self._first_of(self._slot_free.wait(), self._stopping.wait(), a_while)
            return
        for connector in self._connectors.values():
            await self._until_healthy(connector)
        if self._stopping.is_set():
            return
        claim = await self._session.claim(min(free, 16))
        for job in claim.jobs:
            self._start(job)
        if not claim.jobs:
            block = self.worker_settings.block_seconds * random.uniform(0.8, 1.2)
            if claim.due_in_seconds is not None:
                block = min(block, claim.due_in_seconds)
            await self._first_of(self._session.wait_for_work(block), self._stopping.wait())

    def _start(self, job: ClaimedJob) -> None:
        if job.job_id in self._running:
            # Its lease ran out and the worker got it again, before it was told so: the earlier attempt is void.
            self._drop({job.job_id: self._running[job.job_id][0].attempt})
        task = asyncio.create_task(self._attempt(job), name=f"job {job.job_id}")
        self._running[job.job_id] = (job, task)

        def ended(_: asyncio.Task[None]) -> None:
            if self._running.get(job.job_id, (None, None))[1] is task:
                del self._running[job.job_id]
            self._dropped.discard(task)
            self._slot_free.set()

        task.add_done_callback(ended)

    # Running one job

    async def _attempt(self, job: ClaimedJob) -> None:
        progress = ProgressReporter(self._session, job)
        connector = self._connectors[job.request.requirements.service]
        try:
            result = await connector.run(job, progress.report)
            await progress.close()
            # One call for both: the worker that has just shown that its service works gets its next job at once.
            wanted = 0 if self._stopping.is_set() else 1
            claim = await self._report(job, lambda: self._session.complete(job, result, claim=wanted))
            for following in claim.jobs:
                self._start(following)
        except LeaseLost:
            logger.info("job %s: the lease is lost; the work is dropped", job.job_id)
        except asyncio.CancelledError:
            await progress.close()
            if asyncio.current_task() not in self._dropped:
                await self._give_back(job)
        except (ServerUnreachable, ServerFault) as error:
            logger.warning("job %s: not reported, its lease will run out: %s", job.job_id, error)
        except Exception as error:  # noqa: BLE001  # whatever a connector raises ends the attempt, not the worker
            await progress.close()
            await self._fail(job, error)

    async def _fail(self, job: ClaimedJob, error: Exception) -> None:
        if isinstance(error, AttemptFailure | ResultTooLarge | InvalidRequest):
            known: EmpropsError = error
        else:
            logger.exception("job %s: the connector broke off", job.job_id, exc_info=error)
            known = ConnectorFault(f"{type(error).__name__}: {error}")
        failure = Failure(code=known.code, message=known.message[:MESSAGE_MOST], retryable=known.retryable)
        try:
            await self._report(job, lambda: self._session.fail(job, failure))
        except LeaseLost:
            logger.info("job %s: the lease is lost; the failure is dropped", job.job_id)
        except (ServerUnreachable, ServerFault) as unsent:
            logger.warning("job %s: not reported, its lease will run out: %s", job.job_id, unsent)

    async def _give_back(self, job: ClaimedJob) -> None:
        try:
            await self._session.release(job, "the worker stops")
        except (LeaseLost, ServerUnreachable, ServerFault) as error:
            logger.warning("job %s: not given back: %s", job.job_id, error)

    async def _report(self, job: ClaimedJob, send: Callable[[], Awaitable[Answer]]) -> Answer:
        """Send a report that ends the attempt; again if the server does not take it, until the lease is surely gone."""
        deadline = time.monotonic() + self.settings.lease_seconds
        pause = RETRY_FIRST_SECONDS
        while True:
            try:
                return await send()
            except (ServerUnreachable, ServerFault):
                if time.monotonic() + pause > deadline:
                    raise
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))
                pause = min(pause * 2, RETRY_CAP_SECONDS)

    # Beside the jobs

    def _drop(self, attempts: Mapping[str, int]) -> None:
        """Stop attempts that are void: nothing that they do is reported any more."""
        for job_id, attempt in attempts.items():
            job, task = self._running.get(job_id, (None, None))
            if job is not None and task is not None and job.attempt == attempt:
                self._dropped.add(task)
                task.cancel()

    async def _take_orders(self) -> None:
        while True:
            try:
                order = await self._session.wait_for_orders(self.worker_settings.block_seconds)
            except (ServerUnreachable, ServerFault) as error:
                logger.warning("orders: %s", error)
                await asyncio.sleep(RETRY_FIRST_SECONDS * random.uniform(1, 10))
                continue
            if order is not None:
                self._drop(dict([order]))

    async def _reap(self) -> None:
        pause = self.worker_settings.reap_seconds
        while True:
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            try:
                await self._session.reap(interval_seconds=pause / 2)
            except (ServerUnreachable, ServerFault) as error:
                logger.warning("reap: %s", error)

    # Starting and stopping

    async def _until_healthy(self, connector: Connector, *, opening: bool = False) -> None:
        pause = RETRY_FIRST_SECONDS
        while not self._stopping.is_set():
            try:
                await (connector.open() if opening else connector.health())
            except ServiceUnavailable as error:
                logger.warning("service %s: %s", connector.service, error)
                await self._sleep(pause)
                pause = min(pause * 2, RETRY_CAP_SECONDS)
            else:
                return

    async def _until_reached(self, action: Callable[[], Awaitable[object]]) -> None:
        pause = RETRY_FIRST_SECONDS
        while not self._stopping.is_set():
            try:
                await action()
            except ServerUnreachable as error:
                logger.warning("start: %s", error)
                await self._sleep(pause)
                pause = min(pause * 2, RETRY_CAP_SECONDS)
            else:
                return

    async def _finish(self) -> None:
        tasks = [task for _, task in self._running.values()]
        if not tasks:
            return
        grace = self.worker_settings.shutdown_grace_seconds
        await self._first_of(asyncio.wait(tasks), self._stop_now.wait(), asyncio.sleep(grace))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _close(self, connector: Connector) -> None:
        try:
            await connector.close()
        except Exception:
            logger.exception("service %s: the connector does not close", connector.service)

    async def _leave(self) -> None:
        try:
            await self._session.leave()
        except (WorkerUnknown, ServerUnreachable, ServerFault) as error:
            logger.warning("leave: %s", error)

    async def _sleep(self, seconds: float) -> None:
        await self._first_of(self._stopping.wait(), asyncio.sleep(seconds))

    async def _first_of(self, *awaitables: Awaitable[object]) -> None:
        tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _call(loop: asyncio.AbstractEventLoop, action: Callable[..., object], *arguments: object) -> None:
    """Have the worker's loop do something, from another thread; nothing if the loop has ended meanwhile."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(action, *arguments)
