"""One client of the server, a program of its own that is run by its path: it imports little, to start quickly.

It connects to the TCP port that is its argument. For each pickled pair of calls and seconds on its input it says
that it is ready, waits for the next line, sends one call after the other, each as soon as it has the answer to the one
before, and writes how many were answered and in how many seconds.
"""

from __future__ import annotations

import pickle
import socket
import sys
import time
from collections.abc import Iterable

import hiredis


def call(connection: socket.socket, calls: Iterable[bytes], seconds: float) -> tuple[int, float]:
    """Send calls, each when the one before is answered.

    Args:
        connection: the server.
        calls: the calls as they are sent; it ends early if they run out.
        seconds: how long, in seconds.

    Returns:
        How many were answered, and in how many seconds.

    Raises:
        RuntimeError: the server answered with an error.
    """
    reader = hiredis.Reader()
    begun = time.perf_counter()
    answered = 0
    for one in calls:
        connection.sendall(one)
        answer = False
        while answer is False:
            reader.feed(connection.recv(65536))
            answer = reader.gets()
        if isinstance(answer, hiredis.ReplyError):
            raise RuntimeError(f"the server refused: {answer}")  # noqa: TRY004  # it is no wrong type
        answered += 1
        if time.perf_counter() - begun >= seconds:
            break
    return answered, time.perf_counter() - begun


def main() -> None:
    """Serve the input until it ends."""
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                calls, seconds = pickle.load(sys.stdin.buffer)  # from the process that started this
            except EOFError:
                return
            print("ready", flush=True)
            sys.stdin.buffer.readline()
            print(*call(connection, calls, seconds), flush=True)


if __name__ == "__main__":
    main()
