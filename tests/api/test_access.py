"""Who may do what: every operation, every role, one's own jobs and those of others; from the registry of operations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis

from emprops.api.app import METHODS, create_app
from emprops.broker import ApiKeys, Broker, Webhooks
from emprops.core.access import Role
from emprops.core.errors import Unauthenticated
from emprops.core.settings import ApiSettings
from tests.api.conftest import Site, bearer, new_client, new_token
from tests.queue.harness import FINAL, Pool, settings

OWN, OTHER = "own", "other"
DOCUMENT = create_app(ApiSettings()).openapi()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if method in METHODS
}


@dataclass(frozen=True)
class Call:
    """One request."""

    path: str = ""
    json: Any = None
    query: dict[str, str] | None = None


Prepare = Callable[[Pool], Awaitable[Call]]


@dataclass(frozen=True)
class Rule:
    """How an operation is called, and what is expected of it.

    Attributes:
        prepare: makes what the request is about, of the customer ``own``, and returns the request.
        hides: whether what the request is about does not exist for a key of another customer.
        forbids: whether a key of another customer is told that the request names another than its own.
        shows: names of texts in the answer that a key of another customer must not see.
    """

    prepare: Prepare
    hides: bool = False
    forbids: bool = False
    shows: tuple[str, ...] = ()


async def _nothing(pool: Pool) -> Call:
    return Call()


def _fixed(call: Call) -> Prepare:
    async def prepare(pool: Pool) -> Call:
        return call

    return prepare


async def _open(pool: Pool) -> Call:
    await pool.submit("j", customer=OWN, workflow="w")
    return Call(path="j", json={})


async def _completed(pool: Pool) -> Call:
    await pool.submit("j", customer=OWN)
    worker = await pool.worker()
    await worker.complete(await pool.claimed(worker, "j"), {"secret": OWN})
    return Call(path="j")


async def _dead(pool: Pool) -> Call:
    await pool.submit("j", customer=OWN)
    worker = await pool.worker()
    await worker.fail(await pool.claimed(worker, "j"), FINAL)
    return Call(path="j")


async def _workflow(pool: Pool) -> Call:
    await pool.submit("j", customer=OWN, workflow="w")
    return Call(path="w", json={})


async def _key(pool: Pool) -> Call:
    made, _ = await ApiKeys(pool.broker).create("k", [Role.READ])
    return Call(path=made.key_id, json={})


WEBHOOK = {"url": "http://localhost:1/", "customer": OWN}


def _webhook(body: Any = None) -> Prepare:
    async def prepare(pool: Pool) -> Call:
        made, _ = await Webhooks(pool.broker).create(WEBHOOK)
        return Call(path=made.webhook_id, json=body)

    return prepare


JOB = {"requirements": {"service": "s"}, "customer": OWN, "job_id": "new"}
RULES: dict[str, Rule] = {
    "POST /v1/jobs": Rule(_fixed(Call(json=JOB)), forbids=True),
    "POST /v1/jobs/batch": Rule(_fixed(Call(json={"jobs": [JOB]})), forbids=True),
    "GET /v1/jobs": Rule(_open, shows=('"j"',)),
    "GET /v1/jobs/{job_id}": Rule(_open, hides=True),
    "GET /v1/jobs/{job_id}/result": Rule(_completed, hides=True),
    "GET /v1/jobs/{job_id}/attempts": Rule(_completed, hides=True),
    "GET /v1/jobs/{job_id}/explain": Rule(_open, hides=True),
    "POST /v1/jobs/{job_id}/cancel": Rule(_open, hides=True),
    "POST /v1/jobs/{job_id}/revive": Rule(_dead, hides=True),
    "DELETE /v1/jobs/{job_id}": Rule(_dead, hides=True),
    "GET /v1/workflows/{workflow}": Rule(_workflow, hides=True),
    "POST /v1/workflows/{workflow}/cancel": Rule(_workflow, hides=True),
    "GET /v1/events": Rule(_open, shows=('"j"', '"w"')),
    "GET /v1/workers": Rule(_nothing),
    "GET /v1/queue": Rule(_nothing),
    "GET /v1/queue/unrunnable": Rule(_nothing),
    "POST /v1/webhooks": Rule(_fixed(Call(json=WEBHOOK)), forbids=True),
    "GET /v1/webhooks": Rule(_webhook(), shows=('"wh_', OWN)),
    "GET /v1/webhooks/{webhook_id}": Rule(_webhook(), hides=True),
    "PATCH /v1/webhooks/{webhook_id}": Rule(_webhook({"concurrency": 2}), hides=True),
    "DELETE /v1/webhooks/{webhook_id}": Rule(_webhook(), hides=True),
    "POST /v1/webhooks/{webhook_id}/enable": Rule(_webhook(), hides=True),
    "POST /v1/webhooks/{webhook_id}/disable": Rule(_webhook({}), hides=True),
    "POST /v1/webhooks/{webhook_id}/rotate": Rule(_webhook(), hides=True),
    "POST /v1/webhooks/{webhook_id}/replay": Rule(_webhook({"after": "0-0"}), hides=True),
    "POST /v1/webhooks/{webhook_id}/test": Rule(_webhook(), hides=True),
    "GET /v1/webhooks/{webhook_id}/deliveries": Rule(_webhook(), hides=True),
    "POST /v1/keys": Rule(_fixed(Call(json={"name": "n", "roles": ["read"]}))),
    "GET /v1/keys": Rule(_nothing),
    "POST /v1/keys/{key_id}/rotate": Rule(_key),
    "DELETE /v1/keys/{key_id}": Rule(_key),
    "GET /health/live": Rule(_nothing),
    "GET /health/ready": Rule(_nothing),
    "GET /health/status": Rule(_nothing),
    "GET /v1/version": Rule(_nothing),
    "GET /v1/errors/{code}": Rule(_fixed(Call(path="job_not_found"))),
}
"""A rule for each operation; one without is a test that fails."""
WHO: tuple[tuple[Role | None, str | None], ...] = (
    (None, None),
    *((role, None) for role in Role),
    *((role, customer) for role in Role if role is not Role.ADMIN for customer in (OWN, OTHER)),
)
"""Everybody there is: nobody in particular, each role for all customers, and each for one's own and for another."""


def test_every_operation_has_a_rule_and_every_rule_an_operation() -> None:
    assert set(RULES) == set(OPERATIONS)


def test_every_operation_but_the_public_ones_says_which_role_it_needs() -> None:
    public = {name for name, operation in OPERATIONS.items() if "x-required-role" not in operation}
    assert public == {"GET /health/live", "GET /health/ready", "GET /v1/version", "GET /v1/errors/{code}"}


@pytest.fixture
async def anonymous(site: Site, pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key, and an empty queue."""
    async with new_client(site) as made:
        yield made


@pytest.mark.parametrize("name", RULES)
async def test_who_may_call_an_operation(name: str, pool: Pool, anonymous: httpx.AsyncClient) -> None:
    for role, customer in WHO:
        await pool.broker.connection.flushall()
        call = await RULES[name].prepare(pool)
        token = None if role is None else await new_token(pool, role, customer=customer)
        answer = await _send(anonymous, name, call, token)
        expected = _expected(name, role, customer)
        assert (answer.status_code < 300, answer.status_code) == (
            expected is None,
            expected or answer.status_code,
        ), f"{name} by {role} of {customer}: {answer.text}"
        _follows_schema(name, answer)
        if customer == OTHER and expected is None:
            assert not [text for text in RULES[name].shows if text in answer.text]
        elif expected is None and customer != OTHER:
            assert all(text in answer.text for text in RULES[name].shows)


def _expected(name: str, role: Role | None, customer: str | None) -> int | None:
    """Return the status of a refusal; none if the request is carried out."""
    operation, rule = OPERATIONS[name], RULES[name]
    needed = operation.get("x-required-role")
    if needed is None:
        return None
    if role is None:
        return 401
    if role not in (needed, Role.ADMIN) or (operation["x-pool-wide"] and customer):
        return 403
    if customer == OTHER and rule.forbids:
        return 403
    return 404 if customer == OTHER and rule.hides else None


async def _send(client: httpx.AsyncClient, name: str, call: Call, token: str | None) -> httpx.Response:
    method, _, template = name.partition(" ")
    before, _, after = template.partition("{")
    path = f"{before}{call.path}{after.partition('}')[2]}" if after else before
    has_body = "requestBody" in OPERATIONS[name]
    return await client.request(
        method,
        path,
        json=call.json if has_body else None,
        params=call.query,
        headers=bearer(token) if token else {},
    )


def _follows_schema(name: str, answer: httpx.Response) -> None:
    method, _, path = name.partition(" ")
    SCHEMA[path][method].validate_response(answer)


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.hides])
async def test_what_another_customer_owns_is_answered_as_what_does_not_exist(
    name: str, pool: Pool, anonymous: httpx.AsyncClient
) -> None:
    call = await RULES[name].prepare(pool)
    token = await new_token(pool, Role(OPERATIONS[name]["x-required-role"]), customer=OTHER)
    before = await pool.picture()
    foreign = (await _send(anonymous, name, call, token)).json()
    missing = (await _send(anonymous, name, Call(path="nothing", json=call.json), token)).json()
    assert await pool.picture() == before
    for answer, of in ((foreign, call.path), (missing, "nothing")):
        del answer["request_id"]
        answer["detail"] = answer["detail"].replace(repr(of), "it")
        answer["facts"] = list(answer["facts"])
    assert foreign == missing


async def test_a_job_of_a_key_of_one_customer_is_of_this_customer(
    pool: Pool, anonymous: httpx.AsyncClient
) -> None:
    token = await new_token(pool, Role.SUBMIT, customer=OWN)
    await anonymous.post(
        "/v1/jobs", json={"requirements": {"service": "s"}, "job_id": "j"}, headers=bearer(token)
    )
    assert (await pool.broker.get("j")).customer == OWN


async def test_an_explanation_names_neither_jobs_nor_customers_of_others(
    pool: Pool, anonymous: httpx.AsyncClient
) -> None:
    await pool.worker("free")
    await pool.worker("picky", customers=[OWN, "third"])
    await pool.submit("theirs", customer="third", priority=90)
    await pool.submit("ours", customer=OWN)
    token = await new_token(pool, Role.READ, customer=OWN)
    answer = await anonymous.get("/v1/jobs/ours/explain", headers=bearer(token))
    assert answer.json()["position"] == 2
    assert "theirs" not in answer.text
    assert "third" not in answer.text


async def test_no_key_administers_and_is_of_one_customer(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/keys", json={"name": "n", "roles": ["admin"], "customer": OWN})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


# Keys


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Basic dTpw", "Bearer emp_000000000000_" + "x" * 43]
)
async def test_what_is_no_valid_key_is_refused_without_saying_why(
    header: str, anonymous: httpx.AsyncClient
) -> None:
    answer = await anonymous.get("/v1/jobs", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert (answer.json()["code"], answer.json()["facts"]) == ("unauthenticated", {})


async def test_a_key_is_rotated_without_a_moment_at_which_no_secret_is_taken(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    made = (await client.post("/v1/keys", json={"name": "n", "roles": ["read"]})).json()
    path = f"/v1/keys/{made['key']['key_id']}"

    async def status(token: str) -> int:
        return (await anonymous.get("/v1/jobs", headers=bearer(token))).status_code

    rotated = (await client.post(f"{path}/rotate", json={"overlap_seconds": 3600})).json()
    assert rotated["key"]["overlap_ms"] is not None
    assert [await status(t) for t in (made["token"], rotated["token"])] == [200, 200]
    again = (await client.post(f"{path}/rotate", json={"overlap_seconds": 0})).json()
    tokens = (made["token"], rotated["token"], again["token"])
    assert [await status(token) for token in tokens] == [401, 401, 200]
    assert (await client.delete(path)).json()["revoked_ms"] is not None
    assert await status(again["token"]) == 401
    refused = await client.post(f"{path}/rotate", json={})
    assert refused.json()["code"] == "api_key_revoked"


async def test_a_key_expires_and_the_old_secret_of_a_rotated_one_ends_with_the_overlap(pool: Pool) -> None:
    start = 1_900_000_000_000
    broker = Broker(settings(), url=pool.broker.url, now_ms=start)
    keys = ApiKeys(broker)
    key, token = await keys.create("n", [Role.READ], lifetime_seconds=100)
    _, newer = await keys.rotate(key.key_id, overlap_seconds=10)
    for seconds, taken in ((9, {token, newer}), (10, {newer}), (99, {newer}), (100, set())):
        broker.executor.now_ms = start + seconds * 1000
        assert {each for each in (token, newer) if await _taken(keys, each)} == taken
    broker.executor.now_ms = start + 32 * 86_400_000
    await keys.create("m", [Role.READ])
    assert [key.name for key in await keys.list()] == ["m"]
    await broker.close()


async def _taken(keys: ApiKeys, token: str) -> bool:
    try:
        await keys.authenticate(token)
    except Unauthenticated:
        return False
    return True


async def test_the_server_of_the_queue_holds_no_secret(pool: Pool) -> None:
    _, token = await ApiKeys(pool.broker).create("n", [Role.READ])
    secret = token.rpartition("_")[2]
    assert secret not in str(await pool.picture())
