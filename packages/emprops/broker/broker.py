"""The queue as clients and operators see it: submit, look, cancel, ask why, follow events."""

from __future__ import annotations

import asyncio
import heapq
import json
import os
import re
import time
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

from ..core.canonical import canonical_json, short_hash
from ..core.capabilities import Capabilities
from ..core.errors import (
    JobCancelledError,
    JobDeadError,
    JobNotFound,
    PayloadTooLarge,
    WaitTimeout,
)
from ..core.events import AnyEvent, JobEvent, parse_event
from ..core.explanation import Explanation, ProfileReport, report
from ..core.job import JOB_ID_PATTERN, Job, JobRequest, JobSummary, Receipt, compact_json
from ..core.keys import KeySpace
from ..core.lifecycle import Status
from ..core.matching import matches
from ..core.ordering import ORDER_LENGTH
from ..core.requirements import Requirements
from ..core.settings import BrokerSettings
from ..core.validation import invalid, parse, require_within
from ..core.worker import WorkerState
from .connection import check_server, open_connection, server_errors
from .embedded import find_address
from .executor import Executor
from .records import archived_job, live_job, summary

CLASS_LENGTH = 16
LIST_MOST = 1000
EVENTS_MOST = 100_000
WAIT_MOST_SECONDS = 30 * 86_400
"""Longest time that somebody can wait for a job's end, in seconds."""
INBOX_SECONDS = 60
WAKE_SECONDS = 60
_POSITION = re.compile(r"[0-9]{1,19}-[0-9]{1,19}")


def new_job_id() -> str:
    """Return a job id that sorts by time: 12 hexadecimal digits of the ms since 1970, then 16 of chance."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(8).hex()}"


class Broker:
    """A pool of the queue.

    Every change is one server script, so it happens as a whole or not at all. It is an asynchronous context manager::

        async with Broker() as broker:
            receipt = await broker.submit({"requirements": {"service": "simulation"}})

    Args:
        settings: where the server is, and the limits; read from the environment if left out.
        url: address of the server, before the settings.
        now_ms: fixed time in ms since 1970 instead of the server's clock, for tests of what time does.

    Raises:
        ServerUnreachable: no server is configured and no embedded one is running.
        InvalidRequest: the pool's name is not allowed.
    """

    def __init__(
        self, settings: BrokerSettings | None = None, *, url: str | None = None, now_ms: int | None = None
    ) -> None:
        self.settings = settings or BrokerSettings.load()
        self.url = url or find_address(self.settings)
        self.keys = KeySpace(self.settings.pool)
        self.connection = open_connection(self.url, timeout_seconds=self.settings.command_timeout_seconds)
        self.executor = Executor(
            self.connection, self.keys, events_kept=self.settings.events_kept, now_ms=now_ms
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self.connection.aclose()

    async def check(self) -> list[str]:
        """Check that the server can hold a queue; see :func:`~emprops.broker.connection.check_server`."""
        return await check_server(self.connection)

    async def submit(self, request: JobRequest | Mapping[str, Any]) -> Receipt:
        """Submit one job, once.

        A submit with the same idempotency key, or the same job id, and the same content returns the job that exists.

        Args:
            request: the job, as a model or as a mapping of its fields.

        Raises:
            InvalidRequest: a field is missing, of the wrong type or out of range, or the payload is not JSON.
            UnknownField: a field or requirement does not exist; the detail gives the nearest known name.
            PayloadTooLarge: the payload exceeds the payload limit.
            IdempotencyConflict: the idempotency key stands for a different request.
            JobExists: the job id belongs to a different job.
            ServerUnreachable: the server does not answer; the job may or may not exist. Submit again with the same id.
        """
        job = parse(JobRequest, request, what="job request")
        payload = compact_json(job.payload, what="payload")
        size = len(payload.encode())
        if size > self.settings.payload_limit_bytes:
            raise PayloadTooLarge(
                f"payload: {size} bytes, allowed are {self.settings.payload_limit_bytes}",
                detail={"bytes": size, "limit_bytes": self.settings.payload_limit_bytes},
            )
        job_id = job.job_id or new_job_id()
        class_id = job.requirements.class_id
        about = {"archive": job_id}
        if job.idempotency_key is not None:
            about["idempotency"] = _idempotency_subject(job)
        if job.workflow is not None:
            about["workflow"] = job.workflow
        created, found, wakes = await self.executor.run(
            "submit",
            {
                "id": job_id,
                "class": class_id,
                "requirements": job.requirements.canonical(),
                "spec": compact_json(job.specification(job_id), what="job request"),
                "payload": payload,
                "digest": job.digest(),
                "priority": job.priority,
                "delay": round(job.delay_seconds * 1000),
                "max_attempts": job.retry.max_attempts,
                "customer": job.customer or "",
                "workflow": job.workflow or "",
                "workflow_ms": round(self.settings.workflow_seconds * 1000),
                "idempotency_ms": ""
                if job.idempotency_key is None
                else round(self.settings.idempotency_seconds * 1000),
            },
            about,
        )
        await self.wake(wakes)
        return Receipt(job_id=found, created=bool(created), class_id=class_id)

    async def wake(self, profiles: list[str]) -> None:
        """Leave a marker for one idle worker of each profile.

        Args:
            profiles: profile ids, as a script answered them.
        """
        if not profiles:
            return
        async with server_errors(), self.connection.pipeline(transaction=False) as pipe:
            for profile in profiles:
                marker = self.keys.key("wake", profile)
                pipe.zadd(marker, {"work": 0})
                pipe.expire(marker, WAKE_SECONDS)
            await pipe.execute()

    async def get(self, job_id: str) -> Job:
        """Return a job with its payload, result and attempts.

        Raises:
            JobNotFound: there is none with this id, or its record has expired.
        """
        self._require_id(job_id)
        async with server_errors(), self.connection.pipeline(transaction=True) as pipe:
            for name in ("specs", "states", "payloads", "histories"):
                pipe.hget(self.keys.key(name), job_id)
            pipe.zscore(self.keys.key("leases"), job_id)
            pipe.hgetall(self.keys.key("archive", job_id))
            spec, state, payload, history, lease, archived = await pipe.execute()
        if state is not None:
            return live_job(spec, state, payload, history, lease)
        if archived:
            return archived_job(archived)
        raise self._no_job(job_id)

    def _no_job(self, job_id: str) -> JobNotFound:
        shown = job_id[:100].encode("ascii", "backslashreplace").decode()
        return JobNotFound(
            f"there is no job {shown!r} in pool {self.settings.pool!r}", detail={"job_id": shown}
        )

    def _require_id(self, job_id: str) -> None:
        """Refuse text that is the id of no job before it becomes part of a key."""
        if not JOB_ID_PATTERN.fullmatch(job_id):
            raise self._no_job(job_id)

    async def jobs(self, status: Status, *, limit: int = 50) -> list[JobSummary]:
        """Return the first jobs of a status.

        Pending jobs come in the order in which they will be served, waiting ones by due time, running ones by lease,
        ended ones newest first.

        Args:
            status: which jobs.
            limit: how many at most (1 to 1,000).

        Raises:
            InvalidRequest: there is no such status, or the limit is out of range.
        """
        require_within("limit", limit, 1, LIST_MOST)
        if not isinstance(status, Status):
            raise invalid("status", f"{status!r} is not one of {', '.join(Status)}")
        async with server_errors():
            ids = await self._ids(status, limit)
            if not ids:
                return []
            if status.final:
                async with self.connection.pipeline(transaction=False) as pipe:
                    for job_id in ids:
                        pipe.hmget(self.keys.key("archive", job_id), ["spec", "state"])
                    pairs = await pipe.execute()
            else:
                specs = await self.connection.hmget(self.keys.key("specs"), ids)
                states = await self.connection.hmget(self.keys.key("states"), ids)
                pairs = list(zip(specs, states, strict=True))
        found = [summary(spec, state) for spec, state in pairs if spec is not None and state is not None]
        return [job for job in found if job.status is status]

    async def _ids(self, status: Status, limit: int) -> list[str]:
        if status is Status.PENDING:
            return await self._pending_ids(limit)
        if status is Status.WAITING:
            return list(await self.connection.zrange(self.keys.key("delayed"), 0, limit - 1))
        if status is Status.RUNNING:
            return list(await self.connection.zrange(self.keys.key("leases"), 0, limit - 1))
        index = "dead" if status is Status.DEAD else "finished"
        found: list[str] = []
        start = 0
        while len(found) < limit:
            page = await self.connection.zrange(self.keys.key(index), start, start + LIST_MOST - 1, desc=True)
            if not page:
                break
            start += len(page)
            if index == "dead":
                found.extend(page)
            else:
                found.extend(await self._ended_as(status, page))
        return found[:limit]

    async def _ended_as(self, status: Status, ids: list[str]) -> list[str]:
        async with self.connection.pipeline(transaction=False) as pipe:
            for job_id in ids:
                pipe.hget(self.keys.key("archive", job_id), "state")
            states = await pipe.execute()
        return [
            job_id
            for job_id, state in zip(ids, states, strict=True)
            if state is not None and json.loads(state)["status"] == status
        ]

    async def _pending_ids(self, limit: int) -> list[str]:
        classes = await self.connection.hkeys(self.keys.key("classes"))
        members: list[list[str]] = []
        for start in range(0, len(classes), 500):
            async with self.connection.pipeline(transaction=False) as pipe:
                for class_id in classes[start : start + 500]:
                    pipe.zrange(
                        self.keys.key("pending"),
                        f"[{class_id}",
                        f"[{class_id}g",
                        bylex=True,
                        offset=0,
                        num=limit,
                    )
                members.extend(await pipe.execute())
        ordered = heapq.merge(*([member[CLASS_LENGTH:] for member in part] for part in members))
        return [text[ORDER_LENGTH:] for text, _ in zip(ordered, range(limit), strict=False)]

    async def cancel(self, job_id: str, reason: str = "") -> Job:
        """Call a job off; a running one ends at once and its worker is told to stop.

        Args:
            job_id: id of the job.
            reason: why, for whoever reads the job later (at most 2,000 characters).

        Returns:
            The job as it was kept.

        Raises:
            JobNotFound: there is none with this id.
            JobFinished: it has ended already; nothing was changed.
            InvalidRequest: the reason is too long.
        """
        if len(reason) > 2000:
            raise invalid("reason", "longer than 2,000 characters")
        self._require_id(job_id)
        told = await self.executor.run(
            "cancel",
            {
                "id": job_id,
                "message": reason,
                "retention_ms": round(self.settings.retention_seconds * 1000),
                "ended_listed": self.settings.ended_listed,
            },
            {"archive": job_id},
        )
        if told:
            worker, attempt = told
            async with server_errors(), self.connection.pipeline(transaction=False) as pipe:
                inbox = self.keys.key("inbox", worker)
                pipe.rpush(inbox, f"{job_id} {attempt}")
                pipe.expire(inbox, INBOX_SECONDS)
                await pipe.execute()
        return await self.get(job_id)

    async def workers(self) -> list[WorkerState]:
        """Return the registered workers with the jobs that they hold, by id."""
        async with server_errors(), self.connection.pipeline(transaction=True) as pipe:
            pipe.hgetall(self.keys.key("workers"))
            pipe.zrange(self.keys.key("worker_expiry"), 0, -1, withscores=True)
            pipe.zrange(self.keys.key("leases"), 0, -1)
            records, expiries, running = await pipe.execute()
            states = await self.connection.hmget(self.keys.key("states"), running) if running else []
        expiry = {worker: int(score) for worker, score in expiries}
        held: dict[str, list[str]] = {}
        for job_id, state in zip(running, states, strict=True):
            if state is not None:
                held.setdefault(json.loads(state).get("worker", ""), []).append(job_id)
        return [
            WorkerState.model_validate(
                {
                    **json.loads(record[32:]),
                    "profile_id": record[:16],
                    "expires_ms": expiry.get(worker, 0),
                    "jobs": sorted(held.get(worker, ())),
                }
            )
            for worker, record in sorted(records.items())
        ]

    async def explain(self, job_id: str) -> Explanation:
        """Say why a job is where it is.

        For each profile with a registered worker it gives every matching criterion with what is wanted and what is
        there; for a pending job that some worker can run, also its position and who is ahead.

        Raises:
            JobNotFound: there is none with this id.
        """
        job = await self.get(job_id)
        by_profile: dict[str, list[WorkerState]] = {}
        for worker in await self.workers():
            by_profile.setdefault(worker.profile_id, []).append(worker)
        profiles = tuple(
            report(profile, tuple(w.worker_id for w in members), job.requirements, members[0].capabilities)
            for profile, members in sorted(by_profile.items())
        )
        position: int | None = None
        ahead: tuple[str, ...] = ()
        if job.status is Status.PENDING and any(p.eligible for p in profiles):
            position, ahead = await self._position(
                job, [by_profile[p.profile_id][0].capabilities for p in profiles if p.eligible]
            )
        return Explanation(
            job_id=job_id,
            status=job.status,
            answer=_answer(job, profiles, position),
            class_id=job.class_id,
            position=position,
            ahead=ahead,
            profiles=profiles,
        )

    async def _position(self, job: Job, profiles: list[Capabilities]) -> tuple[int, tuple[str, ...]]:
        async with server_errors():
            classes = await self.connection.hgetall(self.keys.key("classes"))
            rivals = [
                class_id
                for class_id, text in classes.items()
                if any(matches(Requirements.model_validate_json(text), profile) for profile in profiles)
            ]
            count = 0
            first: list[list[str]] = []
            for start in range(0, len(rivals), 500):
                async with self.connection.pipeline(transaction=False) as pipe:
                    for class_id in rivals[start : start + 500]:
                        low, high = f"[{class_id}", f"({class_id}{job.order}"
                        pipe.zlexcount(self.keys.key("pending"), low, high)
                        pipe.zrange(self.keys.key("pending"), low, high, bylex=True, offset=0, num=10)
                    answers = await pipe.execute()
                count += sum(answers[0::2])
                first.extend([member[CLASS_LENGTH:] for member in part] for part in answers[1::2])
        ordered = heapq.merge(*first)
        return count + 1, tuple(text[ORDER_LENGTH:] for text, _ in zip(ordered, range(10), strict=False))

    async def last_event_id(self) -> str:
        """Return the id of the newest event, to follow from; ``0-0`` if there is none."""
        async with server_errors():
            newest = await self.connection.xrevrange(self.keys.key("events"), count=1)
        return str(newest[0][0]) if newest else "0-0"

    async def read_events(self, after: str = "0-0", *, limit: int = 1000) -> list[AnyEvent]:
        """Return the events after a position, oldest first, without waiting.

        Args:
            after: id of the last event already seen; ``0-0`` from the oldest that is kept.
            limit: how many at most (1 to 100,000).

        Raises:
            InvalidRequest: the position is not the id of an event, or the limit is out of range.
        """
        _require_position(after)
        require_within("limit", limit, 1, EVENTS_MOST)
        async with server_errors():
            entries = await self.connection.xrange(self.keys.key("events"), min=f"({after}", count=limit)
        return [parse_event(entry_id, fields) for entry_id, fields in entries]

    async def follow_events(self, after: str | None = None) -> AsyncIterator[AnyEvent]:
        """Yield events as they happen, none missing, none twice.

        Args:
            after: id of the last event already seen; ``None``: from now.

        Raises:
            InvalidRequest: the position is not the id of an event.
            ServerUnreachable: the connection was lost; go on with the id of the last event.
        """
        if after is not None:
            _require_position(after)
        position = after if after is not None else await self.last_event_id()
        block_seconds = 5.0
        reader = open_connection(self.url, timeout_seconds=block_seconds + 5, connections=1)
        try:
            while True:
                async with server_errors():
                    answer = await reader.xread(
                        {self.keys.key("events"): position}, count=500, block=round(block_seconds * 1000)
                    )
                for entry_id, fields in _entries(answer):
                    position = entry_id
                    yield parse_event(entry_id, fields)
        finally:
            await reader.aclose()

    async def wait(self, job_id: str, *, timeout_seconds: float | None = None) -> Job:
        """Wait until a job has ended and return it with its result.

        Args:
            job_id: id of the job.
            timeout_seconds: how long to wait, in seconds (0 to 30 days); ``None``: for ever.

        Raises:
            InvalidRequest: the time is out of range.
            JobNotFound: there is none with this id.
            JobDeadError: it was given up; the detail has the last error.
            JobCancelledError: it was called off.
            WaitTimeout: it has not ended in time; it goes on.
        """
        if timeout_seconds is not None:
            require_within("timeout_seconds", timeout_seconds, 0, WAIT_MOST_SECONDS)
        start = await self.last_event_id()
        try:
            async with asyncio.timeout(timeout_seconds):
                job = await self.get(job_id)
                if not job.status.final:
                    async for event in self.follow_events(start):
                        if isinstance(event, JobEvent) and event.job == job_id and event.status.final:
                            job = await self.get(job_id)
                            break
        except TimeoutError:
            raise WaitTimeout(
                f"job {job_id} has not ended after {timeout_seconds} s", detail={"job_id": job_id}
            ) from None
        return require_completed(job)


def _require_position(after: str) -> None:
    if not _POSITION.fullmatch(after):
        raise invalid("after", f"{after[:60]!r} is not the id of an event, as 1700000000000-0")


def require_completed(job: Job) -> Job:
    """Return an ended job that is completed.

    Raises:
        JobDeadError: it was given up; the detail has the last error.
        JobCancelledError: it was called off.
    """
    if job.status is Status.DEAD:
        raise JobDeadError(
            f"job {job.job_id}: {job.error}: {job.message}".rstrip(": "),
            detail={"job_id": job.job_id, "error": job.error, "attempts": len(job.attempts)},
        )
    if job.status is Status.CANCELLED:
        raise JobCancelledError(
            f"job {job.job_id}: {job.message}".rstrip(": "), detail={"job_id": job.job_id}
        )
    return job


def _idempotency_subject(job: JobRequest) -> str:
    return short_hash(canonical_json([job.customer, job.idempotency_key]))


def _entries(answer: Any) -> list[tuple[str, dict[str, str]]]:
    if not answer:
        return []
    streams = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer]
    found: list[tuple[str, dict[str, str]]] = []
    for entries in streams:
        batches = entries if entries and isinstance(entries[0], list) else [entries]
        for batch in batches:
            found.extend((str(entry_id), fields) for entry_id, fields in batch)
    return found


def _answer(job: Job, profiles: tuple[ProfileReport, ...], position: int | None) -> str:
    if job.status is Status.WAITING:
        return "It is not due yet." if job.attempt == 0 else "It backs off before its next attempt."
    if job.status is Status.RUNNING:
        return f"Worker {job.worker} runs it, attempt {job.attempt}."
    if job.status.final:
        return job.status.meaning
    if not profiles:
        return "No worker is registered."
    if position is None:
        missing = sorted({c.criterion for p in profiles for c in p.criteria if not c.satisfied})
        return f"No registered worker can run it; not met: {', '.join(missing)}."
    return f"It is number {position} among the jobs that its workers can run."
