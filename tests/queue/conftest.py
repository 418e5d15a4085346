"""Fixtures of the queue's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from emprops.broker import Broker, EmbeddedServer
from tests.queue.harness import START_MS, Pool, settings


@pytest.fixture
async def pool(server: EmbeddedServer) -> AsyncIterator[Pool]:
    """A pool on an empty server, with a clock that the test moves."""
    broker = Broker(settings(), url=server.url, now_ms=START_MS)
    await broker.connection.flushall()
    made = Pool(broker)
    yield made
    await made.close()
