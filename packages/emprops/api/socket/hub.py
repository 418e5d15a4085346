"""The one reader of the event stream of a process, which hands each event to the subscriptions that want it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from ...broker import Broker
from ...broker.stream import EventStream, Place, place_of
from ...core.closing import POSITION_LOST, SERVER_FAULT, CloseCode
from ...core.errors import EmpropsError, EventsTrimmed, PositionUnknown
from ...core.events import AnyEvent
from .subscription import Index, Subscription

RETRY_FIRST_SECONDS = 0.05
RETRY_CAP_SECONDS = 2.0

_log = logging.getLogger(__name__)


class Hub:
    """Reads the stream once and serves any number of subscriptions.

    Args:
        broker: the pool.
        end_all: ends every connection when the reader lost its place, so that what follows would have a gap.
    """

    def __init__(self, broker: Broker, end_all: Callable[[CloseCode], None]) -> None:
        self.stream = EventStream(broker)
        self.index = Index()
        self.position = "0-0"
        """Newest event that was handed out."""
        self._broker = broker
        self._end_all = end_all
        self._task: asyncio.Task[None] | None = None

    @property
    def place(self) -> Place:
        """The position, so that it can be compared."""
        return place_of(self.position)

    async def start(self) -> None:
        """Begin at the newest event, unless it has begun.

        Raises:
            ServerUnreachable: the server does not answer.
        """
        if self._task is None:
            position = await self._broker.last_event_id()
            if self._task is None:
                self.position = position
                self._task = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _read(self) -> None:
        pause = RETRY_FIRST_SECONDS
        while True:
            try:
                async for events in self.stream.follow(self.position):
                    self._hand_out(events)
                    pause = RETRY_FIRST_SECONDS
            except (EventsTrimmed, PositionUnknown) as error:
                _log.error("event stream: %s", error.message)
                self._end_all(POSITION_LOST)
                self.position = await self._newest()
            except EmpropsError as error:
                _log.warning("event stream: %s; it is read on in %s s", error.message, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY_CAP_SECONDS)
            except Exception:  # noqa: BLE001  # whatever it was, nobody may be left waiting
                # An entry that is no event, from whoever wrote it: nobody is left waiting for events that do not come.
                _log.exception("event stream")
                self._end_all(SERVER_FAULT)
                self.position = await self._newest()

    async def _newest(self) -> str:
        while True:
            try:
                return await self._broker.last_event_id()
            except EmpropsError:
                await asyncio.sleep(RETRY_CAP_SECONDS)

    def _hand_out(self, events: Sequence[AnyEvent]) -> None:
        for event in events:
            self.position = event.event_id
            place = place_of(event.event_id)
            body, size = "", 0
            for subscription in tuple(self.index.find(event)):
                if not body:
                    body = event.model_dump_json(exclude_none=True)
                    size = len(body.encode())
                subscription.send(place, body, size)

    def join(self, subscription: Subscription) -> bool:
        """Let a subscription have its events from here on, if it has had everything before.

        Returns:
            Whether it has; otherwise it reads on in history and tries again.
        """
        if subscription.sent < self.place:
            return False
        subscription.live = True
        self.index.add(subscription)
        return True
