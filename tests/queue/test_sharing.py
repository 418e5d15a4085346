"""Workers share a queue: the right one gets each job, in the right order, at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emprops.broker import Broker, EmbeddedServer, WorkerSession
from emprops.core.errors import EmpropsError, IdempotencyConflict
from emprops.core.lifecycle import Status
from tests.queue.harness import TEMPORARY, Pool, check_invariants, ids, settings


async def test_two_workers_of_different_abilities_each_get_what_they_can_run(pool: Pool) -> None:
    large = await pool.worker("large", services=["comfyui"], gpu_memory_gb=24, models=["flux"])
    small = await pool.worker("small", services=["comfyui", "openai"], gpu_memory_gb=8)
    wanted: list[dict[str, Any]] = [
        {"service": "comfyui", "gpu_memory_gb": 16, "models": ["flux"]},
        {"service": "openai"},
        {"service": "comfyui", "gpu_memory_gb": 4},
    ]
    for number in range(30):
        await pool.submit(f"{number:02}", requirements=wanted[number % 3])
    got: dict[str, list[str]] = {"large": [], "small": []}
    for _ in range(20):
        for session in (large, small):
            got[session.info.worker_id] += ids((await session.claim()).jobs)
    assert sorted(got["large"] + got["small"]) == [f"{number:02}" for number in range(30)]
    assert {f"{n:02}" for n in range(0, 30, 3)} <= set(got["large"])
    assert {f"{n:02}" for n in range(1, 30, 3)} <= set(got["small"])
    assert got["large"] == sorted(got["large"])
    assert got["small"] == sorted(got["small"])


async def test_a_match_behind_a_thousand_unservable_jobs_is_found_by_the_first_claim(pool: Pool) -> None:
    worker = await pool.worker()
    for number in range(1000):
        await pool.submit(
            f"blocked-{number}", requirements={"service": f"nobody-{number % 50}"}, priority=100
        )
    await pool.submit("mine", priority=0)
    assert ids((await worker.claim()).jobs) == ["mine"]


async def test_a_drain_with_one_of_fifty_services_unserved_leaves_no_runnable_job(pool: Pool) -> None:
    served = await pool.worker("served", services=[f"s{number}" for number in range(1, 50)])
    for start in range(0, 2000, 500):
        requests = [
            {"job_id": f"j{n}", "requirements": {"service": f"s{n % 50}"}, "priority": 100 * (n % 50 == 0)}
            for n in range(start, start + 500)
        ]
        await pool.broker.submit_many(requests)
    drained: list[str] = []
    while found := (await served.claim(16)).jobs:
        drained += ids(found)
    assert sorted(drained) == sorted(f"j{n}" for n in range(2000) if n % 50)
    left = await pool.broker.jobs(Status.PENDING, limit=1000)
    assert {job.service for job in left} == {"s0"}


async def test_higher_priority_first_then_time_of_submit(pool: Pool) -> None:
    worker = await pool.worker()
    for number, priority in enumerate((10, 90, 50, 90, 0, 100)):
        await pool.submit(f"{number}", priority=priority)
    claim = await worker.claim(6)
    assert ids(claim.jobs) == ["5", "1", "3", "2", "0", "4"]


async def test_jobs_of_a_workflow_go_by_the_time_of_its_first_job(pool: Pool) -> None:
    worker = await pool.worker()
    await pool.submit("step-1", workflow="w")
    pool.pass_seconds(10)
    await pool.submit("lone")
    pool.pass_seconds(10)
    await pool.submit("step-2", workflow="w")
    assert ids((await worker.claim(3)).jobs) == ["step-1", "step-2", "lone"]


@pytest.mark.parametrize("way", ["retried", "released", "lost"])
async def test_a_job_that_comes_back_keeps_its_place(pool: Pool, way: str) -> None:
    worker = await pool.worker()
    await pool.submit("old", retry={"backoff_seconds": 1})
    pool.pass_seconds(1)
    held = await pool.claimed(worker, "old")
    await pool.submit("new")
    if way == "retried":
        await worker.fail(held, TEMPORARY)
        pool.pass_seconds(5)
    elif way == "released":
        await worker.release(held)
    else:
        pool.pass_seconds(pool.broker.settings.lease_seconds)
        await worker.reap()
        await worker.register()
    assert ids((await worker.claim(2)).jobs) == ["old", "new"]


async def test_a_loaded_model_is_a_bounded_head_start_within_a_priority(pool: Pool) -> None:
    worker = await pool.worker(models=["m"], loaded_models=["m"])
    await pool.submit("cold-early")
    pool.pass_seconds(29)
    await pool.submit("warm", requirements={"models": ["m"]})
    await pool.submit("urgent", priority=51)
    assert ids((await worker.claim(3)).jobs) == ["urgent", "warm", "cold-early"]
    await pool.submit("cold-early-2")
    pool.pass_seconds(31)
    await pool.submit("warm-2", requirements={"models": ["m"]})
    assert ids((await worker.claim(2)).jobs) == ["cold-early-2", "warm-2"]


async def test_no_job_goes_to_two_workers(pool: Pool) -> None:
    workers = [await pool.worker(f"w{number}") for number in range(8)]
    for number in range(200):
        await pool.submit(f"{number}")

    async def drain(session: WorkerSession) -> list[str]:
        got: list[str] = []
        while claim := (await session.claim(3)).jobs:
            got += ids(claim)
        return got

    shares = await asyncio.gather(*(drain(session) for session in workers))
    taken = [job_id for share in shares for job_id in share]
    assert len(taken) == len(set(taken)) == 200
    await check_invariants(pool)


async def test_a_claim_whose_answer_was_lost_gives_the_same_jobs_again(pool: Pool) -> None:
    worker = await pool.worker()
    for number in range(4):
        await pool.submit(f"{number}")
    arguments: dict[str, Any] = {"worker": "worker", "ticket": "t-1", "count": 2, "lease_ms": 30_000}
    while (lost := await pool.broker.executor.run("claim", arguments))[0] == "sync":
        await worker._judge(int(lost[1]), int(lost[2]))
    again = await pool.broker.executor.run("claim", arguments)
    assert [job[0] for job in again[1]] == [job[0] for job in lost[1]] == ["0", "1"]
    other = await pool.broker.executor.run("claim", {**arguments, "ticket": "t-2"})
    assert [job[0] for job in other[1]] == ["2", "3"]


async def test_a_worker_that_registers_again_may_still_ask_for_its_lost_claim(pool: Pool) -> None:
    worker = await pool.worker()
    await pool.submit("known")
    await worker.complete(await pool.claimed(worker, "known"))
    await pool.submit("j")
    arguments: dict[str, Any] = {"worker": "worker", "ticket": "t-1", "count": 1, "lease_ms": 30_000}
    lost = await pool.broker.executor.run("claim", arguments)
    await worker.register()
    again = await pool.broker.executor.run("claim", arguments)
    assert [job[0] for job in again[1]] == [job[0] for job in lost[1]] == ["j"]


async def test_the_same_key_makes_one_job_however_many_submit_at_once(pool: Pool) -> None:
    request = {"requirements": {"service": "s"}, "idempotency_key": "once"}
    receipts = await asyncio.gather(*(pool.broker.submit(request) for _ in range(20)))
    assert len({receipt.job_id for receipt in receipts}) == 1
    assert sum(receipt.created for receipt in receipts) == 1
    with pytest.raises(IdempotencyConflict):
        await pool.broker.submit({**request, "priority": 1})


async def test_keys_of_two_customers_do_not_meet(pool: Pool) -> None:
    request = {"requirements": {"service": "s"}, "idempotency_key": "once"}
    first = await pool.broker.submit({**request, "customer": "a"})
    second = await pool.broker.submit({**request, "customer": "b"})
    assert first.job_id != second.job_id


async def test_a_delayed_job_is_claimed_when_it_is_due_and_not_before(pool: Pool) -> None:
    worker = await pool.worker()
    await pool.submit("later", delay_seconds=60)
    claim = await worker.claim()
    assert not claim.jobs
    assert claim.due_in_seconds == 60
    pool.pass_seconds(59.999)
    assert not (await worker.claim()).jobs
    pool.pass_seconds(0.001)
    assert ids((await worker.claim()).jobs) == ["later"]


async def test_a_silent_worker_is_forgotten_and_its_job_goes_on(pool: Pool) -> None:
    silent, other = await pool.worker("silent"), await pool.worker("other")
    await pool.submit("j")
    await pool.claimed(silent, "j")
    pool.pass_seconds(pool.broker.settings.lease_seconds / 2)
    await other.heartbeat([])
    pool.pass_seconds(pool.broker.settings.lease_seconds / 2)
    assert await other.reap() == 1
    pool.pass_seconds(pool.broker.settings.worker_expiry_seconds - pool.broker.settings.lease_seconds)
    await other.reap()
    assert [worker.worker_id for worker in await pool.broker.workers()] == ["other"]
    held = await pool.claimed(other, "j")
    assert (held.attempt, held.attempts_used) == (2, 1)


async def test_a_heartbeat_keeps_the_lease_and_tells_of_lost_jobs(pool: Pool) -> None:
    worker = await pool.worker()
    await pool.submit("kept")
    await pool.submit("gone")
    kept, gone = (await worker.claim(2)).jobs
    await pool.broker.cancel("gone")
    for _ in range(10):
        pool.pass_seconds(pool.broker.settings.lease_seconds / 3)
        assert await worker.heartbeat([(kept.job_id, kept.attempt), (gone.job_id, gone.attempt)]) == ["gone"]
        await worker.reap()
    await worker.complete(kept)
    assert (await pool.broker.get("kept")).status == "completed"


async def test_the_reaper_does_nothing_within_its_interval(pool: Pool) -> None:
    worker = await pool.worker()
    await worker.reap(interval_seconds=1)
    await pool.submit("later", delay_seconds=0.5)
    pool.pass_seconds(0.9)
    await worker.reap(interval_seconds=1)
    assert (await pool.broker.get("later")).status == "waiting"
    pool.pass_seconds(0.1)
    await worker.reap(interval_seconds=1)
    assert (await pool.broker.get("later")).status == "pending"


async def test_progress_is_throttled_and_the_last_value_gets_through(pool: Pool) -> None:
    worker = await pool.worker()
    await pool.submit("j")
    held = await pool.claimed(worker, "j")
    waits = [await worker.progress(held, step / 100, f"step {step}") for step in range(50)]
    assert waits[0] == 0
    assert all(wait > 0 for wait in waits[1:])
    await worker.complete(held)
    events = [event for event in await pool.broker.read_events() if event.type == "job.progressed"]
    assert [event.progress for event in events] == [0.0, 0.49]


async def test_the_first_progress_of_a_new_attempt_is_shown(pool: Pool) -> None:
    worker = await pool.worker()
    await pool.submit("j")
    held = await pool.claimed(worker, "j")
    await worker.progress(held, 0.5)
    await worker.release(held)
    assert await worker.progress(await pool.claimed(worker, "j"), 0.1) == 0


@pytest.fixture
async def live(server: EmbeddedServer) -> Any:
    """A pool whose time is the server's own."""
    broker = Broker(settings(), url=server.url)
    await broker.connection.flushall()
    made = Pool(broker)
    yield made
    await made.close()


async def _idle(pool: Pool, session: WorkerSession) -> asyncio.Task[bool]:
    assert not (await session.claim()).jobs
    return pool.start(session.wait_for_work(20))


async def test_a_submit_wakes_an_idle_worker_that_can_run_it_and_no_other(live: Pool) -> None:
    able, unable = await live.worker("able"), await live.worker("unable", services=["other"])
    await live.submit("known")
    await able.claim()
    await unable.claim()
    waiting, not_waiting = await _idle(live, able), await _idle(live, unable)
    await live.submit("j")
    assert await waiting is True
    assert not not_waiting.done()
    assert ids((await able.claim()).jobs) == ["j"]


async def test_a_job_of_a_new_class_wakes_every_idle_profile_to_judge_it(live: Pool) -> None:
    one, two = await live.worker("one"), await live.worker("two", labels=["x"])
    waiting = [await _idle(live, one), await _idle(live, two)]
    await live.submit("j", requirements={"labels": ["x"]})
    assert await asyncio.gather(*waiting) == [True, True]
    assert not (await one.claim()).jobs
    assert ids((await two.claim()).jobs) == ["j"]


async def test_as_many_submits_wake_as_many_workers_one_after_the_other(live: Pool) -> None:
    workers = [await live.worker(f"w{number}") for number in range(6)]
    await live.submit("known")
    await workers[0].claim()

    async def one(session: WorkerSession) -> list[str]:
        while not (claim := await session.claim()).jobs:
            await session.wait_for_work(20)
        return ids(claim.jobs)

    tasks = [live.start(one(session)) for session in workers]
    await asyncio.sleep(0.1)
    for number in range(6):
        await live.submit(f"{number}")
    shares = await asyncio.wait_for(asyncio.gather(*tasks), 15)
    assert sorted(job_id for share in shares for job_id in share) == [f"{number}" for number in range(6)]


async def test_a_claim_wakes_the_next_idle_worker_while_there_is_more_to_do(live: Pool) -> None:
    one, two = await live.worker("one"), await live.worker("two")
    await live.submit("known")
    await one.complete(await live.claimed(one, "known"))
    for session in (one, two):
        assert not (await session.claim()).jobs
    for number in range(2):
        await live.submit(f"{number}")
    assert await one.wait_for_work(20), "two submits leave one marker"
    await live.claimed(one, "0")
    assert await two.wait_for_work(20)
    await live.claimed(two, "1")


async def test_an_order_to_stop_reaches_the_worker_that_runs_the_job(live: Pool) -> None:
    worker = await live.worker()
    await live.submit("j")
    await live.claimed(worker, "j")
    waiting = live.start(worker.wait_for_orders(20))
    await live.broker.cancel("j")
    assert await waiting == ("j", 1)


async def test_explain_names_what_is_missing_and_who_is_ahead(pool: Pool) -> None:
    await pool.worker(gpu_memory_gb=8)
    await pool.submit("big", requirements={"gpu_memory_gb": 80})
    explanation = await pool.broker.explain("big")
    (profile,) = explanation.profiles
    assert [c.criterion for c in profile.criteria if not c.satisfied] == ["gpu_memory"]
    assert explanation.position is None
    for name in ("first", "second"):
        await pool.submit(name)
    explanation = await pool.broker.explain("second")
    assert (explanation.position, explanation.ahead) == (2, ("first",))


async def test_waiting_for_a_job_tells_how_it_ended(live: Pool) -> None:
    worker = await live.worker()
    await live.submit("good")
    await live.submit("bad", retry={"max_attempts": 1})
    await live.submit("off")
    good, bad, off = (await worker.claim(3)).jobs
    waits = [live.start(live.broker.wait(name, timeout_seconds=20)) for name in ("good", "bad", "off")]
    await asyncio.sleep(0.05)
    await worker.complete(good, 42)
    await worker.fail(bad, TEMPORARY)
    await live.broker.cancel(off.job_id)
    results = await asyncio.gather(*waits, return_exceptions=True)
    assert results[0].result == 42  # type: ignore[union-attr]  # the first one returns its job
    assert [error.code for error in results[1:] if isinstance(error, EmpropsError)] == [
        "job_dead",
        "job_cancelled",
    ]
    await live.submit("slow")
    with pytest.raises(EmpropsError) as late:
        await live.broker.wait("slow", timeout_seconds=0.01)
    assert late.value.code == "wait_timeout"


async def test_the_reaper_takes_back_no_job_whose_lease_was_renewed_meanwhile(pool: Pool) -> None:
    worker = await pool.worker()
    await pool.submit("j")
    held = await pool.claimed(worker, "j")
    pool.pass_seconds(pool.broker.settings.lease_seconds)
    arguments: dict[str, Any] = {"dead_retention_ms": 1000, "ended_listed": 10, "jobs": ["j"]}
    await worker.heartbeat([(held.job_id, held.attempt)])
    returned, _, _ = await pool.broker.executor.run("expire", arguments, {"archive": ["j"]})
    assert returned == 0
    await worker.complete(held)
