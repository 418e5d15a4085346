"""What waits to be sent to one client: bounded, so that who reads slowly costs nobody else anything."""

from __future__ import annotations

import asyncio
from collections import deque


class Outbox:
    """The frames that wait for one client, in order.

    Args:
        limit_bytes: how much may wait.
    """

    __slots__ = ("_changed", "_frames", "_limit", "_wanted", "closed", "since", "waiting_bytes")

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._frames: deque[tuple[str, int]] = deque()
        self._changed: asyncio.Future[None] | None = None
        self._wanted: asyncio.Future[None] | None = None
        self.waiting_bytes = 0
        """How much waits, what is being sent included."""
        self.since = 0.0
        """Since when the first of it waits (seconds, the event loop's clock)."""
        self.closed = False
        """Whether nothing more is taken."""

    def offer(self, text: str, size: int) -> bool:
        """Put a frame in without waiting.

        Args:
            text: the frame.
            size: its length, in bytes.

        Returns:
            Whether it fitted. A frame that is larger than all of the room fits when nothing else waits.
        """
        if self.closed:
            return True
        if self.waiting_bytes and self.waiting_bytes + size > self._limit:
            return False
        if not self.waiting_bytes:
            self.since = asyncio.get_running_loop().time()
        self._frames.append((text, size))
        self.waiting_bytes += size
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)
        return True

    async def put(self, text: str) -> None:
        """Put a frame in when there is room: half of it stays free for what cannot wait.

        Args:
            text: the frame.
        """
        size = len(text.encode())
        while not self.closed and self.waiting_bytes and self.waiting_bytes + size > self._limit // 2:
            if self._changed is None or self._changed.done():
                self._changed = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._changed)
        self.offer(text, size)

    async def take(self) -> tuple[str, int]:
        """Return the next frame when there is one. It counts until :meth:`sent`."""
        while not self._frames:
            self._wanted = asyncio.get_running_loop().create_future()
            await self._wanted
        return self._frames.popleft()

    def sent(self, size: int) -> None:
        """Note that a frame is on its way, and make room.

        Args:
            size: its length, in bytes.
        """
        self.waiting_bytes -= size
        self.since = asyncio.get_running_loop().time()
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    def close(self) -> None:
        """Take nothing more, drop what waits, and let go of whoever waits for room."""
        self.closed = True
        self._frames.clear()
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)
