"""The event stream as those read it who must miss nothing: pages from a position that is checked, and snapshots."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from ..core.errors import EventsTrimmed, PositionUnknown
from ..core.events import AnyEvent, parse_event
from ..core.messages import SnapshotJob
from .connection import open_connection, server_errors
from .records import stream_entries

if TYPE_CHECKING:
    from .broker import Broker

ORIGIN = "0-0"
"""The position before the oldest event that is kept, whichever that is."""
BLOCK_SECONDS = 5.0
"""Longest wait of a reader for the next event before it asks again, in seconds."""
READ_MOST = 500
"""Most events that are read at once."""

Place = tuple[int, int]
"""A position, so that it can be compared."""


def place_of(position: str) -> Place:
    """Return a position so that it can be compared.

    Args:
        position: the id of an event.
    """
    milliseconds, _, number = position.partition("-")
    return int(milliseconds), int(number)


@dataclass(frozen=True, slots=True)
class Page:
    """Some events in a row.

    Attributes:
        events: the events, oldest first.
        last: the position after which to go on.
        end: whether these were all that there were.
    """

    events: Sequence[AnyEvent]
    last: str
    end: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """The state of some jobs at one event.

    Attributes:
        position: id of the event.
        jobs: the jobs that exist, or whose records are kept.
        complete: whether there were no more of them.
    """

    position: str
    jobs: Sequence[SnapshotJob]
    complete: bool


class EventStream:
    """The event stream of one pool.

    Args:
        broker: the pool.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._key = broker.keys.key("events")

    async def page(self, after: str, *, limit: int = READ_MOST) -> Page:
        """Return the events that follow a position, without a gap.

        Args:
            after: id of the last event already seen; :data:`ORIGIN` from the oldest that is kept.
            limit: how many at most.

        Raises:
            EventsTrimmed: events between the position and the oldest that is kept may be gone.
            PositionUnknown: the stream has not reached the position.
            ServerUnreachable: the server does not answer.
        """
        async with server_errors(), self._broker.connection.pipeline(transaction=True) as pipe:
            pipe.xinfo_stream(self._key)
            pipe.xrange(self._key, min=f"({after}", count=limit)
            facts, entries = await pipe.execute(raise_on_error=False)
            if isinstance(entries, Exception):
                raise entries
        self._check(after, facts)
        events = [parse_event(entry_id, fields) for entry_id, fields in entries]
        return Page(events, events[-1].event_id if events else after, len(events) < limit)

    def _check(self, after: str, facts: Any) -> None:
        if after == ORIGIN:
            return
        if isinstance(facts, ResponseError):  # there is no stream yet
            raise PositionUnknown(f"there is no event {after}, and none at all", detail={"newest": ORIGIN})
        newest = str(facts["last-generated-id"])
        if place_of(after) > place_of(newest):
            raise PositionUnknown(
                f"there is no event {after}; the newest is {newest}", detail={"newest": newest}
            )
        first = facts["first-entry"]
        oldest = str(first[0]) if first else newest
        # Nothing is ever deleted from the middle: while no entry is missing, nothing that follows any position is.
        if place_of(after) < place_of(oldest) and int(facts["entries-added"]) > int(facts["length"]):
            raise EventsTrimmed(
                f"events that follow {after} are not kept any more; the oldest is {oldest}",
                detail={"oldest": oldest},
            )

    async def follow(self, after: str) -> AsyncIterator[Sequence[AnyEvent]]:
        """Yield what follows a position, in batches as they come, without a gap; empty when nothing came for a while.

        Args:
            after: id of the last event already seen.

        Raises:
            EventsTrimmed: the reader fell so far behind that events it has not read were trimmed.
            PositionUnknown: the server has lost events.
            ServerUnreachable: the connection was lost; go on with the id of the last event.
        """
        # More than this are kept: who is given fewer has been given all, and nothing was trimmed before it was read.
        most = min(READ_MOST, self._broker.settings.events_kept // 2)
        position = after
        behind = True
        reader = open_connection(self._broker.url, timeout_seconds=BLOCK_SECONDS + 5, connections=1)
        try:
            while True:
                if behind:
                    page = await self.page(position, limit=most)
                    position, behind = page.last, not page.end
                    yield page.events
                    continue
                async with server_errors():
                    answer = await reader.xread(
                        {self._key: position}, count=most, block=round(BLOCK_SECONDS * 1000)
                    )
                entries = stream_entries(answer)
                if len(entries) == most:
                    behind = True  # read once more, this time with a look whether there is a gap
                    continue
                events = [parse_event(entry_id, fields) for entry_id, fields in entries]
                position = events[-1].event_id if events else position
                yield events
        finally:
            await reader.aclose()

    async def snapshot(
        self,
        *,
        jobs: Sequence[str] = (),
        workflows: Sequence[str] = (),
        customers: Sequence[str] = (),
        most: int,
    ) -> Picture:
        """Return the state of jobs at one event: of those that are named, or else of the running ones.

        Args:
            jobs: ids of jobs.
            workflows: names of workflows, all whose jobs are meant.
            customers: names of customers, whose open jobs are meant.
            most: how many jobs at most.

        Raises:
            ServerUnreachable: the server does not answer.
        """
        answer = await self._broker.executor.run(
            "snapshot",
            {
                "workflows": " ".join(workflows),
                "customers": " ".join(customers),
                "running": int(not jobs and not workflows and not customers),
                "most": most + 1,
                "ids": jobs,
            },
        )
        position, *rest = answer
        states = dict(zip(rest[0::2], rest[1::2], strict=True))
        shown = dict(list(states.items())[:most])
        ended = [job_id for job_id, state in shown.items() if not state]
        async with server_errors(), self._broker.connection.pipeline(transaction=False) as pipe:
            for job_id in ended:
                pipe.hget(self._broker.keys.key("archive", job_id), "state")
            archived = await pipe.execute()
        shown.update(zip(ended, archived, strict=True))
        return Picture(
            str(position),
            [_snapshot_job(job_id, json.loads(state)) for job_id, state in shown.items() if state],
            complete=len(states) <= most,
        )


def _snapshot_job(job_id: str, state: dict[str, Any]) -> SnapshotJob:
    return SnapshotJob(
        job=job_id,
        status=state["status"],
        customer=state.get("customer"),
        workflow=state.get("workflow"),
        attempt=state["attempt"],
        attempts_used=state["used"],
        worker=state.get("worker"),
        progress=state.get("progress", 0),
        message=state.get("progress_message") or state.get("message") or "",
        error=state.get("error"),
        submitted_ms=state["created"],
        changed_ms=state["since"],
    )
