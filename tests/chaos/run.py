"""A run in which workers are killed, connections cut and the server restarted, while jobs come; and its verdict."""

from __future__ import annotations

import asyncio
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from redis.exceptions import RedisError

from emprops.broker import Broker
from emprops.core.errors import (
    EmpropsError,
    JobFinished,
    JobNotFound,
    ServerFault,
    ServerUnreachable,
    error_for,
)
from emprops.core.events import JobEvent
from emprops.core.lifecycle import Outcome, Status
from emprops.core.replay import replay
from emprops.core.settings import BrokerSettings
from tests.chaos.site import Server, Workers
from tests.queue.harness import Pool, check_invariants

Answer = TypeVar("Answer")
AWAY = (ServerUnreachable, ServerFault, RedisError)
"""What a client sees while the server is away or loading."""
SILENCE_SECONDS = 180
"""How long nothing may end before the run is given up."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of a run.

    Attributes:
        workers: worker processes at a time.
        jobs: jobs in all.
        kills: workers that are killed.
        cuts: times that connections are cut.
        restarts: times that the server is killed or stopped, and started again.
        seed: of all chance.
    """

    workers: int
    jobs: int
    kills: int
    cuts: int
    restarts: int
    seed: int = 1


@dataclass
class Report:
    """What happened."""

    seconds: float = 0
    done: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def request(number: int, chance: random.Random) -> dict[str, Any]:
    """Return one job: most simply run, some fail, some crash their worker, some wait, some belong together."""
    payload: dict[str, Any] = {
        "duration_seconds": chance.choice((0, 0, 0.02, 0.05)),
        "steps": 2,
        "result": number,
    }
    kind = chance.random()
    if kind < 0.05:
        payload["fail"] = {"code": "service_failed", "attempts": chance.choice((1, 2))}
    elif kind < 0.07:
        payload["fail"] = {"code": "job_rejected", "attempts": 20}
    elif kind < 0.075:
        payload["crash"] = {"attempts": 1}
    return {
        "job_id": f"job-{number}",
        "idempotency_key": f"key-{number}",
        "requirements": {"service": "simulation", "excluded_labels": [chance.choice(("x", "y", "z"))]},
        "payload": payload,
        "priority": chance.choice((10, 50, 50, 90)),
        "delay_seconds": chance.choice((0, 0, 0, 0.5)),
        "workflow": chance.choice((None, None, f"w{number // 20}")),
        "customer": f"c{number % 7}",
        "timeouts": chance.choice(({}, {}, {"run_seconds": 20})),
        "retry": {
            "max_attempts": 20,
            "backoff_seconds": 0.05,
            "avoid_failed_worker": chance.random() < 0.1,
        },
    }


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something has become true."""
    while not condition():  # noqa: ASYNC110  # what is waited for tells nobody
        await asyncio.sleep(0.02)


class Run:
    """One run.

    Args:
        plan: its sizes.
        folder: for the server's data.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.chance = random.Random(plan.seed)
        self.server = Server(folder)
        self.workers = Workers(self.server.url, plan.workers)
        settings = BrokerSettings(events_kept=5_000_000, command_timeout_seconds=3, unused_seconds=1)
        self.broker = Broker(settings, url=self.server.url)
        self.report = Report()
        self.submitted = 0

    async def insist(self, act: Callable[[], Awaitable[Answer]]) -> Answer:
        """Do something again until the server answers."""
        while True:
            try:
                return await act()
            except AWAY:
                await asyncio.sleep(0.05)

    async def play(self) -> Report:
        """Run to the end, and judge."""
        begun = time.monotonic()
        self.server.start()
        keeper = asyncio.create_task(self._keep_workers())
        try:
            trouble = [self._kill(), self._cut(), self._restart(), self._cancel()]
            await asyncio.gather(self._submit(), *trouble)
            await self._all_ended()
            await self._end_workers(keeper)
            await self._judge()
        finally:
            await self._end_workers(keeper)
            await self.broker.close()
            self.server.stop()
        self.report.seconds = round(time.monotonic() - begun, 1)
        return self.report

    async def _keep_workers(self) -> None:
        while True:
            self.workers.keep()
            await asyncio.sleep(0.3)

    async def _end_workers(self, keeper: asyncio.Task[None]) -> None:
        """End them, so that nothing changes any more while the keys are compared."""
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await asyncio.to_thread(self.workers.stop)

    async def _submit(self) -> None:
        await until(lambda: self.workers.keep(0) == self.plan.workers)
        while self.submitted < self.plan.jobs:
            count = min(self.chance.choice((1, 5, 25)), self.plan.jobs - self.submitted)
            batch = [request(self.submitted + n, self.chance) for n in range(count)]
            answers = await self.insist(lambda batch=batch: self.broker.submit_many(batch))  # type: ignore[misc]
            self.report.faults += [f"refused: {a}" for a in answers if isinstance(a, EmpropsError)]
            self.submitted += count
            await asyncio.sleep(0.02)

    async def _spread(self, times: int, act: Callable[[], Awaitable[None]]) -> None:
        """Do something some times, spread over the submits."""
        for number in range(times):
            due = self.plan.jobs * (number + self.chance.random()) / times
            await until(lambda due=due: self.submitted >= due)  # type: ignore[misc]
            await act()

    async def _kill(self) -> None:
        async def kill() -> None:
            await until(lambda: self.workers.keep(0) > 0)
            self.chance.choice(self.workers.processes).kill()
            self.report.done["workers killed"] += 1

        await self._spread(self.plan.kills, kill)

    async def _cut(self) -> None:
        async def cut() -> None:
            clients = await self.insist(lambda: self.broker.connection.client_list())
            for client in self.chance.sample(clients, len(clients) // 2):
                await self.insist(lambda client=client: self._cut_one(client["id"]))  # type: ignore[misc]
            self.report.done["connections cut"] += len(clients) // 2

        await self._spread(self.plan.cuts, cut)

    async def _cut_one(self, client: str) -> None:
        await self.broker.connection.execute_command("CLIENT", "KILL", "ID", client, "SKIPME", "no")

    async def _restart(self) -> None:
        async def restart() -> None:
            number = self.chance.choice((signal.SIGKILL, signal.SIGTERM))
            await asyncio.to_thread(self.server.stop, number)
            await asyncio.sleep(self.chance.choice((0, 0.3, 1)))
            await asyncio.to_thread(self.server.start)
            self.report.done[f"server ended by {number.name}"] += 1

        await self._spread(self.plan.restarts, restart)

    async def _cancel(self) -> None:
        async def cancel() -> None:
            job_id = f"job-{self.chance.randrange(max(1, self.submitted))}"
            try:
                await self.insist(lambda: self.broker.cancel(job_id))
            except (JobFinished, JobNotFound):
                return
            self.report.done["jobs cancelled"] += 1

        await self._spread(self.plan.jobs // 25, cancel)

    async def _all_ended(self) -> None:
        """Wait until no job is open; give up when nothing ends for long."""
        left, since = -1, time.monotonic()
        while True:
            now = await self.insist(lambda: self.broker.connection.hlen(self.broker.keys.key("states")))
            if not now:
                return
            if now != left:
                left, since = now, time.monotonic()
            if time.monotonic() - since > SILENCE_SECONDS:
                self.report.faults.append(f"{now} jobs are open and nothing ends any more")
                return
            await asyncio.sleep(0.1)

    async def _judge(self) -> None:
        events = []
        position = "0-0"
        while page := await self.broker.read_events(position, limit=50_000):
            events += page
            position = page[-1].event_id
        told = replay(events)
        ends = Counter(e.job for e in events if isinstance(e, JobEvent) and e.status.final)
        for number in range(self.plan.jobs):
            await self._judge_one(number, told, ends)
        if set(told) != {f"job-{number}" for number in range(self.plan.jobs)}:
            self.report.faults.append("the events name other jobs than were submitted")
        await check_invariants(Pool(self.broker))

    async def _judge_one(self, number: int, told: dict[str, Any], ends: Counter[str]) -> None:
        job_id = f"job-{number}"
        try:
            job = await self.broker.get(job_id)
        except JobNotFound:
            self.report.faults.append(f"{job_id} is lost")
            return
        self.report.statuses[job.status.value] += 1
        self.report.outcomes.update(attempt.outcome.value for attempt in job.attempts)
        completed = sum(attempt.outcome is Outcome.COMPLETED for attempt in job.attempts)
        used_up = job.attempts_used >= job.retry.max_attempts
        final_failure = job.error is not None and not error_for(job.error).retryable
        for wrong, what in (
            (not job.status.final, "has not ended"),
            (ends[job_id] != 1, f"ended {ends[job_id]} times"),
            (job_id not in told or told[job_id].status is not job.status, "and its events differ"),
            (
                job_id in told and told[job_id].attempts_used != job.attempts_used,
                "and its events count otherwise",
            ),
            (completed != (job.status is Status.COMPLETED), f"has {completed} results"),
            (job.status is Status.COMPLETED and job.result != number, f"has the result {job.result!r}"),
            (job.status is Status.DEAD and not (used_up or final_failure), f"is dead by {job.error}"),
            (job.attempts_used > job.retry.max_attempts, "used too many attempts"),
            (
                [a.attempt for a in job.attempts] != sorted({a.attempt for a in job.attempts}),
                "repeats an attempt",
            ),
        ):
            if wrong:
                self.report.faults.append(f"{job_id} {what}")


async def play(plan: Plan) -> Report:
    """Run a plan to its end.

    Args:
        plan: the sizes.
    """
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        return await Run(plan, Path(folder)).play()
