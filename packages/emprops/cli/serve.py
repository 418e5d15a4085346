"""Commands that run the queue: `up` with all its processes, and `worker`."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from ..api.listening import base_url, listen
from ..broker import ApiKeys, Broker, EmbeddedServer, find_address, publish_address
from ..core.access import Role
from ..core.capabilities import Capabilities
from ..core.errors import QueueRunning, ServerUnreachable, Unauthenticated
from ..core.events import WorkerRegistered
from ..core.settings import ApiSettings, BrokerSettings, WorkerSettings
from ..core.validation import parse
from ..worker import Worker, connector_class
from .output import err, print_line, run

RESTART_FIRST_SECONDS = 0.2
RESTART_CAP_SECONDS = 10.0
CALM_SECONDS = 10.0
"""A process that ran this long before it ended is started again at once."""
KEY_FILE = "api-key"
"""Where the token of the key for this machine is kept, in the state folder, readable by its owner only."""


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
    """Run a queue on this machine: a private server, the API, workers and a deliverer of webhooks, until Ctrl-C.

    It prints an API key for this machine, which is kept in the state folder. With EMPROPS_REDIS_URL set, that server is
    used, and no key is made: `emprops keys create` makes one.
    """
    settings = BrokerSettings.load()
    api_settings = ApiSettings.load()
    services = service or ["simulation"]
    for name in services:
        connector_class(name)
    if settings.redis_url:
        run(_check(settings.redis_url, settings))
        with listen(api_settings) as listener:
            run(_supervise(workers, services, settings.redis_url, listener, None))
        return
    _refuse_second(settings)
    data = None if in_memory or not settings.durable else settings.state_path / "data"
    with listen(api_settings) as listener, EmbeddedServer(data) as server:
        address = publish_address(settings, server.url)
        try:
            print_line(f"server    Valkey, private, {'in memory' if data is None else f'data in {data}'}")
            token = run(_local_key(settings, server.url))
            run(_supervise(workers, services, server.url, listener, token))
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


async def _local_key(settings: BrokerSettings, url: str) -> str:
    """Return the token of an API key for this machine: that of the last time, or a new one if it is not valid."""
    path = settings.state_path / KEY_FILE
    async with Broker(settings, url=url) as broker:
        keys = ApiKeys(broker)
        with suppress(OSError, Unauthenticated):
            token = path.read_text(encoding="utf-8").strip()
            await keys.authenticate(token)
            return token
        _, token = await keys.create("local", [Role.ADMIN])
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(token + "\n", encoding="utf-8")
    return token


async def _supervise(
    count: int, services: list[str], url: str, listener: socket.socket, token: str | None
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    print_line(f"workers   {count}, services: {', '.join(services)}")
    print_line(f"api       {base_url(listener)}")
    print_line(f"key       {token or 'emprops keys create makes one'}")
    print_line(f"submit    emprops submit {services[0]}")
    # One socket for all API processes to come: while one is started again, connections wait instead of being refused.
    serving = ["api", "--listener", str(listener.fileno())]
    working = ["worker", *(part for service in services for part in ("--service", service))]
    async with Broker(url=url) as broker:
        start = await broker.last_event_id()
        keepers = [
            asyncio.create_task(_keep(f"worker {index + 1}", working, url, stop)) for index in range(count)
        ]
        keepers.append(asyncio.create_task(_keep("api", serving, url, stop, (listener.fileno(),))))
        delivering = asyncio.create_task(_deliver(broker, stop))
        registered = asyncio.create_task(_all_there(broker, start, count, listener.getsockname()[:2]))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({registered, stopped}, return_when=asyncio.FIRST_COMPLETED)
        registered.cancel()
        if not stop.is_set():
            print_line("ready     Ctrl-C ends it")
        await stopped
        print_line("stopping  running jobs are given back")
        await asyncio.gather(*keepers, delivering)


async def _deliver(broker: Broker, stop: asyncio.Event) -> None:
    """Deliver webhooks in this process, until told to stop."""
    from ..webhooks import Deliverer  # here, so that the other commands need not wait for its libraries

    deliverer = Deliverer(broker)
    delivering = asyncio.create_task(deliverer.run())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({delivering, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    deliverer.stop()
    await delivering


async def _all_there(broker: Broker, start: str, count: int, address: tuple[str, int]) -> None:
    """Wait until that many workers have registered, and the API answers."""
    seen = 0
    async for event in broker.follow_events(start):
        seen += isinstance(event, WorkerRegistered)
        if seen == count:
            break
    host, port = address
    while True:
        # The socket listens from the beginning: what is waited for is the first answer.
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET /health/live HTTP/1.0\r\n\r\n")
            answered = await reader.read(1)
            writer.close()
            if answered:
                return
        await asyncio.sleep(RESTART_FIRST_SECONDS)


async def _keep(
    name: str, command: list[str], url: str, stop: asyncio.Event, descriptors: tuple[int, ...] = ()
) -> None:
    """Run one process, again and again until told to stop."""
    loop = asyncio.get_running_loop()
    pause = RESTART_FIRST_SECONDS
    while not stop.is_set():
        began = loop.time()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "emprops.cli", *command, "--with-parent"),
            env={**os.environ, "EMPROPS_REDIS_URL": url},
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,
            pass_fds=descriptors,
        )
        ended, stopped = asyncio.create_task(process.wait()), asyncio.create_task(stop.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not ended.done():
            process.terminate()
            await ended
            return
        pause = RESTART_FIRST_SECONDS if loop.time() - began > CALM_SECONDS else pause
        print_line(f"{name} ended ({_ending(process.returncode)}); it is started again")
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
