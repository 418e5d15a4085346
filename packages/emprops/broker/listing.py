"""Listing jobs page by page, from the sorted keys that the queue has anyway: nothing is scanned, a page has a bound.

A list is a row of parts, each one key (or one kind of place) in an order that does not change under a job: a cursor is
a position in a part. A job that keeps its status while somebody pages is found exactly once; one that moves on
meanwhile may be found in two parts, or, if it goes back to wait for a retry, in none. A list by workflow has one part
and does not have that limit.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ..core.job import JobSummary
from ..core.lifecycle import FINAL, Status
from ..core.ordering import ORDER_LENGTH
from ..core.paging import PAGE_MOST, JobFilter, JobPage, read_cursor, write_cursor
from ..core.validation import invalid, require_within
from .connection import server_errors
from .records import summary

if TYPE_CHECKING:
    from .broker import Broker

CLASS_LENGTH = 16
EXAMINED_MOST = 2000
"""Most jobs that are looked at for one page."""
AT_ONCE = 200
OPEN = frozenset(Status) - FINAL

Position: TypeAlias = Any
"""Where a part goes on: an id, an order key with id, or a score with id. JSON, since a cursor holds it."""
Found: TypeAlias = list[tuple[Position, str]]
"""Positions with the ids of the jobs there, in the order of the part."""
Step: TypeAlias = Callable[["Broker", JobFilter, Position | None, int], Awaitable[Found]]
"""Finds the next jobs of a part after a position, at most so many; fewer only at its end."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a list.

    Attributes:
        name: what cursors call it.
        statuses: which jobs belong to it; one that has moved on is left to another part.
        step: finds the next jobs.
    """

    name: str
    statuses: frozenset[Status]
    step: Step


async def list_jobs(broker: Broker, wanted: JobFilter, cursor: str | None, limit: int) -> JobPage:
    """Return one page of a list of jobs; see :meth:`~emprops.broker.broker.Broker.list_jobs`."""
    require_within("limit", limit, 1, PAGE_MOST)
    parts = _parts(wanted)
    index, after = _place(wanted, parts, cursor)
    found: list[JobSummary] = []
    examined = 0
    async with server_errors():
        while index < len(parts):
            part = parts[index]
            count = min(AT_ONCE, EXAMINED_MOST - examined)
            step = await part.step(broker, wanted, after, count)
            summaries = await _summaries(broker, [job_id for _, job_id in step])
            for (position, _), job in zip(step, summaries, strict=True):
                examined += 1
                after = position
                if job is not None and job.status in part.statuses and wanted.takes(job):
                    found.append(job)
                    if len(found) == limit:
                        return JobPage(jobs=found, next=write_cursor(wanted, [part.name, after]))
            if len(step) < count:
                index, after = index + 1, None
            elif examined >= EXAMINED_MOST:
                return JobPage(jobs=found, next=write_cursor(wanted, [part.name, after]))
    return JobPage(jobs=found, next=None)


def _parts(wanted: JobFilter) -> list[Part]:
    """Return the parts of the list that a filter gives, only those that can hold what it wants."""
    if wanted.workflow is not None:
        return [Part("workflow", frozenset(Status), _of_workflow)]
    if wanted.customer is not None:
        parts = [Part("customer", OPEN, _of_customer)]
    else:
        parts = [
            Part("waiting", frozenset({Status.WAITING}), _waiting),
            Part("pending", frozenset({Status.PENDING}), _pending),
            Part("running", frozenset({Status.RUNNING}), _running),
        ]
    parts.append(Part("dead", frozenset({Status.DEAD}), _dead))
    parts.append(Part("finished", frozenset({Status.COMPLETED, Status.CANCELLED}), _finished))
    return [part for part in parts if wanted.status is None or wanted.status in part.statuses]


def _place(wanted: JobFilter, parts: list[Part], cursor: str | None) -> tuple[int, Position | None]:
    if cursor is None:
        return 0, None
    names = [part.name for part in parts]
    match read_cursor(wanted, cursor):
        case ["dead" | "finished" | "waiting" as name, [int() as score, str() as last]] if name in names:
            return names.index(name), [score, last]
        case ["workflow" | "customer" | "pending" | "running" as name, str() as last] if name in names:
            return names.index(name), last
    raise invalid("cursor", "made by nobody")


async def _summaries(broker: Broker, ids: list[str]) -> list[JobSummary | None]:
    """Return each job as it stands in a list; none for one that has gone."""
    if not ids:
        return []
    keys = broker.keys
    async with broker.connection.pipeline(transaction=True) as pipe:
        pipe.hmget(keys.key("requests"), ids)
        pipe.hmget(keys.key("states"), ids)
        specs, states = await pipe.execute()
    pairs = dict(zip(ids, zip(specs, states, strict=True), strict=True))
    ended = [job_id for job_id, (_, state) in pairs.items() if state is None]
    if ended:
        async with broker.connection.pipeline(transaction=False) as pipe:
            for job_id in ended:
                pipe.hmget(keys.key("archive", job_id), ["spec", "state"])
            pairs.update(zip(ended, await pipe.execute(), strict=True))
    return [summary(*pairs[i]) if None not in pairs[i] else None for i in ids]


async def _of_workflow(broker: Broker, wanted: JobFilter, after: Position | None, count: int) -> Found:
    return await _by_id(broker, "workflow_jobs", str(wanted.workflow), after, count)


async def _of_customer(broker: Broker, wanted: JobFilter, after: Position | None, count: int) -> Found:
    return await _by_id(broker, "customer_jobs", str(wanted.customer), after, count)


async def _by_id(broker: Broker, name: str, owner: str, after: Position | None, count: int) -> Found:
    members = await broker.connection.zrange(
        broker.keys.key(name), f"({owner} {after or ''}", f"({owner}!", bylex=True, offset=0, num=count
    )
    return [(job_id, job_id) for job_id in (member[len(owner) + 1 :] for member in members)]


async def _running(broker: Broker, wanted: JobFilter, after: Position | None, count: int) -> Found:
    """By id: the leases move with each heartbeat. As many as workers hold, so they are few."""
    ids = await broker.connection.zrange(broker.keys.key("leases"), 0, -1)
    return [(job_id, job_id) for job_id in sorted(ids) if after is None or job_id > after][:count]


async def _waiting(broker: Broker, wanted: JobFilter, after: Position | None, count: int) -> Found:
    return await _scored(broker, "delayed", after, count, newest_first=False)


async def _dead(broker: Broker, wanted: JobFilter, after: Position | None, count: int) -> Found:
    return await _scored(broker, "dead", after, count, newest_first=True)


async def _finished(broker: Broker, wanted: JobFilter, after: Position | None, count: int) -> Found:
    return await _scored(broker, "finished", after, count, newest_first=True)


async def _scored(
    broker: Broker, name: str, after: Position | None, count: int, *, newest_first: bool
) -> Found:
    ends = ("+inf", "-inf") if newest_first else ("-inf", "+inf")
    first = ends[0] if after is None else after[0]
    found: Found = []
    offset = 0
    while len(found) < count:
        members = await broker.connection.zrange(
            broker.keys.key(name),
            first,
            ends[1],
            desc=newest_first,
            byscore=True,
            withscores=True,
            offset=offset,
            num=count,
        )
        for job_id, score in members:
            place = [int(score), job_id]
            if after is None or (place < after if newest_first else place > after):
                found.append((place, job_id))
        if len(members) < count:
            break
        offset += count
    return found[:count]


async def _pending(broker: Broker, wanted: JobFilter, after: Position | None, count: int) -> Found:
    """In the order in which they are served: the lines of all classes, merged."""
    classes = await broker.connection.hgetall(broker.keys.key("classes"))
    lines = [
        class_id
        for class_id, text in classes.items()
        if wanted.service is None or json.loads(text)["service"] == wanted.service
    ]
    if not lines:
        return []
    share = count // len(lines) + 1
    heads = await _heads(broker, dict.fromkeys(lines, after or ""), share)
    heap = [(line[0], class_id, 0) for class_id, line in heads.items() if line]
    heapq.heapify(heap)
    found: Found = []
    while heap and len(found) < count:
        text, class_id, at = heapq.heappop(heap)
        found.append((text, text[ORDER_LENGTH:]))
        line = heads[class_id]
        if at + 1 == len(line) == share:
            line = heads[class_id] = (await _heads(broker, {class_id: text}, share))[class_id]
            at = -1
        if at + 1 < len(line):
            heapq.heappush(heap, (line[at + 1], class_id, at + 1))
    return found


async def _heads(broker: Broker, after: dict[str, str], share: int) -> dict[str, list[str]]:
    """Return the next jobs of each class after a position: order key and id in one text."""
    found: dict[str, list[str]] = {}
    classes = list(after)
    for start in range(0, len(classes), 500):
        some = classes[start : start + 500]
        async with broker.connection.pipeline(transaction=False) as pipe:
            for class_id in some:
                low, high = f"({class_id}{after[class_id]}", f"[{class_id}g"
                pipe.zrange(broker.keys.key("pending"), low, high, bylex=True, offset=0, num=share)
            lines = await pipe.execute()
        for class_id, line in zip(some, lines, strict=True):
            found[class_id] = [member[CLASS_LENGTH:] for member in line]
    return found
