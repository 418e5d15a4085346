"""The command that serves the API."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ..api.listening import base_url, listen
from ..core.settings import ApiSettings
from .output import print_line

if TYPE_CHECKING:
    import uvicorn


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(api)


def api(
    listener: Annotated[
        int | None, typer.Option("--listener", hidden=True, help="Descriptor of a socket that listens.")
    ] = None,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", hidden=True, help="End when the standard input ends.")
    ] = False,
) -> None:
    """Serve the API until Ctrl-C; open requests are let end.

    It is told where to listen by the settings. Any number of processes may serve one pool.
    """
    from ..api.serving import loop_factory, serve  # what it loads takes longer than most commands

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    settings = ApiSettings.load()
    listening = listen(settings) if listener is None else socket.socket(fileno=listener)
    if listener is None:
        print_line(f"api       {base_url(listening)}")
    on_server = _end_with_parent if with_parent else None
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve(settings, listener=listening, on_server=on_server))


def _end_with_parent(server: uvicorn.Server) -> None:
    loop = asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(sys.stdin.fileno())
        server.should_exit = True

    # However the parent ends, its end of this pipe is closed.
    loop.add_reader(sys.stdin.fileno(), ended)
