"""Fixtures of the API's tests: the API on a loopback address, its queue on a real server, keys for everybody."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import uvicorn

from emprops.api.listening import base_url, listen
from emprops.api.serving import serve
from emprops.broker import ApiKeys, Broker, EmbeddedServer
from emprops.core.access import Role
from emprops.core.settings import ApiSettings
from tests.queue.harness import Pool, settings

PATIENCE_SECONDS = 30
BODY_LIMIT = 65_536


class Site:
    """An API that serves, and the queue behind it.

    Args:
        queue: the server of the queue.
        api_settings: how the API serves.
    """

    def __init__(self, queue: EmbeddedServer, api_settings: ApiSettings) -> None:
        self.queue = queue
        self._settings = api_settings
        self._server: uvicorn.Server | None = None
        self._ready = threading.Event()
        listener: socket.socket = listen(api_settings)
        self.url = base_url(listener)
        self._thread = threading.Thread(target=self._serve, args=(listener,), daemon=True)
        self._thread.start()
        assert self._ready.wait(PATIENCE_SECONDS)

    def _serve(self, listener: socket.socket) -> None:
        asyncio.run(serve(self._settings, listener=listener, url=self.queue.url, on_server=self._started))

    def _started(self, server: uvicorn.Server) -> None:
        self._server = server
        self._ready.set()

    def stop(self) -> None:
        """Stop the API."""
        assert self._server is not None
        self._server.should_exit = True
        self._thread.join(PATIENCE_SECONDS)


async def new_token(pool: Pool, *roles: Role, customer: str | None = None) -> str:
    """Return the token of a new key, that of an administrator if no role is named."""
    _, token = await ApiKeys(pool.broker).create("test", roles or [Role.ADMIN], customer=customer)
    return token


def new_client(site: Site, token: str | None = None) -> httpx.AsyncClient:
    """Return a client of the API; nothing is encrypted, so it reads no certificates."""
    headers = bearer(token) if token else {}
    return httpx.AsyncClient(base_url=site.url, headers=headers, verify=False, trust_env=False)


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="package")
def site() -> Iterator[Site]:
    """An API for the tests of this package, with a queue of its own."""
    with EmbeddedServer() as queue:
        started = Site(queue, ApiSettings(port=0, body_limit_bytes=BODY_LIMIT))
        yield started
        started.stop()


@pytest.fixture
async def pool(site: Site) -> AsyncIterator[Pool]:
    """The queue behind the API, emptied."""
    made = Pool(Broker(settings(), url=site.queue.url))
    await made.broker.connection.flushall()
    yield made
    await made.close()


@pytest.fixture
async def client(site: Site, pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the key of an administrator."""
    async with new_client(site, await new_token(pool)) as made:
        yield made
