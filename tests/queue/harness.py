"""What the tests of the queue share: workers, a clock that is set, and a picture of all that the server holds."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from emprops.broker import Broker, ClaimedJob, WorkerSession
from emprops.core.job import Failure
from emprops.core.keys import KEYS
from emprops.core.settings import BrokerSettings
from emprops.core.worker import WorkerInfo

_T = TypeVar("_T")
START_MS = 1_900_000_000_000
"""Time at which the tests' clock stands when nothing moves it."""
TEMPORARY = Failure(code="service_failed", message="out of memory", retryable=True)
FINAL = Failure(code="job_rejected", message="no such prompt", retryable=False)


class Pool:
    """A pool on a real server, with a clock that the test moves."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self._sessions: list[WorkerSession] = []
        self._tasks: list[asyncio.Task[Any]] = []

    @property
    def now(self) -> int:
        """The pool's time, in milliseconds since 1970."""
        assert self.broker.executor.now_ms is not None
        return self.broker.executor.now_ms

    @now.setter
    def now(self, value: int) -> None:
        self.broker.executor.now_ms = value

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass."""
        self.now += round(seconds * 1000)

    async def worker(self, worker_id: str = "worker", **capabilities: Any) -> WorkerSession:
        """Register a worker; it offers the service ``s`` unless told otherwise."""
        offered = {"services": ["s"], **capabilities}
        info = WorkerInfo.model_validate(
            {
                "worker_id": worker_id,
                "instance": f"{abs(hash(worker_id)) % 16**16:016x}",
                "capabilities": offered,
            }
        )
        session = WorkerSession(self.broker, info)
        self._sessions.append(session)
        await session.register()
        return session

    async def submit(self, job_id: str, **fields: Any) -> None:
        """Submit a job; it asks for the service ``s`` unless told otherwise."""
        needs = {"service": "s", **fields.pop("requirements", {})}
        await self.broker.submit({"job_id": job_id, "requirements": needs, **fields})

    async def claimed(self, worker: WorkerSession, job_id: str) -> ClaimedJob:
        """Claim, and be sure that it gives this job."""
        (job,) = (await worker.claim()).jobs
        assert job.job_id == job_id
        return job

    def start(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Run something beside the test, at most until the pool closes."""
        task = asyncio.create_task(work)
        self._tasks.append(task)
        return task

    async def close(self) -> None:
        """Stop what was started, and close what the pool opened."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for session in self._sessions:
            await session.close()
        await self.broker.close()

    async def picture(self) -> dict[str, Any]:
        """Return everything that the server holds, key by key."""
        return await picture(self.broker.connection)


async def picture(connection: Any) -> dict[str, Any]:
    """Return everything that a server holds, key by key."""
    readers = {
        "hash": connection.hgetall,
        "string": connection.get,
        "stream": connection.xrange,
        "list": lambda key: connection.lrange(key, 0, -1),
        "zset": lambda key: connection.zrange(key, 0, -1, withscores=True),
    }
    found = {}
    for key in sorted(await connection.keys()):
        found[key] = await readers[await connection.type(key)](key)
    return found


def name_of(key: str) -> str:
    """Return the name in the registry of a key as it stands on the server."""
    return key.split(":")[2]


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Return the names of the keys that differ between two pictures."""
    return {name_of(key) for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


async def check_invariants(pool: Pool) -> None:
    """Check what must hold at every moment.

    Each job is in exactly one place and counted in all that it belongs to; bounds are never behind what they bound; no
    key is unknown or, if it is one of a family, without an end.
    """
    connection, keys = pool.broker.connection, pool.broker.keys
    held = await pool.picture()

    def key(name: str) -> Any:
        return held.get(keys.key(name), {})

    states = {job_id: json.loads(text) for job_id, text in dict(key("states")).items()}
    pending = {member[40:]: member[:40] for member, _ in key("pending") or []}
    leases = {job_id for job_id, _ in key("leases") or []}
    delayed = {job_id for job_id, _ in key("delayed") or []}
    archived = {name.rsplit(":", 1)[1] for name in held if name_of(name) == "archive"}
    places = {"pending": set(pending), "running": leases, "waiting": delayed}
    for job_id, state in states.items():
        assert [name for name, members in places.items() if job_id in members] == [state["status"]], job_id
        assert job_id not in archived
        if state["status"] == "pending":
            assert pending[job_id] == state["place"]
    assert set().union(*places.values()) == set(states)
    assert set(key("requests")) == {field for job_id in states for field in (job_id, f"{job_id} payload")}
    assert set(key("histories")) <= set(states)

    next_due = min((due for _, due in key("delayed") or []), default=None)
    assert next_due is None or int(key("meta")["due"]) <= next_due, (
        "a waiting job is due before its time is looked at"
    )

    heads = [member for member, _ in key("heads") or []]
    bounds = {
        f"{pair[:16]}{value[:24]}{pair[16:]}{value[24:]}" for pair, value in dict(key("bounds")).items()
    }
    assert set(heads) == bounds, "heads and bounds disagree"
    for class_id, text in dict(key("eligible")).items():
        first = min((place[16:] for place in pending.values() if place[:16] == class_id), default=None)
        if first is None:
            continue
        for profile, bonus in (token.split("=") for token in text.split()):
            bound = dict(key("bounds")).get(profile + class_id)
            assert bound is not None, "a class with work has no bound for a profile that can run it"
            shifted = f"{first[:2]}{max(int(first[2:14], 16) - int(bonus), 0):012x}{first[14:]}"
            assert bound[:24] <= shifted, "a bound is behind the first job of its class"

    _check_counts(key, states)
    timed = [state for state in states.values() if {"queue_by", "total_by", "run_ms"} & set(state)]
    assert {job_id for job_id, _ in key("deadlines") or []} <= {i for i, s in states.items() if s in timed}

    families = {entry.name for entry in KEYS if entry.about}
    for name in held:
        assert name_of(name) in {entry.name for entry in KEYS}, name
        if name_of(name) in families:
            assert await connection.pttl(name) > 0, f"{name} has no end"
    idle = {member[16:] for member, _ in key("idle") or []}
    assert idle <= set(key("workers"))


def _check_counts(key: Callable[[str], Any], states: dict[str, dict[str, Any]]) -> None:
    def counted(what: Callable[[dict[str, Any]], str | None]) -> dict[str, str]:
        return {
            name: str(count)
            for name, count in Counter(map(what, states.values())).items()
            if name is not None
        }

    assert dict(key("class_open")) == counted(lambda state: state["place"][:16])
    assert dict(key("customers")) == counted(lambda state: state.get("customer"))
    of_customers = {
        f"{state['customer']} {job_id}" for job_id, state in states.items() if "customer" in state
    }
    assert {member for member, _ in key("customer_jobs") or []} == of_customers
    workflows = {name: json.loads(text) for name, text in dict(key("workflows")).items()}
    open_in = {name: str(record["open"]) for name, record in workflows.items() if record["open"]}
    assert open_in == counted(lambda state: state.get("workflow"))
    assert {name for name, _ in key("workflow_expiry") or []} == set(workflows) - set(open_in)
    assert {member.split()[0] for member, _ in key("workflow_jobs") or []} == set(workflows)

    classes = {class_id for class_id, _ in key("class_versions") or []}
    assert classes == set(key("classes")) == set(key("class_open")) | {i for i, _ in key("class_idle") or []}
    assert not set(key("class_open")) & {class_id for class_id, _ in key("class_idle") or []}
    assert set(key("eligible")) <= classes
    profiles = [record[:16] for record in dict(key("workers")).values()]
    assert dict(key("profile_workers")) == {name: str(count) for name, count in Counter(profiles).items()}
    assert set(key("profiles")) == set(profiles) | {profile for profile, _ in key("profile_idle") or []}
    assert set(key("claims")) == set(key("workers"))
    for name in ("turns", "worker_expiry"):
        members = key(name)
        assert {m[0] if isinstance(m, tuple) else m for m in members} <= set(key("workers")), name


def settings(**changes: Any) -> BrokerSettings:
    """Return settings for a test."""
    return BrokerSettings(**changes)


def ids(jobs: Iterable[ClaimedJob]) -> list[str]:
    """Return the ids of claimed jobs."""
    return [job.job_id for job in jobs]
