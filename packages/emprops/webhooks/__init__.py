"""Webhooks: the events of a pool, signed and sent to whoever subscribed to them."""

from .deliverer import Deliverer
from .guard import resolve
from .sending import Endpoint, Sent, send_test
from .signing import sign

__all__ = ["Deliverer", "Endpoint", "Sent", "resolve", "send_test", "sign"]
