"""What one subscription wants, and the index that finds those that want an event without asking all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ...broker.stream import Place
from ...broker.visibility import sees_event
from ...core.access import Principal
from ...core.events import AnyEvent
from ...core.messages import SnapshotJob, Subscribe

FIELDS = ("job", "workflow", "worker", "customer", "type")
"""What an event is looked up by, the most telling first: the index has a subscription under the first that it names."""


class Sink(Protocol):
    """Where the events of a subscription go."""

    def offer(self, text: str, size: int) -> None:
        """Send a frame when its turn comes, without waiting.

        Args:
            text: the frame.
            size: its length, in bytes.
        """


class Subscription:
    """One subscription of one connection.

    Args:
        wanted: the message that asked for it.
        principal: whose it is: a customer's sees that customer's jobs, whatever it asks for.
        sink: where its events go.
    """

    __slots__ = ("_prefix", "_prefix_size", "_scope", "_sink", "_wanted", "id", "live", "sent")

    def __init__(self, wanted: Subscribe, principal: Principal, sink: Sink) -> None:
        self.id = wanted.id
        self.sent: Place = (0, 0)
        """Everything up to here was sent, or is not wanted."""
        self.live = False
        """Whether its events come from the hub; until then they come from history."""
        named: dict[str, frozenset[str]] = {
            "job": frozenset(wanted.jobs),
            "workflow": frozenset(wanted.workflows),
            "worker": frozenset(wanted.workers),
            "customer": frozenset(wanted.customers),
            "type": frozenset(wanted.types),
        }
        self._wanted = {field: values for field, values in named.items() if values}
        self._scope = principal
        self._sink = sink
        self._prefix = f'{{"type":"event","id":"{wanted.id}","event":'
        self._prefix_size = len(self._prefix) + 1

    @property
    def customers(self) -> tuple[str, ...]:
        """The only customers that it can be about; empty: any."""
        if self._scope.customer is not None:
            return (self._scope.customer,)
        return tuple(sorted(self._wanted.get("customer", ())))

    def wants(self, event: AnyEvent) -> bool:
        """Say whether an event passes the filters, and exists for the principal."""
        if not sees_event(self._scope, event):
            return False
        return all(getattr(event, field, None) in values for field, values in self._wanted.items())

    def wants_job(self, job: SnapshotJob) -> bool:
        """Say whether a job passes the filters, that on event types aside.

        Args:
            job: the job as it stands in a snapshot.
        """
        return self._scope.sees(job.customer) and all(
            getattr(job, field) in values for field, values in self._wanted.items() if field != "type"
        )

    def send(self, place: Place, body: str, size: int) -> None:
        """Send an event that is wanted, unless it was sent already.

        Args:
            place: where it stands in the stream.
            body: the event as JSON.
            size: its length, in bytes.
        """
        if place > self.sent:
            self.sent = place
            self._sink.offer(self.frame(body), size + self._prefix_size)

    def frame(self, body: str) -> str:
        """Return the message that carries an event.

        Args:
            body: the event as JSON.
        """
        return f"{self._prefix}{body}}}"

    def places(self) -> list[tuple[str, str]]:
        """Return where it stands in the index."""
        if self._scope.customer is not None and not (self._wanted.keys() & {"job", "workflow", "worker"}):
            return [("customer", self._scope.customer)]
        for field in FIELDS:
            if field in self._wanted:
                return [(field, value) for value in sorted(self._wanted[field])]
        return [("", "")]


class Index:
    """The live subscriptions, by what they want."""

    def __init__(self) -> None:
        self._by_place: dict[tuple[str, str], dict[Subscription, None]] = {}

    def add(self, subscription: Subscription) -> None:
        """Take a subscription in."""
        for place in subscription.places():
            self._by_place.setdefault(place, {})[subscription] = None

    def remove(self, subscription: Subscription) -> None:
        """Take a subscription out; nothing happens if it is not in."""
        for place in subscription.places():
            there = self._by_place.get(place)
            if there is not None:
                there.pop(subscription, None)
                if not there:
                    del self._by_place[place]

    def find(self, event: AnyEvent) -> Iterator[Subscription]:
        """Yield the subscriptions that want an event; each stands under one field, so none comes twice."""
        for field in FIELDS:
            value = getattr(event, field, None)
            if value is not None:
                yield from self._at((field, value), event)
        yield from self._at(("", ""), event)

    def _at(self, place: tuple[str, str], event: AnyEvent) -> Iterator[Subscription]:
        for subscription in self._by_place.get(place, ()):
            if subscription.wants(event):
                yield subscription

    def __len__(self) -> int:
        return len({subscription for there in self._by_place.values() for subscription in there})
