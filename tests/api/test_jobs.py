"""Jobs over HTTP: submitted once, polled cheaply, listed without gaps, decided about."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import httpx
import pytest

from emprops.core.job import Failure
from tests.queue.harness import FINAL, Pool

JOB: dict[str, Any] = {"requirements": {"service": "s"}, "payload": {"prompt": "p"}}


async def test_a_job_goes_from_submit_to_result(client: httpx.AsyncClient, pool: Pool) -> None:
    made = await client.post("/v1/jobs", json=JOB)
    assert made.status_code == 201
    path = made.headers["Location"]
    job_id = made.json()["job_id"]
    assert path == f"/v1/jobs/{job_id}"
    early = await client.get(f"{path}/result")
    assert (early.status_code, early.json()["code"], early.json()["retryable"]) == (
        409,
        "job_unfinished",
        True,
    )
    worker = await pool.worker()
    await worker.complete(await pool.claimed(worker, job_id), {"image": "a.png"})
    assert (await client.get(f"{path}/result")).json() == {"job_id": job_id, "result": {"image": "a.png"}}
    (attempt,) = (await client.get(f"{path}/attempts")).json()["attempts"]
    assert attempt["outcome"] == "completed"


async def test_the_result_of_a_job_that_has_none_says_why(client: httpx.AsyncClient, pool: Pool) -> None:
    for job_id in ("dead", "cancelled"):
        await pool.submit(job_id)
    worker = await pool.worker()
    await worker.fail(await pool.claimed(worker, "dead"), FINAL)
    await client.post("/v1/jobs/cancelled/cancel", json={"reason": "not wanted"})
    answers = [await client.get(f"/v1/jobs/{job_id}/result") for job_id in ("dead", "cancelled")]
    assert [answer.json()["code"] for answer in answers] == ["job_dead", "job_cancelled"]
    assert "not wanted" in answers[1].json()["detail"]


# Once


async def test_a_request_sent_again_with_its_key_makes_no_second_job(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "order 4711"}
    first, again = [await client.post("/v1/jobs", json=JOB, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["job_id"] == again.json()["job_id"]
    assert (first.json()["created"], again.json()["created"]) == (True, False)
    other = await client.post("/v1/jobs", json={**JOB, "priority": 90}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


async def test_two_requests_at_a_time_with_one_key_make_one_job(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "k"}
    answers = await asyncio.gather(*(client.post("/v1/jobs", json=JOB, headers=headers) for _ in range(20)))
    assert len({answer.json()["job_id"] for answer in answers}) == 1
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]


async def test_a_key_in_the_header_and_another_in_the_body_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/v1/jobs", json={**JOB, "idempotency_key": "a"}, headers={"Idempotency-Key": "b"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_a_batch_sent_again_makes_no_second_job_and_refuses_one_by_one(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    await pool.submit("taken", payload={"other": True})
    batch = {"jobs": [JOB, JOB, {**JOB, "job_id": "taken"}]}
    headers = {"Idempotency-Key": "b", "X-Request-ID": "r-1"}
    first, again = [
        (await client.post("/v1/jobs/batch", json=batch, headers=headers)).json() for _ in range(2)
    ]
    assert first["refused"] == again["refused"] == 1
    assert [entry["receipt"] and entry["receipt"]["created"] for entry in first["jobs"]] == [True, True, None]
    assert [e["receipt"] and e["receipt"]["job_id"] for e in again["jobs"]] == [
        e["receipt"] and e["receipt"]["job_id"] for e in first["jobs"]
    ]
    assert (first["jobs"][2]["error"]["code"], first["jobs"][2]["error"]["request_id"]) == (
        "job_exists",
        "r-1",
    )
    assert (await client.get("/v1/queue")).json()["pending"] == 3


async def test_a_batch_with_one_job_that_is_not_valid_submits_none(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/jobs/batch", json={"jobs": [JOB, {**JOB, "priority": 101}]})
    assert answer.status_code == 422
    assert answer.json()["facts"]["problems"][0]["field"] == "jobs.1.priority"
    assert (await client.get("/v1/queue")).json()["pending"] == 0


# Polling


async def test_a_job_that_has_not_changed_is_not_sent_again(client: httpx.AsyncClient, pool: Pool) -> None:
    await pool.submit("j")
    first = await client.get("/v1/jobs/j")
    tag = first.headers["ETag"]
    same = await client.get("/v1/jobs/j", headers={"If-None-Match": f'"x", {tag}'})
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
    worker = await pool.worker()
    await pool.claimed(worker, "j")
    changed = await client.get("/v1/jobs/j", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["status"]) == (200, "running")
    assert changed.headers["ETag"] != tag


# Lists


async def _ids(client: httpx.AsyncClient, **query: str | int) -> list[str]:
    """Return the ids of a whole list, page by page."""
    found: list[str] = []
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        cursor = {"cursor": page["next"]} if page["next"] else {}
        answer = await client.get("/v1/jobs", params={**query, **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["jobs"]) <= int(query.get("limit", 50))
        found += [job["job_id"] for job in page["jobs"]]
    return found


@pytest.fixture
async def mixed(pool: Pool) -> dict[str, set[str]]:
    """Jobs of every status, of two customers, services and workflows; their ids by what they are."""
    wanted: dict[str, set[str]] = {}
    number = itertools.count()

    async def some(status: str, count: int, **fields: Any) -> list[str]:
        ids = [f"j{next(number):03d}" for _ in range(count)]
        for position, job_id in enumerate(ids):
            customer = "ab"[position % 2]
            service = ("s", "t")[position % 3 == 2]
            await pool.submit(
                job_id,
                customer=customer,
                workflow=f"w-{customer}",
                priority=(position * 7) % 100,
                requirements={"service": service},
                **fields,
            )
            for name in (status, f"customer {customer}", f"service {service}", f"workflow w-{customer}"):
                wanted.setdefault(name, set()).add(job_id)
        return ids

    worker = await pool.worker(services=["s", "t"])
    for status in ("completed", "dead", "running"):
        await some(status, 5)
        for job in (await worker.claim(5)).jobs:
            if status == "completed":
                await worker.complete(job)
            elif status == "dead":
                await worker.fail(job, Failure(code="job_rejected", retryable=False))
    await some("waiting", 7, delay_seconds=1000)
    for job_id in await some("cancelled", 5):
        await pool.broker.cancel(job_id)
    await some("pending", 9)
    return wanted


@pytest.mark.parametrize("limit", [1, 3, 1000])
async def test_every_list_has_each_of_its_jobs_once(
    client: httpx.AsyncClient, mixed: dict[str, set[str]], limit: int
) -> None:
    everything = set().union(*mixed.values())
    assert sorted(await _ids(client, limit=limit)) == sorted(everything)
    for status in ("waiting", "pending", "running", "completed", "dead", "cancelled"):
        for extra in (
            {},
            {"customer": "a"},
            {"service": "t"},
            {"workflow": "w-b"},
            {"customer": "b", "service": "s"},
        ):
            expected = mixed[status].intersection(
                *(mixed[f"{name} {value}"] for name, value in extra.items())
            )
            found = await _ids(client, status=status, limit=limit, **extra)
            assert sorted(found) == sorted(expected), (status, extra)


async def test_pending_jobs_are_listed_in_the_order_in_which_they_are_served(
    client: httpx.AsyncClient, pool: Pool, mixed: dict[str, set[str]]
) -> None:
    listed = await _ids(client, status="pending", limit=2)
    worker = await pool.worker("late", services=["s", "t"])
    assert [job.job_id for job in (await worker.claim(16)).jobs] == listed


async def test_a_list_goes_on_where_it_was_whatever_comes_and_goes_meanwhile(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    for number in range(40):
        await pool.submit(f"j{number:02d}", priority=50)
    found: list[str] = []
    cursor: dict[str, str] = {}
    for turn in range(40):
        page = (await client.get("/v1/jobs", params={"status": "pending", "limit": "3", **cursor})).json()
        found += [job["job_id"] for job in page["jobs"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
        await pool.submit(f"urgent-{turn}", priority=99)
        if found[-1].startswith("j"):
            await pool.broker.cancel(found[-1])
    assert [job_id for job_id in found if job_id.startswith("j")] == [f"j{n:02d}" for n in range(40)]
    ended = await _ids(client, status="cancelled", limit=4)
    assert len(ended) == len(set(ended)) > 10


async def test_a_page_looks_at_no_more_jobs_than_it_may(
    client: httpx.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        await pool.submit(f"j{number:02d}", requirements={"service": "rare" if number == 15 else "s"})
        await pool.broker.cancel(f"j{number:02d}")
    monkeypatch.setattr("emprops.broker.listing.EXAMINED_MOST", 5)
    page = (await client.get("/v1/jobs", params={"status": "cancelled", "service": "rare"})).json()
    assert page["jobs"] == [] or page["next"] is not None
    assert await _ids(client, status="cancelled", service="rare") == ["j15"]


@pytest.mark.parametrize("cursor", ["", "x", "W10", "bm90IGpzb24", "é", "WyJ4Il0"])
async def test_a_cursor_that_nobody_made_is_refused(client: httpx.AsyncClient, cursor: str) -> None:
    answer = await client.get("/v1/jobs", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_the_cursor_of_another_list_is_refused(client: httpx.AsyncClient, pool: Pool) -> None:
    for job_id in "ab":
        await pool.submit(job_id)
    page = (await client.get("/v1/jobs", params={"status": "pending", "limit": 1})).json()
    answer = await client.get("/v1/jobs", params={"status": "waiting", "cursor": page["next"]})
    assert answer.status_code == 422


async def test_a_query_that_says_two_things_is_refused(client: httpx.AsyncClient) -> None:
    for path in ("/v1/jobs?customer=a&customer=b", "/v1/events?limit=1&limit=2", "/v1/jobs?custmer=a"):
        answer = await client.get(path)
        assert answer.status_code == 422, path


# Decisions


async def test_a_dead_job_is_revived_or_thrown_away(client: httpx.AsyncClient, pool: Pool) -> None:
    worker = await pool.worker()
    for job_id in ("again", "away"):
        await pool.submit(job_id)
        await worker.fail(await pool.claimed(worker, job_id), FINAL)
    assert (await client.post("/v1/jobs/again/revive")).json()["status"] == "pending"
    refused = await client.post("/v1/jobs/again/revive")
    assert (refused.status_code, refused.json()["code"]) == (409, "job_not_dead")
    gone = await client.delete("/v1/jobs/away")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await client.get("/v1/jobs/away")).json()["code"] == "job_not_found"


async def test_cancelling_a_running_job_reaches_its_worker(client: httpx.AsyncClient, pool: Pool) -> None:
    await pool.submit("j")
    worker = await pool.worker()
    job = await pool.claimed(worker, "j")
    assert (await client.post("/v1/jobs/j/cancel", json={})).json()["status"] == "cancelled"
    refused = await client.post("/v1/jobs/j/cancel", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "job_finished")
    assert "j" in await worker.heartbeat([("j", job.attempt)])


async def test_a_workflow_is_called_off_by_a_name_with_a_slash(client: httpx.AsyncClient, pool: Pool) -> None:
    await pool.submit("j", workflow="set/1")
    assert (await client.get("/v1/workflows/set/1")).json()["open"] == 1
    closed = (await client.post("/v1/workflows/set%2F1/cancel", json={"reason": "r"})).json()
    assert (closed["open"], closed["cancelled"], closed["closed"]) == (0, 1, True)


async def test_an_explanation_says_what_no_worker_has(client: httpx.AsyncClient, pool: Pool) -> None:
    await pool.submit("j", requirements={"gpu_memory_gb": 24})
    await pool.worker(gpu_memory_gb=8)
    answer = (await client.get("/v1/jobs/j/explain")).json()
    assert "gpu_memory" in answer["answer"]


# Events


async def test_events_are_read_from_a_position_on_and_none_is_missed(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    for number in range(5):
        await pool.submit(f"j{number}", customer="ab"[number % 2])
    after, seen = "0-0", []
    while True:
        page = (await client.get("/v1/events", params={"after": after, "limit": 2})).json()
        seen += [event["job"] for event in page["events"]]
        after = page["last"]
        if not page["more"]:
            break
    assert seen == [f"j{number}" for number in range(5)]
    of_b = (await client.get("/v1/events", params={"customer": "b"})).json()
    assert ([event["job"] for event in of_b["events"]], of_b["last"]) == (["j1", "j3"], after)
