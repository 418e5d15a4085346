"""A WebSocket client that costs less than what it measures: it looks at the frames that come and decodes nothing."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
SECOND_BYTE_16, SECOND_BYTE_64 = 126, 127
"""What stands in a frame's second byte when its length follows in 2 or in 8 bytes (RFC 6455, section 5.2)."""


class Watcher(asyncio.Protocol):
    """One client, after its handshake.

    Args:
        request: the handshake, as it is sent.
        on_text: told of every message that comes.
    """

    def __init__(self, request: bytes, on_text: Callable[[bytes], None]) -> None:
        self.on_text = on_text
        self.close_code: int | None = None
        """Code with which the server closed, once it has."""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._buffer = bytearray()
        self.transport: asyncio.Transport = None  # type: ignore[assignment]  # set when the connection is made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end."""
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("the connection ended in the handshake"))
        if not self.ended.done():
            self.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take frames out of what has come."""
        self._buffer += data
        if not self.opened.done():
            head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(ConnectionError(head.decode(errors="replace")))
                return
            self._buffer = bytearray(rest)
            self.opened.set_result(None)
        while self._frame():
            pass

    def _frame(self) -> bool:
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        opcode, size, start = buffer[0] & 15, buffer[1], 2
        if size == SECOND_BYTE_16:
            if len(buffer) < 4:
                return False
            size, start = struct.unpack_from("!H", buffer, 2)[0], 4
        elif size == SECOND_BYTE_64:
            if len(buffer) < 10:
                return False
            size, start = struct.unpack_from("!Q", buffer, 2)[0], 10
        if len(buffer) < start + size:
            return False
        payload = bytes(buffer[start : start + size])
        del buffer[: start + size]
        if opcode == TEXT:
            self.on_text(payload)
        elif opcode == PING:
            self._send(PONG, payload)
        elif opcode == CLOSE:
            self.close_code = struct.unpack_from("!H", payload)[0] if payload else 1005
            self._send(CLOSE, payload)
        return True

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message."""
        self._send(TEXT, json.dumps(message).encode())

    def _send(self, opcode: int, payload: bytes) -> None:
        if len(payload) < SECOND_BYTE_16:
            head = struct.pack("!BB", 128 | opcode, 128 | len(payload))
        else:
            head = struct.pack("!BBH", 128 | opcode, 128 | SECOND_BYTE_16, len(payload))
        # A client masks what it sends; a mask of zeros changes nothing.
        self.transport.write(head + b"\0\0\0\0" + payload)


def handshake(host: str, port: int, path: str, token: str) -> bytes:
    """Return the request that opens a WebSocket.

    Args:
        host: host of the server.
        port: its port.
        path: path of the endpoint.
        token: the API key.
    """
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()
