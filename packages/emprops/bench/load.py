"""A load generator that costs less than what it measures: many connections, one request in flight on each."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator

import hiredis


def packed(*command: str | int) -> bytes:
    """Return a command as it is sent."""
    return bytes(hiredis.pack_command(command))  # type: ignore[arg-type]  # its type names a tuple of one


def calls_per_second(port: int, clients: int, calls: Iterator[bytes], seconds: float) -> float:
    """Send commands from several clients, each the next one as soon as it has its answer.

    Args:
        port: the server's TCP port on this machine.
        clients: how many connections.
        calls: the commands as they are sent; it ends early if they run out.
        seconds: how long, in seconds.

    Returns:
        Answers per second.

    Raises:
        RuntimeError: the server answered with an error.
    """
    selector = selectors.DefaultSelector()
    open_sockets = []
    for _ in range(clients):
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(client, selectors.EVENT_READ, hiredis.Reader())
        open_sockets.append(client)
    begun = time.perf_counter()
    answered = waiting = 0
    for client in open_sockets:
        client.sendall(next(calls))
        waiting += 1
    while waiting:
        for ready, _ in selector.select():
            reader = ready.data
            client = ready.fileobj  # type: ignore[assignment]  # what was registered above
            reader.feed(client.recv(65536))
            answer = reader.gets()
            if answer is False:
                continue
            if isinstance(answer, hiredis.ReplyError):
                raise RuntimeError(f"the server refused: {answer}")  # noqa: TRY004  # it is no wrong type
            answered += 1
            waiting -= 1
            following = next(calls, None) if time.perf_counter() - begun < seconds else None
            if following is not None:
                client.sendall(following)
                waiting += 1
    took = time.perf_counter() - begun
    for client in open_sockets:
        client.close()
    selector.close()
    return answered / took
