"""The benchmark of the queue's core: what a claim, a submit and a pending job cost, and how soon a job starts."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from statistics import quantiles
from typing import Any

from ..broker import Broker, EmbeddedServer, WorkerSession
from ..broker.scripts import all_scripts
from ..broker.submitting import call_for
from ..core.job import JobRequest
from ..core.settings import BrokerSettings
from ..core.worker import WorkerInfo
from .load import Callers, calls_per_second, packed
from .measure import Bar, Measure, Record
from .provenance import provenance

NO_OP = "return 1"
"""A script that does nothing: what a call costs by itself."""
CLAIMS_A_ROUND = 20
SECONDS = 0.6
"""How long each rate is measured in a round."""
BATCH = 16
"""Jobs of a batch claim: as many as one claim may take."""
SUBMITS_AT_ONCE = 1000
_OUTSIDE = ("cmdstat_config", "cmdstat_info", "cmdstat_script", "cmdstat_client", "cmdstat_hello")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """Sizes of a run.

    Attributes:
        pending: jobs in the large pool.
        classes: requirement classes in the pool of many.
        depth: jobs in the pools that are compared for depth of the match.
        rounds: rounds of each figure; the pools take turns.
        pickups: jobs whose pick-up is timed, in each round.
        clients: clients of the throughput figures, and idle workers of the pick-up.
    """

    pending: int = 100_000
    classes: int = 10_000
    depth: int = 20_000
    rounds: int = 15
    pickups: int = 200
    clients: int = 16


class _Pool:
    """One pool of the run, with one worker that can run the service ``s``."""

    def __init__(self, name: str, url: str) -> None:
        settings = BrokerSettings(pool=name, queue_limit=0, redis_url=url, lease_seconds=3600)
        self.broker = Broker(settings, url=url)
        self.worker = _session(self.broker, "bench")
        self._made = 0

    async def fill(self, count: int, *, classes: int = 1, service: str = "s", priority: int = 50) -> None:
        """Submit jobs that differ in their ids, and in as many labels as there are to be classes."""
        requests = [
            JobRequest.model_validate(
                {
                    "job_id": "0" * 16,
                    "requirements": {"service": service, "excluded_labels": [f"l{n}"] if n else []},
                    "priority": priority,
                }
            )
            for n in range(classes)
        ]
        calls = [call_for(request, self.broker.settings) for request in requests]
        numbers = iter(range(self._made, self._made + count))
        self._made += count
        while part := list(itertools.islice(numbers, SUBMITS_AT_ONCE)):
            batch = []
            for number in part:
                arguments, about = calls[number % classes]
                job_id = f"{number:016x}"
                spec = str(arguments["spec"]).replace("0" * 16, job_id)
                batch.append(({**arguments, "id": job_id, "spec": spec}, {**about, "archive": job_id}))
            await self.broker.executor.run_many("submit", batch)

    async def round(self) -> tuple[float, float]:
        """Return the server's time for one claim, in microseconds, and the commands that it ran, over some claims."""
        await self.broker.connection.config_resetstat()
        for _ in range(CLAIMS_A_ROUND):
            assert (await self.worker.claim()).jobs
        return await _script_time(self.broker)

    async def submit_round(self) -> float:
        """Return the server's time for one submit, in microseconds, over as many submits as a round claims."""
        await self.broker.connection.config_resetstat()
        await self.fill(CLAIMS_A_ROUND)
        return (await _script_time(self.broker))[0]

    async def close(self) -> None:
        await self.worker.close()
        await self.broker.close()


async def _script_time(broker: Broker) -> tuple[float, float]:
    """Return the server's time for one script since the last reset, in microseconds, and the commands that it ran."""
    facts = await broker.connection.info("commandstats")
    scripts = facts.pop("cmdstat_evalsha")
    inside = sum(entry["calls"] for name, entry in facts.items() if not name.startswith(_OUTSIDE))
    return float(scripts["usec_per_call"]), inside / scripts["calls"]


def _session(broker: Broker, worker_id: str) -> WorkerSession:
    info = {"worker_id": worker_id, "instance": os.urandom(8).hex(), "capabilities": {"services": ["s"]}}
    return WorkerSession(broker, WorkerInfo.model_validate(info))


async def _server_times(url: str, plan: Plan, say: Say) -> dict[str, list[float]]:
    """Server time of a claim in pools of different make, the pools taking turns."""
    pools = {name: _Pool(name, url) for name in ("few", "many", "one-class", "classes", "all-match", "deep")}
    fills: dict[str, list[dict[str, Any]]] = {
        "few": [{"count": 100}],
        "many": [{"count": plan.pending}],
        "one-class": [{"count": 2 * plan.classes}],
        "classes": [{"count": 2 * plan.classes, "classes": plan.classes}],
        "all-match": [{"count": plan.depth}],
        "deep": [
            {"count": plan.depth - plan.depth // 50, "service": "other", "priority": 90},
            {"count": plan.depth // 50},
        ],
    }
    times: dict[str, list[float]] = {name: [] for name in (*pools, "submit", "bytes", "commands")}
    for name, pool in pools.items():
        say(f"filling the pool {name!r}")
        before = await _memory(pool)
        for fill in fills[name]:
            await pool.fill(**fill)
        if name == "many":
            times["bytes"].append((await _memory(pool) - before) / plan.pending - len("{}"))
        await pool.worker.register()
        assert (await pool.worker.claim()).jobs  # judges all classes
    say("claiming")
    for _ in range(plan.rounds):
        for name, pool in pools.items():
            took, commands = await pool.round()
            times[name].append(took)
            if name == "many":
                times["commands"].append(commands)
            if name != "classes":
                submit = await pool.submit_round()
                if name == "many":
                    times["submit"].append(submit)
    for pool in pools.values():
        await pool.close()
    return times


async def _memory(pool: _Pool) -> int:
    return int((await pool.broker.connection.info("memory"))["used_memory"])


async def _rates(server: EmbeddedServer, plan: Plan, say: Say) -> dict[str, list[float]]:
    """Calls per second over TCP, as workers call: a script that does nothing, and claims.

    The clients are processes of their own, as workers are, and again connections of one process, which spares the
    server most of the waking of clients and so is the harder comparison for whatever a call does.
    """
    pool = _Pool("rates", server.url)
    port = await open_port(pool.broker)
    sha = await pool.broker.connection.script_load(NO_OP)
    await pool.worker.register()
    workers = [_session(pool.broker, f"bench-{number}") for number in range(plan.clients)]
    for worker in workers:
        await worker.register()
    no_op = packed("EVALSHA", sha, 1, "{rates}")
    rates: dict[str, list[float]] = {
        name: [] for name in ("no-op", "claim", "no-op, one", "claim, one", "batch")
    }
    say(f"calling from {plan.clients} clients")
    with Callers(port, plan.clients) as callers:
        for number in range(max(3, plan.rounds // 3)):
            await pool.fill(60_000)
            assert (await pool.worker.claim()).jobs
            rates["no-op"].append(callers.rate([[no_op] * 10_000] * plan.clients, SECONDS))
            own = [list(_claims(pool, w.info.worker_id, number, 1, 2_000)) for w in workers]
            rates["claim"].append(callers.rate(own, SECONDS))
            rates["no-op, one"].append(calls_per_second(port, plan.clients, itertools.repeat(no_op), SECONDS))
            singles = _claims(pool, "bench", number, 1, 20_000)
            rates["claim, one"].append(calls_per_second(port, plan.clients, singles, SECONDS))
            batches = _claims(pool, "bench", number, BATCH, 1_750)
            rates["batch"].append(calls_per_second(port, plan.clients, batches, SECONDS) * BATCH)
    for worker in workers:
        await worker.close()
    await pool.close()
    return rates


async def open_port(broker: Broker) -> int:
    """Let the server listen on a free TCP port of this machine, and return it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    await broker.connection.config_set("bind", "127.0.0.1")
    await broker.connection.config_set("port", port)
    return port


def _claims(pool: _Pool, worker: str, round_number: int, jobs: int, most: int) -> Iterator[bytes]:
    """Yield claims of so many jobs each, at most so many claims."""
    script, executor = all_scripts()["claim"], pool.broker.executor
    for number in range(most):
        ticket = f"{round_number}-{jobs}-{number}"
        keys, values = executor.prepared(
            "claim", {"worker": worker, "ticket": ticket, "count": jobs, "lease_ms": 3_600_000}
        )
        yield packed("EVALSHA", script.sha, len(keys), *keys, *values)


async def _pickups(url: str, plan: Plan, say: Say) -> list[list[float]]:
    """Milliseconds from before a submit until an idle worker has the job, for each job of each round."""
    broker = Broker(BrokerSettings(pool="pickup", redis_url=url), url=url)
    sessions = [_session(broker, f"w{number}") for number in range(plan.clients)]
    begun: dict[str, float] = {}
    found: list[float] = []

    async def work(session: WorkerSession) -> None:
        await session.register()
        claim = await session.claim()
        while True:
            for job in claim.jobs:
                found.append((time.perf_counter() - begun[job.job_id]) * 1000)
                claim = await session.complete(job, claim=1)
            if not claim.jobs:
                claim = await session.claim()
                if not claim.jobs:
                    await session.wait_for_work(5)
                    claim = await session.claim()

    tasks = [asyncio.create_task(work(session)) for session in sessions]
    await asyncio.sleep(0.5)
    say(f"submitting to {plan.clients} idle workers")
    rounds = []
    for number in range(max(3, plan.rounds // 3)):
        found.clear()
        for index in range(plan.pickups):
            job_id = f"j{number}-{index}"
            begun[job_id] = time.perf_counter()
            await broker.submit({"job_id": job_id, "requirements": {"service": "s"}})
            await asyncio.sleep(0.01)
        rounds.append(list(found))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for session in sessions:
        await session.close()
    await broker.close()
    return rounds


async def run_claim_benchmark(plan: Plan, command: list[str], say: Say) -> Record:
    """Measure what the core of the queue costs on this machine.

    Figures are ratios within the run wherever they can be: the machine may be shared, and another one differs.

    Args:
        plan: sizes of the run.
        command: the command, for the record.
        say: is told what is being done.
    """
    with EmbeddedServer() as server:
        pickups = await _pickups(server.url, plan, say)
        rates = await _rates(server, plan, say)
        times = await _server_times(server.url, plan, say)
        async with Broker(url=server.url) as broker:
            facts = await broker.connection.info("server")
    cuts = [quantiles(one, n=100, method="inclusive") for one in pickups]
    measures = {
        **{
            f"claim, {name}": Measure.of(times[name], "µs")
            for name in times
            if name not in ("submit", "bytes", "commands")
        },
        "commands in a claim": Measure.of(times["commands"], "commands"),
        "submit": Measure.of(times["submit"], "µs"),
        "memory of a pending job": Measure.of(times["bytes"], "bytes"),
        "no-op calls": Measure.of(rates["no-op"], "1/s"),
        "claims": Measure.of(rates["claim"], "1/s"),
        "no-op calls, clients in one process": Measure.of(rates["no-op, one"], "1/s"),
        "claims, clients in one process": Measure.of(rates["claim, one"], "1/s"),
        "jobs claimed in batches": Measure.of(rates["batch"], "1/s"),
        "pick-up, median": Measure.of([cut[49] for cut in cuts], "ms"),
        "pick-up, 99th percentile": Measure.of([cut[98] for cut in cuts], "ms"),
    }
    value = {name: measure.value for name, measure in measures.items()}
    bars = {
        "claim: many pending / few": Bar.of(value["claim, many"] / value["claim, few"], 1.5),
        "claim: many classes / one": Bar.of(value["claim, classes"] / value["claim, one-class"], 1.3),
        "claim: 2 % match, deep / all match": Bar.of(value["claim, deep"] / value["claim, all-match"], 1.2),
        "claims / no-op calls": Bar.of(value["claims"] / value["no-op calls"], 0.25, at_least=True),
        "pick-up, median": Bar.of(value["pick-up, median"], 1.5, unit="ms"),
        "pick-up, 99th percentile": Bar.of(value["pick-up, 99th percentile"], 5.0, unit="ms"),
        "memory of a pending job": Bar.of(value["memory of a pending job"], 1200, unit="bytes"),
    }
    return Record(
        benchmark="claim",
        provenance={
            **provenance(command),
            "server": str(facts.get("valkey_version", facts["redis_version"])),
        },
        plan=asdict(plan),
        measures=measures,
        bars=bars,
    )
