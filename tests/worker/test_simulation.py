"""The simulation does what a payload says, and refuses what it does not understand."""

from __future__ import annotations

from typing import Any

import pytest

from emprops.core.errors import AttemptFailure, all_errors
from emprops.core.lifecycle import Status
from emprops.worker import Worker
from tests.worker.conftest import Site

FAILURES = sorted(
    (error for error in all_errors() if issubclass(error, AttemptFailure)), key=lambda e: e.code
)

pytestmark = pytest.mark.usefixtures("simulation")


async def test_it_takes_its_steps_and_returns_what_it_was_told(site: Site) -> None:
    await site.submit("j", "simulation", payload={"duration_seconds": 1.2, "steps": 4, "result": {"n": [1]}})
    assert (await site.ended("j")).result == {"n": [1]}
    told = [e.progress for e in await site.broker.read_events() if e.type == "job.progressed"]
    assert told == [0.0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: error.code)
async def test_it_fails_as_told_and_the_class_of_the_failure_decides_about_a_retry(
    site: Site, error: type[AttemptFailure]
) -> None:
    payload = {"duration_seconds": 0, "fail": {"code": error.code, "message": "as told"}, "result": "well"}
    await site.submit("j", "simulation", payload=payload)
    job = await site.ended("j")
    first = job.attempts[0]
    assert (first.error, first.message) == (error.code, "as told")
    assert (job.status, job.result) == (
        (Status.COMPLETED, "well") if error.retryable else (Status.DEAD, None)
    )


@pytest.mark.parametrize(
    "payload",
    [
        {"duration": 1},
        {"duration_seconds": -1},
        {"duration_seconds": "long"},
        {"steps": 0},
        {"fail": {"code": "no_such_code"}},
        {"fail": {"code": "invalid_request"}},
        {"fail": "yes"},
        {"crash": {"at": 2}},
    ],
)
async def test_a_payload_that_it_does_not_understand_is_rejected_for_good(
    site: Site, payload: dict[str, Any]
) -> None:
    await site.submit("j", "simulation", payload=payload)
    job = await site.ended("j")
    assert (job.status, job.error, len(job.attempts)) == (Status.DEAD, "job_rejected", 1)
    assert job.message


async def test_the_connector_is_found_by_the_name_of_its_service(simulation: Worker) -> None:
    assert simulation.info.capabilities.services == frozenset({"simulation"})
