"""Webhooks over REST: managed by whoever may, seen by the customer whose they are, secrets shown once."""

from __future__ import annotations

from typing import Any

import httpx

from emprops.core.access import Role
from tests.api.conftest import bearer, new_token
from tests.queue.harness import Pool

WANTED = {"url": "https://endpoint.example/hook", "events": ["job.completed"]}


async def _created(client: httpx.AsyncClient, headers: dict[str, str] | None = None, **fields: Any) -> Any:
    answer = await client.post("/v1/webhooks", json={**WANTED, **fields}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_subscription_lives_from_its_creation_to_its_deletion(client: httpx.AsyncClient) -> None:
    made = await _created(client)
    path = f"/v1/webhooks/{made['webhook']['webhook_id']}"
    assert made["secret"].startswith("whsec_")
    assert made["webhook"]["enabled"]
    changed = (await client.patch(path, json={"concurrency": 1})).json()
    assert (changed["concurrency"], changed["url"], changed["events"]) == (
        1,
        WANTED["url"],
        ["job.completed"],
    )
    rotated = (await client.post(f"{path}/rotate")).json()
    assert rotated["secret"] != made["secret"]
    disabled = (await client.post(f"{path}/disable", json={"reason": "maintenance"})).json()
    assert (disabled["enabled"], disabled["reason"], disabled["message"]) == (False, "asked", "maintenance")
    assert (await client.post(f"{path}/enable")).json()["enabled"]
    replayed = (await client.post(f"{path}/replay", json={"after": "0-0"})).json()
    assert replayed["position"] == "0-0"
    (listed,) = (await client.get("/v1/webhooks")).json()["webhooks"]
    assert listed == (await client.get(path)).json()
    assert not any(secret in str(listed) for secret in (made["secret"], rotated["secret"]))
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).json()["code"] == "webhook_not_found"


async def test_a_test_delivery_to_this_machine_is_refused_and_logged(client: httpx.AsyncClient) -> None:
    made = await _created(client, url="http://localhost:1/")
    path = f"/v1/webhooks/{made['webhook']['webhook_id']}"
    tested = (await client.post(f"{path}/test")).json()
    assert (tested["outcome"], tested["failure"]) == ("tested", "refused_target")
    assert (await client.get(f"{path}/deliveries")).json()["deliveries"] == [tested]
    refused = await client.post("/v1/webhooks", json={"url": "http://169.254.169.254/latest/meta-data/"})
    assert (refused.status_code, refused.json()["code"]) == (422, "webhook_target_refused")


async def test_a_key_of_a_customer_makes_and_sees_its_own_only(client: httpx.AsyncClient, pool: Pool) -> None:
    acme = bearer(await new_token(pool, Role.OPERATE, Role.READ, customer="acme"))
    own = await _created(client, acme)
    foreign = await _created(client, customer="rival")
    of_all = await _created(client)
    assert own["webhook"]["customer"] == "acme"
    (listed,) = (await client.get("/v1/webhooks", headers=acme)).json()["webhooks"]
    assert listed == own["webhook"]
    for other in (foreign, of_all):
        path = f"/v1/webhooks/{other['webhook']['webhook_id']}"
        assert (await client.get(path, headers=acme)).json()["code"] == "webhook_not_found"
    refused = await client.post("/v1/webhooks", json={**WANTED, "customer": "rival"}, headers=acme)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
