"""The application: routers, errors, guard and boundary put together, with one broker for its whole life."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware.cors import CORSMiddleware

from ..broker import ApiKeys, Broker
from ..core.settings import ApiSettings, BrokerSettings
from .auth import POOL_WIDE
from .boundary import REQUEST_ID, Boundary
from .problem import Problem, install
from .routers import ROUTERS, SERVICES

TITLE = "EmProps Job Queue"
METHODS = frozenset({"get", "put", "post", "delete", "patch"})


def create_app(
    settings: ApiSettings | None = None,
    *,
    broker_settings: BrokerSettings | None = None,
    url: str | None = None,
) -> FastAPI:
    """Return the API of one pool.

    Its state has the ``broker`` and the ``keys`` of the pool while it runs.

    Args:
        settings: address, limits and origins; read from the environment if left out.
        broker_settings: where the server is, and the limits of the pool; read from the environment if left out.
        url: address of the server, before the settings.

    Raises:
        SettingsInvalid: a setting has a wrong value.
    """
    settings = settings or ApiSettings.load()
    pool = broker_settings or BrokerSettings.load()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.broker = await stack.enter_async_context(Broker(pool, url=url))
            app.state.keys = ApiKeys(app.state.broker)
            app.state.started_ms = time.time_ns() // 1_000_000
            for service in SERVICES:
                await stack.enter_async_context(service(app))
            yield

    app = _Api(
        title=TITLE,
        version=version("emprops-job-queue"),
        description="Submit jobs to a pool of the queue, follow them, and decide about them.",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.operations = [*app.routes, *(route for router in ROUTERS for route in router.routes)]
    for router in ROUTERS:
        app.include_router(router)
    install(app)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", REQUEST_ID],
            expose_headers=["ETag", REQUEST_ID],
        )
    app.add_middleware(Boundary, body_limit_bytes=settings.body_limit_bytes)
    return app


class _Api(FastAPI):
    """The application, whose OpenAPI says of each operation which role it needs."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            made = get_openapi(
                title=self.title, version=self.version, description=self.description, routes=self.routes
            )
            schemas = made.setdefault("components", {}).setdefault("schemas", {})
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs", {}), Problem=problem)
            for path in made["paths"].values():
                for method, operation in path.items():
                    if method in METHODS:
                        _complete(operation, schemas)
            _tidy(made)
            self.openapi_schema = made
        return self.openapi_schema


def _complete(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Say of an operation what FastAPI does not know, and leave out what is not so."""
    roles = [role for entry in operation.get("security", ()) for scopes in entry.values() for role in scopes]
    if roles:
        operation["x-required-role"] = roles[0]
        operation["x-pool-wide"] = POOL_WIDE in roles
    responses = operation["responses"]
    if "x-error-codes" not in responses.get("422", {"x-error-codes": ()}):
        del responses["422"]  # FastAPI's own, of an operation that takes any text as its parameter
    for response in responses.values():
        response.setdefault("headers", {})[REQUEST_ID] = {
            "description": "Id of the request, as it was sent or as it was given.",
            "schema": {"type": "string"},
        }
        if response["description"] == "Successful Response":
            schema = response.get("content", {}).get("application/json", {}).get("schema", {})
            known = schemas.get(schema.get("$ref", "").rpartition("/")[2], {})
            response["description"] = known.get("description", "Done.")


def _tidy(part: Any) -> None:
    """Make the docstrings in a document the Markdown that OpenAPI says descriptions are."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "description" and isinstance(value, str):
                paragraphs = value.replace("``", "`").split("\n\n")
                part[name] = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
            else:
                _tidy(value)
    elif isinstance(part, list):
        for value in part:
            _tidy(value)
