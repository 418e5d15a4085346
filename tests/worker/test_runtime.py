"""What a worker does with its jobs, and what becomes of them when it stops, is told to, or loses its lease."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from emprops.broker import ClaimedJob
from emprops.core.capabilities import Capabilities
from emprops.core.errors import RateLimited, WorkerInUse
from emprops.core.lifecycle import Outcome, Status
from emprops.worker import Report, Worker
from tests.worker.conftest import PATIENCE_SECONDS, Scripted, Site, until


async def _forever(_: ClaimedJob, report: Report) -> str:
    await report(0.1, "begun")
    await asyncio.Event().wait()
    return "never"


async def _answer(job: ClaimedJob, _: Report) -> str:
    return f"{job.job_id} in attempt {job.attempt}"


async def test_a_job_runs_and_its_result_comes_back(site: Site) -> None:
    connector = Scripted(_answer)
    worker = await site.start(connector)
    await site.submit("j")
    assert (await site.ended("j")).result == "j in attempt 1"
    await site.stop(worker)
    assert (connector.opened, connector.closed) == (1, 1)
    assert await site.broker.workers() == []


async def test_the_last_progress_of_many_is_shown(site: Site) -> None:
    async def chatty(_: ClaimedJob, report: Report) -> None:
        for step in range(200):
            await report(step / 200, f"step {step}")

    await site.start(Scripted(chatty))
    await site.submit("j")
    await site.ended("j")
    told = [e for e in await site.broker.read_events() if e.type == "job.progressed"]
    assert (told[-1].progress, told[-1].message) == (199 / 200, "step 199")
    assert len(told) < 20


async def test_a_worker_runs_as_many_jobs_at_a_time_as_it_has_room_for(site: Site) -> None:
    together = asyncio.Barrier(3)

    async def meet(_: ClaimedJob, __: Report) -> None:
        await asyncio.wait_for(together.wait(), PATIENCE_SECONDS)

    await site.start(Scripted(meet), concurrency=3)
    for number in range(6):
        await site.submit(f"{number}")
    for number in range(6):
        assert (await site.ended(f"{number}")).status is Status.COMPLETED


async def test_a_cancelled_job_is_stopped_at_once_and_its_late_result_dropped(site: Site) -> None:
    async def stubborn(_: ClaimedJob, report: Report) -> str:
        try:
            return await _forever(_, report)
        except asyncio.CancelledError:
            stopped.set()
            return "too late"

    stopped = asyncio.Event()
    await site.start(Scripted(stubborn))
    await site.submit("j")
    await site.running("j")
    await site.broker.cancel("j", "not needed")
    await asyncio.wait_for(stopped.wait(), PATIENCE_SECONDS)
    await site.submit("next")
    await site.running("next")
    job = await site.broker.get("j")
    assert (job.status, job.result, job.message) == (Status.CANCELLED, None, "not needed")


async def test_a_stopping_worker_lets_its_job_end(site: Site) -> None:
    async def short(_: ClaimedJob, __: Report) -> str:
        begun.set()
        await end.wait()
        return "done"

    begun, end = asyncio.Event(), asyncio.Event()
    worker = await site.start(Scripted(short))
    await site.submit("j")
    await asyncio.wait_for(begun.wait(), PATIENCE_SECONDS)
    await site.submit("not-begun")
    worker.stop()
    end.set()
    await site.stop(worker)
    assert (await site.broker.get("j")).result == "done"
    assert (await site.broker.get("not-begun")).status is Status.PENDING


@pytest.mark.parametrize("now", [False, True], ids=["after-its-grace", "at-a-second-signal"])
async def test_a_worker_gives_back_what_it_cannot_end_without_using_an_attempt(site: Site, now: bool) -> None:
    connector = Scripted(_forever)
    worker = await site.start(connector, shutdown_grace_seconds=3600 if now else 0)
    await site.submit("j")
    await site.running("j")
    await site.stop(worker, now=now)
    job = await site.broker.get("j")
    assert (job.status, job.attempts_used) == (Status.PENDING, 0)
    assert [attempt.outcome for attempt in job.attempts] == [Outcome.RELEASED]
    assert connector.told_to_stop == ["j"]


async def test_a_connector_that_blocks_the_loop_does_not_lose_its_job(
    site: Site, broker_settings: dict[str, Any]
) -> None:
    site.settings = site.settings.model_copy(update={"lease_seconds": 0.6})

    async def blocking(_: ClaimedJob, __: Report) -> str:
        time.sleep(2)  # noqa: ASYNC251  # the fault that is tested
        return "kept"

    worker = await site.start(Scripted(blocking))
    await site.submit("j")
    job = await site.ended("j")
    assert (job.result, job.attempts_used) == ("kept", 0)
    await site.stop(worker)


async def test_a_worker_that_lost_its_lease_stops_the_work_and_goes_on(site: Site) -> None:
    async def first_time_forever(job: ClaimedJob, report: Report) -> str:
        return await (
            _forever(job, report) if (job.job_id, job.attempt) == ("j", 1) else _answer(job, report)
        )

    connector = Scripted(first_time_forever)
    site.settings = site.settings.model_copy(update={"lease_seconds": 1.0})
    await site.start(connector)
    await site.submit("j")
    await site.running("j")
    # What a lost network does to the lease: it runs out, and the job goes to whoever claims it next.
    await site.broker.connection.zadd(site.broker.keys.key("leases"), {"j": 1})
    await until(lambda: connector.told_to_stop)
    assert connector.told_to_stop == ["j"]
    assert (await site.ended("j")).result == "j in attempt 2"
    await site.submit("next")
    assert (await site.ended("next")).status is Status.COMPLETED


async def test_an_exception_of_a_connector_ends_the_attempt_and_not_the_worker(site: Site) -> None:
    async def broken(job: ClaimedJob, _: Report) -> str:
        if job.attempt == 1:
            raise KeyError("images")
        return "well"

    await site.start(Scripted(broken))
    await site.submit("j")
    job = await site.ended("j")
    assert job.result == "well"
    assert (job.attempts[0].error, job.attempts[0].message) == ("connector_fault", "KeyError: 'images'")


async def test_a_failure_that_may_pass_is_retried_until_the_attempts_are_used(site: Site) -> None:
    async def limited(_: ClaimedJob, __: Report) -> None:
        raise RateLimited("slow down")

    await site.start(Scripted(limited))
    await site.submit("j", retry={"max_attempts": 4})
    job = await site.ended("j")
    assert (job.status, job.error, len(job.attempts)) == (Status.DEAD, "rate_limited", 4)


@pytest.mark.parametrize(
    ("result", "code"), [("x" * 5_000_000, "result_too_large"), (object(), "invalid_request")]
)
async def test_a_result_that_cannot_be_kept_fails_the_job_at_once(site: Site, result: Any, code: str) -> None:
    async def unfit(_: ClaimedJob, __: Report) -> Any:
        return result

    await site.start(Scripted(unfit))
    await site.submit("j")
    job = await site.ended("j")
    assert (job.status, job.error, len(job.attempts)) == (Status.DEAD, code, 1)


async def test_a_worker_whose_service_is_away_claims_nothing_until_it_is_back(site: Site) -> None:
    connector = Scripted(_answer)
    connector.healthy = False
    await site.start(connector)
    await site.submit("j")
    await asyncio.sleep(0.3)
    assert (await site.broker.get("j")).status is Status.PENDING
    connector.healthy = True
    job = await site.ended("j")
    assert (job.status, len(job.attempts)) == (Status.COMPLETED, 1)


async def test_a_worker_whose_record_is_gone_registers_again(site: Site) -> None:
    await site.start(Scripted(_answer))
    start = await site.broker.last_event_id()
    await site.broker.connection.zadd(site.broker.keys.key("worker_expiry"), {"worker": 1})
    async for event in site.broker.follow_events(start):
        if event.type == "worker.registered":
            break
    await site.submit("j")
    assert (await site.ended("j")).status is Status.COMPLETED
    assert [worker.worker_id for worker in await site.broker.workers()] == ["worker"]


async def test_a_worker_id_that_runs_elsewhere_is_refused(site: Site) -> None:
    await site.start(Scripted(_answer), "twin")
    second = Worker(
        Capabilities(services=frozenset({"scripted"})),
        settings=site.settings,
        worker_id="twin",
        connectors={"scripted": Scripted(_answer)},
        url=site.url,
    )
    with pytest.raises(WorkerInUse):
        await second.run()
    await site.submit("j")
    assert (await site.ended("j")).worker == "twin"


async def test_a_worker_outlives_the_server_for_a_while(site: Site) -> None:
    async def patient(_: ClaimedJob, __: Report) -> str:
        begun.set()
        await end.wait()
        return "kept over the gap"

    begun, end = asyncio.Event(), asyncio.Event()
    await site.start(Scripted(patient))
    await site.submit("j")
    await asyncio.wait_for(begun.wait(), PATIENCE_SECONDS)
    # Every connection breaks at once, as when the network does; new ones are possible.
    await site.broker.connection.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    end.set()
    assert (await site.ended("j")).result == "kept over the gap"
    await site.submit("after")
    await site.ended("after")
