"""Events: read what happened, from a position on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from ...broker.visibility import sees_event
from ...core.events import AnyEvent, JobEvent, WorkflowEnded
from ...core.paging import PAGE_MOST
from ...core.requirements import Name
from ..auth import Reader
from ..problem import refusals
from ..query import EACH_ONCE
from ..state import PoolBroker

router = APIRouter(prefix="/v1/events", tags=["events"])


class EventQuery(BaseModel):
    """Which events are read."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    after: Annotated[str, Field(pattern=r"^[0-9]{1,19}-[0-9]{1,19}$")] = "0-0"
    """Id of the last event already seen, or ``last`` of the page before; left out from the oldest that is kept."""
    limit: int = Field(default=100, ge=1, le=PAGE_MOST)
    """Events that are looked at, at most (1 to 1,000)."""
    customer: Name | None = None
    """Only events of this customer's jobs and workflows."""


class EventPage(BaseModel):
    """Some events, oldest first."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    events: list[AnyEvent]
    """The events; after a filter there may be fewer than were looked at, even none."""
    last: str
    """Position up to which events were looked at: read on after it."""
    oldest: str
    """Id of the oldest event that is kept: if it is later than ``after``, some may have been missed."""
    more: bool
    """Whether there may be more now; if not, read on later."""


@router.get("", responses=refusals(), dependencies=[EACH_ONCE])
async def read_events(query: Annotated[EventQuery, Query()], broker: PoolBroker, caller: Reader) -> EventPage:
    """Read events from a position on, without waiting; none is missed and none comes twice."""
    oldest = await broker.oldest_event_id()
    read = await broker.read_events(query.after, limit=query.limit)
    events = [event for event in read if sees_event(caller, event)]
    if query.customer is not None:
        events = [
            event
            for event in events
            if isinstance(event, JobEvent | WorkflowEnded) and event.customer == query.customer
        ]
    last = read[-1].event_id if read else query.after
    return EventPage(events=events, last=last, oldest=oldest, more=len(read) == query.limit)
