"""Turning a job request into one call of the script that submits it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from ..core.canonical import canonical_json, short_hash
from ..core.errors import PayloadTooLarge
from ..core.job import JobRequest, compact_json
from ..core.settings import BrokerSettings
from ..core.validation import parse
from .executor import Call


def new_job_id() -> str:
    """Return a job id that sorts by time: 12 hexadecimal digits of the ms since 1970, then 16 of chance."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(8).hex()}"


def read_request(request: JobRequest | Mapping[str, Any]) -> JobRequest:
    """Read a request.

    Raises:
        InvalidRequest: a field is missing, of the wrong type or out of range.
        UnknownField: a field or requirement does not exist; the detail gives the nearest known name.
    """
    return parse(JobRequest, request, what="job request")


def call_for(job: JobRequest, settings: BrokerSettings) -> Call:
    """Return what the submit script is given for a job.

    Args:
        job: the request, checked.
        settings: the limits.

    Raises:
        InvalidRequest: the payload is not JSON.
        PayloadTooLarge: the payload exceeds the payload limit.
    """
    payload = compact_json(job.payload, what="payload")
    size = len(payload.encode())
    if size > settings.payload_limit_bytes:
        raise PayloadTooLarge(
            f"payload: {size} bytes, allowed are {settings.payload_limit_bytes}",
            detail={"bytes": size, "limit_bytes": settings.payload_limit_bytes},
        )
    job_id = job.job_id or new_job_id()
    wanted = job.class_requirements(customer_lists=settings.customer_lists)
    about = {"archive": job_id}
    if job.idempotency_key is not None:
        about["idempotency"] = _idempotency_subject(job)
    arguments: dict[str, str | int] = {
        "id": job_id,
        "class": wanted.class_id,
        "requirements": wanted.canonical(),
        "spec": compact_json(job.specification(job_id), what="job request"),
        "payload": payload,
        "digest": job.digest(),
        "priority": job.priority,
        "delay": _ms(job.delay_seconds),
        "max_attempts": job.retry.max_attempts,
        "customer": job.customer or "",
        "workflow": job.workflow or "",
        "workflow_ms": _ms(settings.workflow_seconds),
        "idempotency_ms": "" if job.idempotency_key is None else _ms(settings.idempotency_seconds),
        "queue_limit": settings.queue_limit,
        "customer_limit": settings.customer_limit,
        "queue_timeout_ms": _ms(job.timeouts.queue_seconds),
        "run_timeout_ms": _ms(job.timeouts.run_seconds),
        "total_timeout_ms": _ms(job.timeouts.total_seconds),
    }
    return arguments, about


def _ms(seconds: float | None) -> int:
    """Milliseconds, at least one for a time above zero; none stands for no limit."""
    return 0 if not seconds else max(1, round(seconds * 1000))


def _idempotency_subject(job: JobRequest) -> str:
    return short_hash(canonical_json([job.customer, job.idempotency_key]))
