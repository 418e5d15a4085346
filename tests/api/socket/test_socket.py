"""The WebSocket: who gets in, what each message does, and how each connection ends."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from emprops.broker import WorkerSession
from emprops.core.access import Role
from emprops.core.messages import PATH
from emprops.core.worker import WorkerInfo
from tests.api.socket.conftest import PATIENCE_SECONDS, Client, Site

EVERYTHING = {"type": "subscribe", "id": "all"}


def _submit(job_id: str, **fields: Any) -> dict[str, Any]:
    job = {"job_id": job_id, "requirements": {"service": "s"}, **fields}
    return {"type": "submit", "request": "r", "job": job}


async def _worker(site: Site, worker_id: str = "w") -> WorkerSession:
    facts = {"worker_id": worker_id, "instance": "0" * 16, "capabilities": {"services": ["s"]}}
    session = WorkerSession(site.broker, WorkerInfo.model_validate(facts))
    await session.register()
    return session


# Who gets in


async def test_a_wrong_key_in_the_handshake_is_answered_as_http(site: Site) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await site.open("emp_wrong")
    response = refused.value.response
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.body is not None
    assert json.loads(response.body)["code"] == "unauthenticated"


async def test_a_client_that_can_send_no_header_shows_its_key_in_the_first_message(site: Site) -> None:
    client = await site.open("")
    welcome = await client.ask({"type": "authenticate", "key": await site.token(customer="acme")})
    assert (welcome["type"], welcome["customer"]) == ("welcome", "acme")
    assert welcome["roles"] == ["read", "submit"]
    again = await client.ask({"type": "authenticate", "key": "another"})
    assert again["code"] == "forbidden"


@pytest.mark.parametrize(
    "message", [{"type": "ping"}, {"type": "authenticate"}, {"type": "authenticate", "key": "emp_wrong"}]
)
async def test_without_a_key_nothing_else_is_done(site: Site, message: dict[str, Any]) -> None:
    client = await site.open("")
    await client.send(message)
    assert await client.closed() == (4401, "unauthenticated")


@pytest.mark.parametrize("limits", [{"SOCKET_AUTHENTICATION_SECONDS": 0.1}])
async def test_a_client_that_shows_no_key_in_time_is_closed(site: Site) -> None:
    client = await site.open("")
    assert await client.closed() == (4401, "unauthenticated")


@pytest.mark.parametrize("limits", [{"SOCKET_AUTHENTICATION_SECONDS": 0.1}])
async def test_a_key_in_the_address_is_not_looked_at(site: Site) -> None:
    token = await site.token()
    async with connect(f"ws://127.0.0.1:{site.port}{PATH}?token={token}&key={token}") as connection:
        assert await Client(connection).closed() == (4401, "unauthenticated")


@pytest.mark.parametrize("limits", [{"SOCKET_HEARTBEAT_SECONDS": 0.1}])
async def test_a_revoked_key_ends_its_connections_and_no_others(site: Site) -> None:
    token = await site.token()
    client, other = await site.client(token), await site.client()
    await site.keys.revoke(token.split("_")[1])
    assert await client.closed() == (4401, "unauthenticated")
    await other.nothing()


@pytest.mark.parametrize("limits", [{"SOCKET_CONNECTIONS": 1}])
async def test_a_full_process_says_so(site: Site) -> None:
    first = await site.client()
    second = await site.open()
    assert await second.closed() == (4429, "too_many_connections")
    await first.nothing()
    await first.connection.close()
    third = await site.open()
    while (await third.read())["type"] != "welcome":
        third = await site.open()


# Messages that are wrong


@pytest.mark.parametrize("text", ["{", "[]", '{"kind": "ping"}', '{"type": 1}', "[" * 5000])
async def test_text_that_is_no_message_ends_the_connection(site: Site, text: str) -> None:
    client = await site.client()
    await client.send(text)
    error = await client.read()
    assert (error["type"], error["code"]) == ("error", "message_malformed")
    assert (await client.read())["type"] == "closing"
    assert await client.closed() == (4400, "protocol_error")


async def test_a_binary_frame_ends_the_connection(site: Site) -> None:
    client = await site.client()
    await client.connection.send(b"{}")
    assert await client.closed() == (1003, "binary_frame")


@pytest.mark.parametrize("limits", [{"SOCKET_FRAME_LIMIT_BYTES": 1024}])
async def test_a_frame_that_is_too_large_ends_the_connection(site: Site) -> None:
    client = await site.client()
    await client.send(_submit("j", payload={"text": "x" * 1024}))
    assert (await client.closed())[0] == 1009
    assert await site.broker.read_events() == []


@pytest.mark.parametrize(
    ("message", "code", "said"),
    [
        ({"type": "subscirbe"}, "message_unknown", "subscribe"),
        ({"type": "welcome"}, "message_unknown", "known are"),
        ({"type": "subscribe", "id": "s", "job": ["j"]}, "unknown_field", "jobs"),
        ({"type": "subscribe"}, "invalid_request", "id"),
        ({"type": "subscribe", "id": "two words"}, "invalid_request", "id"),
        ({"type": "subscribe", "id": "s", "types": ["job.complete"]}, "invalid_request", "job.completed"),
        ({"type": "subscribe", "id": "s", "after": "now"}, "invalid_request", "after"),
        ({"type": "subscribe", "id": "s", "after": "1-0", "snapshot": True}, "invalid_request", "snapshot"),
        ({"type": "unsubscribe", "id": "s"}, "subscription_not_found", "s"),
        (_submit("j", priority=101), "invalid_request", "priority"),
        (_submit("j", payload={"x": "y" * 1_048_576}), "payload_too_large", ""),
        (
            {"type": "submit", "request": "r", "job": {"requirements": {"service": "s"}}},
            "invalid_request",
            "job_id or an idempotency_key",
        ),
    ],
)
async def test_a_message_that_is_wrong_is_refused_and_changes_nothing(
    site: Site, message: dict[str, Any], code: str, said: str
) -> None:
    client = await site.client()
    error = await client.ask(message)
    assert (error["type"], error["code"], error["about"]) == ("error", code, message["type"])
    assert said in error["message"]
    assert error["remedy"]
    await client.nothing()
    assert await site.broker.read_events() == []


@pytest.mark.parametrize("limits", [{"SOCKET_SUBSCRIPTIONS": 2}])
async def test_a_connection_has_so_many_subscriptions_and_no_more(site: Site) -> None:
    client = await site.client()
    assert (await client.ask({"type": "subscribe", "id": "a"}))["type"] == "subscribed"
    assert (await client.ask({"type": "subscribe", "id": "a"}))["code"] == "subscription_exists"
    assert (await client.ask({"type": "subscribe", "id": "b"}))["type"] == "subscribed"
    assert (await client.ask({"type": "subscribe", "id": "c"}))["code"] == "subscription_limit_reached"
    assert (await client.ask({"type": "unsubscribe", "id": "a"}))["type"] == "unsubscribed"
    assert (await client.ask({"type": "subscribe", "id": "c"}))["type"] == "subscribed"


# Submits


async def test_a_submit_that_is_sent_again_finds_its_job(site: Site) -> None:
    client = await site.client()
    first = await client.ask(_submit("j"))
    second = await client.ask(_submit("j"))
    assert (first["created"], second["created"]) == (True, False)
    assert first["request"] == second["request"] == "r"
    conflict = await client.ask(_submit("j", priority=1))
    assert (conflict["code"], conflict["request"]) == ("job_exists", "r")
    assert len(await site.broker.read_events()) == 1


async def test_the_job_of_a_customers_key_is_that_customers(site: Site) -> None:
    client = await site.client(await site.token(customer="acme"))
    assert (await client.ask(_submit("j")))["created"]
    assert (await site.broker.get("j")).customer == "acme"
    assert not (await client.ask(_submit("j", customer="acme")))["created"]


# Events


async def test_a_client_sees_its_job_from_submit_on(site: Site) -> None:
    client = await site.client()
    await client.ask({"type": "subscribe", "id": "s", "jobs": ["j"]})
    await client.send(_submit("j"))
    found = {message["type"]: message for message in [await client.read(), await client.read()]}
    assert found["accepted"]["created"]
    assert found["event"]["event"]["type"] == "job.submitted"
    await client.nothing()


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        ({}, {"a", "b", "c", None}),
        ({"jobs": ["a", "c", "z"]}, {"a", "c"}),
        ({"workflows": ["film"]}, {"a", "b"}),
        ({"customers": ["acme"]}, {"a", "b"}),
        ({"workers": ["w"]}, {"c", None}),
        ({"workers": ["v"]}, set()),
        ({"types": ["job.claimed"]}, {"c"}),
        ({"types": ["job.submitted"], "workflows": ["film"]}, {"a", "b"}),
        ({"jobs": ["a"], "customers": ["other"]}, set()),
        ({"jobs": ["a", "b"], "workflows": ["film"], "types": ["job.submitted"]}, {"a", "b"}),
    ],
)
async def test_an_event_is_sent_if_it_passes_every_filter(
    site: Site, wanted: dict[str, Any], seen: set[str | None]
) -> None:
    live = await site.client()
    await live.ask({"type": "subscribe", "id": "live", **wanted})
    worker = await _worker(site)
    await site.submit("a", workflow="film", customer="acme", requirements={"service": "nobody"})
    await site.submit("b", workflow="film", customer="acme", requirements={"service": "nobody"})
    await site.submit("c")
    await worker.claim()
    expected = [e.event_id for e in await site.broker.read_events() if getattr(e, "job", None) in seen]
    if "types" in wanted:
        kept = {e.event_id for e in await site.broker.read_events() if e.type in wanted["types"]}
        expected = [event_id for event_id in expected if event_id in kept]
    if wanted.get("workers") == ["w"]:
        expected = [e.event_id for e in await site.broker.read_events() if getattr(e, "worker", None) == "w"]
    messages = await live.events(len(expected))
    assert [message["event"]["event_id"] for message in messages] == expected
    history = await site.client()
    await history.send({"type": "subscribe", "id": "history", "after": "0-0", **wanted})
    messages = await history.events(len(expected))
    assert [message["event"]["event_id"] for message in messages] == expected
    await live.nothing()
    await history.nothing()
    await worker.close()


async def test_each_subscription_is_a_sequence_of_its_own(site: Site) -> None:
    client = await site.client()
    await client.ask(EVERYTHING)
    await client.ask({"type": "subscribe", "id": "one", "jobs": ["j"]})
    await site.submit("j")
    assert {message["id"] for message in await client.events(2)} == {"all", "one"}
    await client.ask({"type": "unsubscribe", "id": "all"})
    await site.broker.cancel("j")
    assert (await client.read())["id"] == "one"
    await client.nothing()


@pytest.mark.parametrize("limits", [{"SOCKET_HEARTBEAT_SECONDS": 0.1}])
async def test_a_heartbeat_says_up_to_where_everything_was_sent(site: Site) -> None:
    client = await site.client()
    await client.ask({"type": "subscribe", "id": "s", "jobs": ["other"]})
    await site.submit("j")
    newest = await site.broker.last_event_id()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (message := json.loads(await client.connection.recv())).get("position") != newest:
            assert message["type"] == "heartbeat"


async def test_a_heartbeat_names_no_position_before_what_was_sent(site: Site) -> None:
    client = await site.client()
    await site.sockets.hub.stop()  # a reader that is late
    await site.submit("j")
    await client.send({**EVERYTHING, "after": "0-0"})
    (message,) = await client.events(1)
    await client.nothing()  # history is read to its end, and what comes next would come from the reader
    for connection in site.sockets.connections:
        connection.beat()
    heartbeat = json.loads(await client.connection.recv())
    assert heartbeat == {"type": "heartbeat"}
    assert message["event"]["job"] == "j"


# Snapshots


async def test_a_snapshot_is_true_at_its_event_and_the_changes_follow(site: Site) -> None:
    worker = await _worker(site)
    await site.submit("done", workflow="film")
    (job,) = (await worker.claim()).jobs
    await worker.complete(job, {})
    await site.submit("open", workflow="film")
    await site.submit("other")
    client = await site.client()
    await client.send({"type": "subscribe", "id": "s", "workflows": ["film"], "snapshot": True})
    subscribed, snapshot = await client.read(), await client.read()
    newest = await site.broker.last_event_id()
    assert subscribed["position"] == snapshot["position"] == newest
    assert {job["job"]: job["status"] for job in snapshot["jobs"]} == {"done": "completed", "open": "pending"}
    assert snapshot["complete"]
    await site.broker.cancel("open")
    assert [m["event"]["type"] for m in await client.events(2)] == ["job.cancelled", "workflow.ended"]
    await client.nothing()
    await worker.close()


async def test_a_snapshot_of_everything_holds_what_is_running(site: Site) -> None:
    worker = await _worker(site)
    for job_id in ("a", "b"):
        await site.submit(job_id)
    (job,) = (await worker.claim()).jobs
    await worker.progress(job, 0.5, "sampling")
    client = await site.client()
    await client.send({**EVERYTHING, "snapshot": True})
    assert (await client.read())["type"] == "subscribed"
    (shown,) = (await client.read())["jobs"]
    facts = {
        "job": "a",
        "status": "running",
        "worker": "w",
        "attempt": 1,
        "progress": 0.5,
        "message": "sampling",
    }
    assert shown.items() >= facts.items()
    await worker.close()


async def test_a_snapshot_for_a_customer_holds_its_open_jobs(site: Site) -> None:
    for job_id, customer in {"a": "acme", "b": "acme", "c": "other", "d": None}.items():
        await site.submit(job_id, customer=customer)
    await site.broker.cancel("b")
    for token, wanted in (
        (await site.token(), {"customers": ["acme"]}),
        (await site.token(customer="acme"), {}),
    ):
        client = await site.client(token)
        await client.send({**EVERYTHING, "snapshot": True, **wanted})
        snapshot = await client.until("snapshot")
        assert [job["job"] for job in snapshot["jobs"]] == ["a"]


async def test_snapshots_under_load_and_their_changes_add_up(site: Site) -> None:
    names = [f"j{number}" for number in range(40)]
    clients = [await site.client() for _ in range(4)]

    async def work() -> None:
        for name in names:
            await site.submit(name, workflow="film")
        for name in names[::2]:
            await site.broker.cancel(name)

    working = asyncio.create_task(work())
    for client in clients:
        await asyncio.sleep(0.01)
        await client.send({"type": "subscribe", "id": "s", "workflows": ["film"], "snapshot": True})
    await working
    newest = await site.broker.last_event_id()
    for client in clients:
        snapshot = await client.until("snapshot")
        state = {job["job"]: job["status"] for job in snapshot["jobs"]}
        position = snapshot["position"]
        while position != newest:
            event = (await client.until("event"))["event"]
            position = event["event_id"]
            assert state.get(event["job"]) != event["status"], "the snapshot had this change already"
            state[event["job"]] = event["status"]
        assert state == {name: "pending" if n % 2 else "cancelled" for n, name in enumerate(names)}


# How connections end


@pytest.mark.parametrize("limits", [{"SOCKET_BUFFER_BYTES": 65536, "PROGRESS_INTERVAL_SECONDS": 0}])
async def test_a_slow_reader_is_cut_off_and_harms_nobody(site: Site) -> None:
    slow, quick = await site.client(max_queue=1), await site.client()
    await slow.ask(EVERYTHING)
    await quick.ask(EVERYTHING)
    reading = asyncio.create_task(quick.events(1 + 1 + 1 + 900))
    worker = await _worker(site)
    await site.submit("j")
    (job,) = (await worker.claim()).jobs
    for number in range(900):
        await worker.progress(job, number / 900, "x" * 2000)
    messages = await reading
    expected = [event.event_id for event in await site.broker.read_events(limit=1000)]
    assert [message["event"]["event_id"] for message in messages] == expected
    assert await slow.closed() == (4408, "slow_reader")
    await quick.nothing()
    await worker.close()


@pytest.mark.parametrize(
    "limits",
    [{"SOCKET_STALL_SECONDS": 0.2, "SOCKET_HEARTBEAT_SECONDS": 0.2, "PROGRESS_INTERVAL_SECONDS": 0}],
)
async def test_a_reader_of_history_that_takes_nothing_is_cut_off(site: Site) -> None:
    worker = await _worker(site)
    await site.submit("j")
    (job,) = (await worker.claim()).jobs
    for number in range(1500):
        await worker.progress(job, number / 1500, "x" * 2000)
    slow = await site.client(max_queue=1)
    await slow.send({**EVERYTHING, "after": "0-0"})
    await asyncio.sleep(1)
    assert await slow.closed() == (4408, "slow_reader")
    await worker.close()


async def test_a_process_that_stops_says_so_and_clients_go_on_elsewhere(site: Site) -> None:
    client = await site.client()
    await client.ask(EVERYTHING)
    await site.submit("a")
    seen = (await client.events(1))[0]["event"]["event_id"]
    stopping = asyncio.create_task(site.stop())
    closing = await client.until("closing")
    assert (closing["code"], closing["name"]) == (1001, "going_away")
    assert await client.closed() == (1001, "going_away")
    await stopping
    await site.submit("b")
    await site.start()
    again = await site.client()
    await again.send({**EVERYTHING, "after": seen})
    assert [message["event"]["job"] for message in await again.events(1)] == ["b"]
    await again.nothing()


async def test_the_loss_of_the_stream_ends_every_connection(site: Site) -> None:
    client = await site.client()
    await client.ask(EVERYTHING)
    await site.submit("a")
    await client.events(1)
    await site.broker.connection.delete(site.broker.keys.key("events"))
    # The reader looks where it is when its connection comes back.
    await site.broker.connection.client_kill_filter(_type="normal", skipme=True)
    assert await client.closed() == (4410, "position_lost")


async def test_an_entry_that_is_no_event_leaves_nobody_waiting(site: Site) -> None:
    client = await site.client()
    await client.ask(EVERYTHING)
    await site.broker.connection.xadd(site.broker.keys.key("events"), {"type": "from.elsewhere", "at": 0})
    assert await client.closed() == (1011, "server_fault")
    again = await site.client()
    await again.ask(EVERYTHING)
    await site.submit("j")
    assert (await again.events(1))[0]["event"]["job"] == "j"


async def test_the_server_of_the_queue_may_be_away_for_a_while(site: Site) -> None:
    client = await site.client()
    await client.ask(EVERYTHING)
    for number in range(5):
        await site.broker.connection.client_kill_filter(_type="normal", skipme=True)
        await site.submit(f"j{number}")
    assert [m["event"]["job"] for m in await client.events(5)] == [f"j{number}" for number in range(5)]


async def test_a_read_only_key_does_not_submit(site: Site) -> None:
    client = await site.client(await site.token(Role.READ))
    assert (await client.ask(_submit("j")))["code"] == "forbidden"
    assert await site.broker.read_events() == []
