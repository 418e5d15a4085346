"""Connections to the server, and the checks that it is fit to hold a queue."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import DataError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ..core.errors import (
    EmpropsError,
    InvalidRequest,
    ServerFault,
    ServerUnreachable,
    ServerUnsuitable,
    error_for,
)
from .cancellation import cancellable

Connection: TypeAlias = Any
"""A client of the server. redis-py types every answer as bytes or text; ours are text, since answers are decoded."""
OLDEST_REDIS = (7, 0)
OLDEST_VALKEY = (7, 2)


def open_connection(url: str, *, timeout_seconds: float, connections: int = 32) -> Connection:
    """Return a client that has not connected yet.

    Nothing is sent twice by itself: a command whose answer was lost may have been carried out, and only the caller
    knows whether it may be repeated.

    Args:
        url: address, ``redis://``, ``rediss://`` or ``unix://``.
        timeout_seconds: how long a command may take, in seconds.
        connections: most connections at a time.

    Raises:
        ServerUnreachable: the address is not one.
    """
    options: dict[str, Any] = {} if url.startswith("unix:") else {"socket_keepalive": True}
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            decode_responses=True,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
            max_connections=connections,
            timeout=None,
            **options,
        )
    except ValueError as error:
        raise ServerUnreachable(
            f"server address {url!r}: {error}", detail={"variable": "EMPROPS_REDIS_URL"}
        ) from error
    pool.connection_class = cancellable(pool.connection_class)
    return Redis.from_pool(pool)


@asynccontextmanager
async def server_errors() -> AsyncIterator[None]:
    """Turn what the server or the connection reports inside the block into errors of this project.

    Raises:
        InvalidRequest: a value is no text that can be sent.
        ServerUnreachable: no connection, or no answer in time.
        ServerFault: the server refused the command for a reason that is not ours.
        EmpropsError: a script refused; the class says which refusal it is.
    """
    try:
        yield
    except (UnicodeEncodeError, DataError) as error:
        raise InvalidRequest(
            f"a value cannot be sent to the server: {error}",
            detail={"problems": [{"field": "", "problem": str(error)}]},
        ) from error
    except (RedisConnectionError, RedisTimeoutError, OSError) as error:
        raise ServerUnreachable(f"server: {error}", detail={"reason": type(error).__name__}) from error
    except ResponseError as error:
        raise ours(error) from error
    except RedisError as error:
        raise ServerFault(f"server: {error}", detail={"server_message": str(error)[:500]}) from error


def ours(error: ResponseError) -> EmpropsError:
    """Return the error that the server's answer stands for: a script's refusal, or a fault of the server."""
    message = str(error)
    if message.startswith("EMP "):
        _, code, detail = message.split(" ", 2)
        known = error_for(code)
        facts = json.loads(detail)
        about = ", ".join(f"{name} {value}" for name, value in facts.items())
        return known(f"{known.meaning[:-1]}: {about}", detail=facts)
    return ServerFault(f"server: {message[:300]}", detail={"server_message": message[:500]})


async def check_server(connection: Connection) -> list[str]:
    """Check that the server can hold a queue without losing jobs.

    Returns:
        What is allowed but worth knowing, one sentence each (no persistence, for instance).

    Raises:
        ServerUnreachable: it does not answer.
        ServerUnsuitable: it is too old, or it evicts keys when memory runs short.
    """
    async with server_errors():
        info = await connection.info()
    findings: list[str] = []
    valkey = info.get("valkey_version")
    version = str(valkey or info["redis_version"])
    oldest = OLDEST_VALKEY if valkey else OLDEST_REDIS
    if tuple(int(part) for part in version.split(".")[:2]) < oldest:
        raise ServerUnsuitable(
            f"server version {version} is older than {oldest[0]}.{oldest[1]}", detail={"version": version}
        )
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise ServerUnsuitable(
            f"maxmemory-policy is {policy}: the server would drop jobs when memory runs short",
            detail={"maxmemory_policy": policy},
        )
    if not info.get("aof_enabled"):
        findings.append("The server writes no append-only file: a restart of the server loses jobs.")
    elif finding := await _synchronisation(connection):
        findings.append(finding)
    return findings


async def _synchronisation(connection: Connection) -> str | None:
    """Say what a crash of a server with an append-only file can lose, if anything."""
    try:
        async with server_errors():
            when = (await connection.config_get("appendfsync")).get("appendfsync")
    except ServerFault:
        return "The server does not tell when it writes its append-only file: a crash may lose what it has accepted."
    if when == "always":
        return None
    return (
        f"appendfsync is {when}: a crash of the server may lose what it accepted in the last two seconds; "
        "with always it loses nothing."
    )
