"""What a connector is: the part of a worker that speaks to one AI service; and how connectors are found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from importlib.metadata import entry_points
from typing import ClassVar, TypeAlias

from pydantic import JsonValue

from ..broker import ClaimedJob
from ..core.errors import ConnectorUnknown

ENTRY_POINTS = "emprops.connectors"
"""Entry point group in which packages offer their connectors; the name of an entry is the name of its service."""

Report: TypeAlias = Callable[[float, str], Awaitable[None]]
"""Reports progress: the share of the work that is done (0 to 1), and what the service is doing."""


class Connector(ABC):
    """Drives one AI service. Subclass it, and offer the subclass as an entry point of the group :data:`ENTRY_POINTS`.

    One instance serves all jobs of a worker, several at a time if the worker's concurrency is above one.
    """

    service: ClassVar[str]
    """The service, by the name that jobs ask for it."""

    async def open(self) -> None:  # noqa: B027  # many services need nothing
        """Get ready: called once before the first job.

        Raises:
            ServiceUnavailable: the service cannot be reached yet; the worker claims nothing for it and tries again.
        """

    async def health(self) -> None:  # noqa: B027  # as above
        """Check that the service can take a job; called between jobs.

        Raises:
            ServiceUnavailable: it cannot; the worker claims nothing for it until it can.
        """

    @abstractmethod
    async def run(self, job: ClaimedJob, report: Report) -> JsonValue:
        """Run one job and return its result.

        It is cancelled when the job is called off or its lease is lost: it then tells the service to stop, and lets the
        cancellation through.

        Args:
            job: the job, with its payload and requirements.
            report: call it with the progress, as often as wanted.

        Returns:
            The result, JSON.

        Raises:
            AttemptFailure: the attempt failed; the class says why, and whether another attempt can succeed.
        """

    async def close(self) -> None:  # noqa: B027  # as above
        """Let everything go: called once, after the last job."""


def installed() -> dict[str, type[Connector]]:
    """Return the connector class of each service that some installed package offers one for."""
    return {entry.name: entry.load() for entry in entry_points(group=ENTRY_POINTS)}


def connector_class(service: str) -> type[Connector]:
    """Return the connector of a service.

    Args:
        service: name of the service.

    Raises:
        ConnectorUnknown: no installed package offers one; the detail has those that there are.
    """
    known = installed()
    if service not in known:
        raise ConnectorUnknown(
            f"service {service!r}: no connector is installed; known are {', '.join(sorted(known))}",
            detail={"service": service, "known": sorted(known)},
        )
    return known[service]
