"""The heartbeat: a thread of its own that keeps a worker's leases, whatever its jobs do to the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping

from ..broker import Broker, WorkerSession
from ..core.errors import EmpropsError, ServerFault, ServerUnreachable, WorkerUnknown
from ..core.settings import BrokerSettings
from ..core.worker import WorkerInfo

logger = logging.getLogger(__name__)

BEATS_A_LEASE = 3
"""Heartbeats in the time of one lease: two may be lost before the lease is."""


class Heartbeat:
    """Renews leases from a thread with its own event loop and its own connection.

    Args:
        settings: where the server is, and how long a lease is.
        url: address of the server.
        info: the worker.
        held: gives the jobs that the worker holds, with their attempts; called from the thread.
        idle_seconds: gives how long ago the claim loop last turned, in seconds; called from the thread.
        on_lost: called from the thread with the attempts that the worker no longer holds, by job.
        on_unknown: called from the thread when the worker's record has expired.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        url: str,
        info: WorkerInfo,
        *,
        held: Callable[[], Mapping[str, int]],
        idle_seconds: Callable[[], float],
        on_lost: Callable[[Mapping[str, int]], None],
        on_unknown: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._url = url
        self._info = info
        self._held = held
        self._idle_seconds = idle_seconds
        self._on_lost = on_lost
        self._on_unknown = on_unknown
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="emprops-heartbeat", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._beat())

    async def _beat(self) -> None:
        pause = min(self._settings.lease_seconds, self._settings.worker_expiry_seconds) / BEATS_A_LEASE
        async with Broker(self._settings, url=self._url) as broker:
            session = WorkerSession(broker, self._info)
            try:
                while not await asyncio.to_thread(self._stop.wait, pause):
                    await self._once(session)
            finally:
                await session.close()

    async def _once(self, session: WorkerSession) -> None:
        # What it could not renew it tries again at the next beat; if the lease runs out meanwhile, that beat is told.
        held = self._held()
        try:
            lost = await session.heartbeat(held.items(), idle_seconds=self._idle_seconds())
        except WorkerUnknown:
            self._on_unknown()
        except (ServerUnreachable, ServerFault) as error:
            self._note(error)
        else:
            if lost:
                self._on_lost({job_id: held[job_id] for job_id in lost})

    def _note(self, error: EmpropsError) -> None:
        logger.warning("heartbeat: %s", error)
