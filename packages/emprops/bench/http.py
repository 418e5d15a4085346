"""The benchmark of the API: what a submit over HTTP costs beside one with the Python client, in the same run."""

from __future__ import annotations

import asyncio
import json
import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from ..broker import ApiKeys, Broker, EmbeddedServer
from ..core.access import Role
from ..core.keys import KEYS
from ..core.settings import BrokerSettings
from .claim import Say
from .measure import Bar, Measure, Record
from .provenance import provenance

JOB: dict[str, Any] = {"requirements": {"service": "s"}, "payload": {"prompt": "a cube"}}
START_SECONDS = 30.0
_FILLED = [key.name for key in KEYS if not key.about and key.name != "api_keys"]
"""What a round leaves behind: it goes before the next one, the key of the API aside."""


@dataclass(frozen=True)
class HttpPlan:
    """Sizes of a run.

    Attributes:
        rounds: rounds of each figure; the two ways take turns.
        round_ms: length of a round of a rate, in ms.
        clients: connections that submit at a time.
        batch: jobs of a batch.
        calls: submits in a row whose time is taken, in each round.
    """

    rounds: int = 7
    round_ms: int = 1000
    clients: int = 16
    batch: int = 100
    calls: int = 200


class _Api:
    """An API process, and requests to it as they are sent.

    Args:
        url: address of the server of the queue.
        token: token of a key that may submit.
    """

    def __init__(self, url: str, token: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = free.getsockname()
        self._token = token
        self.process = subprocess.Popen(
            [sys.executable, "-m", "emprops.cli", "api"],
            env={**os.environ, "EMPROPS_REDIS_URL": url, "EMPROPS_API_PORT": str(self.address[1])},
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError("the API process does not answer")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(self.address, timeout=1) as client:
                client.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
                return client.recv(12) == b"HTTP/1.1 200"
        except OSError:
            return False

    def request(self, path: str, content: Any) -> bytes:
        """Return a request as it is sent."""
        body = json.dumps(content).encode()
        return (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self._token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    def memory_mb(self) -> float:
        """Return the resident memory of the process, in MB."""
        done = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self.process.pid)], capture_output=True, text=True, check=True
        )
        return int(done.stdout) * 1024 / 1e6

    def close(self) -> None:
        """Stop the process."""
        self.process.terminate()
        self.process.wait()


def _answered(buffer: bytes) -> int:
    """Return how long the answer is that a buffer begins with; 0 if it is not there as a whole."""
    head, end, _ = buffer.partition(b"\r\n\r\n")
    if not end:
        return 0
    length = next(
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    whole = len(head) + 4 + length
    return whole if len(buffer) >= whole else 0


def requests_per_second(address: tuple[str, int], clients: int, request: bytes, seconds: float) -> float:
    """Send a request from several clients, each again as soon as it has its answer.

    Args:
        address: host and port of the API.
        clients: how many connections.
        request: the request as it is sent.
        seconds: how long, in seconds.

    Returns:
        Answers per second.

    Raises:
        RuntimeError: an answer was an error.
    """
    selector = selectors.DefaultSelector()
    opened = [socket.create_connection(address) for _ in range(clients)]
    for client in opened:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(client, selectors.EVENT_READ, bytearray())
    begun = time.perf_counter()
    for client in opened:
        client.sendall(request)
    answers, waiting = 0, clients
    while waiting:
        for ready, _ in selector.select():
            client = ready.fileobj  # type: ignore[assignment]  # what was registered above
            buffer: bytearray = ready.data
            buffer += client.recv(262_144)
            whole = _answered(bytes(buffer))
            if not whole:
                continue
            if not buffer.startswith(b"HTTP/1.1 2"):
                raise RuntimeError(f"the API refused: {bytes(buffer[:300])!r}")
            del buffer[:whole]
            answers += 1
            if time.perf_counter() - begun < seconds:
                client.sendall(request)
            else:
                waiting -= 1
    took = time.perf_counter() - begun
    for client in opened:
        client.close()
    selector.close()
    return answers / took


async def _calls_per_second(clients: int, call: Callable[[], Awaitable[Any]], seconds: float) -> float:
    """Call from several tasks of this process, each again as soon as it has its answer."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    count = 0

    async def client() -> None:
        nonlocal count
        while loop.time() - begun < seconds:
            await call()
            count += 1

    await asyncio.gather(*(client() for _ in range(clients)))
    return count / (loop.time() - begun)


async def _time_ms(calls: int, call: Callable[[], Awaitable[Any]]) -> float:
    """Return the median time of a call, one after the other, in ms."""
    times = []
    for _ in range(calls):
        begun = time.perf_counter()
        await call()
        times.append((time.perf_counter() - begun) * 1000)
    return median(times)


async def _exchange_ms(calls: int, address: tuple[str, int], request: bytes) -> float:
    """Return the median time of a request on one connection, one after the other, in ms."""
    reader, writer = await asyncio.open_connection(*address)

    async def exchange() -> None:
        writer.write(request)
        buffer = b""
        while not _answered(buffer):
            buffer += await reader.read(65_536)

    took = await _time_ms(calls, exchange)
    writer.close()
    await writer.wait_closed()
    return took


async def _rounds(api: _Api, broker: Broker, plan: HttpPlan, say: Say) -> dict[str, list[float]]:
    single, many = api.request("/v1/jobs", JOB), api.request("/v1/jobs/batch", {"jobs": [JOB] * plan.batch})
    jobs = [JOB] * plan.batch
    seconds = plan.round_ms / 1000
    found: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)

    async def over_http(request: bytes, clients: int) -> float:
        return await asyncio.to_thread(requests_per_second, api.address, clients, request, seconds)

    async def submit() -> None:
        await broker.submit(JOB)

    async def submit_many() -> None:
        await broker.submit_many(jobs)

    few = max(1, plan.clients // 4)
    for number in range(plan.rounds):
        say(f"round {number + 1} of {plan.rounds}")
        await broker.connection.delete(*[broker.keys.key(name) for name in _FILLED])
        note("http", await over_http(single, plan.clients))
        note("python", await _calls_per_second(plan.clients, submit, seconds))
        note("http-batch", plan.batch * await over_http(many, few))
        note("python-batch", plan.batch * await _calls_per_second(few, submit_many, seconds))
        note("http-time", await _exchange_ms(plan.calls, api.address, single))
        note("python-time", await _time_ms(plan.calls, submit))
    return found


async def run_http_benchmark(plan: HttpPlan, command: list[str], say: Say) -> Record:
    """Measure what the API costs on this machine, beside the Python client in the same run.

    Args:
        plan: sizes of the run.
        command: the command, for the record.
        say: is told what is being done.

    Raises:
        RuntimeError: the API process does not start, or refuses.
    """
    with EmbeddedServer() as server:
        async with Broker(BrokerSettings(queue_limit=0), url=server.url) as broker:
            _, token = await ApiKeys(broker).create("bench", [Role.SUBMIT])
            api = await asyncio.to_thread(_Api, server.url, token)
            try:
                idle = api.memory_mb()
                found = await _rounds(api, broker, plan, say)
            finally:
                api.close()
            facts = await broker.connection.info("server")
    measures = {
        "submits over HTTP": Measure.of(found["http"], "1/s"),
        "submits with the Python client": Measure.of(found["python"], "1/s"),
        "jobs in batches over HTTP": Measure.of(found["http-batch"], "1/s"),
        "jobs in batches with the Python client": Measure.of(found["python-batch"], "1/s"),
        "time of a submit over HTTP": Measure.of(found["http-time"], "ms"),
        "time of a submit with the Python client": Measure.of(found["python-time"], "ms"),
        "memory of an idle API process": Measure.of([idle], "MB"),
    }
    value = {name: measure.value for name, measure in measures.items()}
    bars = {
        "submits: HTTP / Python client": Bar.of(
            value["submits over HTTP"] / value["submits with the Python client"], 0.25, at_least=True
        ),
        "jobs in batches: HTTP / Python client": Bar.of(
            value["jobs in batches over HTTP"] / value["jobs in batches with the Python client"],
            0.4,
            at_least=True,
        ),
        "what HTTP adds to a submit": Bar.of(
            value["time of a submit over HTTP"] - value["time of a submit with the Python client"],
            3,
            unit="ms",
        ),
        "memory of an idle API process": Bar.of(value["memory of an idle API process"], 120, unit="MB"),
    }
    return Record(
        benchmark="http",
        provenance={
            **provenance(command),
            "server": str(facts.get("valkey_version", facts["redis_version"])),
        },
        plan=asdict(plan),
        measures=measures,
        bars=bars,
    )
