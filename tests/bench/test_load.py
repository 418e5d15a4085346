"""The load that benchmarks put on the server: what it counts is what the server answered."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest

from emprops.bench.claim import open_port
from emprops.bench.load import Callers, calls_per_second, packed
from emprops.broker import Broker, EmbeddedServer

CLIENTS = 3


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    """A broker with a server of its own."""
    with EmbeddedServer() as server:
        async with Broker(url=server.url) as broker:
            yield broker


async def _pushed(broker: Broker) -> int:
    return int(await broker.connection.llen("pushed"))


async def test_processes_send_what_each_was_given_and_wait_for_the_answers(broker: Broker) -> None:
    port = await open_port(broker)
    with Callers(port, CLIENTS) as callers:
        for round_number in range(2):
            rate = callers.rate([[packed("RPUSH", "pushed", own)] * 100 for own in range(CLIENTS)], 60)
            assert rate > 0
            assert await _pushed(broker) == 100 * CLIENTS * (round_number + 1)
    pushed = await broker.connection.lrange("pushed", 0, -1)
    assert {own: pushed.count(own) for own in pushed} == {"0": 200, "1": 200, "2": 200}


async def test_one_process_sends_what_it_was_given_and_ends_when_that_runs_out(broker: Broker) -> None:
    calls = itertools.repeat(packed("RPUSH", "pushed", "x"), 500)
    assert calls_per_second(await open_port(broker), CLIENTS, calls, 60) > 0
    assert await _pushed(broker) == 500


async def test_a_refusal_is_no_answer_that_counts(broker: Broker, capfd: pytest.CaptureFixture[str]) -> None:
    port = await open_port(broker)
    wrong = packed("EVALSHA", "0" * 40, 0)
    with pytest.raises(RuntimeError, match="NOSCRIPT"):
        calls_per_second(port, CLIENTS, iter([wrong] * CLIENTS), 1)
    with pytest.raises(RuntimeError, match="ended with code 1"), Callers(port, CLIENTS) as callers:
        callers.rate([[wrong]] * CLIENTS, 1)
    assert "NOSCRIPT" in capfd.readouterr().err
