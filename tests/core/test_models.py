"""Order keys, back-off, errors, settings and validation behave as they say."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from emprops.core.errors import (
    EmpropsError,
    InvalidRequest,
    SettingsInvalid,
    UnknownField,
    all_errors,
    error_for,
)
from emprops.core.events import all_events, parse_event
from emprops.core.job import JobRequest
from emprops.core.keys import KEYS, KeySpace
from emprops.core.lifecycle import FINAL, TRANSITIONS, Status, may, transitions_from
from emprops.core.matching import CRITERIA
from emprops.core.ordering import ORDER_LENGTH, PRIORITY_DEFAULT, PRIORITY_HIGHEST, PRIORITY_LOWEST, Place
from emprops.core.replay import ReplayError, replay
from emprops.core.retry import JITTER, RetryPolicy
from emprops.core.settings import BrokerSettings, EmpropsSettings, WorkerSettings, all_settings
from emprops.core.validation import parse

places = st.builds(
    Place,
    priority=st.integers(0, 100),
    time_ms=st.integers(0, 2**47),
    sequence=st.integers(1, 2**39),
)


@given(places, places)
def test_order_keys_sort_by_priority_then_time_then_sequence(one: Place, other: Place) -> None:
    assert (one.key() < other.key()) is (
        (-one.priority, one.time_ms, one.sequence) < (-other.priority, other.time_ms, other.sequence)
    )


@given(places)
def test_an_order_key_can_be_read_back(place: Place) -> None:
    assert Place.from_key(place.key()) == place


@pytest.mark.parametrize("key", ["", "32", "3" * 23, "3" * 25])
def test_a_text_of_another_length_is_no_order_key(key: str) -> None:
    with pytest.raises(ValueError, match=f"24 characters, this has {len(key)}"):
        Place.from_key(key)


def test_priorities_go_from_0_to_100() -> None:
    assert (PRIORITY_LOWEST, PRIORITY_DEFAULT, PRIORITY_HIGHEST, ORDER_LENGTH) == (0, 50, 100, 24)


@pytest.mark.parametrize(
    "fact", [TRANSITIONS[0], Place(1, 2, 3), CRITERIA[0]], ids=lambda fact: type(fact).__name__
)
def test_a_fact_cannot_be_changed(fact: Any) -> None:
    with pytest.raises(AttributeError):
        setattr(fact, next(iter(fact.__slots__)), "changed")
    assert not hasattr(fact, "__dict__")


policies = st.builds(
    RetryPolicy,
    backoff_seconds=st.floats(0, 3600),
    backoff_factor=st.floats(1, 10),
    backoff_cap_seconds=st.floats(0, 86_400),
)


@given(policies, st.integers(1, 20), st.randoms(use_true_random=False))
def test_back_off_stays_within_its_jitter_and_its_cap(
    policy: RetryPolicy, used: int, chance: random.Random
) -> None:
    delay = policy.delay_seconds(used, chance)
    exact = policy.backoff_seconds * policy.backoff_factor ** (used - 1)
    assert 0 <= delay <= policy.backoff_cap_seconds
    assert delay <= exact * (1 + JITTER) * 1.000001
    assert delay >= min(exact * (1 - JITTER), policy.backoff_cap_seconds) * 0.999999


def test_jobs_that_fail_together_do_not_return_together() -> None:
    policy = RetryPolicy()
    assert len({policy.delay_seconds(1) for _ in range(50)}) > 40


def test_the_lifecycle_is_the_one_that_was_designed() -> None:
    """Written down a second time on purpose: a change of the table is a decision, and stands in two places."""
    open_ones = "waiting pending running"
    designed = {
        "submit": ("", "pending"),
        "schedule": ("", "waiting"),
        "ready": ("waiting", "pending"),
        "claim": ("pending", "running"),
        "complete": ("running", "completed"),
        "retry": ("running", "waiting"),
        "bury": ("running", "dead"),
        "release": ("running", "pending"),
        "lose": ("running", "pending"),
        "abandon": ("running", "dead"),
        "overrun": ("running", "pending"),
        "expire": (open_ones, "dead"),
        "cancel": (open_ones, "cancelled"),
        "revive": ("dead", "pending"),
    }
    assert {t.name: (" ".join(t.sources), t.target.value) for t in TRANSITIONS} == designed
    pairs = {(s, target) for sources, target in designed.values() for s in (sources.split() or [""])}
    for source in (None, *Status):
        for target in Status:
            assert may(source, target) is ((source or "", target) in pairs)
        names = {
            name for name, (sources, _) in designed.items() if (source or "") in (sources.split() or [""])
        }
        assert {t.name for t in transitions_from(source)} == names
    assert transitions_from(Status.PENDING, ()) == ()
    assert {status.value for status in Status if status.final} == {"completed", "dead", "cancelled"}
    assert all(status.meaning.endswith(".") for status in Status)


def test_a_place_has_a_key_of_fixed_width_and_is_what_it_says() -> None:
    assert Place(100, 0, 1).key() == "00" + "0" * 12 + "0000000001"
    assert Place(0, 255, 16).key() == "64" + "0000000000ff" + "0000000010"
    assert Place.from_key("32" + "0000000000ff" + "0000000010") == Place(50, 255, 16)
    assert Place(1, 2, 3) == Place(1, 2, 3)


def test_only_a_revived_dead_letter_leaves_a_final_status_and_every_status_can_be_reached() -> None:
    assert [t.name for status in FINAL for t in transitions_from(status)] == ["revive"]
    assert may(Status.DEAD, Status.PENDING)
    assert {t.target for t in TRANSITIONS} == set(Status)
    assert not may(Status.COMPLETED, Status.PENDING)
    assert may(None, Status.PENDING)
    assert not may(None, Status.RUNNING)


@pytest.mark.parametrize("error", all_errors(), ids=lambda error: error.code)
def test_an_error_says_what_it_means_and_what_to_do(error: type[EmpropsError]) -> None:
    assert error_for(error.code) is error
    assert 400 <= error.http_status <= 599
    assert 2 <= error.exit_code <= 125
    for text in (error.meaning, error.cause, error.remedy):
        assert text.endswith(".")
    made = error("what happened", detail={"where": 1}).as_dict()
    assert made["code"] == error.code
    assert made["detail"] == {"where": 1}


def test_an_error_that_leaves_something_out_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="declares no http_status"):
        type("Vague", (EmpropsError,), {"code": "vague"})


def test_a_code_cannot_be_declared_twice() -> None:
    declared = {name: getattr(InvalidRequest, name) for name in ("http_status", "exit_code", "retryable")}
    texts = dict.fromkeys(("meaning", "cause", "remedy"), "x.")
    with pytest.raises(TypeError, match="is taken by InvalidRequest"):
        type("Again", (EmpropsError,), {"code": "invalid_request", **declared, **texts})


def test_an_unknown_code_is_told() -> None:
    with pytest.raises(LookupError, match="nothing_known"):
        error_for("nothing_known")


def test_a_setting_without_effect_or_unit_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="no effect, no unit"):
        type("Bare", (EmpropsSettings,), {"__annotations__": {"value": int}, "value": Field(default=1)})


@pytest.mark.parametrize("settings", all_settings())
def test_settings_are_read_from_their_variables(
    settings: type[EmpropsSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, field in settings.model_fields.items():
        monkeypatch.setenv(settings.variable(name), str(field.default))
    assert settings.load() == settings()


@pytest.mark.parametrize(
    ("settings", "variable", "value"),
    [
        (BrokerSettings, "EMPROPS_LEASE_SECONDS", "-1"),
        (BrokerSettings, "EMPROPS_LEASE_SECONDS", "soon"),
        (BrokerSettings, "EMPROPS_LEASE_SECONDS", "nan"),
        (BrokerSettings, "EMPROPS_POOL", "Not A Pool"),
        (BrokerSettings, "EMPROPS_EVENTS_KEPT", "1.5"),
        (WorkerSettings, "EMPROPS_WORKER_CONCURRENCY", "0"),
    ],
)
def test_a_wrong_value_is_told_with_its_variable(
    settings: type[EmpropsSettings], variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsInvalid) as wrong:
        settings.load()
    assert wrong.value.detail["problems"][0]["variable"] == variable


def test_an_unknown_field_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownField) as unknown:
        parse(JobRequest, {"requirements": {"service": "s", "gpu_memmory_gb": 1}}, what="job request")
    assert unknown.value.detail["nearest"] == "gpu_memory_gb"
    assert "did you mean" in unknown.value.message


def test_every_problem_of_a_request_is_told_at_once() -> None:
    wrong: dict[str, Any] = {"requirements": {"service": ""}, "priority": 101, "delay_seconds": -1}
    with pytest.raises(InvalidRequest) as invalid:
        parse(JobRequest, wrong, what="job request")
    fields = {problem["field"] for problem in invalid.value.detail["problems"]}
    assert fields == {"requirements.service", "priority", "delay_seconds"}


def test_keys_carry_the_pool_as_a_hash_tag() -> None:
    keys = KeySpace("fast-lane")
    for key in KEYS:
        assert "{fast-lane}" in keys.key(key.name, "x" if key.about else "")
    with pytest.raises(LookupError):
        keys.key("pending", "about")
    with pytest.raises(LookupError):
        keys.key("archive")
    with pytest.raises(InvalidRequest):
        KeySpace("{}")


def _event(number: int, type_: str, **fields: str) -> Any:
    return parse_event(f"{number}-0", {"type": type_, "at": "1", "job": "j", **fields})


def test_events_that_contradict_the_lifecycle_are_found() -> None:
    submitted = _event(1, "job.submitted", status="pending", class_id="c", order="o")
    claimed = _event(2, "job.claimed", status="running", worker="w", attempt="1")
    completed = _event(3, "job.completed", status="completed", worker="w", attempt="1")
    assert replay([submitted, claimed, completed])["j"].status is Status.COMPLETED
    for wrong in (
        [claimed],
        [submitted, completed],
        [submitted, claimed, completed, completed],
        [submitted, submitted],
    ):
        with pytest.raises(ReplayError):
            replay(wrong)


def test_every_event_has_a_name_of_its_own_and_says_when_it_happens() -> None:
    names = [event.type_name() for event in all_events()]
    assert len(names) == len(set(names))
    assert {t.event for t in TRANSITIONS} <= set(names)
