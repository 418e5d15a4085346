"""Every key of a pool lies in one slot, so a server in cluster mode takes each script whole."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from emprops.broker import Broker, WorkerSession
from emprops.broker.embedded import server_binary
from emprops.core.keys import KEYS, KeySpace
from emprops.core.worker import WorkerInfo
from tests.queue.harness import TEMPORARY, settings

PATIENCE_SECONDS = 30


def test_every_key_names_its_pool_as_the_slot() -> None:
    keys = KeySpace("my-pool")
    for key in KEYS:
        assert re.findall(r"{.*?}", keys.key(key.name, "x" if key.about else "")) == ["{my-pool}"], key


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """Address of a server in cluster mode that serves all slots."""
    path = tmp_path / "s"
    options = ["--port", "0", "--unixsocket", str(path), "--cluster-enabled", "yes", "--dir", str(tmp_path)]
    with subprocess.Popen(
        [str(server_binary()), *options, "--save", ""], stdout=subprocess.DEVNULL
    ) as server:
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not path.exists():
                assert time.monotonic() < deadline
            yield f"unix://{path}"
        finally:
            server.terminate()


async def test_every_script_runs_on_a_server_in_cluster_mode(cluster: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    async with Broker(settings(pool="a"), url=cluster) as broker:
        await broker.connection.execute_command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        while "cluster_state:ok" not in str(await broker.connection.execute_command("CLUSTER", "INFO")):
            assert time.monotonic() < deadline
        info = WorkerInfo.model_validate(
            {"worker_id": "w", "instance": "0" * 16, "capabilities": {"services": ["s"]}}
        )
        worker = WorkerSession(broker, info)
        await worker.register()
        for number in range(5):
            await broker.submit(
                {"job_id": f"j{number}", "requirements": {"service": "s"}, "idempotency_key": f"{number}"}
            )
        jobs = (await worker.claim(4)).jobs
        await worker.heartbeat([(job.job_id, job.attempt) for job in jobs])
        await worker.progress(jobs[0], 0.5)
        await worker.complete(jobs[0], 1)
        await worker.fail(jobs[1], TEMPORARY)
        await worker.release(jobs[2])
        await broker.cancel(jobs[3].job_id)
        await worker.reap()
        await worker.leave()
        statuses = {(await broker.get(f"j{number}")).status.value for number in range(5)}
        assert statuses == {"completed", "waiting", "pending", "cancelled"}
        await worker.close()
        for key in await broker.connection.keys("*"):
            assert "{a}" in key
