"""A real HTTP endpoint on a loopback address, which answers as a test tells it to and keeps what it got."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from standardwebhooks import Webhook

PATIENCE_SECONDS = 30
"""How long a test waits for something that must happen; it takes this long only when it fails."""


@dataclass(frozen=True)
class Request:
    """One request, as it came."""

    headers: dict[str, str]
    body: str

    @property
    def message_id(self) -> str:
        """The `webhook-id` header."""
        return self.headers["webhook-id"]

    @property
    def payload(self) -> dict[str, Any]:
        """The body."""
        return dict(json.loads(self.body))

    @property
    def type(self) -> str:
        """Name of the event."""
        return str(self.payload["type"])

    @property
    def job(self) -> str:
        """Job of the event."""
        return str(self.payload["data"].get("job", ""))

    def verified_by(self, secret: str) -> Any:
        """Return what the independent library reads out of the request, if it takes it."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass(frozen=True)
class Answer:
    """What the endpoint answers: a status with headers and a body; or nothing at all, or not to the end."""

    status: int = 204
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    hangs: bool = False
    drips: bool = False


OK = Answer()
BROKEN = Answer(500, body=b"out of order")
GONE = Answer(410)
HANGS = Answer(hangs=True)


class Receiver:
    """An endpoint.

    Attributes:
        answer: what it answers; a function of the request, or always the same.
        requests: what it got, in order.
        connections: how often somebody connected.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.answer: Answer | Callable[[Request], Answer] = OK
        self.requests: list[Request] = []
        self.connections = 0
        self.at_once = 0
        self._host = host
        self._port = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Condition()

    async def start(self, **options: Any) -> Receiver:
        """Listen, at the same port as before."""
        self._server = await asyncio.start_server(self._serve, self._host, self._port, **options)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Listen no more, and break off what is open."""
        if self._server is not None:
            self._server.close()
            for writer in self._open:
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return self._port

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self._host}:{self._port}/hook"

    @property
    def jobs(self) -> list[str]:
        """The jobs of the events that it got, in order."""
        return [request.job for request in self.requests]

    @property
    def ids(self) -> list[str]:
        """The `webhook-id` of everything that it got, in order."""
        return [request.message_id for request in self.requests]

    async def got(self, count: int) -> list[Request]:
        """Wait until it got that many requests, and return all that it got."""
        return await self.until(lambda: len(self.requests) >= count)

    async def until(self, condition: Callable[[], bool]) -> list[Request]:
        """Wait until a condition about what it got is true."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
                await self._changed.wait_for(condition)
        except TimeoutError:
            raise AssertionError(f"got only {Counter(self.ids)}") from None
        return self.requests

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        try:
            while (request := await _read(reader)) is not None:
                answer = self.answer(request) if callable(self.answer) else self.answer
                async with self._changed:
                    self.requests.append(request)
                    self._changed.notify_all()
                if answer.hangs:
                    await reader.read()
                    return
                await _write(writer, answer)
                if answer.drips:
                    await reader.read()
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    first = await reader.readline()
    if not first:
        return None
    assert first.startswith(b"POST "), first
    headers: dict[str, str] = {}
    while (line := await reader.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode().partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(headers, body.decode())


async def _write(writer: asyncio.StreamWriter, answer: Answer) -> None:
    length = len(answer.body) + (1_000_000 if answer.drips else 0)
    lines = [f"HTTP/1.1 {answer.status} Said", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    writer.write("\r\n".join([*lines, "", ""]).encode() + answer.body)
    await writer.drain()
