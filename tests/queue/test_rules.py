"""Rules of the queue, one by one: batches, limits, workflows, dead letters, timeouts, exclusion, letting go."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from emprops.broker import Broker, EmbeddedServer, WorkerSession, executor
from emprops.broker.scripts import all_scripts
from emprops.core.errors import (
    EmpropsError,
    InvalidRequest,
    JobExists,
    JobNotFound,
    QueueFull,
    WorkerMissing,
)
from emprops.core.events import WorkflowEnded
from emprops.core.job import Receipt
from emprops.core.lifecycle import Outcome, Status
from tests.queue.harness import FINAL, TEMPORARY, Pool, check_invariants, ids, settings


def _job(job_id: str, **fields: Any) -> dict[str, Any]:
    return {"job_id": job_id, "requirements": {"service": "s"}, **fields}


# Batches


async def test_a_batch_takes_each_job_and_refuses_each_by_itself(pool: Pool) -> None:
    await pool.submit("there", priority=1)
    answers = await pool.broker.submit_many([_job("a"), _job("there"), _job("b"), _job("a")])
    assert [type(answer) for answer in answers] == [Receipt, JobExists, Receipt, Receipt]
    assert [answer.created for answer in answers if isinstance(answer, Receipt)] == [True, True, False]
    assert ids((await (await pool.worker()).claim(9)).jobs) == ["a", "b", "there"]


async def test_a_batch_with_one_bad_request_submits_nothing(pool: Pool) -> None:
    before = await pool.picture()
    with pytest.raises(InvalidRequest, match="request 1: job request: priority") as refused:
        await pool.broker.submit_many([_job("a"), _job("b", priority=101)])
    assert refused.value.detail["index"] == 1
    assert await pool.picture() == before


async def test_a_batch_that_is_sent_again_makes_nothing_twice(pool: Pool) -> None:
    batch = [_job(f"{number}", idempotency_key=f"k{number}") for number in range(1000)]
    first = await pool.broker.submit_many(batch)
    again = await pool.broker.submit_many(batch)
    assert all(isinstance(r, Receipt) and r.created for r in first)
    assert all(isinstance(r, Receipt) and not r.created for r in again)
    with pytest.raises(InvalidRequest):
        await pool.broker.submit_many([*batch, _job("more")])


# Limits


async def test_the_queue_takes_jobs_again_when_others_have_ended(pool: Pool) -> None:
    pool.broker.settings = settings(queue_limit=2)
    worker = await pool.worker()
    await pool.submit("a")
    await pool.submit("b")
    with pytest.raises(QueueFull) as refused:
        await pool.submit("c")
    assert refused.value.detail == {"limit": 2}
    await pool.submit("a")  # it exists: finding it is no new job
    await worker.complete(await pool.claimed(worker, "a"))
    await pool.submit("c")


async def test_a_limit_of_one_customer_does_not_touch_another(pool: Pool) -> None:
    pool.broker.settings = settings(customer_limit=1)
    await pool.submit("a", customer="one")
    await pool.submit("b", customer="two")
    await pool.submit("c")
    with pytest.raises(EmpropsError) as refused:
        await pool.submit("d", customer="one")
    assert refused.value.code == "customer_limit_reached"
    await pool.broker.cancel("a")
    await pool.submit("d", customer="one")


async def test_a_job_that_asks_for_a_worker_is_refused_without_one(pool: Pool) -> None:
    await pool.worker(gpu_memory_gb=8)
    wanted = {"service": "s", "gpu_memory_gb": 80}
    with pytest.raises(WorkerMissing):
        await pool.broker.submit({"requirements": wanted, "require_worker": True})
    await pool.broker.submit({"requirements": {"service": "s", "gpu_memory_gb": 8}, "require_worker": True})


# Completing and claiming in one call


async def test_completing_a_job_gives_the_next_ones_in_the_same_step(pool: Pool) -> None:
    worker = await pool.worker()
    for number in range(4):
        await pool.submit(f"{number}")
    held = await pool.claimed(worker, "0")
    claim = await worker.complete(held, "done", claim=2)
    assert ids(claim.jobs) == ["1", "2"]
    assert (await pool.broker.get("0")).result == "done"
    await check_invariants(pool)


async def test_a_report_whose_answer_was_lost_gives_the_same_jobs_again(pool: Pool) -> None:
    worker = await pool.worker()
    for number in range(3):
        await pool.submit(f"{number}")
    held = await pool.claimed(worker, "0")
    claims = worker._claims
    first = await worker.complete(held, claim=1)
    worker._claims = claims  # as if the answer had not come
    again = await worker.complete(held, claim=1)
    assert ids(first.jobs) == ids(again.jobs) == ["1"]
    assert (await pool.broker.get("2")).status is Status.PENDING


async def test_reports_of_one_worker_at_the_same_time_claim_different_jobs(pool: Pool) -> None:
    worker = await pool.worker()
    for number in range(8):
        await pool.submit(f"{number}")
    held = (await worker.claim(4)).jobs
    claims = await asyncio.gather(*(worker.complete(job, claim=1) for job in held))
    assert sorted(job.job_id for claim in claims for job in claim.jobs) == ["4", "5", "6", "7"]


async def test_a_stale_report_claims_nothing(pool: Pool) -> None:
    worker = await pool.worker()
    await pool.submit("a")
    await pool.submit("b")
    held = await pool.claimed(worker, "a")
    await pool.broker.cancel("a")
    with pytest.raises(EmpropsError) as refused:
        await worker.complete(held, claim=1)
    assert refused.value.code == "lease_lost"
    assert (await pool.broker.get("b")).status is Status.PENDING


async def test_a_worker_whose_record_is_gone_still_hands_in_its_result(pool: Pool) -> None:
    worker = await pool.worker()
    await pool.submit("a")
    await pool.submit("b")
    held = await pool.claimed(worker, "a")
    await worker.leave()
    assert (await worker.complete(held, 1, claim=1)).jobs == ()
    assert (await pool.broker.get("a")).status is Status.COMPLETED


# Workflows


async def test_a_workflow_shares_its_place_and_is_told_when_it_ends(pool: Pool) -> None:
    worker = await pool.worker()
    await pool.submit("w1", workflow="w")
    pool.pass_seconds(10)
    await pool.submit("other")
    pool.pass_seconds(10)
    await pool.submit("w2", workflow="w")
    assert ids((await worker.claim(3)).jobs) == ["w1", "w2", "other"]
    start = await pool.broker.last_event_id()
    state = await pool.broker.workflow("w")
    assert (state.open, state.submitted_ms) == (2, pool.now - 20_000)
    for job_id in ("w1", "w2"):
        await pool.broker.cancel(job_id)
    ended = [event for event in await pool.broker.read_events(start) if event.type == "workflow.ended"]
    assert [(event.workflow, event.cancelled) for event in ended] == [("w", 2)]


async def test_a_workflow_is_called_off_as_a_whole(pool: Pool) -> None:
    worker = await pool.worker()
    for number in range(3):
        await pool.submit(f"w{number}", workflow="w")
    await pool.submit("later", workflow="w", delay_seconds=60)
    await pool.submit("w", workflow="w2")
    held = await pool.claimed(worker, "w0")
    await worker.complete(held)
    await pool.claimed(worker, "w1")
    state = await pool.broker.cancel_workflow("w", "not wanted")
    assert (state.open, state.completed, state.cancelled, state.closed) == (0, 1, 3, True)
    assert await worker.wait_for_orders(1) == ("w1", 1)
    assert (await pool.broker.get("w")).status is Status.PENDING
    with pytest.raises(EmpropsError) as refused:
        await pool.submit("more", workflow="w")
    assert refused.value.code == "workflow_cancelled"
    assert await pool.broker.cancel_workflow("w") == state
    await check_invariants(pool)


async def test_a_workflow_belongs_to_the_customer_of_its_first_job(pool: Pool) -> None:
    start = await pool.broker.last_event_id()
    await pool.submit("a", workflow="w", customer="c")
    for other in ("d", None):
        with pytest.raises(EmpropsError) as refused:
            await pool.submit("b", workflow="w", customer=other)
        assert refused.value.code == "workflow_taken"
    assert (await pool.broker.workflow("w")).customer == "c"
    await pool.broker.cancel("a")
    ended = [event for event in await pool.broker.read_events(start) if isinstance(event, WorkflowEnded)]
    assert [event.customer for event in ended] == ["c"]


async def test_what_is_decided_for_a_customer_touches_no_job_of_another(pool: Pool) -> None:
    worker = await pool.worker()
    await pool.submit("dead", customer="c")
    await worker.fail(await pool.claimed(worker, "dead"), FINAL)
    await pool.submit("open", customer="c")
    await pool.submit("nobodys")
    before = await pool.picture()
    for decide, job_id in (
        (pool.broker.cancel, "open"),
        (pool.broker.cancel, "nobodys"),
        (pool.broker.cancel, "dead"),
        (pool.broker.revive, "dead"),
        (pool.broker.discard, "dead"),
    ):
        with pytest.raises(EmpropsError) as refused:
            await decide(job_id, owner="d")
        assert refused.value.code == "job_not_found"
    assert await pool.picture() == before
    await pool.broker.cancel("open", owner="c")
    assert (await pool.broker.revive("dead", owner="c")).status is Status.PENDING


async def test_a_large_workflow_is_called_off_to_the_last_job(pool: Pool) -> None:
    await pool.broker.submit_many([_job(f"{number}", workflow="w") for number in range(1000)])
    await pool.broker.submit_many([_job(f"x{number}", workflow="w") for number in range(100)])
    state = await pool.broker.cancel_workflow("w")
    assert (state.open, state.cancelled) == (0, 1100)


async def test_a_workflow_is_forgotten_some_time_after_its_end(pool: Pool) -> None:
    worker = await pool.worker()
    pool.broker.settings = settings(workflow_seconds=100)
    await pool.submit("a", workflow="w")
    pool.pass_seconds(500)
    await worker.reap()
    assert (await pool.broker.workflow("w")).open == 1
    await pool.broker.cancel("a")
    pool.pass_seconds(100)
    await worker.reap()
    with pytest.raises(EmpropsError) as gone:
        await pool.broker.workflow("w")
    assert gone.value.code == "workflow_not_found"
    await check_invariants(pool)


# Dead letters


async def test_a_revived_dead_letter_has_its_attempts_anew_and_its_history_still(pool: Pool) -> None:
    worker = await pool.worker()
    await pool.submit("a", payload={"prompt": "p"}, workflow="w", customer="c", retry={"max_attempts": 1})
    pool.pass_seconds(1)
    await pool.submit("younger")
    await worker.fail(await pool.claimed(worker, "a"), TEMPORARY)
    assert (await pool.broker.workflow("w")).dead == 1
    job = await pool.broker.revive("a")
    assert (job.status, job.attempts_used, job.payload) == (Status.PENDING, 0, {"prompt": "p"})
    state = await pool.broker.workflow("w")
    assert (state.open, state.dead) == (1, 0)
    await check_invariants(pool)
    held = await pool.claimed(worker, "a")  # before the younger one: it has its old place
    assert held.attempt == 2
    await worker.complete(held, "well")
    outcomes = [attempt.outcome for attempt in (await pool.broker.get("a")).attempts]
    assert outcomes == [Outcome.FAILED, Outcome.COMPLETED]


async def test_a_revived_job_may_fail_as_often_as_a_new_one(pool: Pool) -> None:
    worker = await pool.worker()
    await pool.submit("a", retry={"max_attempts": 2, "backoff_seconds": 0})
    for _ in range(2):
        await worker.fail(await pool.claimed(worker, "a"), TEMPORARY)
    await pool.broker.revive("a")
    assert await worker.fail(await pool.claimed(worker, "a"), TEMPORARY) is Status.WAITING
    assert await worker.fail(await pool.claimed(worker, "a"), TEMPORARY) is Status.DEAD


async def test_a_discarded_dead_letter_is_gone(pool: Pool) -> None:
    worker = await pool.worker()
    await pool.submit("a")
    await worker.fail(await pool.claimed(worker, "a"), FINAL)
    await pool.broker.discard("a")
    with pytest.raises(JobNotFound):
        await pool.broker.get("a")
    assert await pool.broker.jobs(Status.DEAD) == []
    assert (await pool.broker.read_events())[-1].type == "job.discarded"


# Timeouts


async def test_a_job_that_does_not_start_in_time_is_given_up(pool: Pool) -> None:
    worker = await pool.worker()
    await pool.submit("a", timeouts={"queue_seconds": 60}, delay_seconds=30)
    pool.pass_seconds(89.9)
    await worker.reap()
    assert (await pool.broker.get("a")).status is Status.PENDING
    pool.pass_seconds(0.1)
    await worker.reap()
    job = await pool.broker.get("a")
    assert (job.status, job.error, job.attempts) == (Status.DEAD, "queue_timeout", ())
    await worker.register()
    assert (await worker.claim()).jobs == ()


async def test_the_queue_timeout_counts_until_the_first_start_only(pool: Pool) -> None:
    worker = await pool.worker()
    await pool.submit("a", timeouts={"queue_seconds": 60})
    await worker.release(await pool.claimed(worker, "a"))
    pool.pass_seconds(3600)
    await worker.reap()
    assert (await pool.broker.get("a")).status is Status.PENDING


async def test_an_attempt_that_takes_too_long_is_stopped_and_another_begins(pool: Pool) -> None:
    worker = await pool.worker()
    await pool.submit("a", timeouts={"run_seconds": 20}, retry={"max_attempts": 2})
    held = await pool.claimed(worker, "a")
    pool.pass_seconds(20)
    await worker.heartbeat([("a", held.attempt)])
    await worker.reap()
    job = await pool.broker.get("a")
    assert (job.status, job.attempts_used, job.attempts[0].outcome) == (Status.PENDING, 1, Outcome.TIMED_OUT)
    assert await worker.wait_for_orders(1) == ("a", 1)
    with pytest.raises(EmpropsError) as late:
        await worker.complete(held, "late")
    assert late.value.code == "lease_lost"
    await pool.claimed(worker, "a")
    pool.pass_seconds(20)
    await worker.reap()
    job = await pool.broker.get("a")
    assert (job.status, job.error) == (Status.DEAD, "run_timeout")


@pytest.mark.parametrize("where", ["pending", "running", "waiting"])
async def test_the_total_timeout_ends_a_job_wherever_it_stands(pool: Pool, where: str) -> None:
    worker = await pool.worker()
    await pool.submit("a", timeouts={"total_seconds": 25}, retry={"backoff_seconds": 3600})
    if where != "pending":
        held = await pool.claimed(worker, "a")
        if where == "waiting":
            await worker.fail(held, TEMPORARY)
    pool.pass_seconds(25)
    await worker.reap()
    job = await pool.broker.get("a")
    assert (job.status, job.error) == (Status.DEAD, "total_timeout")
    if where == "running":
        assert await worker.wait_for_orders(1) == ("a", 1)
    await check_invariants(pool)


# Who may run it


async def test_a_job_goes_on_elsewhere_after_a_worker_failed_it(pool: Pool) -> None:
    bad, good = await pool.worker("bad"), await pool.worker("good")
    await pool.submit("a", retry={"avoid_failed_worker": True, "backoff_seconds": 0, "max_attempts": 5})
    await bad.fail(await pool.claimed(bad, "a"), TEMPORARY)
    assert (await bad.claim()).jobs == ()
    job = await pool.broker.get("a")
    assert job.requirements.excluded_workers == {"bad"}
    await good.complete(await pool.claimed(good, "a"), "well")
    await check_invariants(pool)


async def test_jobs_that_exclude_a_worker_do_not_hide_one_that_it_can_run(pool: Pool) -> None:
    worker = await pool.worker("w")
    excluding = {"service": "s", "excluded_workers": ["w"]}
    batch = [{"job_id": f"{number}", "requirements": excluding} for number in range(1000)]
    for _ in range(3):
        await pool.broker.submit_many([{**job, "job_id": f"{job['job_id']}-{_}"} for job in batch])
    await pool.submit("deep")
    assert ids((await worker.claim(2)).jobs) == ["deep"]
    other = await pool.worker("x")
    assert ids((await other.claim()).jobs) == ["0-0"]


async def test_an_isolated_job_runs_only_where_its_customer_is_alone(pool: Pool) -> None:
    shared = await pool.worker("shared")
    dedicated = await pool.worker("dedicated", customers=["c"])
    other = await pool.worker("other", customers=["c", "d"])
    await pool.submit("a", customer="c", requirements={"isolated": True})
    for worker in (shared, other):
        assert (await worker.claim()).jobs == ()
    assert ids((await dedicated.claim()).jobs) == ["a"]


async def test_customer_lists_apply_to_every_job_of_the_pool(pool: Pool) -> None:
    pool.broker.settings = settings(customer_lists=True)
    only_c = await pool.worker("only-c", customers=["c"])
    not_c = await pool.worker("not-c", excluded_customers=["c"])
    await pool.submit("of-c", customer="c")
    await pool.submit("of-d", customer="d")
    await pool.submit("of-nobody")
    assert ids((await only_c.claim(3)).jobs) == ["of-c"]
    assert ids((await not_c.claim(3)).jobs) == ["of-d"]


async def test_customer_lists_hold_also_against_a_client_that_does_not_know_of_them(pool: Pool) -> None:
    """The setting is off, so the class does not tell the customer: workers with lists take no such job at all."""
    only_c = await pool.worker("only-c", customers=["c"])
    not_c = await pool.worker("not-c", excluded_customers=["c"])
    await pool.submit("of-c", customer="c")
    await pool.submit("of-d", customer="d")
    assert (await only_c.claim()).jobs == (await not_c.claim()).jobs == ()


# What nobody can run


async def _marks(pool: Pool) -> list[str]:
    return [event.type for event in await pool.broker.read_events() if event.type.startswith("class.")]


async def test_jobs_that_no_worker_can_run_are_marked_until_one_can(pool: Pool) -> None:
    small = await pool.worker("small", gpu_memory_gb=8)
    await pool.submit("big", requirements={"gpu_memory_gb": 80})
    await small.reap()
    assert await _marks(pool) == []  # the live profile has not judged the class yet
    await small.claim()
    await small.reap()
    (marked,) = await pool.broker.unrunnable()
    assert (marked.requirements.gpu_memory_gb, marked.pending) == (80, 1)
    await small.reap()
    assert await _marks(pool) == ["class.unrunnable"]
    large = await pool.worker("large", gpu_memory_gb=80)
    await small.reap()
    await large._judge(0, 1)
    await small.reap()
    assert await pool.broker.unrunnable() == []
    assert await _marks(pool) == ["class.unrunnable", "class.runnable"]


@pytest.mark.parametrize("how", ["leaves", "is lost"])
async def test_jobs_whose_last_able_worker_has_gone_are_marked(pool: Pool, how: str) -> None:
    able, other = await pool.worker("able", labels=["x"]), await pool.worker("other")
    await pool.submit("a", requirements={"labels": ["x"]})
    held = await pool.claimed(able, "a")
    await other.claim()
    await able.release(held)
    await other.reap()
    assert await pool.broker.unrunnable() == []
    if how == "leaves":
        await able.leave()
    else:
        pool.pass_seconds(pool.broker.settings.worker_expiry_seconds)
        await other.register()
    await other.reap()
    assert [found.pending for found in await pool.broker.unrunnable()] == [1]
    await pool.broker.cancel("a")
    await other.reap()
    assert await pool.broker.unrunnable() == []
    assert await _marks(pool) == ["class.unrunnable", "class.runnable"]


async def test_a_job_that_excludes_all_that_could_run_it_is_marked(pool: Pool) -> None:
    worker = await pool.worker("only")
    await pool.submit("a", requirements={"excluded_workers": ["only"]})
    await worker.claim()
    await worker.reap()
    assert [found.pending for found in await pool.broker.unrunnable()] == [1]
    explanation = await pool.broker.explain("a")
    (profile,) = explanation.profiles
    assert not profile.eligible
    assert [c.criterion for c in profile.criteria if not c.satisfied] == ["excluded_workers"]


async def test_with_more_classes_than_one_sweep_looks_at_all_are_marked_in_the_end(pool: Pool) -> None:
    worker = await pool.worker()
    for number in range(450):
        await pool.submit(f"{number:03}", requirements={"labels": [f"l{number}"]})
    await worker.claim()
    for _ in range(3):
        await worker.reap()
    assert len(await pool.broker.unrunnable()) == 450


# Letting go


async def test_a_class_without_open_jobs_is_let_go_and_comes_back_when_it_is_asked_for(pool: Pool) -> None:
    worker = await pool.worker()
    await pool.submit("a", requirements={"cpu_cores": 0, "labels": []})
    await worker.complete(await pool.claimed(worker, "a"))
    pool.pass_seconds(pool.broker.settings.unused_seconds)
    await worker.register()
    await worker.reap()
    held = await pool.picture()
    for name in ("classes", "class_versions", "class_idle", "eligible", "heads", "bounds"):
        assert pool.broker.keys.key(name) not in held, name
    await check_invariants(pool)
    await pool.submit("b")
    await pool.claimed(worker, "b")


async def test_a_profile_without_workers_is_let_go_everywhere(pool: Pool) -> None:
    one, two = await pool.worker("one"), await pool.worker("two", labels=["x"])
    for number in range(20):
        await pool.submit(f"{number:02}", requirements={"models": []})
    await one.claim()
    await two.claim()
    await two.leave()
    pool.pass_seconds(pool.broker.settings.unused_seconds)
    await one.register()
    await one.reap()
    held = str(await pool.broker.connection.hgetall(pool.broker.keys.key("eligible")))
    assert two.profile_id not in held
    for name in ("profiles", "meta", "profile_idle", "heads", "bounds"):
        assert two.profile_id not in str((await pool.picture()).get(pool.broker.keys.key(name), "")), name
    await check_invariants(pool)
    await two.register()
    assert len((await two.claim()).jobs) == 1


async def test_after_a_thousand_jobs_nothing_is_left_without_an_end_or_a_bound(pool: Pool) -> None:
    worker = await pool.worker()
    for start in range(0, 1000, 100):
        await pool.broker.submit_many(
            [
                _job(f"{number}", workflow=f"w{number % 7}", customer=f"c{number % 7}")
                for number in range(start, start + 100)
            ]
        )
        claim = await worker.claim(16)
        while claim.jobs:
            for job in claim.jobs:
                await worker.complete(job)
            claim = await worker.claim(16)
    await check_invariants(pool)
    held = await pool.picture()
    plain = {name.split(":")[2] for name in held if await pool.broker.connection.pttl(name) < 0}
    of_jobs = {
        "states",
        "requests",
        "histories",
        "pending",
        "leases",
        "delayed",
        "deadlines",
        "customers",
        "customer_jobs",
    }
    assert not plain & of_jobs
    assert len(held[pool.broker.keys.key("workflows")]) == 7


# Old and new side by side


async def test_old_and_new_scripts_run_side_by_side(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = {
        name: dataclasses.replace(script, text=f"-- a newer version\n{script.text}")
        for name, script in all_scripts().items()
    }
    old = Broker(settings(), url=server.url)
    await old.connection.flushall()
    pool = Pool(old)
    first = await pool.worker("old")
    await pool.submit("a")
    held = await pool.claimed(first, "a")
    with monkeypatch.context() as changed:
        changed.setattr(executor, "all_scripts", lambda: newer)
        new = Pool(Broker(settings(), url=server.url))
        second = await new.worker("new")
        await new.submit("b")
        await second.complete(await new.claimed(second, "b"), claim=1)
    await first.complete(held)
    assert {job.job_id for job in await old.jobs(Status.COMPLETED)} == {"a", "b"}
    known = await old.connection.script_exists(all_scripts()["claim"].sha, newer["claim"].sha)
    assert known == [True, True]
    await new.close()
    await pool.close()


async def test_a_worker_says_when_its_claim_loop_last_turned(pool: Pool) -> None:
    worker = await pool.worker()
    await worker.heartbeat([], idle_seconds=7)
    (state,) = await pool.broker.workers()
    assert state.turned_ms == pool.now - 7000


async def test_many_submit_and_claim_at_once_and_each_job_runs_once(server: EmbeddedServer) -> None:
    broker = Broker(settings(), url=server.url)
    await broker.connection.flushall()
    pool = Pool(broker)
    workers = [await pool.worker(f"w{number}") for number in range(8)]
    seen: list[str] = []

    async def work(session: WorkerSession) -> None:
        claim = await session.claim(2)
        while len(seen) < 400:
            jobs = list(claim.jobs)
            for index, job in enumerate(jobs):
                seen.append(job.job_id)
                last = index == len(jobs) - 1
                claim = await session.complete(job, claim=2 if last else 0)
            if not jobs:
                await session.wait_for_work(0.2)
                claim = await session.claim(2)

    tasks = [pool.start(work(session)) for session in workers]
    for start in range(0, 400, 50):
        await broker.submit_many([_job(f"{number}") for number in range(start, start + 50)])
    await asyncio.wait_for(asyncio.gather(*tasks), 60)
    assert sorted(seen, key=int) == [f"{number}" for number in range(400)]
    await pool.close()


# The server


async def test_nothing_walks_through_all_keys_of_the_server(pool: Pool) -> None:
    connection = pool.broker.connection
    walking = ("keys", "scan", "hscan", "sscan", "zscan", "randomkey", "dbsize")
    await connection.execute_command("ACL", "SETUSER", "default", *(f"-{name}" for name in walking))
    try:
        worker = await pool.worker()
        for number in range(4):
            await pool.submit(f"{number}", workflow="w", customer="c")
        await pool.submit("impossible", requirements={"gpu_memory_gb": 80})
        held = (await worker.claim(3)).jobs
        await worker.heartbeat([(job.job_id, job.attempt) for job in held])
        await worker.complete(held[0], 1, claim=1)
        await worker.fail(held[1], FINAL)
        await pool.broker.revive(held[1].job_id)
        for status in Status:
            await pool.broker.jobs(status)
        await pool.broker.explain("impossible")
        await pool.broker.workers()
        await pool.broker.workflow("w")
        await pool.broker.cancel_workflow("w")
        pool.pass_seconds(10 * pool.broker.settings.unused_seconds)
        await worker.reap()
        assert [found.pending for found in await pool.broker.unrunnable()] == [1]
    finally:
        await connection.execute_command("ACL", "SETUSER", "default", "+@all")
