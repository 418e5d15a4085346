"""Load: many connections with one request in flight on each, from one process or from one process each."""

from __future__ import annotations

import pickle
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import hiredis

CALLER = Path(__file__).with_name("caller.py")


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
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        open_sockets = []
        for _ in range(clients):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
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
        return answered / (time.perf_counter() - begun)


class Callers:
    """Clients that are processes of their own, as workers are: the server wakes each one to answer it.

    Args:
        port: the server's TCP port on this machine.
        clients: how many.
    """

    def __init__(self, port: int, clients: int) -> None:
        self._processes = [
            subprocess.Popen(
                [sys.executable, str(CALLER), str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            for _ in range(clients)
        ]

    def rate(self, calls: Sequence[Sequence[bytes]], seconds: float) -> float:
        """Let all clients call at once.

        Args:
            calls: what each client sends.
            seconds: how long, in seconds.

        Returns:
            Answers per second.

        Raises:
            RuntimeError: a client ended, since the server refused it.
        """
        for process, own in zip(self._processes, calls, strict=True):
            self._say(process, pickle.dumps((own, seconds)))
        for process in self._processes:
            self._heard(process)
        for process in self._processes:
            self._say(process, b"go\n")
        ended = [self._heard(process).split() for process in self._processes]
        return sum(int(answered) for answered, _ in ended) / max(float(took) for _, took in ended)

    def _say(self, process: subprocess.Popen[bytes], text: bytes) -> None:
        assert process.stdin is not None
        process.stdin.write(text)
        process.stdin.flush()

    def _heard(self, process: subprocess.Popen[bytes]) -> str:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"a client of the load ended with code {process.wait()}; it has said why")
        return line.decode()

    def __enter__(self) -> Callers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            process.stdout.close()
            process.wait()
