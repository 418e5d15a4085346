"""The queue driven at random against a real server: order, invariants, events, compared with a plain model."""

from __future__ import annotations

import asyncio
import math
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from redis.exceptions import RedisError

from emprops.broker import Broker, ClaimedJob, EmbeddedServer, WorkerSession
from emprops.core.capabilities import Capabilities
from emprops.core.lifecycle import Status
from emprops.core.matching import affinity_seconds, matches, may_take
from emprops.core.ordering import Place
from emprops.core.replay import replay
from emprops.core.requirements import Requirements
from tests.chaos.site import PATIENCE_SECONDS, Server
from tests.core.strategies import few_capabilities, few_requirements
from tests.queue.harness import FINAL, START_MS, TEMPORARY, Pool, check_invariants, settings

BACKOFF_SECONDS = 7.0
SUITABLE = {"cancel": tuple(Status), "revive": (Status.DEAD,), "discard": (Status.DEAD,)}
"""Statuses in which an action that is no report of a worker can do something."""


@dataclass
class ModelJob:
    """A job as the plain model has it."""

    wants: Requirements
    priority: int
    time_ms: int
    sequence: int
    status: Status
    due_ms: int = 0
    attempt: int = 0
    used: int = 0
    worker: str | None = None
    lease_ms: int = 0
    started_ms: int = 0
    queue_by: float = math.inf
    run_ms: float = math.inf
    total_by: float = math.inf
    workflow: str = ""
    avoid: bool = False

    def end_attempt(self, to: Status) -> None:
        """Use an attempt up; go on as told, if any is left."""
        self.used += 1
        self.status = to if self.used < 3 else Status.DEAD


@dataclass
class Model:
    """The queue as a list that is searched from end to end."""

    jobs: dict[str, ModelJob] = field(default_factory=dict)
    workflows: dict[str, int] = field(default_factory=dict)
    gone: dict[str, ModelJob] = field(default_factory=dict)

    def promote(self, now: int) -> None:
        for job in self.jobs.values():
            if job.status is Status.WAITING and job.due_ms <= now:
                job.status = Status.PENDING

    def expire(self, now: int) -> None:
        for job in self.jobs.values():
            running = job.status is Status.RUNNING
            if job.status.final:
                continue
            if job.total_by <= now:
                job.used += running
                job.status = Status.DEAD
            elif not running and job.attempt == 0 and job.queue_by <= now:
                job.status = Status.DEAD
            elif running and min(job.lease_ms, job.started_ms + job.run_ms) <= now:
                job.end_attempt(Status.PENDING)

    def best(self, worker: str, capabilities: Capabilities) -> str | None:
        def place(job_id: str) -> tuple[int, float, int]:
            job = self.jobs[job_id]
            return (
                -job.priority,
                job.time_ms - affinity_seconds(job.wants, capabilities) * 1000,
                job.sequence,
            )

        fits = [
            job_id
            for job_id, job in self.jobs.items()
            if job.status is Status.PENDING
            and matches(job.wants, capabilities)
            and may_take(job.wants, worker)
        ]
        return min(fits, key=place) if fits else None


@pytest.fixture(scope="module")
def durable_server() -> Iterator[Server]:
    """A server with an append-only file that can be killed and started again."""
    with tempfile.TemporaryDirectory(prefix="durable-") as folder:
        server = Server(Path(folder))
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedServer]:
    """A server for this module, used from many event loops."""
    with EmbeddedServer() as started:
        yield started


step = st.one_of(
    st.tuples(
        st.just("submit"),
        few_requirements,
        st.sampled_from((0, 50, 50, 100)),
        st.sampled_from(("", "", "w")),
    ),
    st.tuples(st.just("limited"), few_requirements, st.sampled_from((5, 20, 60)), st.sampled_from(("", "w"))),
    st.tuples(st.just("avoiding"), few_requirements, st.just(50), st.just("")),
    st.tuples(st.just("claim"), st.integers(0, 2), st.integers(1, 3), st.just("")),
    st.tuples(st.just("revive"), st.integers(0, 70), st.just(0), st.just("")),
    st.tuples(st.just("delay"), few_requirements, st.sampled_from((1, 20)), st.just("")),
    st.tuples(st.just("claim"), st.integers(0, 2), st.integers(1, 3), st.just("")),
    st.tuples(
        st.sampled_from(("complete", "finish", "fail", "bury", "release", "cancel", "revive", "discard")),
        st.integers(0, 99),
        st.just(0),
        st.just(""),
    ),
    st.tuples(st.just("pass"), st.sampled_from((0.001, 1, 15, 40)), st.just(0), st.just("")),
    st.tuples(st.just("reap"), st.just(0), st.just(0), st.just("")),
    st.tuples(st.just("heartbeat"), st.integers(0, 2), st.just(0), st.just("")),
)
restart = st.tuples(
    st.just("restart"), st.sampled_from((signal.SIGKILL, signal.SIGTERM)), st.just(0), st.just("")
)
steps = st.lists(step, min_size=5, max_size=60)
steps_and_restarts = st.lists(st.one_of(step, step, step, restart), min_size=10, max_size=40)


@given(profiles=st.lists(few_capabilities, min_size=3, max_size=3), program=steps)
def test_a_random_run_does_what_the_plain_model_does(
    own_server: EmbeddedServer, profiles: list[Capabilities], program: list[tuple[str, Any, Any, str]]
) -> None:
    asyncio.run(_run(own_server.url, profiles, program))


@given(profiles=st.lists(few_capabilities, min_size=3, max_size=3), program=steps_and_restarts)
@settings_of_hypothesis(max_examples=max(10, settings_of_hypothesis().max_examples // 5))
def test_a_random_run_goes_on_as_before_when_the_server_is_killed_and_comes_back(
    durable_server: Server, profiles: list[Capabilities], program: list[tuple[str, Any, Any, str]]
) -> None:
    asyncio.run(_run(durable_server.url, profiles, program, durable_server))


async def _run(
    url: str,
    profiles: list[Capabilities],
    program: list[tuple[str, Any, Any, str]],
    server: Server | None = None,
) -> None:
    broker = Broker(settings(lease_seconds=30, worker_expiry_seconds=86_400), url=url, now_ms=START_MS)
    await broker.connection.flushall()
    pool, model = Pool(broker), Model()
    try:
        workers = [await pool.worker(f"w{n}", **profile.model_dump()) for n, profile in enumerate(profiles)]
        held: dict[str, ClaimedJob] = {}
        for step in program:
            if step[0] == "restart":
                assert server is not None
                await _restart(pool, server, step[1])
            else:
                await _step(pool, model, workers, held, step)
            await check_invariants(pool)
            await _compare(pool, model)
    finally:
        await pool.close()


async def _restart(pool: Pool, server: Server, number: signal.Signals) -> None:
    """End the server, and go on when it is back with what it held."""
    before = await pool.picture()
    await asyncio.to_thread(server.stop, number)
    await asyncio.to_thread(server.start)
    await pool.broker.connection.connection_pool.disconnect()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(RedisError):
                assert await pool.picture() == before
                return


async def _step(
    pool: Pool,
    model: Model,
    workers: list[WorkerSession],
    held: dict[str, ClaimedJob],
    step: tuple[str, Any, Any, str],
) -> None:
    action, first, second, third = step
    if action in ("submit", "delay", "limited", "avoiding"):
        await _submit(pool, model, action, first, second, third)
    elif action == "claim":
        await _claim(pool, model, workers[first], held, second)
    elif action == "pass":
        pool.pass_seconds(first)
    elif action == "reap":
        await workers[0].reap()
        model.promote(pool.now)
        model.expire(pool.now)
    elif action == "heartbeat":
        mine = {j: job for j, job in held.items() if model.jobs[j].worker == workers[first].info.worker_id}
        lost = await workers[first].heartbeat([(job.job_id, job.attempt) for job in mine.values()])
        for job_id, mine_of_it in mine.items():
            known = model.jobs[job_id]
            holds = known.status is Status.RUNNING and known.attempt == mine_of_it.attempt
            assert (job_id in lost) is not holds
            if holds:
                known.lease_ms = pool.now + 30_000
    elif model.jobs:
        # Mostly a job to which this can happen, now and then any.
        fitting = SUITABLE.get(action, (Status.RUNNING,))
        suitable = sorted(j for j, job in model.jobs.items() if job.status in fitting and first < 80)
        chosen = suitable or sorted(model.jobs)
        await _report(pool, model, workers, held, action, chosen[first % len(chosen)])


async def _submit(
    pool: Pool, model: Model, action: str, wants: Requirements, second: int, workflow: str
) -> None:
    number = len(model.jobs) + len(model.gone) + 1
    job_id = f"j{number:03}"
    priority = second if action == "submit" else 50
    delay = second if action == "delay" else 0
    limits: dict[str, float] = {}
    if action == "limited":
        limits = {"queue_seconds": second, "run_seconds": 10, "total_seconds": 3 * second}
    await pool.broker.submit(
        {
            "job_id": job_id,
            "requirements": wants.model_dump(),
            "priority": priority,
            "delay_seconds": delay,
            "workflow": workflow or None,
            "customer": "c" if workflow else None,
            "timeouts": limits,
            "retry": {
                "avoid_failed_worker": action == "avoiding",
                "backoff_seconds": BACKOFF_SECONDS,
                "backoff_factor": 1,
                "backoff_cap_seconds": BACKOFF_SECONDS,
            },
        }
    )
    time = model.workflows.setdefault(workflow, pool.now) if workflow else pool.now
    status = Status.WAITING if delay else Status.PENDING
    made = ModelJob(wants, priority, time, number, status, due_ms=pool.now + delay * 1000)
    made.workflow, made.avoid = workflow, action == "avoiding"
    if limits:
        made.queue_by, made.run_ms = pool.now + second * 1000, 10_000
        made.total_by = pool.now + 3 * second * 1000
    model.jobs[job_id] = made


async def _claim(
    pool: Pool, model: Model, worker: WorkerSession, held: dict[str, ClaimedJob], count: int
) -> None:
    _expect(pool, model, worker, held, count, (await worker.claim(count)).jobs)


def _expect(
    pool: Pool,
    model: Model,
    worker: WorkerSession,
    held: dict[str, ClaimedJob],
    count: int,
    given_jobs: tuple[ClaimedJob, ...],
) -> None:
    """Compare what a claim gave with what the model gives."""
    model.promote(pool.now)
    expected = []
    for _ in range(count):
        best = model.best(worker.info.worker_id, worker.info.capabilities)
        if best is None:
            break
        job = model.jobs[best]
        job.status, job.worker, job.lease_ms = Status.RUNNING, worker.info.worker_id, pool.now + 30_000
        job.started_ms = pool.now
        job.attempt += 1
        expected.append(best)
    assert [job.job_id for job in given_jobs] == expected
    held.update({job.job_id: job for job in given_jobs})


async def _decide(pool: Pool, model: Model, action: str, job_id: str) -> None:
    known = model.jobs[job_id]
    if known.status is not Status.DEAD:
        return
    if action == "discard":
        await pool.broker.discard(job_id)
        model.gone[job_id] = model.jobs.pop(job_id)
        return
    await pool.broker.revive(job_id)
    known.status, known.used = Status.PENDING, 0
    known.queue_by = known.total_by = math.inf


async def _report(
    pool: Pool,
    model: Model,
    workers: list[WorkerSession],
    held: dict[str, ClaimedJob],
    action: str,
    job_id: str,
) -> None:
    known = model.jobs[job_id]
    if action == "cancel":
        if known.status.final:
            return
        await pool.broker.cancel(job_id)
        known.status = Status.CANCELLED
        return
    if action in ("revive", "discard"):
        await _decide(pool, model, action, job_id)
        return
    job = held.get(job_id)
    if job is None:
        return
    worker = next(w for w in workers if w.info.worker_id == known.worker)
    current = known.status is Status.RUNNING and job.attempt == known.attempt
    send: dict[str, Any] = {
        "complete": lambda: worker.complete(job, job_id),
        "finish": lambda: worker.complete(job, job_id, claim=2),
        "fail": lambda: worker.fail(job, TEMPORARY),
        "bury": lambda: worker.fail(job, FINAL),
        "release": lambda: worker.release(job),
    }
    if not current:
        done_by_it = known.status is Status.COMPLETED and known.attempt == job.attempt
        if action == "finish":
            return
        if action == "complete" and done_by_it:
            await send[action]()
            return
        with pytest.raises(Exception, match="does not hold this job"):
            await send[action]()
        return
    answer = await send[action]()
    if action in ("complete", "finish"):
        known.status = Status.COMPLETED
        if action == "finish":
            # Classes that are new to the profile are judged by a claim of its own.
            _expect(pool, model, worker, held, 2, answer.jobs or (await worker.claim(2)).jobs)
    elif action == "release":
        known.status = Status.PENDING
    elif action == "bury":
        known.used += 1
        known.status = Status.DEAD
    else:
        known.end_attempt(Status.WAITING)
        if known.status is Status.WAITING:
            known.due_ms = int((await pool.broker.get(job_id)).due_ms or 0)
            if known.avoid:
                avoided = known.wants.excluded_workers | {worker.info.worker_id}
                known.wants = known.wants.model_copy(update={"excluded_workers": avoided})


async def _compare(pool: Pool, model: Model) -> None:
    """Compare server, model and events, job by job."""
    replayed = replay(await pool.broker.read_events(limit=100_000))
    assert set(replayed) == set(model.jobs)
    for workflow in model.workflows:
        of_it = [job for job in model.jobs.values() if job.workflow == workflow]
        known = await pool.broker.workflow(workflow)
        assert known.open == sum(not job.status.final for job in of_it)
        assert known.completed == sum(job.status is Status.COMPLETED for job in of_it)
    for job_id, expected in model.jobs.items():
        job = await pool.broker.get(job_id)
        told = replayed[job_id]
        assert (job.status, job.attempt, job.attempts_used) == (
            expected.status,
            expected.attempt,
            expected.used,
        )
        assert (told.status, told.attempt, told.attempts_used) == (
            expected.status,
            expected.attempt,
            expected.used,
        )
        place = Place.from_key(job.order)
        assert (place.priority, place.time_ms, place.sequence) == (
            expected.priority,
            expected.time_ms,
            expected.sequence,
        )
        assert told.order == job.order
        if job.status is Status.COMPLETED:
            assert job.result == job_id
