"""The WebSocket of the API: events as they happen, from a position, and submits with an answer."""

from .endpoint import Sockets, router, serving
from .protocol import SocketProtocol

__all__ = ["SocketProtocol", "Sockets", "router", "serving"]
