"""The endpoint: lets clients in, keeps track of all of them, and lets them go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

from fastapi import APIRouter, FastAPI
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from ...broker import ApiKeys, Broker
from ...core.closing import (
    GOING_AWAY,
    TOO_MANY_CONNECTIONS,
    UNAUTHENTICATED,
    CloseCode,
)
from ...core.errors import EmpropsError, Unauthenticated
from ...core.messages import PATH
from ...core.settings import SocketSettings
from ..asyncapi import asyncapi_document
from ..problem import answer
from .connection import Connection
from .hub import Hub

SLOTS = 16
"""Into how many parts the clients are divided for the heartbeat, so that it comes to few of them at a time."""
PAGES_AT_ONCE = 8
"""Most pages of history that a process reads at a time: others need the server, too."""

router = APIRouter()


class Sockets:
    """The connections of one process.

    Args:
        broker: the pool.
        keys: its API keys.
        settings: limits and times.
    """

    def __init__(self, broker: Broker, keys: ApiKeys, settings: SocketSettings) -> None:
        self.broker = broker
        self.keys = keys
        self.settings = settings
        self.hub = Hub(broker, self.close_all)
        self.history = asyncio.Semaphore(PAGES_AT_ONCE)
        self._slots: tuple[dict[Connection, None], ...] = tuple({} for _ in range(SLOTS))
        self._came = 0
        self._stopping = False
        self._beating: asyncio.Task[None] | None = None
        self._checking: asyncio.Task[None] | None = None

    @property
    def connections(self) -> list[Connection]:
        """The open connections."""
        return [connection for slot in self._slots for connection in slot]

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one client from its handshake to its end.

        A wrong key in the handshake is answered as HTTP has it; who sent none is let in, and shows a key in a message.

        Args:
            websocket: the connection.
        """
        scheme, _, token = websocket.headers.get("Authorization", "").partition(" ")
        token = token.strip()
        principal = None
        try:
            if scheme:
                if scheme.lower() != "bearer":
                    raise Unauthenticated
                principal = await self.keys.authenticate(token)
            await self.hub.start()
        except EmpropsError as error:
            await websocket.send_denial_response(answer(error, ""))
            return
        await websocket.accept()
        connection = Connection(websocket, self, token, principal)
        if self._stopping:
            connection.close(GOING_AWAY)
        elif len(self.connections) >= self.settings.connections:
            connection.close(TOO_MANY_CONNECTIONS)
        else:
            if self._beating is None:
                self._beating = asyncio.create_task(self._beat())
            slot = self._slots[self._came % SLOTS]
            self._came += 1
            slot[connection] = None
            try:
                await connection.run()
            finally:
                slot.pop(connection, None)

    def close_all(self, code: CloseCode) -> None:
        """Close every connection.

        Args:
            code: why.
        """
        for connection in self.connections:
            connection.close(code)

    async def stop(self) -> None:
        """Tell every client that the process goes away, and stop."""
        self._stopping = True
        self.close_all(GOING_AWAY)
        for task in (self._beating, self._checking):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        await self.hub.stop()

    async def _beat(self) -> None:
        """Send heartbeats, watch for clients that read nothing, and look their keys up again."""
        loop = asyncio.get_running_loop()
        turn = 0
        while True:
            await asyncio.sleep(self.settings.heartbeat_seconds / SLOTS)
            for connection in self.connections:
                connection.watch(loop.time())
            due = [connection for connection in self._slots[turn] if connection.ready]
            for connection in due:
                connection.beat()
            if self._checking is None or self._checking.done():
                self._checking = asyncio.create_task(self._check(due))
            turn = (turn + 1) % SLOTS

    async def _check(self, connections: Iterable[Connection]) -> None:
        """Close the connections whose keys are valid no more."""
        by_token: dict[str, list[Connection]] = {}
        for connection in connections:
            by_token.setdefault(connection.token, []).append(connection)
        for token, holders in by_token.items():
            try:
                await self.keys.authenticate(token)
            except Unauthenticated:
                for connection in holders:
                    connection.close(UNAUTHENTICATED)
            except EmpropsError:
                return  # the server does not answer: they are looked up next time


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[None]:
    """Keep the connections of an application, as long as it runs."""
    app.state.sockets = Sockets(app.state.broker, app.state.keys, SocketSettings.load())
    try:
        yield
    finally:
        await app.state.sockets.stop()


@router.get("/asyncapi.json", include_in_schema=False)
async def describe() -> JSONResponse:
    """Return the AsyncAPI document."""
    return JSONResponse(asyncapi_document())


@router.websocket(PATH)
async def connect(websocket: WebSocket) -> None:
    """Serve one client."""
    sockets: Sockets = websocket.app.state.sockets
    await sockets.serve(websocket)
