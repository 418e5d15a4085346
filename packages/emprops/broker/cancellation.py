"""Connections that a cancellation always reaches.

redis-py sends each command within :func:`asyncio.wait_for`, which before Python 3.12 loses a cancellation that comes in
the moment in which the command has been sent (CPython issue gh-86296): whoever was cancelled then waits for the answer,
a blocking command's for its whole time. Here the same limit is kept with :func:`asyncio.timeout`, which loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import TimeoutError as RedisTimeoutError


class _Cancellable(AbstractConnection):
    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        limit, self.socket_timeout = self.socket_timeout, None
        try:
            async with asyncio.timeout(limit):
                await super().send_packed_command(command, check_health)
        except TimeoutError:
            await self.disconnect(nowait=True)
            raise RedisTimeoutError("Timeout writing to socket") from None
        finally:
            self.socket_timeout = limit


def cancellable(connection: type[AbstractConnection]) -> type[AbstractConnection]:
    """Return a class of connections like the given one, which can be cancelled at any moment."""
    return type(f"Cancellable{connection.__name__}", (_Cancellable, connection), {})
