"""Running the API: one process, and a stop that lets open requests end."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from ..core.settings import ApiSettings, SocketSettings
from .app import create_app
from .listening import listen
from .socket import SocketProtocol


class _Server(uvicorn.Server):
    """A server that tells its WebSocket clients that it stops, and ends with status 0, as the other commands do."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals that stop a process; a second one breaks open requests off."""
        if threading.current_thread() is not threading.main_thread():
            yield  # no thread but the main one gets signals
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: the WebSocket clients first, so that they have a reason before they have a close."""
        app: FastAPI = self.config.app  # type: ignore[assignment]  # serve() hands it over
        await app.state.sockets.stop()
        await super().shutdown(sockets)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the fastest event loop that is installed; ``None``: the standard one."""
    return uvicorn.Config("", loop="auto").get_loop_factory()


async def serve(
    settings: ApiSettings | None = None,
    *,
    listener: socket.socket | None = None,
    url: str | None = None,
    on_server: Callable[[uvicorn.Server], None] | None = None,
) -> None:
    """Serve the API until it is told to stop: by SIGINT, SIGTERM, or ``should_exit`` of the server.

    Args:
        settings: address and limits; read from the environment if left out.
        listener: a socket that listens already, before the address of the settings.
        url: address of the server of the queue, before the settings.
        on_server: called with the server before it starts.

    Raises:
        AddressUnusable: the address is taken, or is none of this machine.
        ServerUnreachable: no server of the queue is configured, and no embedded one is running.
    """
    settings = settings or ApiSettings.load()
    app = create_app(settings, url=url)
    config = uvicorn.Config(
        app,
        ws=SocketProtocol,
        ws_max_size=SocketSettings.load().frame_limit_bytes,
        ws_per_message_deflate=False,  # it would take buffers for each client
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=round(settings.shutdown_seconds),
        lifespan="on",
    )
    server = _Server(config)
    if on_server is not None:
        on_server(server)
    with listener or listen(settings) as listening:
        await server.serve(sockets=[listening])
