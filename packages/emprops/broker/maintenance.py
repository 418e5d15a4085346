"""What keeps a pool in order while time passes; any process may do it, and workers do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .connection import server_errors

if TYPE_CHECKING:
    from .broker import Broker

CLASSES_AT_ONCE = 500


async def reap(broker: Broker, *, interval_seconds: float) -> int:
    """Take back what time has run out on, let go of what nobody uses, and mark what nobody can run.

    Args:
        broker: the pool.
        interval_seconds: do nothing if any process has done it less than this long ago, in seconds (0 or more).

    Returns:
        How many jobs were taken back or ended.
    """
    looked, overdue, wakes = await broker.executor.run(
        "reap", {"interval_ms": round(interval_seconds * 1000)}
    )
    if not looked:
        return 0
    await broker.wake(wakes)
    done = await _expire(broker, overdue) if overdue else 0
    await _sweep(broker)
    return done


async def _expire(broker: Broker, job_ids: list[str]) -> int:
    settings = broker.settings
    done, wakes, stops = await broker.executor.run(
        "expire",
        {
            "dead_retention_ms": round(settings.dead_retention_seconds * 1000),
            "ended_listed": settings.ended_listed,
            "jobs": job_ids,
        },
        {"archive": job_ids},
    )
    await broker.wake(wakes)
    for worker, job_id, attempt in zip(stops[0::3], stops[1::3], stops[2::3], strict=True):
        await broker.order_stop(worker, job_id, int(attempt))
    return int(done)


async def _sweep(broker: Broker) -> None:
    unused_ms = round(broker.settings.unused_seconds * 1000)
    for profile in await broker.executor.run("sweep", {"unused_ms": unused_ms}):
        await _forget(broker, profile)


async def _forget(broker: Broker, profile: str) -> None:
    start = 0
    while True:
        async with server_errors():
            classes = await broker.connection.zrange(
                broker.keys.key("class_versions"), start, start + CLASSES_AT_ONCE - 1
            )
        last = len(classes) < CLASSES_AT_ONCE
        arguments = {"profile": profile, "last": int(last), "classes": classes}
        if not await broker.executor.run("forget", arguments) or last:
            return
        start += CLASSES_AT_ONCE
