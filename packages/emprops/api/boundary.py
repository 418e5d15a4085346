"""The outermost layer of the API: each request gets its id, a body that is too large ends, and so does a fault."""

from __future__ import annotations

import logging
import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..core.errors import InternalFault
from .problem import answer

REQUEST_ID = "X-Request-ID"
_ALLOWED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = logging.getLogger(__name__)


class Boundary:
    """Wraps the whole application.

    Args:
        app: the application.
        body_limit_bytes: largest body of a request, in bytes.
    """

    def __init__(self, app: ASGIApp, *, body_limit_bytes: int) -> None:
        self._app = app
        self._limit = body_limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _ALLOWED.fullmatch(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def marked(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            await self._app(scope, self._limited(scope, receive), marked)
        except Exception:
            # The message and the traceback may quote no header: tokens travel in headers only.
            _log.exception("request %s: %s %r failed", request_id, scope["method"], scope["path"])
            if started:
                raise
            await answer(InternalFault(), request_id)(scope, receive, marked)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        declared = Headers(scope=scope).get("content-length", "")
        read = int(declared) if declared.isdecimal() else 0
        seen = 0

        async def limited() -> Message:
            nonlocal seen
            if read > self._limit:
                raise self._too_large()
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > self._limit:
                    raise self._too_large()
            return message

        return limited

    def _too_large(self) -> HTTPException:
        return HTTPException(413, f"more than {self._limit} bytes")
