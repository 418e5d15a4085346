"""The operations of the API, one module a resource."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter, FastAPI

from .. import socket
from . import errors, events, health, jobs, keys, pool, webhooks, workflows

ROUTERS: tuple[APIRouter, ...] = (
    jobs.router,
    workflows.router,
    events.router,
    pool.router,
    webhooks.router,
    keys.router,
    health.router,
    errors.router,
    socket.router,
)
"""Every router, in the order of the reference."""
SERVICES: tuple[Callable[[FastAPI], AbstractAsyncContextManager[None]], ...] = (
    webhooks.service,
    socket.serving,
)
"""What runs as long as the application does, and is entered once its state has the broker."""
