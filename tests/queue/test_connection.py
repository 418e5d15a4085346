"""The connection to the server: a cancellation reaches it, a server that is away or unfit is told as what it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from emprops.broker import Broker, EmbeddedServer, connection
from emprops.broker.connection import open_connection
from emprops.core.errors import ServerUnreachable, ServerUnsuitable
from tests.queue.harness import settings


@pytest.mark.parametrize("turns", range(40))
async def test_a_blocking_command_is_cancelled_in_whatever_moment(server: EmbeddedServer, turns: int) -> None:
    client = open_connection(server.url, timeout_seconds=5, connections=2)
    waiting = asyncio.create_task(client.bzpopmin("nothing", timeout=3))
    for _ in range(turns):
        await asyncio.sleep(0)
    waiting.cancel()
    answers: list[object] = await asyncio.gather(waiting, return_exceptions=True)
    await client.aclose()
    # Had the cancellation been lost, the command's own end would have come: None.
    assert isinstance(answers[0], asyncio.CancelledError)


@pytest.mark.parametrize(
    "url", ["unix:///nowhere/s", "redis://127.0.0.1:1/0", "redis://[::1", "http://x", "not an address"]
)
async def test_a_server_that_is_not_there_is_told(url: str) -> None:
    with pytest.raises(ServerUnreachable) as refused:
        async with Broker(settings(), url=url) as broker:
            await broker.get("j")
    assert refused.value.remedy


async def test_a_command_that_takes_too_long_counts_as_unreachable(server: EmbeddedServer) -> None:
    async with Broker(settings(command_timeout_seconds=0.2), url=server.url) as broker:
        other = open_connection(server.url, timeout_seconds=30)
        await other.execute_command("CLIENT", "PAUSE", "1000", "ALL")
        with pytest.raises(ServerUnreachable):
            await broker.submit({"requirements": {"service": "s"}})
        await other.execute_command("CLIENT", "UNPAUSE")
        await broker.submit({"requirements": {"service": "s"}})
        await other.aclose()


async def test_a_server_whose_connections_break_is_used_again(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as durable:
        broker = Broker(settings(), url=durable.url)
        await broker.submit({"job_id": "j", "requirements": {"service": "s"}})
        await broker.connection.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no")
        for _ in range(3):
            try:
                job = await broker.get("j")
                break
            except ServerUnreachable:
                continue
        assert job.job_id == "j"
        await broker.close()


async def test_a_server_that_may_drop_keys_is_refused_at_the_start(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as durable:
        async with Broker(settings(), url=durable.url) as broker:
            assert await broker.check() == []
            await broker.connection.config_set("maxmemory-policy", "allkeys-lru")
            with pytest.raises(ServerUnsuitable) as refused:
                await broker.check()
    assert refused.value.detail == {"maxmemory_policy": "allkeys-lru"}


async def test_a_server_without_persistence_is_used_and_told_of(server: EmbeddedServer) -> None:
    async with Broker(settings(), url=server.url) as broker:
        (finding,) = await broker.check()
    assert "append-only" in finding


async def test_a_server_that_is_too_old_is_refused_at_the_start(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "OLDEST_VALKEY", (99, 0))
    async with Broker(settings(), url=server.url) as broker:
        with pytest.raises(ServerUnsuitable, match=r"older than 99\.0"):
            await broker.check()


async def test_a_server_that_writes_after_it_answers_is_told_of(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as durable:
        async with Broker(settings(), url=durable.url) as broker:
            await broker.connection.config_set("appendfsync", "everysec")
            (finding,) = await broker.check()
            assert "appendfsync is everysec" in finding
            await broker.connection.execute_command("ACL", "SETUSER", "default", "-config")
            (finding,) = await broker.check()
    assert "does not tell" in finding
