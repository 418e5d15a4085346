"""The models of a job: what is submitted, what is kept, and what came of each attempt."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from .canonical import canonical_json, short_hash
from .errors import InvalidRequest
from .lifecycle import Outcome, Status
from .ordering import PRIORITY_DEFAULT, PRIORITY_HIGHEST, PRIORITY_LOWEST
from .plain import Flag, Number, Whole
from .requirements import Name, Requirements
from .retry import RetryPolicy

JOB_ID_PATTERN = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
"""What a job id looks like; text that does not is the id of no job."""
JobId = Annotated[str, StringConstraints(pattern=JOB_ID_PATTERN.pattern)]
"""A job id: 1 to 64 letters, digits, dots, underscores or hyphens, a letter or digit first."""
ShortText = Annotated[str, StringConstraints(max_length=2000)]
"""A message for a person: at most 2,000 characters."""
DELAY_MOST_SECONDS = 30 * 86_400.0
"""Longest delay of a job, in seconds."""
TIMEOUT_MOST_SECONDS = 30 * 86_400.0
"""Longest timeout of a job, in seconds."""


class Timeouts(BaseModel):
    """How long a job may take. What is left out is not limited."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    queue_seconds: Number | None = Field(default=None, gt=0, le=TIMEOUT_MOST_SECONDS, allow_inf_nan=False)
    """Longest time until the first attempt starts, in seconds, from when the job is due (above 0, to 30 days)."""
    run_seconds: Number | None = Field(default=None, gt=0, le=TIMEOUT_MOST_SECONDS, allow_inf_nan=False)
    """Longest time of one attempt, in seconds (above 0, to 30 days)."""
    total_seconds: Number | None = Field(default=None, gt=0, le=TIMEOUT_MOST_SECONDS, allow_inf_nan=False)
    """Longest time from the submit to the end, in seconds (above 0, to 30 days)."""


class JobRequest(BaseModel):
    """What a client submits."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    requirements: Requirements
    """What the job needs of a worker, the service above all."""
    payload: dict[str, JsonValue] = Field(default_factory=dict)
    """What is handed to the service, a JSON object."""
    priority: Whole = Field(default=PRIORITY_DEFAULT, ge=PRIORITY_LOWEST, le=PRIORITY_HIGHEST)
    """Priority (0 to 100); higher is served first, always."""
    job_id: JobId | None = None
    """Id of the job; left out, the client makes one that sorts by time."""
    idempotency_key: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    """Text that stands for this request (1 to 200 characters): submitted twice, the job exists once."""
    customer: Name | None = None
    """Customer whom the job belongs to."""
    workflow: Name | None = None
    """Workflow that the job belongs to; its jobs are of one customer, and share the place in the order of the first."""
    delay_seconds: Number = Field(default=0, ge=0, le=DELAY_MOST_SECONDS, allow_inf_nan=False)
    """How long the job must not start, in seconds from the submit (0 to 30 days)."""
    retry: RetryPolicy = Field(default_factory=RetryPolicy)
    """How the job is retried."""
    timeouts: Timeouts = Field(default_factory=Timeouts)
    """How long the job may wait, run and take in all."""
    require_worker: Flag = False
    """Whether the job is refused if no registered worker can run it."""

    @model_validator(mode="after")
    def _customer_is_one(self) -> Self:
        named = self.requirements.customer
        if named is not None and named != self.customer:
            raise ValueError("requirements.customer differs from customer")
        if self.requirements.isolated and self.customer is None:
            raise ValueError("requirements.isolated needs a customer")
        return self

    def class_requirements(self, *, customer_lists: bool) -> Requirements:
        """Return the requirements that make the job's class.

        Args:
            customer_lists: whether workers are chosen by customer for every job; otherwise only for isolated ones.
        """
        if self.customer is not None and (customer_lists or self.requirements.isolated):
            return self.requirements.model_copy(update={"customer": self.customer})
        return self.requirements

    def digest(self) -> str:
        """Return a short hash of the content: all but the job id and the idempotency key."""
        content = self.model_dump(
            mode="json", exclude={"job_id", "idempotency_key", "requirements", "require_worker"}
        )
        content["requirements"] = self.requirements.canonical()
        return short_hash(canonical_json(content))

    def specification(self, job_id: str) -> dict[str, Any]:
        """Return what is kept unchanged for the job's whole life: everything but the payload."""
        content = self.model_dump(
            mode="json", exclude={"job_id", "payload", "requirements", "timeouts", "require_worker"}
        )
        return {
            "job_id": job_id,
            "requirements": self.requirements.model_dump(mode="json", exclude_defaults=True),
            "timeouts": self.timeouts.model_dump(mode="json", exclude_none=True),
            **content,
        }


class Failure(BaseModel):
    """Why an attempt failed, as a worker reports it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    code: Name
    """Code of the error."""
    message: ShortText = ""
    """What happened, for a person (at most 2,000 characters)."""
    retryable: bool
    """Whether another attempt can succeed."""


class Progress(BaseModel):
    """How far an attempt is, as a worker reports it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    fraction: float = Field(ge=0, le=1, allow_inf_nan=False)
    """Share of the work that is done (0 to 1)."""
    message: ShortText = ""
    """What the service is doing, for a person (at most 2,000 characters)."""


class Attempt(BaseModel):
    """One ended attempt at a job."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    attempt: int
    """Number of the attempt, from 1; it is the fencing token."""
    worker: str
    """Id of the worker that made it."""
    started_ms: int
    """When it was claimed (milliseconds since 1970, the server's clock)."""
    ended_ms: int
    """When it ended (milliseconds since 1970, the server's clock)."""
    outcome: Outcome
    """How it ended."""
    error: str | None = None
    """Code of the error, if it failed."""
    message: str = ""
    """What happened, for a person."""


class Job(BaseModel):
    """A job as the queue keeps it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    job_id: str
    """Id of the job."""
    status: Status
    """Where the job stands."""
    requirements: Requirements
    """What the job needs of a worker."""
    class_id: str
    """Requirement class of the job."""
    priority: int
    """Priority (0 to 100)."""
    order: str
    """Order key: the job's place among all jobs of its pool."""
    customer: str | None = None
    """Customer whom the job belongs to."""
    workflow: str | None = None
    """Workflow that the job belongs to."""
    retry: RetryPolicy
    """How the job is retried."""
    timeouts: Timeouts = Field(default_factory=Timeouts)
    """How long the job may wait, run and take in all."""
    submitted_ms: int
    """When the job was submitted (milliseconds since 1970, the server's clock)."""
    changed_ms: int
    """When the status last changed (milliseconds since 1970, the server's clock)."""
    due_ms: int | None = None
    """When a waiting job becomes due (milliseconds since 1970)."""
    attempt: int = 0
    """Number of the latest attempt; 0 before the first claim."""
    attempts_used: int = 0
    """Attempts that ended as failed or lost."""
    worker: str | None = None
    """Worker that holds the job, or held it last."""
    lease_until_ms: int | None = None
    """When the lease of a running job runs out (milliseconds since 1970)."""
    progress: float = 0
    """Share of the work that is done (0 to 1)."""
    progress_message: str = ""
    """What the service was last doing."""
    error: str | None = None
    """Code of the last error."""
    message: str = ""
    """What the last error, or the reason of the cancellation, said."""
    payload: dict[str, JsonValue] = Field(default_factory=dict)
    """What is handed to the service."""
    result: JsonValue = None
    """What the service returned, once the job is completed."""
    attempts: tuple[Attempt, ...] = ()
    """Ended attempts, oldest first."""


class JobSummary(BaseModel):
    """A job in a list."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    job_id: str
    """Id of the job."""
    status: Status
    """Where the job stands."""
    service: str
    """Service that runs it."""
    priority: int
    """Priority (0 to 100)."""
    submitted_ms: int
    """When the job was submitted (milliseconds since 1970)."""
    attempt: int
    """Number of the latest attempt."""
    worker: str | None
    """Worker that holds or held it."""
    progress: float
    """Share of the work that is done (0 to 1)."""
    customer: str | None = None
    """Customer whom the job belongs to."""
    workflow: str | None = None
    """Workflow that the job belongs to."""


class Receipt(BaseModel):
    """What a submit answers."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    job_id: str
    """Id of the job, new or found."""
    created: bool
    """Whether this submit made the job; false if an earlier one with the same key or id had."""
    class_id: str
    """Requirement class of the job."""


def compact_json(value: Any, *, what: str) -> str:
    """Return a value as compact JSON.

    Raises:
        InvalidRequest: the value is not JSON: NaN, an infinity, a cycle, or a type that JSON lacks.
    """
    try:
        text = canonical_json(value)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest(f"{what}: not JSON: {error}", detail={"problems": []}) from error
    return text
