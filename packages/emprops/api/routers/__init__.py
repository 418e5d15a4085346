"""The operations of the API, one module a resource."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter, FastAPI

from .. import socket
from . import health, keys

ROUTERS: tuple[APIRouter, ...] = (keys.router, health.router, socket.router)
"""Every router, in the order of the reference."""
SERVICES: tuple[Callable[[FastAPI], AbstractAsyncContextManager[None]], ...] = (socket.serving,)
"""What runs as long as the application does, and is entered once its state has the broker."""
