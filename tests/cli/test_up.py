"""`emprops up` in one process and other commands in others: what users see, also when processes are killed."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Shell, alive, eventually

LONG = '{"duration_seconds": 6, "steps": 30, "result": {"image": "a.png"}}'


@pytest.fixture
def up(shell: Shell) -> Command:
    """A queue with two workers, ready."""
    started = shell.start("up", "--workers", "2", "--in-memory")
    started.until("ready")
    return started


def _pids(shell: Shell) -> dict[str, int]:
    return {worker["worker_id"]: worker["pid"] for worker in shell.json("workers")}


def test_a_job_runs_progress_shows_and_the_result_comes_back(up: Command, shell: Shell) -> None:
    submitted = shell.start("submit", "simulation", "--payload", LONG.replace("6", "1"), "--job-id", "j")
    submitted.until("attempt 1 on")
    submitted.until("%")
    submitted.until('{"image": "a.png"}')
    assert submitted.end() == 0
    assert up.process.poll() is None
    assert shell.json("job", "j")["result"] == {"image": "a.png"}


@pytest.mark.usefixtures("up")
def test_a_worker_killed_in_the_middle_loses_nothing(shell: Shell) -> None:
    pids = _pids(shell)
    assert len(pids) == 2
    submitted = shell.start("submit", "simulation", "--payload", LONG, "--job-id", "j")
    killed = submitted.until("attempt 1 on").split()[-1]
    submitted.until("%")
    killed_ms = time.time() * 1000
    os.kill(pids[killed], signal.SIGKILL)
    submitted.until("attempt 1 lost")
    other = submitted.until("attempt 2 on").split()[-1]
    assert other != killed
    submitted.until('{"image": "a.png"}')
    assert submitted.end() == 0
    job = shell.json("job", "j")
    assert [(a["outcome"], a["worker"]) for a in job["attempts"]] == [("lost", killed), ("completed", other)]
    lease_ms = float(shell.environment["EMPROPS_LEASE_SECONDS"]) * 1000
    assert job["attempts"][1]["started_ms"] - killed_ms <= lease_ms + 5000


def test_a_dead_worker_is_started_again_and_that_is_said(up: Command, shell: Shell) -> None:
    before = _pids(shell)
    os.kill(min(before.values()), signal.SIGKILL)
    assert "signal SIGKILL" in up.until("is started again")
    eventually(lambda: len(set(_pids(shell).values()) - set(before.values())) == 1)


def test_ctrl_c_ends_everything_with_exit_status_0(up: Command, shell: Shell, tmp_path: Path) -> None:
    pids = _pids(shell)
    server = json.loads((tmp_path / "state" / "server.json").read_text())
    up.interrupt()
    assert up.end() == 0
    assert not [pid for pid in pids.values() if alive(pid)]
    assert not Path(server["url"].removeprefix("unix://")).exists()
    assert not (tmp_path / "state" / "server.json").exists()
    refused = shell.run("jobs")
    assert refused.returncode == 6
    assert "server_unreachable" in refused.stderr
    assert "emprops up" in refused.stderr


def test_a_queue_that_is_killed_leaves_no_process_behind(up: Command, shell: Shell, tmp_path: Path) -> None:
    pids = _pids(shell)
    server = json.loads((tmp_path / "state" / "server.json").read_text())
    socket = Path(server["url"].removeprefix("unix://"))
    assert socket.exists()
    up.kill()
    eventually(lambda: not [pid for pid in pids.values() if alive(pid)])
    eventually(lambda: not socket.exists())
    again = shell.start("up", "--workers", "1", "--in-memory")
    again.until("ready")


def test_jobs_outlive_the_queue_that_is_killed(shell: Shell) -> None:
    first = shell.start("up", "--workers", "1")
    first.until("ready")
    for number in range(3):
        shell.run("submit", "simulation", "--payload", LONG, "--job-id", f"j{number}", "--no-wait")
    eventually(lambda: shell.json("job", "j0")["status"] == "running")
    first.interrupt()
    assert first.end() == 0
    second = shell.start("up", "--workers", "3")
    second.until("ready")
    assert {job["job_id"] for job in shell.json("jobs")} == {"j0", "j1", "j2"}
    eventually(lambda: all(job["status"] == "completed" for job in shell.json("jobs")))
    assert shell.json("job", "j0")["attempts_used"] == 0


@pytest.mark.usefixtures("up")
def test_a_second_queue_with_the_same_state_is_refused(shell: Shell) -> None:
    refused = shell.run("up", "--in-memory")
    assert refused.returncode != 0
    assert "queue_running" in refused.stderr
    assert "what to do" in refused.stderr


def test_a_service_without_a_connector_is_refused_before_anything_is_started(
    shell: Shell, tmp_path: Path
) -> None:
    refused = shell.run("up", "--service", "simulatoin")
    assert "connector_unknown" in refused.stderr
    assert "simulation" in refused.stderr
    assert refused.returncode != 0
    assert not (tmp_path / "state").exists()


@pytest.mark.usefixtures("up")
def test_a_cancelled_job_stops_and_its_submitter_is_told(shell: Shell) -> None:
    submitted = shell.start("submit", "simulation", "--payload", LONG, "--job-id", "j")
    submitted.until("%")
    assert shell.run("cancel", "j", "--reason", "not needed").returncode == 0
    submitted.until("job_cancelled")
    assert submitted.end() != 0
    again = shell.run("cancel", "j")
    assert "job_finished" in again.stderr
    eventually(lambda: not any(worker["jobs"] for worker in shell.json("workers")))


@pytest.mark.usefixtures("up")
def test_every_command_shows_what_happened_to_people_and_to_programs(shell: Shell) -> None:
    payload = '{"duration_seconds": 0, "fail": {"code": "job_rejected", "message": "no such prompt"}}'
    failed = shell.run("submit", "simulation", "--payload", payload, "--job-id", "bad")
    assert "job_dead" in failed.stderr
    shell.run("submit", "comfyui", "--model", "flux", "--job-id", "stuck", "--no-wait")
    for words, told in {
        ("jobs",): ("bad", "dead", "stuck", "pending"),
        ("jobs", "--status", "dead"): ("bad",),
        ("job", "bad"): ("job_rejected", "no such prompt", "1 of 3 used"),
        ("explain", "stuck"): ("cannot run it", "service", "comfyui"),
        ("workers",): ("simulation", "0 of 1"),
        ("events",): ("worker.registered", "job.submitted", "job.dead"),
    }.items():
        shown = shell.run(*words)
        assert shown.returncode == 0, shown.stderr
        for text in told:
            assert text in shown.stdout, (words, text, shown.stdout)
    assert {job["job_id"] for job in shell.json("jobs")} == {"bad", "stuck"}
    assert not shell.json("explain", "stuck")["profiles"][0]["eligible"]
    events = [json.loads(line) for line in shell.run("events", "--json").stdout.splitlines()]
    assert [event["job"] for event in events if "job" in event][-1] == "stuck"


@pytest.mark.usefixtures("up")
def test_an_operator_decides_about_dead_letters_workflows_and_work_that_nobody_can_run(
    shell: Shell, tmp_path: Path
) -> None:
    rejected = '{"duration_seconds": 0, "fail": {"code": "job_rejected", "attempts": 1}, "result": "well"}'
    shell.run("submit", "simulation", "--payload", rejected, "--job-id", "bad")
    assert shell.json("revive", "bad")["status"] in (
        "pending",
        "running",
        "completed",
    )  # a worker may be quick
    eventually(lambda: shell.json("job", "bad")["result"] == "well")
    shell.run("submit", "simulation", "--payload", rejected, "--job-id", "worse")
    assert shell.json("discard", "worse") == {"job_id": "worse", "discarded": True}
    assert shell.run("job", "worse").returncode == 4

    requests = [
        {"requirements": {"service": "nobody"}, "workflow": "film", "job_id": f"f{n}"} for n in range(3)
    ]
    file = tmp_path / "jobs.jsonl"
    file.write_text("\n".join(json.dumps(request) for request in requests))
    assert shell.run("batch", str(file)).stdout.split() == ["f0", "f1", "f2"]
    assert shell.json("batch", str(file))["refused"] == 0
    assert shell.json("workflow", "film")["open"] == 3
    eventually(lambda: [found["pending"] for found in shell.json("unrunnable")] == [3])
    assert "nobody" in shell.run("unrunnable").stdout
    assert shell.json("workflow", "film", "--cancel", "--reason", "withdrawn")["cancelled"] == 3
    refused = shell.run("batch", str(file).replace("jobs", "none"))
    assert (refused.returncode, refused.stdout) == (2, "")
    file.write_text(json.dumps({**requests[0], "job_id": "f9"}))
    refused = shell.run("batch", str(file))
    assert "workflow_cancelled" in refused.stdout
    assert "batch_refused" in refused.stderr


def _in_a_terminal(shell: Shell, *words: str) -> str:
    """Run a command in a terminal of 60 columns; return what it shows."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "emprops.cli", *words],
        env={**shell.environment, "COLUMNS": "60", "TERM": "xterm-256color"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # how a terminal tells that nobody writes to it any more
            while part := os.read(ours, 65536):
                shown += part
        assert process.wait() == 0, shown.decode()
    os.close(ours)
    return shown.decode()


@pytest.mark.usefixtures("up")
def test_a_narrow_terminal_cuts_no_id(shell: Shell) -> None:
    long = "x" * 64
    shell.run("submit", "nobody", "--job-id", long, "--no-wait")
    for words in (("jobs",), ("job", long), ("explain", long), ("events",)):
        assert long in _in_a_terminal(shell, *words)
    for worker in shell.json("workers"):
        assert worker["worker_id"] in _in_a_terminal(shell, "workers")
    shown = _in_a_terminal(shell, "submit", "simulation", "--payload", '{"result": {"image": "a.png"}}')
    assert '{"image": "a.png"}' in shown
