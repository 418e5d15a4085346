"""Jobs: submit them, read and list them, ask why, decide about them."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ...broker import BATCH_MOST, require_completed
from ...broker.visibility import visible_explanation, visible_job
from ...core.errors import (
    CustomerLimitReached,
    EmpropsError,
    IdempotencyConflict,
    JobCancelledError,
    JobDeadError,
    JobExists,
    JobFinished,
    JobNotDead,
    JobNotFound,
    JobUnfinished,
    PayloadTooLarge,
    QueueFull,
    WorkerMissing,
    WorkflowCancelled,
    WorkflowTaken,
)
from ...core.explanation import Explanation
from ...core.job import Attempt, Job, JobRequest, Receipt, ShortText
from ...core.paging import PAGE_MOST, JobFilter, JobPage
from ...core.validation import invalid
from ..auth import Operator, Reader, Submitter, for_caller
from ..problem import Problem, problem_of, refusals, request_id_of
from ..query import EACH_ONCE
from ..state import PoolBroker

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])
KEY_MOST = 200
"""Longest idempotency key, in characters."""
BATCH_KEY_MOST = KEY_MOST - len("/999")
"""Longest idempotency key of a batch: each job gets its number appended."""
JobIdInPath = Annotated[str, Path(description="Id of the job.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=KEY_MOST,
        description="Text that stands for this request: sent twice, the job exists once.",
    ),
]
BatchKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=BATCH_KEY_MOST,
        description="Text that stands for this batch: sent twice, each of its jobs exists once.",
    ),
]
SUBMIT_ERRORS = (
    PayloadTooLarge,
    IdempotencyConflict,
    JobExists,
    QueueFull,
    CustomerLimitReached,
    WorkflowCancelled,
    WorkflowTaken,
    WorkerMissing,
)


class Batch(BaseModel):
    """Several jobs in one request."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    jobs: list[JobRequest] = Field(max_length=BATCH_MOST)
    """The jobs (at most 1,000)."""


class BatchEntry(BaseModel):
    """What became of one job of a batch: it has a receipt, or the error that refused it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    receipt: Receipt | None = None
    """The receipt, if the job is in the queue."""
    error: Problem | None = None
    """Why it was refused."""


class BatchAnswer(BaseModel):
    """What became of a batch."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    jobs: list[BatchEntry]
    """One entry for each job, in the order of the request."""
    refused: int
    """How many were refused."""


class JobQuery(JobFilter):
    """Which jobs are listed, and which page."""

    limit: int = Field(default=50, ge=1, le=PAGE_MOST)
    """Jobs of a page at most (1 to 1,000)."""
    cursor: Annotated[str, Field(max_length=1000)] | None = None
    """What the page before gave as ``next``; left out for the first page."""


class Decision(BaseModel):
    """Why something is called off."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    reason: ShortText = ""
    """Why, for whoever reads the job later (at most 2,000 characters)."""


class Result(BaseModel):
    """The result of a completed job."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    job_id: str
    """Id of the job."""
    result: JsonValue
    """What the service returned."""


class Attempts(BaseModel):
    """The attempts at a job that have ended."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    job_id: str
    """Id of the job."""
    attempts: tuple[Attempt, ...]
    """Oldest first."""


@router.post(
    "",
    status_code=201,
    responses=refusals(*SUBMIT_ERRORS, body=True)
    | {200: {"model": Receipt, "description": "An earlier request with this key or id had made the job."}},
)
async def submit_job(
    job: JobRequest,
    response: Response,
    broker: PoolBroker,
    caller: Submitter,
    idempotency_key: IdempotencyKey = None,
) -> Receipt:
    """Submit one job, once.

    With an idempotency key, in the header or in the body, or a job id of your own, the request can be sent again after
    a fault: the job exists once.
    """
    receipt = await broker.submit(for_caller(caller, _with_key(job, idempotency_key)))
    response.headers["Location"] = f"/v1/jobs/{receipt.job_id}"
    if not receipt.created:
        response.status_code = 200
    return receipt


@router.post("/batch", responses=refusals(PayloadTooLarge, WorkerMissing, body=True))
async def submit_batch(
    batch: Batch,
    request: Request,
    broker: PoolBroker,
    caller: Submitter,
    idempotency_key: BatchKey = None,
) -> BatchAnswer:
    """Submit several jobs in one exchange, each once and by itself.

    All are checked before any is submitted. With an idempotency key, each job has the key with its number in the batch
    appended, so the batch can be sent again after a fault.
    """
    wanted = [
        for_caller(caller, _with_key(job, f"{idempotency_key}/{number}" if idempotency_key else None))
        for number, job in enumerate(batch.jobs)
    ]
    answers = await broker.submit_many(wanted)
    request_id = request_id_of(request)
    return BatchAnswer(
        jobs=[
            BatchEntry(error=problem_of(found, request_id))
            if isinstance(found, EmpropsError)
            else BatchEntry(receipt=found)
            for found in answers
        ],
        refused=sum(isinstance(found, EmpropsError) for found in answers),
    )


@router.get("", responses=refusals(), dependencies=[EACH_ONCE])
async def list_jobs(query: Annotated[JobQuery, Query()], broker: PoolBroker, caller: Reader) -> JobPage:
    """List jobs, page by page.

    A page may hold fewer jobs than asked, even none: the list ends when ``next`` is null. A job that keeps its status
    while you page is listed exactly once.
    """
    wanted = JobFilter.model_validate(query.model_dump(include=set(JobFilter.model_fields)))
    if caller.customer is not None:
        if wanted.customer not in (None, caller.customer):
            return JobPage(jobs=[], next=None)
        wanted = wanted.model_copy(update={"customer": caller.customer})
    return await broker.list_jobs(wanted, cursor=query.cursor, limit=query.limit)


@router.get(
    "/{job_id}",
    responses=refusals(JobNotFound)
    | {
        200: {"headers": {"ETag": {"description": "Changes with the job.", "schema": {"type": "string"}}}},
        304: {"description": "The job is still as the `ETag` in `If-None-Match` says."},
    },
    response_model=Job,
)
async def read_job(
    job_id: JobIdInPath,
    broker: PoolBroker,
    caller: Reader,
    if_none_match: Annotated[
        str | None, Header(description="The `ETag` of an earlier answer: unchanged, the answer is 304.")
    ] = None,
) -> Response:
    """Read one job with its payload, result and attempts."""
    text = (await visible_job(broker, caller, job_id)).model_dump_json().encode()
    tag = f'"{hashlib.sha256(text).hexdigest()[:32]}"'
    if if_none_match is not None and tag in (part.strip() for part in if_none_match.split(",")):
        return Response(status_code=304, headers={"ETag": tag})
    return Response(text, media_type="application/json", headers={"ETag": tag})


@router.get(
    "/{job_id}/result", responses=refusals(JobNotFound, JobUnfinished, JobDeadError, JobCancelledError)
)
async def read_result(job_id: JobIdInPath, broker: PoolBroker, caller: Reader) -> Result:
    """Read the result of a completed job."""
    job = await visible_job(broker, caller, job_id)
    if not job.status.final:
        raise JobUnfinished(
            f"job {job_id} is {job.status}", detail={"job_id": job_id, "status": job.status.value}
        )
    return Result(job_id=job_id, result=require_completed(job).result)


@router.get("/{job_id}/attempts", responses=refusals(JobNotFound))
async def read_attempts(job_id: JobIdInPath, broker: PoolBroker, caller: Reader) -> Attempts:
    """Read how each ended attempt at a job went."""
    return Attempts(job_id=job_id, attempts=(await visible_job(broker, caller, job_id)).attempts)


@router.get("/{job_id}/explain", responses=refusals(JobNotFound))
async def explain_job(job_id: JobIdInPath, broker: PoolBroker, caller: Reader) -> Explanation:
    """Say why a job is where it is: what each profile of workers lacks, and how many jobs go first.

    A key of one customer is not told which jobs of others go first, nor which customers a worker serves.
    """
    await visible_job(broker, caller, job_id)
    return visible_explanation(caller, await broker.explain(job_id))


@router.post("/{job_id}/cancel", responses=refusals(JobNotFound, JobFinished, body=True))
async def cancel_job(job_id: JobIdInPath, decision: Decision, broker: PoolBroker, caller: Submitter) -> Job:
    """Call a job off; a running one ends at once, and its worker is told to stop."""
    await visible_job(broker, caller, job_id)
    return await broker.cancel(job_id, decision.reason, owner=caller.customer)


@router.post("/{job_id}/revive", responses=refusals(JobNotFound, JobNotDead))
async def revive_job(job_id: JobIdInPath, broker: PoolBroker, caller: Operator) -> Job:
    """Put a dead letter back into the queue, with all its attempts anew."""
    await visible_job(broker, caller, job_id)
    return await broker.revive(job_id, owner=caller.customer)


@router.delete("/{job_id}", status_code=204, responses=refusals(JobNotFound, JobNotDead))
async def discard_job(job_id: JobIdInPath, broker: PoolBroker, caller: Operator) -> None:
    """Throw a dead letter away, with its payload and history."""
    await visible_job(broker, caller, job_id)
    await broker.discard(job_id, owner=caller.customer)


def _with_key(job: JobRequest, key: str | None) -> JobRequest:
    """Return a job with the idempotency key of the header.

    Raises:
        InvalidRequest: the body has another one.
    """
    if key is None:
        return job
    if job.idempotency_key not in (None, key):
        raise invalid("idempotency_key", "differs from the header Idempotency-Key")
    return job.model_copy(update={"idempotency_key": key})
