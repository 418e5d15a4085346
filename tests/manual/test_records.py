"""The recorded runs that pages show are what the system does today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recording.scenarios import SCENARIOS, Scenario, play

FOLDER = Path(__file__).resolve().parents[2] / "source" / "_records"


def _without_times(record: dict[str, Any]) -> dict[str, Any]:
    steps = [{k: v for k, v in step.items() if k != "at_ms"} for step in record["steps"]]
    events = [
        {k: v for k, v in event.items() if k not in ("at_ms", "due", "order")} for event in record["events"]
    ]
    return {
        "caption": record["caption"],
        "description": record["description"],
        "steps": steps,
        "events": events,
    }


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_a_recorded_run_happens_the_same_way_today(scenario: Scenario) -> None:
    recorded = json.loads((FOLDER / f"{scenario.name}.json").read_text(encoding="utf-8"))
    # The retry scenario waits for time to pass, so how often it claims in vain differs from run to run.
    fresh = await play(scenario)
    recorded["steps"], fresh["steps"] = _deterministic(recorded["steps"]), _deterministic(fresh["steps"])
    assert _without_times(fresh) == _without_times(recorded), (
        "run `make records` and look at the pages that show it"
    )


def _deterministic(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    waits = {"reap", "sweep", "expire", "claim"}  # they come by the clock
    return [
        s
        for s in steps
        if not (s["source"] == "client" and s["name"] in waits) and s["name"] != "nothing to run"
    ]


def test_every_record_belongs_to_a_scenario() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {scenario.name for scenario in SCENARIOS}


def test_every_record_says_where_it_comes_from() -> None:
    for path in FOLDER.glob("*.json"):
        made = json.loads(path.read_text(encoding="utf-8"))["made"]
        assert set(made) == {"revision", "date", "server", "python", "machine", "command"}, path.name
