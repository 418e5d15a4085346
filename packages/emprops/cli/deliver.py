"""The command that delivers webhooks: `deliver`."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ..broker import Broker
from ..core.settings import BrokerSettings, WebhookSettings
from .output import print_line, run

if TYPE_CHECKING:
    from ..webhooks import Deliverer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(deliver)


def deliver(
    with_parent: Annotated[
        bool, typer.Option("--with-parent", hidden=True, help="End when the standard input ends.")
    ] = False,
) -> None:
    """Deliver events to webhook subscriptions until Ctrl-C; run several to share the work.

    `emprops up` delivers already.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    run(_deliver(with_parent=with_parent))


async def _deliver(*, with_parent: bool) -> None:
    from ..webhooks import Deliverer  # here, so that the other commands need not wait for its libraries

    loop = asyncio.get_running_loop()
    async with Broker(BrokerSettings.load()) as broker:
        deliverer = Deliverer(broker, WebhookSettings.load())
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, deliverer.stop)
        if with_parent:
            # However the parent ends, its end of this pipe is closed.
            loop.add_reader(sys.stdin.fileno(), lambda: _parent_ended(loop, deliverer))
        await deliverer.run(
            None if with_parent else lambda: print_line("ready     delivering; Ctrl-C ends it")
        )


def _parent_ended(loop: asyncio.AbstractEventLoop, deliverer: Deliverer) -> None:
    loop.remove_reader(sys.stdin.fileno())
    deliverer.stop()
