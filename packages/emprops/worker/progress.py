"""Reporting progress so that the last value always gets through, however fast a connector reports."""

from __future__ import annotations

import asyncio

from ..broker import ClaimedJob, WorkerSession
from ..core.errors import LeaseLost, ServerFault, ServerUnreachable


class ProgressReporter:
    """Sends one job's progress; a value that the server keeps back is sent again when it may be shown.

    Args:
        session: the worker's dealings with the queue.
        job: the job.
    """

    def __init__(self, session: WorkerSession, job: ClaimedJob) -> None:
        self._session = session
        self._job = job
        self._latest: tuple[float, str] | None = None
        self._later: asyncio.Task[None] | None = None

    async def report(self, fraction: float, message: str = "") -> None:
        """Report progress.

        Args:
            fraction: share of the work that is done (0 to 1).
            message: what the service is doing (at most 2,000 characters).

        Raises:
            LeaseLost: the worker does not hold the job any more.
            InvalidRequest: the fraction or the message is out of range.
        """
        self._latest = (fraction, message)
        if self._later is None:
            await self._send()

    async def close(self) -> None:
        """Stop sending; the server shows the last value before the attempt ends."""
        if self._later is None:
            return
        self._later.cancel()
        await asyncio.gather(self._later, return_exceptions=True)
        self._later = None
        if self._latest is not None:
            await self._quietly(*self._latest)

    async def _send(self) -> None:
        assert self._latest is not None  # only report() and _again() call it, after a value
        (fraction, message), self._latest = self._latest, None
        # Progress is no part of the outcome: a server that is away for a moment does not end the attempt.
        try:
            wait = await self._session.progress(self._job, fraction, message)
        except (ServerUnreachable, ServerFault):
            wait = 0.0
        self._later = asyncio.create_task(self._again(fraction, message, wait)) if wait > 0 else None

    async def _again(self, fraction: float, message: str, wait: float) -> None:
        await asyncio.sleep(wait)
        if self._latest is None:
            self._latest = (fraction, message)
        self._later = None
        try:
            await self._send()
        except LeaseLost:
            # The next report, or the heartbeat, says so to the one who can stop the work.
            return

    async def _quietly(self, fraction: float, message: str) -> None:
        try:
            await self._session.progress(self._job, fraction, message)
        except (LeaseLost, ServerUnreachable, ServerFault):
            return
