"""The socket at which the API listens; apart from the API, so that whoever only starts one need not load it."""

from __future__ import annotations

import socket

from ..core.errors import AddressUnusable
from ..core.settings import ApiSettings

BACKLOG = 2048
"""Connections that wait to be taken, at most; those beyond it are refused by the system."""


def listen(settings: ApiSettings) -> socket.socket:
    """Return a socket that listens where the settings say.

    Raises:
        AddressUnusable: the address is taken, or is none of this machine.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # The protocol is named, since asyncio sends small answers at once (TCP_NODELAY) only where it knows that it is TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
        return listener
    except (OSError, UnicodeError) as error:
        listener.close()
        raise AddressUnusable(
            f"cannot listen at {settings.host} port {settings.port}: {error}",
            detail={"host": settings.host, "port": settings.port},
        ) from error


def base_url(listener: socket.socket) -> str:
    """Return the address of the API that listens at a socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
