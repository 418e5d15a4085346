"""Bad input to the Python API: refused with a code and a remedy, and nothing is changed."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emprops.broker import Broker, ClaimedJob, EmbeddedServer, WorkerSession
from emprops.core.errors import (
    EmpropsError,
    InvalidRequest,
    JobNotFound,
    PayloadTooLarge,
    ResultTooLarge,
    UnknownField,
)
from emprops.core.job import Failure, JobRequest
from emprops.core.lifecycle import Status
from tests.queue.harness import START_MS, Pool, picture, settings


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedServer]:
    """A server for this module, used from many event loops."""
    with EmbeddedServer() as started:
        yield started


hostile_text = st.text(max_size=40) | st.sampled_from(
    (
        "",
        "-",
        "{}",
        "{x}",
        "a b",
        "a\nb",
        "a\x00b",
        "..",
        "../x",
        "*",
        "x" * 300,
        "\ud800",
        "é",
        "💥",
        "%s",
        "'; --",
    )
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**30, max_value=10**40)
    | st.floats(allow_nan=True, allow_infinity=True)
    | hostile_text
    | st.binary(max_size=8)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(hostile_text, inner, max_size=4),
    max_leaves=12,
)
FIELDS = (*JobRequest.model_fields, "requirement", "Priority", "")
NEEDS = (
    "service",
    "models",
    "gpu_memory_gb",
    "memory_gb",
    "cpu_cores",
    "regions",
    "labels",
    "excluded_labels",
    "gpu",
)
requests = st.dictionaries(
    st.sampled_from(FIELDS),
    anything | st.dictionaries(st.sampled_from(NEEDS), anything | st.just("s"), max_size=4),
    max_size=6,
)


def refused(server: EmbeddedServer, act: Callable[[Pool], Awaitable[Any]]) -> EmpropsError | None:
    """Do something to a pool; return the error of ours that refused it, having seen that nothing changed."""

    async def run() -> EmpropsError | None:
        broker = Broker(settings(), url=server.url, now_ms=START_MS)
        pool = Pool(broker)
        try:
            await broker.connection.flushall()
            await pool.submit("known")
            before = await picture(broker.connection)
            try:
                await act(pool)
            except EmpropsError as error:
                refusal = error
            else:
                return None
            assert await picture(broker.connection) == before
            assert refusal.remedy
            assert refusal.as_dict()["code"]
            return refusal
        finally:
            await pool.close()

    return asyncio.run(run())


@given(asked=requests)
@example(asked={"requirements": {"service": "s"}, "payload": {"x": math.nan}})
@example(asked={"requirements": {"service": "s"}, "payload": {"x": 10**400}})
@example(asked={"requirements": {"service": "s"}, "payload": {"\ud800": 1}})
@example(asked={"requirements": {"service": "s", "gpu_memory_gb": math.inf}})
@example(asked={"requirements": {"service": "s", "models": ["a"] * 100_000}})
def test_any_request_is_taken_or_refused_with_a_code(
    own_server: EmbeddedServer, asked: dict[str, Any]
) -> None:
    refused(own_server, lambda pool: pool.broker.submit(asked))


@given(hostile_text.filter(lambda text: text != "known"))
@example("-")
@example("x\ud800")
def test_any_text_as_a_job_id_is_found_or_refused(own_server: EmbeddedServer, job_id: str) -> None:
    for ask in (
        lambda pool: pool.broker.get(job_id),
        lambda pool: pool.broker.cancel(job_id),
        lambda pool: pool.broker.explain(job_id),
        lambda pool: pool.broker.wait(job_id, timeout_seconds=0.01),
    ):
        error = refused(own_server, ask)
        assert isinstance(error, JobNotFound)


@pytest.mark.parametrize("value", ["gpu_memory", "Service", "model"])
def test_a_misspelt_requirement_is_refused_with_the_nearest_name(
    own_server: EmbeddedServer, value: str
) -> None:
    request = {"requirements": {"service": "s", value: 1}}
    error = refused(own_server, lambda pool: pool.broker.submit(request))
    assert isinstance(error, UnknownField)
    assert error.detail["nearest"] in ("gpu_memory_gb", "service", "models")


def test_a_deeply_nested_payload_is_refused(own_server: EmbeddedServer) -> None:
    payload: Any = {}
    for _ in range(100_000):
        payload = {"x": payload}
    error = refused(
        own_server, lambda pool: pool.broker.submit({"requirements": {"service": "s"}, "payload": payload})
    )
    assert isinstance(error, InvalidRequest)
    while payload:  # taken apart by hand: the interpreter would run out of stack
        payload = payload.pop("x")


def test_a_payload_over_the_limit_is_refused(own_server: EmbeddedServer) -> None:
    big = {"requirements": {"service": "s"}, "payload": {"x": "é" * 600_000}}
    error = refused(own_server, lambda pool: pool.broker.submit(big))
    assert isinstance(error, PayloadTooLarge)
    assert error.detail["bytes"] > error.detail["limit_bytes"]


@pytest.mark.parametrize("limit", [0, -1, 1001, 10**12])
def test_a_limit_out_of_range_is_refused(own_server: EmbeddedServer, limit: int) -> None:
    assert isinstance(
        refused(own_server, lambda pool: pool.broker.jobs(Status.PENDING, limit=limit)), InvalidRequest
    )


@pytest.mark.parametrize("status", ["pending", "lost", None, ""])
def test_what_is_no_status_is_refused(own_server: EmbeddedServer, status: Any) -> None:
    assert isinstance(refused(own_server, lambda pool: pool.broker.jobs(status)), InvalidRequest)


@given(hostile_text)
@example("1-")
@example("99999999999999999999-0")
def test_what_is_no_position_in_the_event_stream_is_refused(own_server: EmbeddedServer, after: str) -> None:
    async def follow(pool: Pool) -> None:
        async for _ in pool.broker.follow_events(after):
            raise AssertionError("an event")

    for act in (lambda pool: pool.broker.read_events(after), follow):
        assert isinstance(refused(own_server, act), InvalidRequest)


@pytest.mark.parametrize("seconds", [-1, math.nan, math.inf, "5", True, 10**9])
def test_a_time_to_wait_that_is_out_of_range_is_refused(own_server: EmbeddedServer, seconds: Any) -> None:
    error = refused(own_server, lambda pool: pool.broker.wait("known", timeout_seconds=seconds))
    assert isinstance(error, InvalidRequest)


def test_a_reason_that_is_too_long_is_refused(own_server: EmbeddedServer) -> None:
    assert isinstance(
        refused(own_server, lambda pool: pool.broker.cancel("known", "x" * 2001)), InvalidRequest
    )


# Reports of workers


def with_worker(
    server: EmbeddedServer, act: Callable[[WorkerSession, ClaimedJob], Awaitable[Any]]
) -> tuple[EmpropsError | None, str]:
    """Have a worker that holds the job `known` do something; return the refusal, and the job's status after it."""

    async def run() -> tuple[EmpropsError | None, str]:
        broker = Broker(settings(), url=server.url, now_ms=START_MS)
        pool = Pool(broker)
        try:
            await broker.connection.flushall()
            worker = await pool.worker()
            await pool.submit("known")
            held = await pool.claimed(worker, "known")
            before = await picture(broker.connection)
            try:
                await act(worker, held)
            except EmpropsError as error:
                refusal = error
            else:
                return None, (await broker.get("known")).status
            assert await picture(broker.connection) == before
            assert refusal.remedy
            return refusal, (await broker.get("known")).status
        finally:
            await pool.close()

    return asyncio.run(run())


@given(anything, anything)
def test_any_progress_is_taken_or_refused(own_server: EmbeddedServer, fraction: Any, message: Any) -> None:
    _, status = with_worker(own_server, lambda worker, job: worker.progress(job, fraction, message))
    assert status == Status.RUNNING


@given(anything)
@example(math.nan)
@example({"x": math.inf})
@example({"x": "\ud800"})
def test_any_result_is_taken_or_refused(own_server: EmbeddedServer, result: Any) -> None:
    error, status = with_worker(own_server, lambda worker, job: worker.complete(job, result))
    assert status == (Status.RUNNING if error else Status.COMPLETED)


def test_a_result_over_the_limit_is_refused_and_the_job_is_still_held(own_server: EmbeddedServer) -> None:
    error, status = with_worker(own_server, lambda worker, job: worker.complete(job, "x" * 5_000_000))
    assert isinstance(error, ResultTooLarge)
    assert status == Status.RUNNING


@given(hostile_text, hostile_text, st.booleans())
def test_any_failure_is_taken_or_refused(
    own_server: EmbeddedServer, code: str, message: str, retryable: bool
) -> None:
    failure = Failure.model_construct(code=code, message=message, retryable=retryable)
    error, status = with_worker(own_server, lambda worker, job: worker.fail(job, failure))
    assert (status == Status.RUNNING) is (error is not None)


@given(hostile_text, st.integers())
def test_any_heartbeat_is_answered(own_server: EmbeddedServer, job_id: str, attempt: int) -> None:
    _, status = with_worker(own_server, lambda worker, _: worker.heartbeat([(job_id, attempt)]))
    assert status == Status.RUNNING


@given(hostile_text)
def test_any_reason_of_a_release_is_taken(own_server: EmbeddedServer, reason: str) -> None:
    error, status = with_worker(own_server, lambda worker, job: worker.release(job, reason))
    assert (status == Status.PENDING) is (error is None)


@pytest.mark.parametrize("count", [0, -1, 17])
def test_a_claim_of_too_many_jobs_is_refused(own_server: EmbeddedServer, count: int) -> None:
    error, _ = with_worker(own_server, lambda worker, _: worker.claim(count))
    assert isinstance(error, InvalidRequest)
