"""Every error as ``application/problem+json`` (RFC 9457), with its code; and how an operation declares its errors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, JsonValue
from starlette.exceptions import HTTPException
from starlette.routing import Match

from ..core.errors import (
    EmpropsError,
    EndpointNotFound,
    Forbidden,
    InternalFault,
    InvalidRequest,
    MediaTypeUnsupported,
    MethodNotAllowed,
    RequestTooLarge,
    ServerFault,
    ServerUnreachable,
    Unauthenticated,
    UnknownField,
)
from ..core.validation import explain

MEDIA_TYPE = "application/problem+json"
_BY_STATUS: dict[int, type[EmpropsError]] = {
    HTTPStatus.NOT_FOUND: EndpointNotFound,
    HTTPStatus.METHOD_NOT_ALLOWED: MethodNotAllowed,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: RequestTooLarge,
}


class Problem(BaseModel):
    """What the API answers when it does not do what was asked."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: str
    """Where the API describes the error, a path."""
    title: str
    """What the error says, the same for each occurrence."""
    status: int
    """The HTTP status."""
    detail: str
    """What is wrong, where, in this request."""
    code: str
    """Code of the error, the same in events, logs and on the command line."""
    remedy: str
    """What to do about it."""
    retryable: bool
    """Whether the same request can succeed later."""
    request_id: str
    """Id of the request, as in the header ``X-Request-ID`` and the log."""
    facts: dict[str, JsonValue]
    """Machine-readable facts about this occurrence."""


def problem_of(error: EmpropsError, request_id: str) -> Problem:
    """Return an error as the API answers it."""
    return Problem(
        type=f"/v1/errors/{error.code}",
        title=error.meaning,
        status=error.http_status,
        detail=error.message,
        code=error.code,
        remedy=error.remedy,
        retryable=error.retryable,
        request_id=request_id,
        facts=error.detail,
    )


def answer(error: EmpropsError, request_id: str, headers: dict[str, str] | None = None) -> Response:
    """Return the HTTP answer that carries an error."""
    kept = dict(headers or {})
    if error.http_status == HTTPStatus.UNAUTHORIZED:
        kept["WWW-Authenticate"] = "Bearer"
    text = json.dumps(problem_of(error, request_id).model_dump(mode="json"))
    return Response(text, error.http_status, kept, MEDIA_TYPE)


def refusals(*errors: type[EmpropsError], body: bool = False) -> dict[int | str, dict[str, Any]]:
    """Return the errors of an operation as FastAPI declares responses, with those that every guarded one can end with.

    Args:
        errors: what the operation itself refuses with.
        body: whether the operation reads a body.
    """
    return declared(
        Unauthenticated,
        Forbidden,
        InvalidRequest,
        InternalFault,
        ServerFault,
        ServerUnreachable,
        *((UnknownField, RequestTooLarge, MediaTypeUnsupported) if body else ()),
        *errors,
    )


def declared(*errors: type[EmpropsError]) -> dict[int | str, dict[str, Any]]:
    """Return exactly these errors as FastAPI declares responses; those of one status stand together."""
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted({error.http_status for error in errors}):
        codes = sorted({error.code for error in errors if error.http_status == status})
        found[status] = {
            "description": " ".join(
                f"`{code}`: {next(e for e in errors if e.code == code).meaning}" for code in codes
            ),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            "x-error-codes": codes,
        }
    return found


def request_id_of(request: Request) -> str:
    """Return the id that the boundary gave a request."""
    return str(request.scope.get("state", {}).get("request_id", ""))


def install(app: FastAPI) -> None:
    """Let an application answer every error as a problem."""
    app.add_exception_handler(EmpropsError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _of_http)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, EmpropsError)
    return answer(error, request_id_of(request))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if any(fault["loc"] == ("body",) for fault in error.errors()) and not _is_json(request):
        declared_type = request.headers.get("content-type", "")[:100]
        return answer(MediaTypeUnsupported(detail={"content_type": declared_type}), request_id_of(request))
    body = getattr(request.scope.get("route"), "body_field", None)
    model = getattr(getattr(body, "field_info", None), "annotation", None)
    known = model if isinstance(model, type) and issubclass(model, BaseModel) else None
    return answer(explain(known, _within_body(error.errors()), "request"), request_id_of(request))


def _is_json(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def _within_body(faults: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the faults with places as the sender knows them: those in a body without saying so."""
    return [
        {**fault, "loc": fault["loc"][1:] if fault["loc"][:1] == ("body",) else fault["loc"]}
        for fault in faults
    ]


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = _BY_STATUS.get(error.status_code, InvalidRequest)
    about = f"{request.method} {request.url.path[:200]}"
    made = known(
        f"{about}: {error.detail}", detail={"method": request.method, "path": request.url.path[:200]}
    )
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods(request))
    return answer(made, request_id_of(request), headers)


def _methods(request: Request) -> list[str]:
    """Return the methods of the path of a request: the router knows those of its first operation only."""
    matching = [
        route for route in request.app.state.operations if route.matches(request.scope)[0] is not Match.NONE
    ]
    return sorted({m for route in matching if route.path == matching[0].path for m in route.methods})
