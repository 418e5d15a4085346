"""The embedded server: private, side by side with others, and never left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emprops.broker import Broker, EmbeddedServer, find_address, publish_address
from emprops.broker import embedded as embedded_module
from emprops.core.errors import ServerUnreachable
from emprops.core.lifecycle import Status
from tests.queue.harness import settings

PATIENCE_SECONDS = 30


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(5) == b"+PONG"
        except OSError:
            return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_it_ends_with_the_process_that_started_it(number: signal.Signals) -> None:
    program = (
        "import sys, time; from emprops.broker import EmbeddedServer; "
        "s = EmbeddedServer().start(); print(s.url, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        path = Path(parent.stdout.readline().strip().removeprefix("unix://"))
        assert _answers(path)
        os.kill(parent.pid, number)
        parent.wait()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while _answers(path):
            assert time.monotonic() < deadline, "the server goes on without its parent"
            time.sleep(0.02)


async def test_two_do_not_see_each_other() -> None:
    with EmbeddedServer() as one, EmbeddedServer() as two:
        async with Broker(settings(), url=one.url) as first, Broker(settings(), url=two.url) as second:
            await first.submit({"job_id": "j", "requirements": {"service": "s"}})
            assert [job.job_id for job in await first.jobs(Status.PENDING)] == ["j"]
            assert await second.jobs(Status.PENDING) == []


async def test_what_it_holds_outlives_it_when_it_has_a_folder(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as before:
        async with Broker(settings(), url=before.url) as broker:
            await broker.submit({"job_id": "j", "requirements": {"service": "s"}, "payload": {"n": 1}})
    with EmbeddedServer(tmp_path) as after:
        async with Broker(settings(), url=after.url) as broker:
            assert (await broker.get("j")).payload == {"n": 1}


def test_only_its_user_can_reach_it() -> None:
    with EmbeddedServer() as server:
        path = Path(server.url.removeprefix("unix://"))
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0


def test_a_server_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_module, "START_SECONDS", 0.5)
    (tmp_path / "appendonlydir").write_text("a file where the server wants a folder")
    server = EmbeddedServer(tmp_path)
    with pytest.raises(ServerUnreachable) as refused:
        server.start()
    assert any("appendonlydir" in line for line in refused.value.detail["log"])


def test_its_address_is_found_while_it_runs_and_not_after(tmp_path: Path) -> None:
    where = settings(state_dir=str(tmp_path), redis_url="")
    with pytest.raises(ServerUnreachable):
        find_address(where)
    published = publish_address(where, "unix:///x/s")
    assert find_address(where) == "unix:///x/s"
    published.write_text("{")
    with pytest.raises(ServerUnreachable):
        find_address(where)
