"""Who may send which message, for each message and role; and a customer's key sees that customer's jobs alone."""

from __future__ import annotations

from typing import Any

import pytest

from emprops.broker import WorkerSession
from emprops.core.access import Role
from emprops.core.messages import CLIENT_MESSAGES, ClientMessage, Submit
from emprops.core.worker import WorkerInfo
from tests.api.socket.conftest import Client, Site

OWN, FOREIGN = "acme", "other"
CUSTOMERS = {"own": OWN, "foreign": FOREIGN}
IMPLIED = {role: {role} for role in Role} | {Role.ADMIN: set(Role)}
"""What each role allows: itself, and an administrator everything."""


def _message(model: type[ClientMessage], customer: str) -> dict[str, Any]:
    """Return a message of a kind, about a customer if it can be about one."""
    about: dict[str, dict[str, Any]] = {
        "authenticate": {"key": "another"},
        "subscribe": {"id": "s", "customers": [customer]},
        "unsubscribe": {"id": "s"},
        "submit": {
            "request": "r",
            "job": {"job_id": "new", "requirements": {"service": "s"}, "customer": customer},
        },
        "ping": {},
    }
    return {"type": model.type_name(), **about[model.type_name()]}


@pytest.mark.parametrize("whose", CUSTOMERS)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("model", CLIENT_MESSAGES, ids=lambda model: model.type_name())
async def test_a_message_is_obeyed_if_the_role_allows_it_and_the_customer_is_the_keys(
    site: Site, model: type[ClientMessage], role: Role, whose: str
) -> None:
    scoped = role is not Role.ADMIN  # an administrator's key is for all customers
    client = await site.client(await site.token(role, customer=OWN if scoped else None))
    message = _message(model, CUSTOMERS[whose])
    answer = await client.ask(message)
    assert answer["type"] in model.answers
    by_role = model.requires is None or model.requires in IMPLIED[role]
    names_customer = "customers" in model.model_fields or "job" in model.model_fields
    by_customer = whose == "own" or not scoped or not names_customer
    once = model.type_name() != "authenticate"
    assert (answer.get("code") != "forbidden") == (by_role and by_customer and once)
    created = [event for event in await site.broker.read_events() if getattr(event, "job", None) == "new"]
    assert bool(created) == (model is Submit and by_role and by_customer)


FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"jobs": ["own", "foreign", "nobodys"]},
    {"workflows": ["film", "shared", "free"]},
    {"workers": ["w"]},
    {"customers": [OWN]},
    {"types": ["job.submitted", "job.claimed", "job.cancelled", "worker.registered", "workflow.ended"]},
)


@pytest.mark.parametrize("position", [{}, {"after": "0-0"}, {"snapshot": True}], ids=str)
@pytest.mark.parametrize("wanted", FILTERS, ids=str)
async def test_a_customers_key_sees_nothing_of_others_whatever_it_asks(
    site: Site, wanted: dict[str, Any], position: dict[str, Any]
) -> None:
    facts = {"worker_id": "w", "instance": "0" * 16, "capabilities": {"services": ["s"]}, "concurrency": 3}
    worker = WorkerSession(site.broker, WorkerInfo.model_validate(facts))

    async def happen(suffix: str) -> None:
        await worker.register()
        for name, fields in {
            "own": {"customer": OWN, "workflow": "film"},
            "foreign": {"customer": FOREIGN, "workflow": "shared"},
            "nobodys": {"workflow": "free"},
        }.items():
            await site.submit(name + suffix, **fields)
        await worker.claim(3)
        for name in ("own", "foreign", "nobodys"):
            await site.broker.cancel(name + suffix)

    await happen("")
    client = await site.client(await site.token(Role.READ, customer=OWN))
    await client.send({"type": "subscribe", "id": "s", **wanted, **position})
    await _subscribed(client)
    await happen("-2")
    own = await site.client(await site.token(Role.READ))
    await own.send({"type": "subscribe", "id": "s", "customers": [OWN], "after": "0-0"})
    last = (await own.events(8))[-1]["event"]["event_id"]
    await client.send({"type": "subscribe", "id": "end", "after": "0-0", "customers": [OWN]})
    seen: list[dict[str, Any]] = []
    while not seen or (seen[-1].get("id"), seen[-1].get("event", {}).get("event_id")) != ("end", last):
        seen.append(await client.read())
    customers = {message["event"].get("customer") for message in seen if message["type"] == "event"}
    customers |= {
        job.get("customer") for message in seen if message["type"] == "snapshot" for job in message["jobs"]
    }
    assert customers == {OWN}
    await worker.close()


async def _subscribed(client: Client) -> None:
    assert (await client.read())["type"] == "subscribed"
