"""Fixtures of the WebSocket's tests: an API in the test's own loop, its pool, and clients that speak to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import TypeAdapter
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from emprops.api.listening import listen
from emprops.api.serving import serve
from emprops.api.socket import Sockets
from emprops.broker import ApiKeys, Broker, EmbeddedServer
from emprops.core.access import Role
from emprops.core.messages import PATH, AnyServerMessage
from emprops.core.settings import ApiSettings, BrokerSettings

PATIENCE_SECONDS = 20
"""How long a test waits for something that must happen; it takes this long only when it fails."""
ALL = (Role.READ, Role.SUBMIT)
_SERVER_MESSAGE: TypeAdapter[AnyServerMessage] = TypeAdapter(AnyServerMessage)


class Client:
    """A client of the WebSocket. Everything that it reads is checked against the messages that there are."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: Mapping[str, Any] | str) -> None:
        """Send one message."""
        await self.connection.send(message if isinstance(message, str) else json.dumps(message))

    async def read(self) -> dict[str, Any]:
        """Return the next message that is no heartbeat."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                text = await self.connection.recv()
                _SERVER_MESSAGE.validate_json(text)
                message: dict[str, Any] = json.loads(text)
                if message["type"] != "heartbeat":
                    return message

    async def until(self, kind: str) -> dict[str, Any]:
        """Return the next message of a type."""
        while (message := await self.read())["type"] != kind:
            assert message["type"] != "error", message
        return message

    async def ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Send one message and return what comes next."""
        await self.send(message)
        return await self.read()

    async def events(self, count: int) -> list[dict[str, Any]]:
        """Return the next events, each with the name of its subscription as `id`."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            message = await self.until("event")
            found.append(message)
        return found

    async def nothing(self) -> None:
        """Find that everything that was for the client has been read: the answer to a ping is next."""
        answer = await self.ask({"type": "ping", "request": "nothing"})
        assert answer == {"type": "pong", "request": "nothing"}

    async def closed(self) -> tuple[int, str]:
        """Read until the server closes; return the code and the name that it gave."""
        with suppress(ConnectionClosed):
            while True:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self.connection.recv()
        return self.connection.close_code or 0, self.connection.close_reason or ""


class Site:
    """One API, its pool and the keys to it."""

    def __init__(self, server: EmbeddedServer, broker: Broker) -> None:
        self.broker = broker
        self.keys = ApiKeys(broker)
        self._server = server
        self._stack = AsyncExitStack()
        self._running: list[tuple[uvicorn.Server, asyncio.Task[None]]] = []
        self.port = 0

    async def start(self) -> None:
        """Start an API on the port of the last one, if there was one."""
        settings = ApiSettings.load(port=self.port)
        listener = listen(settings)
        self.port = listener.getsockname()[1]
        made: list[uvicorn.Server] = []
        task = asyncio.create_task(
            serve(settings, listener=listener, url=self._server.url, on_server=made.append)
        )
        while not made or not made[0].started:
            await asyncio.sleep(0.005)
            if task.done():
                task.result()
        self._running.append((made[0], task))

    @property
    def sockets(self) -> Sockets:
        """The connections of the API that was started last."""
        app: FastAPI = self._running[-1][0].config.app  # type: ignore[assignment]  # what serve() hands to uvicorn
        sockets: Sockets = app.state.sockets
        return sockets

    async def stop(self) -> None:
        """Stop the API in an orderly way."""
        while self._running:
            server, task = self._running.pop()
            server.should_exit = True
            await task

    async def token(self, *roles: Role, customer: str | None = None) -> str:
        """Make a key; return its token."""
        _, token = await self.keys.create("test", roles or ALL, customer=customer)
        return token

    async def open(self, token: str | None = None, **options: Any) -> Client:
        """Connect, with a token in the header unless it is empty."""
        token = await self.token() if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection = await self._stack.enter_async_context(
            connect(
                f"ws://127.0.0.1:{self.port}{PATH}", additional_headers=headers, compression=None, **options
            )
        )
        return Client(connection)

    async def client(self, token: str | None = None, **options: Any) -> Client:
        """Connect and read the welcome."""
        client = await self.open(token, **options)
        assert (await client.read())["type"] == "welcome"
        return client

    async def submit(self, job_id: str, **fields: Any) -> None:
        """Submit a job past the API."""
        await self.broker.submit({"job_id": job_id, "requirements": {"service": "s"}, **fields})

    async def close(self) -> None:
        """Leave nothing behind."""
        await self._stack.aclose()
        await self.stop()


@pytest.fixture
def limits() -> dict[str, Any]:
    """Settings of the API, without their prefix; a test gives its own as a parameter."""
    return {}


@pytest.fixture
async def site(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, limits: dict[str, Any]
) -> AsyncIterator[Site]:
    """A running API with an empty pool."""
    for name, value in {"REDIS_URL": server.url, **limits}.items():
        monkeypatch.setenv(f"EMPROPS_{name}", str(value))
    async with Broker(BrokerSettings.load(), url=server.url) as broker:
        await broker.connection.flushall()
        made = Site(server, broker)
        await made.start()
        yield made
        await made.close()
