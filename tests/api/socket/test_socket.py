"""The WebSocket: who gets in, what each message does, and how each connection ends."""

from __future__ import annotations

from tests.api.socket.conftest import Site


async def test_a_client_sees_its_job_from_submit_on(site: Site) -> None:
    client = await site.client()
    subscribed = await client.ask({"type": "subscribe", "id": "s", "jobs": ["j"]})
    assert subscribed["type"] == "subscribed"
    answer = await client.ask(
        {"type": "submit", "request": "r", "job": {"job_id": "j", "requirements": {"service": "s"}}}
    )
    messages = {answer["type"]: answer}
    messages.update({m["type"]: m for m in [await client.read()]})
    assert messages["accepted"]["created"] is True
    assert messages["event"]["event"]["type"] == "job.submitted"
    await client.nothing()
