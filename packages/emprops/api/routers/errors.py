"""The errors: what each code means, so that the `type` of a problem leads somewhere."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict

from ...core.errors import EndpointNotFound, error_for
from ..problem import declared

router = APIRouter(prefix="/v1/errors", tags=["errors"])


class ErrorDescription(BaseModel):
    """What an error code means."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    code: str
    """Code of the error."""
    meaning: str
    """What it says."""
    cause: str
    """What makes it happen."""
    remedy: str
    """What to do about it."""
    http_status: int
    """HTTP status of an answer that carries it."""
    retryable: bool
    """Whether the same request can succeed later."""


@router.get("/{code}", responses=declared(EndpointNotFound))
async def read_error(code: Annotated[str, Path(description="Code of the error.")]) -> ErrorDescription:
    """Read what an error code means."""
    try:
        found = error_for(code)
    except LookupError:
        shown = code[:100].encode("ascii", "backslashreplace").decode()
        raise EndpointNotFound(f"there is no error {shown!r}", detail={"code": shown}) from None
    return ErrorDescription(
        code=found.code,
        meaning=found.meaning,
        cause=found.cause,
        remedy=found.remedy,
        http_status=found.http_status,
        retryable=found.retryable,
    )
