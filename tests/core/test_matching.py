"""Matching says what an independent reading of the rules says; equal needs have one name."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from emprops.core.capabilities import Capabilities
from emprops.core.explanation import report
from emprops.core.matching import (
    AFFINITY_LOADED_MODELS_SECONDS,
    CRITERIA,
    affinity_seconds,
    matches,
    may_take,
    verdicts,
)
from emprops.core.requirements import Requirements
from tests.core.strategies import NAMES, capabilities, requirements


def reasons_against(job: Requirements, worker: Capabilities) -> list[str]:
    """The rules read anew, one by one, from what a job and a worker say about themselves as JSON."""
    wants, has = job.model_dump(mode="json"), worker.model_dump(mode="json")
    against = []
    if all(wants["service"] != offered for offered in has["services"]):
        against.append("service")
    against += ["models" for model in wants["models"] if model not in has["models"]][:1]
    for size, name in (("gpu_memory_gb", "gpu_memory"), ("memory_gb", "memory"), ("cpu_cores", "cpu_cores")):
        if wants[size] > has[size]:
            against.append(name)
    if wants["regions"] and (has["region"] is None or has["region"] not in wants["regions"]):
        against.append("region")
    if [label for label in wants["labels"] if label not in has["labels"]]:
        against.append("labels")
    if [label for label in has["labels"] if label in wants["excluded_labels"]]:
        against.append("excluded_labels")
    if has["customers"] and wants["customer"] not in has["customers"]:
        against.append("customers")
    if has["excluded_customers"] and wants["customer"] in [None, *has["excluded_customers"]]:
        against.append("excluded_customers")
    if wants["isolated"] and (len(has["customers"]) != 1 or wants["customer"] not in has["customers"]):
        against.append("isolation")
    return against


@given(requirements, capabilities)
def test_matching_agrees_with_an_independent_oracle(job: Requirements, worker: Capabilities) -> None:
    against = reasons_against(job, worker)
    assert matches(job, worker) is (not against)
    assert [v.criterion for v in verdicts(job, worker) if not v.satisfied] == against


@given(requirements, capabilities)
def test_an_explanation_says_the_same_as_matching(job: Requirements, worker: Capabilities) -> None:
    told = report("p", ("a", "w"), job, worker)
    assert told.eligible is matches(job, worker)
    known = [criterion.name for criterion in CRITERIA]
    assert [c.criterion for c in told.criteria] == known + ["excluded_workers"] * bool(job.excluded_workers)
    alone = report("p", ("a",), job, worker)
    assert alone.eligible is (matches(job, worker) and may_take(job, "a"))


@given(requirements, st.sampled_from(NAMES))
def test_a_worker_may_take_what_does_not_exclude_it(job: Requirements, worker: str) -> None:
    assert may_take(job, worker) is all(worker != excluded for excluded in job.excluded_workers)
    assert job.class_id.startswith("x") is bool(job.excluded_workers)


def test_a_verdict_says_what_is_wanted_and_what_is_there() -> None:
    job = Requirements(
        service="comfyui",
        models=frozenset({"b", "a"}),
        gpu_memory_gb=16.5,
        cpu_cores=1,
        isolated=True,
        customer="c",
    )
    worker = Capabilities(services=frozenset({"openai"}), gpu_memory_gb=8, customers=frozenset({"d", "c"}))
    told = {v.criterion: (v.satisfied, v.wanted, v.have) for v in verdicts(job, worker)}
    assert told == {
        "service": (False, "comfyui", "openai"),
        "models": (False, "a, b", ""),
        "gpu_memory": (False, "16.5", "8"),
        "memory": (True, "", ""),
        "cpu_cores": (False, "1", ""),
        "region": (True, "", ""),
        "labels": (True, "", ""),
        "excluded_labels": (True, "", ""),
        "customers": (True, "c", "c, d"),
        "excluded_customers": (True, "c", ""),
        "isolation": (False, "yes", "c, d"),
    }


@given(requirements, capabilities)
def test_affinity_is_bounded_and_earned_by_loaded_models_only(
    job: Requirements, worker: Capabilities
) -> None:
    bonus = affinity_seconds(job, worker)
    assert AFFINITY_LOADED_MODELS_SECONDS == 30
    assert bonus == (
        AFFINITY_LOADED_MODELS_SECONDS if job.models and job.models <= worker.loaded_models else 0
    )


@given(requirements, st.randoms(use_true_random=False))
def test_equal_requirements_have_one_class_whatever_their_order(
    job: Requirements, chance: random.Random
) -> None:
    shuffled = {
        name: chance.sample(value, len(value)) if isinstance(value, list) else value
        for name, value in job.model_dump(mode="json").items()
    }
    again = Requirements.model_validate(dict(chance.sample(sorted(shuffled.items()), len(shuffled))))
    assert again.class_id == job.class_id


@given(requirements, requirements)
def test_different_requirements_have_different_classes(one: Requirements, other: Requirements) -> None:
    assert (one.class_id == other.class_id) is (one == other)


@given(capabilities, capabilities)
def test_different_capabilities_have_different_profiles(one: Capabilities, other: Capabilities) -> None:
    assert (one.profile_id == other.profile_id) is (one == other)


@given(requirements)
def test_a_class_can_be_read_back_from_its_canonical_text(job: Requirements) -> None:
    assert Requirements.model_validate_json(job.canonical()) == job
