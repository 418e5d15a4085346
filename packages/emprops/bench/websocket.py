"""The benchmark of the WebSocket: what a client costs, how soon it has an event, and whether a slow one harms any."""

from __future__ import annotations

import asyncio
import itertools
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit

from ..broker import ApiKeys, Broker, EmbeddedServer, WorkerSession
from ..core.access import Role
from ..core.closing import SLOW_READER
from ..core.messages import PATH
from ..core.settings import BrokerSettings
from ..core.worker import WorkerInfo
from .measure import Bar, Measure, Record
from .provenance import provenance
from .watcher import Watcher, handshake

PACE_SECONDS = 0.01
"""Between two submits whose events are timed."""
CONNECT_AT_ONCE = 50
PATIENCE_SECONDS = 30.0
FLOOD_MESSAGE = "x" * 2000
FLOOD_EVENTS = 2500
"""Events of the flood: several times what may wait for a client."""
RECEIVE_BYTES = 65_536
"""What the kernel takes for a client that does not read, in bytes."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class SocketPlan:
    """Sizes of a run.

    Attributes:
        clients: connected clients.
        events: events that are timed, each for one client, in each part of a round.
        broadcasts: events that are timed for all clients, in each round.
        rounds: rounds, each with an API process of its own.
    """

    clients: int = 2000
    events: int = 200
    broadcasts: int = 10
    rounds: int = 3


@dataclass
class _Api:
    """An API process, and the clients that are connected to it."""

    process: subprocess.Popen[str]
    host: str
    port: int
    token: str
    watchers: list[Watcher] = field(default_factory=list)

    def rss_kib(self) -> float:
        """Return the memory of the process, in KiB."""
        status = Path(f"/proc/{self.process.pid}/status")
        if status.exists():
            line = next(line for line in status.read_text("ascii").splitlines() if line.startswith("VmRSS"))
            return float(line.split()[1])
        shown = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self.process.pid)], capture_output=True, text=True, check=True
        )
        return float(shown.stdout)

    async def connect(self, on_text: Callable[[bytes], None]) -> Watcher:
        """Connect one client."""
        request = handshake(self.host, self.port, PATH, self.token)
        _, watcher = await asyncio.get_running_loop().create_connection(
            lambda: Watcher(request, on_text), self.host, self.port
        )
        await watcher.opened
        self.watchers.append(watcher)
        return watcher


@asynccontextmanager
async def _api(url: str, token: str) -> AsyncIterator[_Api]:
    environment = {**os.environ, "EMPROPS_REDIS_URL": url, "EMPROPS_API_PORT": "0"}
    process = subprocess.Popen(  # noqa: ASYNC220  # nothing else runs yet
        [sys.executable, "-m", "emprops.cli", "api"], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = await asyncio.to_thread(process.stdout.readline)
        address = urlsplit(line.split()[-1])
        assert address.hostname is not None
        assert address.port is not None
        started = _Api(process, address.hostname, address.port, token)
        yield started
        for watcher in started.watchers:
            watcher.transport.abort()
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _ignore(text: bytes) -> None:
    """Hear nothing."""


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110  # it becomes true in a callback of many
            await asyncio.sleep(0.001)


class _Round:
    """One API process with all clients, and what is measured on it."""

    def __init__(self, plan: SocketPlan, broker: Broker, api: _Api, number: int, say: Say) -> None:
        self._plan = plan
        self._broker = broker
        self._api = api
        self._number = number
        self._say = say
        self._subscribed = 0
        self._begun: dict[bytes, float] = {}
        self._found: list[float] = []

    async def connect(self) -> float:
        """Connect every client; return what one takes, in KiB of the process's memory."""
        await self._api.connect(_ignore)  # what the first costs is the process's
        before = self._api.rss_kib()
        for start in range(0, self._plan.clients, CONNECT_AT_ONCE):
            count = min(CONNECT_AT_ONCE, self._plan.clients - start)
            await asyncio.gather(*(self._client(start + index) for index in range(count)))
        await _until(lambda: self._subscribed == 2 * self._plan.clients)
        return (self._api.rss_kib() - before) / self._plan.clients

    async def _client(self, number: int) -> None:
        """Connect a client that watches a job of its own, and a workflow that all watch."""
        watcher = await self._api.connect(self._heard)
        watcher.send({"type": "subscribe", "id": "own", "jobs": [f"own-{number}"]})
        watcher.send({"type": "subscribe", "id": "all", "workflows": ["all"]})

    def _heard(self, text: bytes) -> None:
        if text.startswith(b'{"type":"event"'):
            name = text.partition(b'"job":"')[2].partition(b'"')[0]
            self._found.append((time.perf_counter() - self._begun[name]) * 1000)
        elif text.startswith(b'{"type":"subscribed"'):
            self._subscribed += 1

    async def alone(self, part: int) -> list[float]:
        """Return the milliseconds from before a submit until its client has the event, each job for one client."""
        self._found.clear()
        for index in range(self._plan.events):
            await self._submit(f"own-{(part * self._plan.events + index) % self._plan.clients}")
            await asyncio.sleep(PACE_SECONDS)
        await _until(lambda: len(self._found) == self._plan.events)
        return list(self._found)

    async def together(self) -> list[float]:
        """Return the milliseconds from before a submit until a client has the event, each job for all clients."""
        self._found.clear()
        for index in range(self._plan.broadcasts):
            await self._submit(f"all-{self._number}-{index}", workflow="all")
            await _until(lambda: len(self._found) == (index + 1) * self._plan.clients)  # noqa: B023
        return list(self._found)

    async def _submit(self, job_id: str, **fields: str) -> None:
        self._begun[job_id.encode()] = time.perf_counter()
        # A job that ended would be found again: each is thrown away once it was seen.
        await self._broker.submit({"job_id": job_id, "requirements": {"service": "nobody"}, **fields})

    async def flooded(self, part: int, *, slow: bool) -> tuple[list[float], int | None, float]:
        """Return the times of the others while one is sent a flood, which it reads or not; its close; the growth.

        Args:
            part: which part of the run; its jobs are others than those of the parts before.
            slow: whether the client reads nothing.
        """
        job_id = f"flood-{self._number}-{part}"
        one = await self._api.connect(_ignore)
        one.send({"type": "subscribe", "id": "flood", "jobs": [job_id]})
        await asyncio.sleep(0.2)
        if slow:
            opened: socket.socket = one.transport.get_extra_info("socket")
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
            one.transport.pause_reading()
        before = self._api.rss_kib()
        info = {"worker_id": job_id, "instance": "0" * 16, "capabilities": {"services": ["flood"]}}
        session = WorkerSession(self._broker, WorkerInfo.model_validate(info))
        await session.register()
        await self._broker.submit({"job_id": job_id, "requirements": {"service": "flood"}})
        (job,) = (await session.claim()).jobs
        grown = 0.0

        async def flood() -> None:
            nonlocal grown
            for number in range(FLOOD_EVENTS):
                await session.progress(job, number / FLOOD_EVENTS, FLOOD_MESSAGE)
                await asyncio.sleep(0.001)
                if number % 100 == 0:
                    grown = max(grown, self._api.rss_kib() - before)

        flooding = asyncio.create_task(flood())
        times = await self.alone(part)
        await flooding
        if slow:
            one.transport.resume_reading()
            await asyncio.wait({one.ended}, timeout=PATIENCE_SECONDS)
        await session.close()
        return times, one.close_code, grown


async def run_socket_benchmark(plan: SocketPlan, command: list[str], say: Say) -> Record:
    """Measure what the WebSocket of one API process costs on this machine.

    The clients run in this process, on the same cores as the API and the server, so times hold what they take from one
    another.

    Args:
        plan: sizes of the run.
        command: the command, for the record.
        say: is told what is being done.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    memory: list[float] = []
    grown: list[float] = []
    times: dict[str, list[list[float]]] = {name: [] for name in ("one", "all", "quick", "slow")}
    closed: list[int | None] = []
    with EmbeddedServer() as server:
        settings = BrokerSettings(redis_url=server.url, queue_limit=0, progress_interval_seconds=0)
        async with Broker(settings, url=server.url) as broker:
            facts = await broker.connection.info("server")
            for number in range(plan.rounds):
                await broker.connection.flushall()
                _, token = await ApiKeys(broker).create("bench", [Role.READ])
                async with _api(server.url, token) as api:
                    one = _Round(plan, broker, api, number, say)
                    say(f"round {number + 1}: connecting {plan.clients} clients")
                    memory.append(await one.connect())
                    say("timing events for one client each, and for all")
                    times["one"].append(await one.alone(0))
                    times["all"].append(await one.together())
                    say("timing beside a client that reads a flood, and beside one that does not")
                    times["quick"].append((await one.flooded(1, slow=False))[0])
                    slow, code, growth = await one.flooded(2, slow=True)
                    times["slow"].append(slow)
                    closed.append(code)
                    grown.append(growth / 1024)
    cuts = {
        name: [quantiles(one, n=100, method="inclusive") for one in rounds] for name, rounds in times.items()
    }
    names = {
        "one": "event to its client",
        "all": "event to all clients",
        "quick": "event beside a quick reader",
        "slow": "event beside a slow reader",
    }
    measures = {"memory of a client": Measure.of(memory, "KiB")}
    for (key, name), (label, place) in itertools.product(
        names.items(), (("median", 49), ("99th percentile", 98))
    ):
        measures[f"{name}, {label}"] = Measure.of([cut[place] for cut in cuts[key]], "ms")
    measures["memory that a slow reader takes"] = Measure.of(grown, "MiB")
    value = {name: measure.value for name, measure in measures.items()}
    ratio = value["event beside a slow reader, median"] / value["event beside a quick reader, median"]
    return Record(
        benchmark="socket",
        provenance={
            **provenance(command),
            "server": str(facts.get("valkey_version", facts["redis_version"])),
        },
        plan=asdict(plan),
        measures=measures,
        bars={
            "memory of a client": Bar.of(value["memory of a client"], 64, unit="KiB"),
            "event to its client, 99th percentile": Bar.of(
                value["event to its client, 99th percentile"], 50, unit="ms"
            ),
            "beside a slow reader / beside a quick one": Bar.of(ratio, 1.5),
            "slow readers that were cut off": Bar.of(
                sum(code == SLOW_READER.code for code in closed) / len(closed), 1, at_least=True
            ),
        },
    )
