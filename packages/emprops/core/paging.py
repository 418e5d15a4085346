"""Lists that come in pages: what is asked for, one page, and the cursor that leads to the next."""

from __future__ import annotations

import base64
import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from .canonical import canonical_json, short_hash
from .errors import InvalidRequest
from .job import JobSummary
from .lifecycle import Status
from .requirements import Name

PAGE_MOST = 1000
"""Most entries of one page."""


class JobFilter(BaseModel):
    """Which jobs are listed. What is left out does not matter."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    status: Status | None = None
    """Where the job stands."""
    service: Name | None = None
    """Service that runs it."""
    customer: Name | None = None
    """Customer whom it belongs to."""
    workflow: Name | None = None
    """Workflow that it belongs to."""

    def takes(self, job: JobSummary) -> bool:
        """Say whether a job is one of those that are wanted."""
        return all(
            wanted is None or wanted == there
            for wanted, there in (
                (self.status, job.status),
                (self.service, job.service),
                (self.customer, job.customer),
                (self.workflow, job.workflow),
            )
        )

    @property
    def digest(self) -> str:
        """Name of the filter, which its cursors carry."""
        return short_hash(canonical_json(self.model_dump(mode="json")))


class JobPage(BaseModel):
    """One page of a list of jobs."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    jobs: list[JobSummary] = Field(max_length=PAGE_MOST)
    """The jobs; a page may hold fewer than asked for, even none, and the list still go on."""
    next: str | None
    """Cursor of the next page; none: the list ends here."""


def write_cursor(wanted: JobFilter, place: list[Any]) -> str:
    """Return a cursor: text that stands for a place in the list that a filter gives.

    Args:
        wanted: the filter.
        place: where the list goes on, JSON values.
    """
    text = canonical_json([wanted.digest, *place])
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def read_cursor(wanted: JobFilter, cursor: str) -> list[Any]:
    """Return the place that a cursor stands for.

    Args:
        wanted: the filter.
        cursor: what the page before gave.

    Raises:
        InvalidRequest: it is no cursor, or that of a list with another filter.
    """
    digest: Any = None
    place: list[Any] = []
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        digest, *place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError, RecursionError):
        pass
    if digest != wanted.digest:
        raise InvalidRequest(
            "cursor: not the cursor of a list with this filter",
            detail={"problems": [{"field": "cursor", "problem": "made for another list, or by nobody"}]},
        )
    return place
