"""Whether the API lives, whether it can serve, and how the pool is; and which version answers."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from ...core.errors import EmpropsError, NotReady
from ...core.workflow import PoolState
from ..auth import PoolReader
from ..problem import declared, refusals
from ..state import PoolBroker

router = APIRouter(tags=["health"])


class Live(BaseModel):
    """The process answers."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    status: Literal["live"] = "live"
    """Always this; a process that is not live does not answer."""


class Check(BaseModel):
    """What one check found."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    name: str
    """What was checked."""
    ok: bool
    """Whether it is as it must be."""
    detail: str = ""
    """What is wrong, or worth knowing."""


class Ready(BaseModel):
    """Every dependency is there."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    status: Literal["ready"] = "ready"
    """Always this; an API that is not ready answers with an error."""
    checks: list[Check]
    """What was checked."""


class Version(BaseModel):
    """Which software answers."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    name: str
    """Name of the distribution."""
    version: str
    """Its version."""
    python: str
    """Version of Python that runs it."""


class HealthStatus(BaseModel):
    """How the API and the pool are."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    ready: bool
    """Whether every check is as it must be."""
    checks: list[Check]
    """What was checked."""
    version: str
    """Version of the software that answers."""
    started_ms: int
    """When the process started to serve (milliseconds since 1970, its own clock)."""
    pool: PoolState
    """How full the pool is."""
    stuck_workers: list[str]
    """Ids of workers that are heard of, and whose claim loop has not turned for as long as a worker record is kept."""


async def run_checks(broker: PoolBroker) -> list[Check]:
    """Return what each check found."""
    try:
        findings = await broker.check()
    except EmpropsError as error:
        return [Check(name="server", ok=False, detail=f"{error.code}: {error.message}")]
    return [Check(name="server", ok=True, detail=" ".join(findings))]


@router.get("/health/live")
async def live() -> Live:
    """Say that the process answers. It looks at nothing else: a restart does not mend a dependency."""
    return Live()


@router.get("/health/ready", responses=declared(NotReady))
async def ready(broker: PoolBroker) -> Ready:
    """Say whether the API can serve requests, and if not, which dependency is missing."""
    checks = await run_checks(broker)
    wrong = [check for check in checks if not check.ok]
    if wrong:
        raise NotReady(
            "; ".join(f"{check.name}: {check.detail}" for check in wrong),
            detail={"checks": [check.model_dump() for check in checks]},
        )
    return Ready(checks=checks)


@router.get("/health/status", responses=refusals())
async def read_status(request: Request, broker: PoolBroker, _: PoolReader) -> HealthStatus:
    """Say how the API and the pool are."""
    checks = await run_checks(broker)
    kept_ms = broker.settings.worker_expiry_seconds * 1000
    return HealthStatus(
        ready=all(check.ok for check in checks),
        checks=checks,
        version=version("emprops-job-queue"),
        started_ms=request.app.state.started_ms,
        pool=await broker.pool_state(),
        stuck_workers=[
            worker.worker_id
            for worker in await broker.workers()
            if worker.turned_ms is not None and worker.expires_ms - worker.turned_ms > 2 * kept_ms
        ],
    )


@router.get("/v1/version")
async def read_version() -> Version:
    """Say which version answers."""
    return Version(
        name="emprops-job-queue", version=version("emprops-job-queue"), python=platform.python_version()
    )
