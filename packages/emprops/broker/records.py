"""Reading jobs and events out of what the server answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..core.job import Job, JobSummary
from ..core.lifecycle import Status
from ..core.ordering import Place

_CLASS_LENGTH = 16


def live_job(spec: str, state: str, payload: str, history: str | None, lease_until: float | None) -> Job:
    """Return a job that has not ended.

    Args:
        spec: its text in ``requests``.
        state: its text in ``states``.
        payload: the text of its payload, there too.
        history: its text in ``histories``, if there is one.
        lease_until: its score in ``leases``, if it is running.
    """
    return _job(spec, state, payload, history or "", None, None if lease_until is None else int(lease_until))


def archived_job(record: Mapping[str, str]) -> Job:
    """Return a job that has ended, from the fields of its archive key."""
    return _job(
        record["spec"], record["state"], record["payload"], record["history"], record["result"] or None, None
    )


def summary(spec: str, state: str) -> JobSummary:
    """Return a job as it stands in a list."""
    facts = json.loads(spec)
    now = json.loads(state)
    return JobSummary(
        job_id=facts["job_id"],
        status=Status(now["status"]),
        service=facts["requirements"]["service"],
        priority=facts["priority"],
        submitted_ms=now["created"],
        attempt=now["attempt"],
        worker=now.get("worker"),
        progress=now.get("progress", 0),
        customer=now.get("customer"),
        workflow=now.get("workflow"),
    )


def stream_entries(answer: Any) -> list[tuple[str, dict[str, str]]]:
    """Return the entries of one stream, each with its id, from what a blocking read of it answered."""
    if not answer:
        return []
    streams = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer]
    found: list[tuple[str, dict[str, str]]] = []
    for entries in streams:
        batches = entries if entries and isinstance(entries[0], list) else [entries]
        for batch in batches:
            found.extend((str(entry_id), fields) for entry_id, fields in batch)
    return found


def _job(spec: str, state: str, payload: str, history: str, result: str | None, lease: int | None) -> Job:
    facts: dict[str, Any] = json.loads(spec)
    now: dict[str, Any] = json.loads(state)
    order = now["place"][_CLASS_LENGTH:]
    return Job.model_validate(
        {
            "job_id": facts["job_id"],
            "status": now["status"],
            "requirements": facts["requirements"],
            "class_id": now["place"][:_CLASS_LENGTH],
            "priority": Place.from_key(order).priority,
            "order": order,
            "customer": now.get("customer"),
            "workflow": now.get("workflow"),
            "retry": facts["retry"],
            "timeouts": facts["timeouts"],
            "submitted_ms": now["created"],
            "changed_ms": now["since"],
            "due_ms": now.get("due"),
            "attempt": now["attempt"],
            "attempts_used": now["used"],
            "worker": now.get("worker"),
            "lease_until_ms": lease,
            "progress": now.get("progress", 0),
            "progress_message": now.get("progress_message", ""),
            "error": now.get("error"),
            "message": now.get("message", ""),
            "payload": json.loads(payload),
            "result": None if result is None else json.loads(result),
            "attempts": json.loads(f"[{history}]"),
        }
    )
