"""Commands that run the queue: `up` and `worker`."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..broker import Broker, EmbeddedServer, find_address, publish_address
from ..core.capabilities import Capabilities
from ..core.errors import QueueRunning, ServerUnreachable
from ..core.events import WorkerRegistered
from ..core.settings import BrokerSettings, WorkerSettings
from ..core.validation import parse
from ..worker import Worker, connector_class
from .output import err, print_line, run

RESTART_FIRST_SECONDS = 0.2
RESTART_CAP_SECONDS = 10.0
CALM_SECONDS = 10.0
"""A worker that ran this long before it ended is started again at once."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(up)
    app.command()(worker)


def up(
    workers: Annotated[int, typer.Option(help="Worker processes to run (1 to 64).", min=1, max=64)] = 2,
    service: Annotated[
        list[str] | None,
        typer.Option(help="A service that the workers offer; repeat for more. Default: simulation."),
    ] = None,
    in_memory: Annotated[bool, typer.Option("--in-memory", help="Keep the queue in memory only.")] = False,
) -> None:
    """Run a queue on this machine: a private server and workers, until Ctrl-C.

    With EMPROPS_REDIS_URL set, that server is used and only workers are started.
    """
    settings = BrokerSettings.load()
    services = service or ["simulation"]
    for name in services:
        connector_class(name)
    if settings.redis_url:
        run(_check(settings.redis_url, settings))
        run(_supervise(workers, services, settings.redis_url))
        return
    _refuse_second(settings)
    data = None if in_memory or not settings.durable else settings.state_path / "data"
    with EmbeddedServer(data) as server:
        address = publish_address(settings, server.url)
        try:
            print_line(f"server    Valkey, private, {'in memory' if data is None else f'data in {data}'}")
            run(_supervise(workers, services, server.url))
        finally:
            address.unlink(missing_ok=True)


def _refuse_second(settings: BrokerSettings) -> None:
    try:
        url = find_address(settings)
    except ServerUnreachable:
        return
    if Path(url.removeprefix("unix://")).exists():
        raise QueueRunning(
            f"a queue is already running with its state in {settings.state_path}",
            detail={"state_dir": str(settings.state_path), "url": url},
        )


async def _check(url: str, settings: BrokerSettings) -> None:
    async with Broker(settings, url=url) as broker:
        for finding in await broker.check():
            err.print(f"note: {finding}")


async def _supervise(count: int, services: list[str], url: str) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    print_line(f"workers   {count}, services: {', '.join(services)}")
    print_line(f"submit    emprops submit {services[0]}")
    async with Broker(url=url) as broker:
        start = await broker.last_event_id()
        keepers = [asyncio.create_task(_keep(index + 1, services, url, stop)) for index in range(count)]
        registered = asyncio.create_task(_registered(broker, start, count))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({registered, stopped}, return_when=asyncio.FIRST_COMPLETED)
        registered.cancel()
        if not stop.is_set():
            print_line("ready     Ctrl-C ends it")
        await stopped
    print_line("stopping  running jobs are given back")
    await asyncio.gather(*keepers)


async def _registered(broker: Broker, start: str, count: int) -> None:
    """Wait until that many workers have registered."""
    seen = 0
    async for event in broker.follow_events(start):
        seen += isinstance(event, WorkerRegistered)
        if seen == count:
            return


async def _keep(number: int, services: list[str], url: str, stop: asyncio.Event) -> None:
    """Run one worker process, again and again until told to stop."""
    loop = asyncio.get_running_loop()
    pause = RESTART_FIRST_SECONDS
    command = [sys.executable, "-m", "emprops.cli", "worker", "--with-parent"]
    for service in services:
        command += ["--service", service]
    while not stop.is_set():
        began = loop.time()
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, "EMPROPS_REDIS_URL": url},
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        ended, stopped = asyncio.create_task(process.wait()), asyncio.create_task(stop.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not ended.done():
            process.terminate()
            await ended
            return
        pause = RESTART_FIRST_SECONDS if loop.time() - began > CALM_SECONDS else pause
        print_line(f"worker {number} ended ({_ending(process.returncode)}); it is started again")
        await asyncio.wait({asyncio.create_task(stop.wait())}, timeout=pause)
        pause = min(pause * 2, RESTART_CAP_SECONDS)


def _ending(code: int | None) -> str:
    return f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit status {code}"


def worker(
    service: Annotated[list[str], typer.Option(help="A service that the worker offers; repeat for more.")],
    model: Annotated[list[str] | None, typer.Option(help="A model on this machine; repeat for more.")] = None,
    loaded_model: Annotated[
        list[str] | None, typer.Option(help="A model that is loaded and warm; repeat for more.")
    ] = None,
    gpu_memory_gb: Annotated[float, typer.Option(help="GPU memory for one job, in gigabytes.")] = 0,
    memory_gb: Annotated[float, typer.Option(help="Main memory for one job, in gigabytes.")] = 0,
    cpu_cores: Annotated[int, typer.Option(help="CPU cores for one job.")] = 0,
    region: Annotated[str | None, typer.Option(help="Region that this machine is in.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="A label of this worker; repeat for more.")] = None,
    customer: Annotated[
        list[str] | None,
        typer.Option(help="Serve this customer, and no other; repeat for more. Default: all."),
    ] = None,
    exclude_customer: Annotated[
        list[str] | None, typer.Option(help="A customer that the worker does not serve; repeat for more.")
    ] = None,
    worker_id: Annotated[
        str | None, typer.Option("--id", help="Id of the worker. Default: made from host and process.")
    ] = None,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", hidden=True, help="End when the standard input ends.")
    ] = False,
) -> None:
    """Run one worker until Ctrl-C; it then gives its jobs back."""
    offered: dict[str, Any] = {
        "services": service,
        "models": model or [],
        "loaded_models": loaded_model or [],
        "gpu_memory_gb": gpu_memory_gb,
        "memory_gb": memory_gb,
        "cpu_cores": cpu_cores,
        "region": region,
        "labels": label or [],
        "customers": customer or [],
        "excluded_customers": exclude_customer or [],
    }
    capabilities = parse(Capabilities, offered, what="capabilities")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    settings = BrokerSettings.load()
    if settings.redis_url and not with_parent:  # a parent has checked the server already
        run(_check(settings.redis_url, settings))
    run(_work(capabilities, worker_id, with_parent=with_parent))


async def _work(capabilities: Capabilities, worker_id: str | None, *, with_parent: bool) -> None:
    made = Worker(capabilities, worker_settings=WorkerSettings.load(), worker_id=worker_id)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, made.stop)
    if with_parent:
        # However the parent ends, its end of this pipe is closed.
        loop.add_reader(sys.stdin.fileno(), lambda: _parent_ended(loop, made))
    if sys.stdout.isatty():
        print_line(json.dumps({"worker": made.info.worker_id, "profile": capabilities.profile_id}))
    await made.run()


def _parent_ended(loop: asyncio.AbstractEventLoop, made: Worker) -> None:
    loop.remove_reader(sys.stdin.fileno())
    made.stop()
