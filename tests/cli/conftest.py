"""Fixtures of the command line's tests: commands as real processes, and a server that they find."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

PATIENCE_SECONDS = 60
"""How long a test waits for something that must happen; it takes this long only when it fails."""


class Command:
    """One command that runs as a process of its own; its lines are read as they come."""

    def __init__(self, arguments: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "emprops.cli", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._queue: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    def until(self, wanted: str) -> str:
        """Wait for a line that holds this text."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                line = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                pytest.fail(f"no line with {wanted!r} in:\n" + "\n".join(self.lines))
            self.lines.append(line)
            if wanted in line:
                return line

    def interrupt(self) -> None:
        """Do what Ctrl-C does."""
        os.killpg(self.process.pid, signal.SIGINT)

    def kill(self) -> None:
        """End the process at once; it cannot do anything about it."""
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """Wait for the end; return the exit status."""
        status = self.process.wait(PATIENCE_SECONDS)
        self._reader.join(PATIENCE_SECONDS)
        while not self._queue.empty():
            line = self._queue.get()
            if line is not None:
                self.lines.append(line)
        return status

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
        assert self.process.stdout is not None
        self._reader.join(PATIENCE_SECONDS)
        self.process.stdout.close()


class Shell:
    """Starts commands in one environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self._commands: list[Command] = []

    def start(self, *arguments: str) -> Command:
        """Start a command and go on."""
        self._commands.append(Command(arguments, self.environment))
        return self._commands[-1]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "emprops.cli", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        """Run a command that succeeds, and return what it prints as JSON."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def close(self) -> None:
        """Leave nothing behind; those started last end first."""
        for command in reversed(self._commands):
            command.close()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a user who has set nothing."""
    return environment_in(tmp_path)


def environment_in(folder: Path) -> dict[str, str]:
    """Return the environment of a user who has set nothing: state in a folder of its own, leases that are short."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EMPROPS_")}
    return {
        **kept,
        "EMPROPS_STATE_DIR": str(folder / "state"),
        "EMPROPS_API_PORT": "0",
        "EMPROPS_LEASE_SECONDS": "2",
        "EMPROPS_WORKER_REAP_SECONDS": "0.1",
        "NO_COLOR": "1",
    }


@pytest.fixture
def shell(environment: dict[str, str]) -> Iterator[Shell]:
    """A shell in that environment."""
    made = Shell(environment)
    yield made
    made.close()


def alive(pid: int) -> bool:
    """Return whether a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def eventually(condition: Callable[[], object]) -> None:
    """Wait until something has become true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not become true"
        time.sleep(0.02)
