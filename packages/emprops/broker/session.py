"""The queue as a worker sees it: register, claim, keep the lease, report, give back."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from ..core.errors import ResultTooLarge
from ..core.job import Failure, JobRequest, Progress, compact_json
from ..core.lifecycle import Status
from ..core.matching import affinity_seconds, matches
from ..core.requirements import Requirements
from ..core.validation import parse, require_within
from ..core.worker import WorkerInfo
from . import maintenance
from .broker import Broker
from .connection import open_connection, server_errors

JUDGE_AT_ONCE = 500
CLAIM_MOST = 16


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job that this worker holds under a lease.

    Attributes:
        job_id: id of the job.
        attempt: number of the attempt, the fencing token that every report carries.
        attempts_used: attempts that ended as failed or lost before this one.
        lease_until_ms: when the lease runs out unless it is renewed (milliseconds since 1970, the server's clock).
        request: the job as it was submitted.
    """

    job_id: str
    attempt: int
    attempts_used: int
    lease_until_ms: int
    request: JobRequest


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim gave.

    Attributes:
        jobs: the jobs, first in the order first.
        due_in_seconds: when the next waiting job of the pool becomes due, in seconds; ``None`` if there is none, or if
            the claim gave jobs.
    """

    jobs: tuple[ClaimedJob, ...]
    due_in_seconds: float | None


class WorkerSession:
    """One worker's dealings with a pool.

    Args:
        broker: the pool.
        info: what the worker says about itself.

    Raises:
        InvalidRequest: the information is not valid.
    """

    def __init__(self, broker: Broker, info: WorkerInfo) -> None:
        self.broker = broker
        self.info = parse(WorkerInfo, info, what="worker")
        self.profile_id = self.info.capabilities.profile_id
        self._ticket = os.urandom(6).hex()
        self._claims = 0
        # One claim at a time: the server keeps the latest one's ticket, for an answer that was lost.
        self._claiming = asyncio.Lock()
        self._blocking = open_connection(
            broker.url, timeout_seconds=_never_shorter_than_the_block(broker), connections=2
        )

    async def close(self) -> None:
        """Close the connections that wait."""
        await self._blocking.aclose()

    async def register(self) -> None:
        """Make the worker known to the pool.

        Raises:
            WorkerInUse: another running process has this worker id.
        """
        await self.broker.executor.run(
            "register",
            {
                "worker": self.info.worker_id,
                "profile": self.profile_id,
                "instance": self.info.instance,
                "capabilities": self.info.capabilities.canonical(),
                "record": self.info.model_dump_json(),
                "expiry_ms": round(self.broker.settings.worker_expiry_seconds * 1000),
            },
        )

    async def leave(self) -> None:
        """Let the worker go; jobs that it still holds are not touched.

        Raises:
            WorkerUnknown: it is not registered.
        """
        await self.broker.executor.run("leave", {"worker": self.info.worker_id})

    async def claim(self, count: int = 1) -> Claim:
        """Take the first jobs in the order that this worker can run.

        Classes that its profile has not judged yet are judged first. If the answer of the server is lost, calling again
        gives the same jobs.

        Args:
            count: how many jobs at most (1 to 16).

        Raises:
            WorkerUnknown: the worker is not registered.
            InvalidRequest: the count is out of range.
        """
        require_within("count", count, 1, CLAIM_MOST)
        while True:
            async with self._claiming:
                answer = await self.broker.executor.run(
                    "claim", {"worker": self.info.worker_id, **self._asks(count)}
                )
                if answer[0] == "jobs":
                    return await self._claimed(answer)
            await self._judge(int(answer[1]), int(answer[2]))

    def _asks(self, count: int) -> dict[str, str | int]:
        return {
            "ticket": f"{self._ticket}-{self._claims}",
            "count": count,
            "lease_ms": round(self.broker.settings.lease_seconds * 1000),
        }

    async def _claimed(self, answer: list[Any]) -> Claim:
        self._claims += 1
        _, jobs, wakes, due_ms = answer
        await self.broker.wake(wakes)
        return Claim(
            tuple(_claimed(*job) for job in jobs),
            None if jobs or int(due_ms) < 0 else int(due_ms) / 1000,
        )

    async def _judge(self, judged: int, newest: int) -> None:
        keys = self.broker.keys
        for start in range(judged, newest, JUDGE_AT_ONCE):
            end = min(start + JUDGE_AT_ONCE, newest)
            async with server_errors():
                ids = await self.broker.connection.zrange(
                    keys.key("class_versions"), start + 1, end, byscore=True
                )
                texts = await self.broker.connection.hmget(keys.key("classes"), ids) if ids else []
            eligible = []
            for class_id, text in zip(ids, texts, strict=True):
                wanted = Requirements.model_validate_json(text)
                if matches(wanted, self.info.capabilities):
                    bonus = affinity_seconds(wanted, self.info.capabilities)
                    eligible.append(f"{class_id}={round(bonus * 1000)}")
            await self.broker.executor.run(
                "judge", {"profile": self.profile_id, "from": start, "to": end, "classes": eligible}
            )

    async def wait_for_work(self, seconds: float) -> bool:
        """Wait until there may be work for this worker's profile.

        Args:
            seconds: longest wait, in seconds (0.01 or more).

        Returns:
            Whether a marker was left; it is taken, so the caller claims.
        """
        async with server_errors():
            answer = await self._blocking.bzpopmin(
                self.broker.keys.key("wake", self.profile_id), timeout=max(seconds, 0.01)
            )
        return bool(answer)

    async def wait_for_orders(self, seconds: float) -> tuple[str, int] | None:
        """Wait for an order to stop a job.

        Args:
            seconds: longest wait, in seconds.

        Returns:
            The job and the attempt to stop, or nothing.
        """
        async with server_errors():
            answer = await self._blocking.blpop(
                [self.broker.keys.key("inbox", self.info.worker_id)], timeout=max(seconds, 0.01)
            )
        if not answer:
            return None
        job_id, attempt = answer[1].split(" ")
        return job_id, int(attempt)

    async def heartbeat(self, held: Iterable[tuple[str, int]], *, idle_seconds: float = 0) -> list[str]:
        """Keep the worker and its leases alive.

        Args:
            held: id and attempt of each job that the worker holds.
            idle_seconds: how long ago its claim loop last turned, in seconds (0 or more).

        Returns:
            Ids of jobs that it does not hold any more; it stops working on them.

        Raises:
            WorkerUnknown: the worker is not registered any more; it registers again.
        """
        pairs: list[str] = []
        for job_id, attempt in held:
            pairs += [job_id, str(attempt)]
        lost = await self.broker.executor.run(
            "heartbeat",
            {
                "worker": self.info.worker_id,
                "expiry_ms": round(self.broker.settings.worker_expiry_seconds * 1000),
                "lease_ms": round(self.broker.settings.lease_seconds * 1000),
                "idle_ms": round(idle_seconds * 1000),
                "jobs": pairs,
            },
        )
        return [str(job_id) for job_id in lost]

    async def progress(self, job: ClaimedJob, fraction: float, message: str = "") -> float:
        """Report how far a job is.

        Args:
            job: the job.
            fraction: share of the work that is done (0 to 1).
            message: what the service is doing (at most 2,000 characters).

        Returns:
            0 if the value was shown, else the seconds after which it may be sent again to be shown.

        Raises:
            LeaseLost: the worker does not hold the job any more; it stops working on it.
            InvalidRequest: the fraction or the message is out of range.
        """
        value = parse(Progress, {"fraction": fraction, "message": message}, what="progress")
        wait = await self.broker.executor.run(
            "progress",
            {
                **self._token(job),
                "fraction": repr(value.fraction),
                "message": value.message,
                "interval_ms": round(self.broker.settings.progress_interval_seconds * 1000),
            },
        )
        return int(wait) / 1000

    async def complete(self, job: ClaimedJob, result: JsonValue = None, *, claim: int = 0) -> Claim:
        """End a job with its result, and claim the next ones in the same step.

        Args:
            job: the job.
            result: what the service returned, JSON.
            claim: how many jobs to claim at most (0 to 16).

        Returns:
            The jobs that were claimed. None are if there are none, and also if the worker has first to judge new
            classes or to register again: a claim of its own does that.

        Raises:
            LeaseLost: the worker does not hold the job any more; the result is dropped.
            ResultTooLarge: the result exceeds the result limit; the job is still held.
            InvalidRequest: the result is not JSON, or the number is out of range; the job is still held.
        """
        require_within("claim", claim, 0, CLAIM_MOST)
        text = compact_json(result, what="result")
        size = len(text.encode())
        limit = self.broker.settings.result_limit_bytes
        if size > limit:
            raise ResultTooLarge(
                f"result of job {job.job_id}: {size} bytes, allowed are {limit}",
                detail={"bytes": size, "limit_bytes": limit},
            )
        arguments = {
            **self._token(job),
            "result": text,
            "retention_ms": round(self.broker.settings.retention_seconds * 1000),
            "ended_listed": self.broker.settings.ended_listed,
        }
        async with self._claiming if claim else nullcontext():
            _, answer = await self.broker.executor.run(
                "complete", {**arguments, **self._asks(claim)}, {"archive": job.job_id}
            )
            if answer and answer[0] == "jobs":
                return await self._claimed(answer)
        return Claim((), None)

    async def fail(self, job: ClaimedJob, failure: Failure) -> Status:
        """End an attempt that failed.

        Args:
            job: the job.
            failure: why, and whether another attempt can succeed.

        Returns:
            The status of the job after it, waiting or dead.

        Raises:
            LeaseLost: the worker does not hold the job any more.
            InvalidRequest: the failure is not valid; the job is still held.
        """
        reason = parse(Failure, failure, what="failure")
        delay = job.request.retry.delay_seconds(job.attempts_used + 1)
        answer = await self.broker.executor.run(
            "fail",
            {
                **self._token(job),
                "code": reason.code,
                "message": reason.message,
                "retryable": int(reason.retryable),
                "delay_ms": round(delay * 1000),
                "dead_retention_ms": round(self.broker.settings.dead_retention_seconds * 1000),
                "ended_listed": self.broker.settings.ended_listed,
                **self._next_class(job),
            },
            {"archive": job.job_id},
        )
        return Status(answer)

    def _next_class(self, job: ClaimedJob) -> dict[str, str]:
        """Return the class in which a failed job goes on, if that is another one."""
        if not job.request.retry.avoid_failed_worker:
            return {"class": "", "requirements": "", "spec": ""}
        before = job.request.requirements
        avoided = before.excluded_workers | {self.info.worker_id}
        request = job.request.model_copy(
            update={"requirements": before.model_copy(update={"excluded_workers": avoided})}
        )
        wanted = request.class_requirements(customer_lists=self.broker.settings.customer_lists)
        return {
            "class": wanted.class_id,
            "requirements": wanted.canonical(),
            "spec": compact_json(request.specification(job.job_id), what="job request"),
        }

    async def release(self, job: ClaimedJob, reason: str = "") -> None:
        """Give a job back without using an attempt.

        Args:
            job: the job.
            reason: why (at most 2,000 characters; a longer one is cut).

        Raises:
            LeaseLost: the worker does not hold the job any more.
        """
        wakes = await self.broker.executor.run("release", {**self._token(job), "message": reason[:2000]})
        await self.broker.wake(wakes)

    async def reap(self, *, interval_seconds: float = 0) -> int:
        """Keep the pool in order: see :func:`emprops.broker.maintenance.reap`.

        Args:
            interval_seconds: do nothing if any process has done it less than this long ago, in seconds (0 or more).

        Returns:
            How many jobs were taken back or ended.
        """
        return await maintenance.reap(self.broker, interval_seconds=interval_seconds)

    def _token(self, job: ClaimedJob) -> dict[str, str | int]:
        return {"id": job.job_id, "worker": self.info.worker_id, "attempt": job.attempt}


def _never_shorter_than_the_block(broker: Broker) -> float:
    # A socket that gives up before the block ends would cut idle workers off.
    return 300 + broker.settings.command_timeout_seconds


def _claimed(
    job_id: str, attempt: int, attempts_used: int, lease_until: str, spec: str, payload: str
) -> ClaimedJob:
    facts = json.loads(spec)
    facts["job_id"] = job_id
    return ClaimedJob(
        job_id,
        int(attempt),
        int(attempts_used),
        int(float(lease_until)),
        JobRequest.model_validate({**facts, "payload": json.loads(payload)}),
    )
