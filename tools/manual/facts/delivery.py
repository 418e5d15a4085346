"""Facts about what becomes of an attempt to deliver a webhook, and why one fails."""

from __future__ import annotations

from collections.abc import Iterable

from emprops.core.webhooks import DeliveryOutcome, FailureKind

from .base import Fact, Kind
from .source import definition

_GROUPS: dict[str, type[DeliveryOutcome] | type[FailureKind]] = {
    "What becomes of an attempt": DeliveryOutcome,
    "Why an attempt fails": FailureKind,
}


class DeliveryWords(Kind):
    """What stands in a delivery log."""

    name = "delivery"
    label = "word"
    plural = "words of the delivery log"
    modules = ("emprops.core.webhooks",)

    def load(self) -> Iterable[Fact]:
        """Return every outcome, then every kind of failure."""
        for group, words in _GROUPS.items():
            for word in words:
                yield Fact(
                    kind=self.name,
                    name=word.value,
                    title=word.value,
                    summary=word.meaning,
                    source=definition(f"emprops.core.webhooks.{words.__name__}.{word.name}").source,
                    group=group,
                )
