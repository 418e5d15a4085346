"""The parts that are broken: a server that is killed and comes back with its data, and worker processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from emprops.broker.embedded import server_binary

PATIENCE_SECONDS = 30


class Server:
    """A server with an append-only file, on one socket through all its lives.

    It writes the file before it answers: everything that was answered is there when it comes back. (With
    ``everysec`` it would not be: such a server puts the write off, up to two seconds, while the disk is slow.)

    Args:
        folder: for its socket and its data.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "s"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the server."""
        return f"unix://{self._socket}"

    def start(self) -> None:
        """Start it, with what it held before."""
        self._socket.unlink(missing_ok=True)
        options = ["--port", "0", "--unixsocket", str(self._socket), "--dir", str(self._folder), "--save", ""]
        options += [
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--logfile",
            str(self._folder / "log"),
        ]
        self._process = subprocess.Popen([str(server_binary()), *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._socket.exists():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it by a signal."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()


class Workers:
    """Worker processes, each with several jobs at a time.

    Args:
        url: address of the server.
        count: how many.
    """

    def __init__(self, url: str, count: int) -> None:
        self._environment = {
            **os.environ,
            "EMPROPS_REDIS_URL": url,
            "EMPROPS_LEASE_SECONDS": "2",
            "EMPROPS_WORKER_EXPIRY_SECONDS": "6",
            "EMPROPS_EVENTS_KEPT": "5000000",
            "EMPROPS_UNUSED_SECONDS": "1",
            "EMPROPS_COMMAND_TIMEOUT_SECONDS": "3",
            "EMPROPS_WORKER_CONCURRENCY": "4",
            "EMPROPS_WORKER_REAP_SECONDS": "0.2",
            "EMPROPS_WORKER_BLOCK_SECONDS": "1",
        }
        self.count = count
        self.processes: list[subprocess.Popen[bytes]] = []

    def keep(self, at_once: int = 2) -> int:
        """Start workers until there are as many as there should be, a few at once; return how many run."""
        self.processes = [process for process in self.processes if process.poll() is None]
        for _ in range(min(at_once, self.count - len(self.processes))):
            command = [sys.executable, "-m", "emprops.cli", "worker", "--service", "simulation"]
            self.processes.append(
                subprocess.Popen(
                    command, env=self._environment, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
                )
            )
        return len(self.processes)

    def stop(self) -> None:
        """End all, in an orderly way."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
