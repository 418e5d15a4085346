"""Workers are killed, connections cut, the server restarted: every job ends exactly once, none is lost."""

from __future__ import annotations

import os

from tests.chaos.run import Plan, play

SHORT = Plan(workers=5, jobs=500, kills=6, cuts=4, restarts=3)
LONG = Plan(workers=20, jobs=6000, kills=120, cuts=40, restarts=20)
PLAN = LONG if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else SHORT


async def test_every_job_ends_exactly_once_whatever_breaks() -> None:
    report = await play(PLAN)
    print(report)
    assert report.faults == []
    assert sum(report.statuses.values()) == PLAN.jobs
    assert report.done["workers killed"] == PLAN.kills
    assert sum(count for what, count in report.done.items() if "server" in what) == PLAN.restarts
    assert report.statuses["completed"] > PLAN.jobs * 0.8
    assert report.outcomes["lost"] > 0
