"""The WebSocket of uvicorn, which this API also closes on one that does not read, and keeps the buffers of small."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

EXTENSION = "emprops.cut"
"""Extension of the ASGI scope that ends a connection at once."""
KERNEL_BUFFER_BYTES = 131_072
"""Most that the kernel holds for a client that does not read, in bytes; more would be memory that nobody sees."""
CLOSE_SECONDS = 10.0
"""How long a client may take to read what is on its way and answer a close, in seconds."""


class Cut(Protocol):
    """Ends a connection without waiting for its reader."""

    def __call__(self, texts: Sequence[str], code: int, reason: str) -> None:
        """Send some last messages and a close, behind what is on its way already.

        Args:
            texts: the messages.
            code: close code.
            reason: its name.
        """


class SocketProtocol(WebSocketsSansIOProtocol):
    """One connection.

    ASGI can close a WebSocket only when the client has read enough of what waits, so one that reads nothing would stay
    for ever. This one can be cut.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bound what the kernel buffers, then begin."""
        opened: socket.socket | None = transport.get_extra_info("socket")
        if opened is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER_BYTES)
        super().connection_made(transport)
        self.close_timeout = CLOSE_SECONDS

    async def run_asgi(self) -> None:
        """Hand the application what cuts the connection."""
        extensions: dict[str, Any] = self.scope["extensions"]
        extensions[EXTENSION] = self.cut
        await super().run_asgi()

    def cut(self, texts: Sequence[str], code: int, reason: str) -> None:
        """See :class:`Cut`."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        for text in texts:
            self.conn.send_text(text.encode())
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.stop_keepalive()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    def keepalive_timeout(self) -> None:
        """Give up a client that does not answer a ping, also if it never reads what is on its way."""
        super().keepalive_timeout()
        self.loop.call_later(self.close_timeout, self.transport.abort)
