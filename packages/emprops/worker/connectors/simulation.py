"""The simulation: a service that needs nothing but time, and fails or crashes when it is told to."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from ...broker import ClaimedJob
from ...core.errors import AttemptFailure, EmpropsError, JobRejected, error_for
from ...core.validation import parse
from ..connector import Connector, Report


class SimulatedFailure(BaseModel):
    """A failure that the simulation is told to have."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    code: str = "service_failed"
    """Code of the failure: that of any error that an attempt can fail with."""
    message: Annotated[str, StringConstraints(max_length=500)] = "a simulated failure"
    """What the failure says (at most 500 characters)."""
    attempts: int = Field(default=1, ge=1)
    """Attempts that fail, from the first on (1 or more)."""
    at: float = Field(default=0.5, ge=0, le=1)
    """Share of the work after which it happens (0 to 1)."""


class SimulatedCrash(BaseModel):
    """A crash that the simulation is told to have: the worker's process kills itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    attempts: int = Field(default=1, ge=1)
    """Attempts that crash, from the first on (1 or more)."""
    at: float = Field(default=0.5, ge=0, le=1)
    """Share of the work after which it happens (0 to 1)."""


class SimulationPayload(BaseModel):
    """What a job tells the simulation to do."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    duration_seconds: float = Field(default=1.0, ge=0, le=3600, allow_inf_nan=False)
    """How long the work takes, in seconds (0 to 3,600)."""
    steps: int = Field(default=10, ge=1, le=1000)
    """How often progress is reported (1 to 1,000)."""
    result: JsonValue = None
    """What is returned."""
    fail: SimulatedFailure | None = None
    """A failure, if one is wanted."""
    crash: SimulatedCrash | None = None
    """A crash, if one is wanted."""


class SimulationConnector(Connector):
    """Waits, reports progress, and returns, fails or crashes as the payload says."""

    service: ClassVar[str] = "simulation"

    async def run(self, job: ClaimedJob, report: Report) -> JsonValue:
        """Do what the payload says.

        Raises:
            JobRejected: the payload is not one that the simulation understands.
            AttemptFailure: the one that the payload asks for.
        """
        try:
            wanted = parse(SimulationPayload, job.request.payload, what="simulation payload")
        except EmpropsError as error:
            raise JobRejected(error.message, detail=error.detail) from error
        failure = _failure(wanted)
        for step in range(wanted.steps):
            done = step / wanted.steps
            self._break_if_told(wanted, failure, job.attempt, done)
            await report(done, f"step {step + 1} of {wanted.steps}")
            await asyncio.sleep(wanted.duration_seconds / wanted.steps)
        self._break_if_told(wanted, failure, job.attempt, 1.0)
        return wanted.result

    def _break_if_told(
        self, wanted: SimulationPayload, failure: AttemptFailure | None, attempt: int, done: float
    ) -> None:
        if wanted.crash and attempt <= wanted.crash.attempts and done >= wanted.crash.at:
            os.kill(os.getpid(), signal.SIGKILL)
        if failure and wanted.fail and attempt <= wanted.fail.attempts and done >= wanted.fail.at:
            raise failure


def _failure(wanted: SimulationPayload) -> AttemptFailure | None:
    if wanted.fail is None:
        return None
    try:
        error = error_for(wanted.fail.code)
    except LookupError as unknown:
        raise JobRejected(f"simulation payload: {unknown}") from unknown
    if not issubclass(error, AttemptFailure):
        raise JobRejected(
            f"simulation payload: {wanted.fail.code!r} is not an error that an attempt fails with"
        )
    return error(wanted.fail.message)
