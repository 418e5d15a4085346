"""The API as a process: started with the queue, started again when it dies, stopped in order; and its keys."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from emprops.broker import EmbeddedServer
from tests.cli.conftest import Command, Shell, environment_in, eventually

JOB = {"requirements": {"service": "simulation"}, "payload": {"duration_seconds": 0.1, "result": {"a": 1}}}


SECRETS: set[str] = set()
"""What was sent to the API, and must stand in nothing that its processes write."""


class Local:
    """A queue with its API, and a client with the key that was printed."""

    def __init__(self, up: Command) -> None:
        self.up = up
        self.url, self.token = (up.until(f"{name} ").split()[-1] for name in ("api", "key"))
        up.until("ready")
        self.client = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.token}"},
            verify=False,
            trust_env=False,
            timeout=30,
        )

    def pid(self) -> int:
        """Return the process of the API."""
        (found,) = [pid for pid, command in _children(self.up.process.pid) if " api" in command]
        return found


def _children(parent: int) -> list[tuple[int, str]]:
    """Return the processes that a process started, with their commands: from /proc, or else from `ps`."""
    listed = Path(f"/proc/{parent}/task/{parent}/children")
    if listed.exists():
        pids = [int(pid) for pid in listed.read_text().split()]
        return [(p, Path(f"/proc/{p}/cmdline").read_bytes().replace(b"\0", b" ").decode()) for p in pids]
    told = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True
    )
    lines = [line.split(None, 2) for line in told.stdout.splitlines()]
    return [(int(pid), command) for pid, ppid, command in lines if int(ppid) == parent]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A shell for all tests of this file."""
    made = Shell(environment_in(tmp_path_factory.mktemp("api")))
    yield made
    made.close()


@pytest.fixture(scope="module")
def local(shell: Shell) -> Iterator[Local]:
    """A queue with one worker and its API, for all tests of this file: the last one stops it."""
    started = Local(shell.start("up", "--workers", "1", "--in-memory"))
    with started.client:
        yield started


def test_up_serves_the_api_and_prints_a_key_that_opens_it(local: Local, shell: Shell) -> None:
    job_id = local.client.post("/v1/jobs", json=JOB).json()["job_id"]
    eventually(lambda: local.client.get(f"/v1/jobs/{job_id}/result").status_code == 200)
    kept = Path(shell.environment["EMPROPS_STATE_DIR"]) / "api-key"
    assert kept.read_text().strip() == local.token
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_an_api_that_is_killed_comes_back_at_the_same_address_and_refuses_nobody(local: Local) -> None:
    first = local.pid()
    os.kill(first, signal.SIGKILL)
    local.up.until("api ended (signal SIGKILL); it is started again")
    assert local.client.get("/v1/queue").status_code == 200
    assert local.pid() != first


def test_keys_are_made_listed_rotated_and_revoked(shell: Shell, local: Local) -> None:
    made = shell.json("keys", "create", "shop", "--role", "submit", "--role", "read", "--customer", "acme")
    key_id = made["key"]["key_id"]

    def status(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return local.client.get("/v1/jobs", headers=headers).status_code

    rotated = shell.json("keys", "rotate", key_id)
    assert [status(made["token"]), status(rotated["token"])] == [200, 200]
    listed = shell.run("keys", "list").stdout
    assert key_id in listed
    assert "acme" in listed
    shell.run("keys", "revoke", key_id)
    assert [status(made["token"]), status(rotated["token"])] == [401, 401]
    assert "revoked" in shell.run("keys", "list").stdout


def test_an_address_that_is_taken_is_said(shell: Shell, local: Local) -> None:
    port = local.url.rpartition(":")[2]
    other = Shell({**shell.environment, "EMPROPS_API_PORT": port})
    refused = other.run("api")
    assert refused.returncode == 5
    assert "address_unusable" in refused.stderr
    assert port in refused.stderr


def test_up_beside_a_server_that_runs_already_makes_no_key(server: EmbeddedServer, shell: Shell) -> None:
    elsewhere = Shell({**shell.environment, "EMPROPS_REDIS_URL": server.url})
    up = elsewhere.start("up", "--workers", "1")
    assert up.until("key ").endswith("emprops keys create makes one")
    up.until("ready")
    token = elsewhere.json("keys", "create", "n", "--role", "read")["token"]
    address = next(line.split()[-1] for line in up.lines if line.startswith("api "))
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{address}/v1/workers", headers=headers, trust_env=False).status_code == 200
    elsewhere.close()


def test_a_key_is_shown_once(shell: Shell, local: Local) -> None:
    made = shell.json("keys", "create", "n", "--role", "read")
    SECRETS.update((made["token"], "s3cret", local.token))
    for token in (made["token"], "emp_000000000000_" + "s3cret" * 8, local.token):
        headers = {"Authorization": f"Bearer {token}"}
        for method, path in (("GET", "/v1/jobs"), ("POST", "/v1/keys"), ("GET", "/v1/nothing")):
            local.client.request(method, path, headers=headers)
    shell.json("keys", "rotate", made["key"]["key_id"])
    assert made["token"] not in shell.run("keys", "list").stdout


def test_a_request_under_way_ends_before_the_api_and_no_secret_was_written(local: Local) -> None:
    """The API is told to stop while it reads a body."""
    answers: list[int] = []
    begun, told = threading.Event(), threading.Event()

    def body() -> object:
        yield b'{"jobs":['
        begun.set()
        told.wait()
        yield json.dumps(JOB).encode() + b"]}"

    headers = {"Content-Type": "application/json"}
    sender = threading.Thread(
        target=lambda: answers.append(
            local.client.post("/v1/jobs/batch", content=body(), headers=headers).status_code  # type: ignore[arg-type]  # a generator of bytes
        )
    )
    sender.start()
    begun.wait()
    local.up.interrupt()
    local.up.until("stopping")
    told.set()
    sender.join()
    assert answers == [200]
    assert local.up.end() == 0
    written = [line for line in local.up.lines if not line.startswith("key ")]
    assert written
    assert not [line for line in written if any(secret in line for secret in SECRETS)]
