"""Every transition and every script, against a real server: what it changes, what it appends, what it refuses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from emprops.broker.scripts import all_scripts
from emprops.core.errors import EmpropsError
from emprops.core.events import JobEvent
from emprops.core.lifecycle import TRANSITIONS, Status, Transition
from tests.queue.harness import FINAL, TEMPORARY, Pool, changed, check_invariants, settings

Drive = Callable[[Pool, Any], Awaitable[Any]]


async def _into(pool: Pool, status: Status | None, **fields: Any) -> Any:
    """Bring the job `j` into a status; return what the worker holds of it."""
    worker = await pool.worker()
    held = None
    if status is None:
        return worker, held
    if status is Status.WAITING:
        await pool.submit("j", delay_seconds=60, **fields)
        return worker, held
    await pool.submit("j", retry={"max_attempts": 1} if status is Status.DEAD else {}, **fields)
    if status is Status.PENDING:
        return worker, held
    if status is Status.CANCELLED:
        await pool.broker.cancel("j")
        return worker, held
    held = await pool.claimed(worker, "j")
    if status is Status.COMPLETED:
        await worker.complete(held, 1)
    if status is Status.DEAD:
        await worker.fail(held, FINAL)
    return worker, held


async def _submit(pool: Pool, made: Any) -> None:
    await pool.submit("j")


async def _schedule(pool: Pool, made: Any) -> None:
    await pool.submit("j", delay_seconds=60)


async def _ready(pool: Pool, made: Any) -> None:
    pool.pass_seconds(60)
    await made[0].reap()


async def _claim(pool: Pool, made: Any) -> None:
    await made[0].claim()


async def _complete(pool: Pool, made: Any) -> None:
    await made[0].complete(made[1], {"image": "cube.png"})


async def _retry(pool: Pool, made: Any) -> None:
    await made[0].fail(made[1], TEMPORARY)


async def _bury(pool: Pool, made: Any) -> None:
    await made[0].fail(made[1], FINAL)


async def _release(pool: Pool, made: Any) -> None:
    await made[0].release(made[1], "stopping")


async def _lose(pool: Pool, made: Any) -> None:
    pool.pass_seconds(pool.broker.settings.lease_seconds)
    await made[0].reap()


async def _abandon(pool: Pool, made: Any) -> None:
    worker, held = made
    for _ in range(2):
        pool.pass_seconds(pool.broker.settings.lease_seconds)
        await worker.reap()
        await worker.register()
        held = await pool.claimed(worker, "j")
    assert held.attempt == 3
    pool.pass_seconds(pool.broker.settings.lease_seconds)
    await worker.reap()


async def _cancel(pool: Pool, made: Any) -> None:
    await pool.broker.cancel("j", "not wanted")


async def _overrun(pool: Pool, made: Any) -> None:
    pool.pass_seconds(5)
    await made[0].reap()


async def _revive(pool: Pool, made: Any) -> None:
    await pool.broker.revive("j")


LIMITED = {"overrun": {"timeouts": {"run_seconds": 5}}, "expire": {"timeouts": {"total_seconds": 5}}}
"""What the job is submitted with so that a transition can happen to it."""
DRIVES: dict[str, Drive] = {
    "submit": _submit,
    "schedule": _schedule,
    "ready": _ready,
    "claim": _claim,
    "complete": _complete,
    "retry": _retry,
    "bury": _bury,
    "release": _release,
    "lose": _lose,
    "abandon": _abandon,
    "cancel": _cancel,
    "overrun": _overrun,
    "expire": _overrun,
    "revive": _revive,
}
CASES = [
    pytest.param(transition, source, id=f"{transition.name}-from-{source.value if source else 'nothing'}")
    for transition in TRANSITIONS
    for source in (transition.sources or (None,))
]


def test_every_transition_has_a_drive() -> None:
    assert set(DRIVES) == {transition.name for transition in TRANSITIONS}


def test_scripts_and_transitions_name_each_other() -> None:
    by_table = {(script, t.name) for t in TRANSITIONS for script in t.scripts}
    by_script = {(script.name, name) for script in all_scripts().values() for name in script.transitions}
    assert by_table == by_script


def test_scripts_append_the_events_of_their_transitions() -> None:
    for transition in TRANSITIONS:
        for script in transition.scripts:
            assert transition.event in all_scripts()[script].events


@pytest.mark.parametrize(("transition", "source"), CASES)
async def test_a_transition_does_what_the_table_says(
    pool: Pool, transition: Transition, source: Status | None
) -> None:
    made = await _into(pool, source, **LIMITED.get(transition.name, {}))
    start = await pool.broker.last_event_id()
    await DRIVES[transition.name](pool, made)
    job = await pool.broker.get("j")
    assert job.status is transition.target
    events = [event for event in await pool.broker.read_events(start) if isinstance(event, JobEvent)]
    assert events[-1].type == transition.event
    assert events[-1].status is transition.target
    await check_invariants(pool)


@pytest.mark.parametrize(("transition", "source"), CASES)
async def test_a_transition_changes_only_keys_that_its_scripts_declare(
    pool: Pool, transition: Transition, source: Status | None
) -> None:
    made = await _into(pool, source, **LIMITED.get(transition.name, {}))
    before = await pool.picture()
    await DRIVES[transition.name](pool, made)
    declared = {key for script in transition.scripts for key in all_scripts()[script].writes}
    by_client = {"wake", "inbox"}
    if set(transition.scripts) & {"reap", "expire"}:  # what keeps a pool in order does all of it
        by_client |= {key for name in ("reap", "sweep") for key in all_scripts()[name].writes}
    judged = set(all_scripts()["judge"].writes) if transition.name in ("claim", "abandon") else set()
    again = (
        set().union(*(all_scripts()[n].writes for n in ("register", "claim")))
        if transition.name == "abandon"
        else set()
    )
    assert changed(before, await pool.picture()) <= declared | by_client | judged | again


REPORTS: dict[str, Drive] = {
    "complete": _complete,
    "retry": _retry,
    "bury": _bury,
    "release": _release,
    "progress": lambda _, made: made[0].progress(made[1], 0.5),
}


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("way", ["lost", "cancelled", "released", "retried", "completed", "claimed again"])
async def test_a_late_report_is_refused_and_changes_nothing(pool: Pool, report: str, way: str) -> None:
    worker, held = made = await _into(pool, Status.RUNNING)
    if way == "lost":
        await _lose(pool, made)
    elif way == "cancelled":
        await _cancel(pool, made)
    elif way in ("released", "claimed again"):
        await worker.release(held)
    elif way == "retried":
        await worker.fail(held, TEMPORARY)
    elif way == "completed":
        await worker.complete(held, "the first result")
    if way == "claimed again":
        await pool.claimed(worker, "j")
    before = await pool.picture()
    if (report, way) == ("complete", "completed"):
        await REPORTS[report](pool, made)
    else:
        with pytest.raises(EmpropsError) as refused:
            await REPORTS[report](pool, made)
        assert refused.value.code == "lease_lost"
    assert await pool.picture() == before


@pytest.mark.parametrize("status", [s for s in Status if s.final])
async def test_a_job_that_has_ended_cannot_be_cancelled(pool: Pool, status: Status) -> None:
    await _into(pool, status)
    before = await pool.picture()
    with pytest.raises(EmpropsError) as refused:
        await pool.broker.cancel("j")
    assert refused.value.code == "job_finished"
    assert refused.value.detail["status"] == status
    assert await pool.picture() == before


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.DEAD])
async def test_only_a_dead_letter_can_be_revived_or_discarded(pool: Pool, status: Status) -> None:
    await _into(pool, status)
    before = await pool.picture()
    for act in (pool.broker.revive, pool.broker.discard):
        with pytest.raises(EmpropsError) as refused:
            await act("j")
        assert refused.value.code == "job_not_dead"
    assert await pool.picture() == before


async def _unknown_claim(pool: Pool) -> None:
    worker = await pool.worker()
    await worker.leave()
    await worker.claim()


async def _unknown_heartbeat(pool: Pool) -> None:
    worker = await pool.worker()
    await worker.leave()
    await worker.heartbeat([])


async def _unknown_leave(pool: Pool) -> None:
    worker = await pool.worker()
    await worker.leave()
    await worker.leave()


async def _same_id(pool: Pool) -> None:
    first = await pool.worker("same")
    second = type(first)(pool.broker, first.info.model_copy(update={"instance": "f" * 16}))
    try:
        await second.register()
    finally:
        await second.close()


async def _other_content(pool: Pool) -> None:
    await pool.submit("j")
    await pool.submit("j", priority=1)


async def _other_content_archived(pool: Pool) -> None:
    await _into(pool, Status.COMPLETED)
    await pool.submit("j", priority=1)


async def _other_request(pool: Pool) -> None:
    await pool.submit("j", idempotency_key="once")
    await pool.submit("k", idempotency_key="once", priority=1)


async def _too_many(pool: Pool) -> None:
    pool.broker.settings = settings(queue_limit=1)
    await pool.submit("j")
    await pool.submit("k")


async def _too_many_of_one(pool: Pool) -> None:
    pool.broker.settings = settings(customer_limit=1)
    await pool.submit("j", customer="c")
    await pool.submit("other", customer="d")
    await pool.submit("k", customer="c")


async def _closed_workflow(pool: Pool) -> None:
    await pool.submit("j", workflow="w")
    await pool.broker.cancel_workflow("w")
    await pool.submit("k", workflow="w")


async def _taken_workflow(pool: Pool) -> None:
    await pool.submit("j", workflow="w", customer="c")
    await pool.submit("k", workflow="w", customer="d")


async def _revive_pending(pool: Pool) -> None:
    await pool.submit("j")
    await pool.broker.revive("j")


async def _discard_pending(pool: Pool) -> None:
    await pool.submit("j")
    await pool.broker.discard("j")


async def _revive_gone(pool: Pool) -> None:
    await pool.broker.executor.run(
        "revive",
        {"id": "j", "owner": "", "class": "", "requirements": "", "workflow_ms": 1},
        {"archive": "j"},
    )


async def _one_key_too_many(pool: Pool) -> None:
    arguments: dict[str, str | int] = {"id": "k", "before": "", "after": "{}", "limit": 1}
    await pool.broker.executor.run("alter_key", arguments)
    await pool.broker.executor.run("alter_key", {**arguments, "id": "l"})


REFUSALS: dict[tuple[str, str], Callable[[Pool], Awaitable[Any]]] = {
    ("submit", "queue_full"): _too_many,
    ("submit", "customer_limit_reached"): _too_many_of_one,
    ("submit", "workflow_cancelled"): _closed_workflow,
    ("submit", "workflow_taken"): _taken_workflow,
    ("revive", "job_not_dead"): _revive_pending,
    ("revive", "job_not_found"): _revive_gone,
    ("discard", "job_not_dead"): _discard_pending,
    ("discard", "job_not_found"): lambda pool: pool.broker.discard("nothing"),
    ("close_workflow", "workflow_not_found"): lambda pool: pool.broker.cancel_workflow("nothing"),
    ("alter_key", "api_key_limit_reached"): _one_key_too_many,
    ("claim", "worker_unknown"): _unknown_claim,
    ("heartbeat", "worker_unknown"): _unknown_heartbeat,
    ("leave", "worker_unknown"): _unknown_leave,
    ("register", "worker_in_use"): _same_id,
    ("submit", "job_exists"): _other_content,
    ("submit", "idempotency_conflict"): _other_request,
    ("cancel", "job_not_found"): lambda pool: pool.broker.cancel("nothing"),
    ("cancel", "job_finished"): lambda pool: _cancel_twice(pool),
    **{
        (script, "lease_lost"): _other_content_archived
        for script in ("complete", "fail", "release", "progress")
    },
}


def _of_no_webhook(script: str, **arguments: str | int | list[str]) -> Callable[[Pool], Awaitable[Any]]:
    about = {"webhook_log": "wh"} if "webhook_log" in all_scripts()[script].keys else {}
    return lambda pool: pool.broker.executor.run(script, {"id": "wh", **arguments}, about)


_LOGGED: dict[str, str | int | list[str]] = {"entry": "{}", "log_entries": 1, "log_ms": 1}
_SETTLED: dict[str, str | int | list[str]] = {"event": "1-0", "result": "failed", "attempts": 1, "wait_ms": 0}
_TAKEN: dict[str, str | int | list[str]] = {"before": "0-0", "position": "1-0", "missed": "", "pairs": []}
REFUSALS |= {
    ("create_webhook", "webhook_limit_reached"): _of_no_webhook(
        "create_webhook", record="{}", secret="s", customer="", limit=0
    ),
    ("switch_webhook", "webhook_not_found"): _of_no_webhook("switch_webhook", enabled=1, message=""),
    ("delete_webhook", "webhook_not_found"): _of_no_webhook("delete_webhook"),
    ("rotate_webhook", "webhook_not_found"): _of_no_webhook("rotate_webhook", secret="s", overlap_ms=1),
    ("rewind_webhook", "webhook_not_found"): _of_no_webhook("rewind_webhook", after="0-0"),
    ("log_delivery", "webhook_not_found"): _of_no_webhook("log_delivery", **_LOGGED),
    ("take_events", "webhook_lease_lost"): _of_no_webhook("take_events", token="1", **_TAKEN),
    ("settle_delivery", "webhook_lease_lost"): _of_no_webhook(
        "settle_delivery", token="1", message="", **_SETTLED, **_LOGGED
    ),
}


async def _cancel_twice(pool: Pool) -> None:
    await pool.submit("j")
    await pool.broker.cancel("j")
    await pool.broker.cancel("j")


def test_every_refusal_that_a_script_declares_is_provoked() -> None:
    assert set(REFUSALS) == {(s.name, code) for s in all_scripts().values() for code in s.errors}


@pytest.mark.parametrize(("script", "code"), [pair for pair in REFUSALS if pair[1] != "lease_lost"])
async def test_a_script_refuses_with_the_error_that_it_declares(pool: Pool, script: str, code: str) -> None:
    with pytest.raises(EmpropsError) as refused:
        await REFUSALS[script, code](pool)
    assert refused.value.code == code
    assert refused.value.remedy


async def test_an_id_of_an_archived_job_cannot_be_taken_for_another(pool: Pool) -> None:
    with pytest.raises(EmpropsError) as refused:
        await _other_content_archived(pool)
    assert refused.value.code == "job_exists"
