"""The queue as clients and operators see it: submit, look, cancel, ask why, follow events."""

from __future__ import annotations

import asyncio
import heapq
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from ..core.capabilities import Capabilities
from ..core.errors import (
    EmpropsError,
    JobCancelledError,
    JobDeadError,
    JobFinished,
    JobNotFound,
    WaitTimeout,
    WorkerMissing,
    WorkflowNotFound,
)
from ..core.events import AnyEvent, JobEvent, parse_event
from ..core.explanation import Explanation, ProfileReport, report
from ..core.job import JOB_ID_PATTERN, Job, JobRequest, JobSummary, Receipt
from ..core.keys import KeySpace
from ..core.lifecycle import Status
from ..core.matching import matches, may_take
from ..core.ordering import ORDER_LENGTH
from ..core.paging import PAGE_MOST, JobFilter, JobPage
from ..core.requirements import Requirements
from ..core.settings import BrokerSettings
from ..core.validation import invalid, require_within
from ..core.worker import WorkerState
from ..core.workflow import PoolState, UnrunnableClass, WorkflowState
from .connection import check_server, open_connection, server_errors
from .embedded import find_address
from .executor import Call, Executor
from .listing import CLASS_LENGTH, list_jobs
from .records import archived_job, live_job, stream_entries
from .submitting import call_for, read_request

LIST_MOST = 1000
BATCH_MOST = 1000
"""Most jobs of one batch."""
EVENTS_MOST = 100_000
WAIT_MOST_SECONDS = 30 * 86_400
"""Longest time that somebody can wait for a job's end, in seconds."""
INBOX_SECONDS = 60
WAKE_SECONDS = 60
POSITION_PATTERN = re.compile(r"[0-9]{1,19}-[0-9]{1,19}")
"""Id of an event, as the server gives it."""


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

    async def now(self) -> int:
        """Return the time that the server scripts take, in milliseconds since 1970."""
        if self.executor.now_ms is not None:
            return self.executor.now_ms
        async with server_errors():
            seconds, microseconds = await self.connection.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

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
            QueueFull: the pool has as many open jobs as it takes.
            CustomerLimitReached: the customer has as many open jobs as one may have.
            WorkflowCancelled: the workflow was called off.
            WorkflowTaken: the workflow belongs to another customer.
            WorkerMissing: the request asks for a worker that can run it, and there is none.
            ServerUnreachable: the server does not answer; the job may or may not exist. Submit again with the same id.
        """
        job = read_request(request)
        arguments, about = call_for(job, self.settings)
        if job.require_worker:
            await self._require_worker(job)
        answer = await self.executor.run("submit", arguments, about)
        return await self._receipt(answer, arguments)

    async def submit_many(
        self, requests: Sequence[JobRequest | Mapping[str, Any]]
    ) -> list[Receipt | EmpropsError]:
        """Submit several jobs in one exchange with the server, each once and by itself.

        All are checked before any is sent. Give each a job id or an idempotency key, so that the batch can be sent
        again if the answer is lost.

        Args:
            requests: the jobs (at most 1,000).

        Returns:
            For each job its receipt, or the error that refused it; the others are not affected by it.

        Raises:
            InvalidRequest: there are too many, or one is not valid: nothing was submitted. The message says which.
            UnknownField: one has a field that does not exist: nothing was submitted.
            PayloadTooLarge: the payload of one exceeds the limit: nothing was submitted.
            WorkerMissing: one asks for a worker that can run it, and there is none: nothing was submitted.
            ServerUnreachable: the server does not answer; any of the jobs may exist.
        """
        require_within("number of requests", len(requests), 0, BATCH_MOST)
        calls: list[Call] = []
        for index, request in enumerate(requests):
            try:
                job = read_request(request)
                calls.append(call_for(job, self.settings))
                if job.require_worker:
                    await self._require_worker(job)
            except EmpropsError as error:
                raise type(error)(
                    f"request {index}: {error.message}", detail={**error.detail, "index": index}
                ) from error
        answers = await self.executor.run_many("submit", calls)
        return [
            answer if isinstance(answer, EmpropsError) else await self._receipt(answer, arguments)
            for answer, (arguments, _) in zip(answers, calls, strict=True)
        ]

    async def _receipt(self, answer: list[Any], arguments: Mapping[str, Any]) -> Receipt:
        created, found, wakes = answer
        await self.wake(wakes)
        return Receipt(job_id=found, created=bool(created), class_id=arguments["class"])

    async def _require_worker(self, job: JobRequest) -> None:
        wanted = job.class_requirements(customer_lists=self.settings.customer_lists)
        for worker in await self.workers():
            if matches(wanted, worker.capabilities) and may_take(wanted, worker.worker_id):
                return
        raise WorkerMissing(
            f"no registered worker can run a job with {wanted.canonical()}",
            detail={"requirements": wanted.model_dump(mode="json", exclude_defaults=True)},
        )

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
            pipe.hmget(self.keys.key("requests"), [job_id, f"{job_id} payload"])
            for name in ("states", "histories"):
                pipe.hget(self.keys.key(name), job_id)
            pipe.zscore(self.keys.key("leases"), job_id)
            pipe.hgetall(self.keys.key("archive", job_id))
            (spec, payload), state, history, lease, archived = await pipe.execute()
        if state is not None:
            return live_job(spec, state, payload, history, lease)
        if archived:
            return archived_job(archived)
        raise self.no_job(job_id)

    def no_job(self, job_id: str) -> JobNotFound:
        """Return the error for an id that no job has, or none that may be seen."""
        shown = job_id[:100].encode("ascii", "backslashreplace").decode()
        return JobNotFound(
            f"there is no job {shown!r} in pool {self.settings.pool!r}", detail={"job_id": shown}
        )

    def _require_id(self, job_id: str) -> None:
        """Refuse text that is the id of no job before it becomes part of a key."""
        if not JOB_ID_PATTERN.fullmatch(job_id):
            raise self.no_job(job_id)

    async def jobs(self, status: Status, *, limit: int = 50) -> list[JobSummary]:
        """Return the first jobs of a status.

        Pending jobs come in the order in which they will be served, waiting ones by due time, running ones by id, ended
        ones newest first.

        Args:
            status: which jobs.
            limit: how many at most (1 to 1,000).

        Raises:
            InvalidRequest: there is no such status, or the limit is out of range.
        """
        require_within("limit", limit, 1, PAGE_MOST)
        if not isinstance(status, Status):
            raise invalid("status", f"{status!r} is not one of {', '.join(Status)}")
        found: list[JobSummary] = []
        cursor: str | None = None
        while len(found) < limit:
            page = await self.list_jobs(JobFilter(status=status), cursor=cursor, limit=limit - len(found))
            found += page.jobs
            cursor = page.next
            if cursor is None:
                break
        return found

    async def list_jobs(
        self, wanted: JobFilter | None = None, *, cursor: str | None = None, limit: int = 50
    ) -> JobPage:
        """Return one page of the jobs that a filter takes.

        A page costs the server no more than a look at 2,000 jobs, so it may hold fewer than asked, even none: the list
        ends when there is no next cursor. A job that keeps its status while you page is listed exactly once, whatever
        comes and goes around it.

        Args:
            wanted: which jobs; all if left out. Those of a workflow, and the open ones of a customer, come by id.
                Others come by status: waiting ones by due time, pending ones in the order in which they will be
                served, running ones by id, then dead ones and those that are completed or cancelled, newest first.
            cursor: what the page before gave as next; ``None`` for the first page.
            limit: how many at most (1 to 1,000).

        Raises:
            InvalidRequest: the limit is out of range, or the cursor is not one of this list.
        """
        return await list_jobs(self, wanted or JobFilter(), cursor, limit)

    async def pool_state(self) -> PoolState:
        """Return how many jobs of each status, workers and events the pool has."""
        async with server_errors(), self.connection.pipeline(transaction=True) as pipe:
            pipe.zcard(self.keys.key("delayed"))
            pipe.zcard(self.keys.key("pending"))
            pipe.zcard(self.keys.key("leases"))
            pipe.zcard(self.keys.key("dead"))
            pipe.zcard(self.keys.key("finished"))
            pipe.hlen(self.keys.key("workers"))
            pipe.zcard(self.keys.key("unrunnable"))
            waiting, pending, running, dead, finished, workers, unrunnable = await pipe.execute()
        return PoolState(
            pool=self.settings.pool,
            waiting=waiting,
            pending=pending,
            running=running,
            dead=dead,
            finished=finished,
            workers=workers,
            unrunnable_classes=unrunnable,
        )

    async def cancel(self, job_id: str, reason: str = "", *, owner: str | None = None) -> Job:
        """Call a job off; a running one ends at once and its worker is told to stop.

        Args:
            job_id: id of the job.
            reason: why, for whoever reads the job later (at most 2,000 characters).
            owner: customer whom it must belong to, or it does not exist; ``None``: any.

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
                "owner": owner or "",
                "message": reason,
                "retention_ms": round(self.settings.retention_seconds * 1000),
                "ended_listed": self.settings.ended_listed,
            },
            {"archive": job_id},
        )
        if told:
            await self.order_stop(told[0], job_id, int(told[1]))
        return await self.get(job_id)

    async def order_stop(self, worker_id: str, job_id: str, attempt: int) -> None:
        """Tell a worker to stop an attempt that is void; its next heartbeat tells it too, should this get lost.

        Args:
            worker_id: id of the worker.
            job_id: id of the job.
            attempt: number of the attempt.
        """
        async with server_errors(), self.connection.pipeline(transaction=False) as pipe:
            inbox = self.keys.key("inbox", worker_id)
            pipe.rpush(inbox, f"{job_id} {attempt}")
            pipe.expire(inbox, INBOX_SECONDS)
            await pipe.execute()

    async def revive(self, job_id: str, *, owner: str | None = None) -> Job:
        """Put a dead letter back into the queue, with all its attempts anew, at its old place in the order.

        Its queue and total timeouts do not apply any more.

        Args:
            job_id: id of the job.
            owner: customer whom it must belong to, or it does not exist; ``None``: any.

        Returns:
            The job as it is now.

        Raises:
            JobNotFound: there is none with this id.
            JobNotDead: it is not a dead letter; nothing was changed.
        """
        job = await self.get(job_id)
        wanted = job.requirements
        if self.settings.customer_lists or wanted.isolated:
            wanted = wanted.model_copy(update={"customer": job.customer})
        arguments: dict[str, str | int] = {
            "id": job_id,
            "owner": owner or "",
            "class": wanted.class_id,
            "requirements": wanted.canonical(),
            "workflow_ms": round(self.settings.workflow_seconds * 1000),
        }
        await self.wake(await self.executor.run("revive", arguments, {"archive": job_id}))
        return await self.get(job_id)

    async def discard(self, job_id: str, *, owner: str | None = None) -> None:
        """Throw a dead letter away, with its payload and history.

        Args:
            job_id: id of the job.
            owner: customer whom it must belong to, or it does not exist; ``None``: any.

        Raises:
            JobNotFound: there is none with this id.
            JobNotDead: it is not a dead letter; nothing was changed.
        """
        self._require_id(job_id)
        await self.executor.run("discard", {"id": job_id, "owner": owner or ""}, {"archive": job_id})

    async def workflow(self, workflow: str) -> WorkflowState:
        """Return how far a workflow is.

        Args:
            workflow: its name.

        Raises:
            WorkflowNotFound: there is none with this name, or its record has expired.
        """
        async with server_errors():
            text = await self.connection.hget(self.keys.key("workflows"), workflow)
        if text is None:
            raise self.no_workflow(workflow)
        record = json.loads(text)
        return WorkflowState(
            workflow=workflow,
            customer=record.get("customer"),
            submitted_ms=record["time"],
            open=record["open"],
            completed=record["completed"],
            dead=record["dead"],
            cancelled=record["cancelled"],
            closed=record.get("closed", False),
        )

    def no_workflow(self, workflow: str) -> WorkflowNotFound:
        """Return the error for a name that no workflow has, or none that may be seen."""
        shown = workflow[:100].encode("ascii", "backslashreplace").decode()
        return WorkflowNotFound(f"there is no workflow {shown!r}", detail={"workflow": shown})

    async def cancel_workflow(self, workflow: str, reason: str = "") -> WorkflowState:
        """Call a workflow off as a whole: it takes no more jobs, and its open ones are cancelled.

        If it breaks off half-way, call it again: the workflow is closed already, and the rest is cancelled.

        Args:
            workflow: its name.
            reason: why, for whoever reads the jobs later (at most 2,000 characters).

        Raises:
            WorkflowNotFound: there is none with this name.
            InvalidRequest: the reason is too long.
        """
        after: str | None = ""
        while after is not None:
            last, job_ids = await self.executor.run("close_workflow", {"workflow": workflow, "after": after})
            for job_id in job_ids:
                with suppress(JobFinished, JobNotFound):  # it ended meanwhile
                    await self.cancel(job_id, reason)
            after = last or None
        return await self.workflow(workflow)

    async def unrunnable(self) -> list[UnrunnableClass]:
        """Return the requirement classes with pending jobs that no registered worker can run, oldest first.

        Workers look for them while they keep the pool in order, so a class stands here some seconds after its first
        job.
        """
        async with server_errors():
            marked = await self.connection.zrange(
                self.keys.key("unrunnable"), 0, LIST_MOST - 1, withscores=True
            )
            async with self.connection.pipeline(transaction=False) as pipe:
                for class_id, _ in marked:
                    pipe.hget(self.keys.key("classes"), class_id)
                    pipe.zlexcount(self.keys.key("pending"), f"[{class_id}", f"[{class_id}g")
                answers = await pipe.execute()
        return [
            UnrunnableClass(
                class_id=class_id,
                requirements=Requirements.model_validate_json(text),
                pending=count,
                since_ms=int(since),
            )
            for (class_id, since), text, count in zip(marked, answers[0::2], answers[1::2], strict=True)
            if text is not None and count
        ]

    async def workers(self) -> list[WorkerState]:
        """Return the registered workers with the jobs that they hold, by id."""
        async with server_errors(), self.connection.pipeline(transaction=True) as pipe:
            pipe.hgetall(self.keys.key("workers"))
            pipe.zrange(self.keys.key("worker_expiry"), 0, -1, withscores=True)
            pipe.zrange(self.keys.key("leases"), 0, -1)
            pipe.hgetall(self.keys.key("turns"))
            records, expiries, running, turns = await pipe.execute()
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
                    "turned_ms": turns.get(worker),
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

    async def oldest_event_id(self) -> str:
        """Return the id of the oldest event that is kept; ``0-0`` if there is none."""
        async with server_errors():
            oldest = await self.connection.xrange(self.keys.key("events"), count=1)
        return str(oldest[0][0]) if oldest else "0-0"

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
                for entry_id, fields in stream_entries(answer):
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
    if not POSITION_PATTERN.fullmatch(after):
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
