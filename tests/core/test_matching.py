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
    verdicts,
)
from emprops.core.requirements import Requirements
from tests.core.strategies import capabilities, requirements


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
    return against


@given(requirements, capabilities)
def test_matching_agrees_with_an_independent_oracle(job: Requirements, worker: Capabilities) -> None:
    against = reasons_against(job, worker)
    assert matches(job, worker) is (not against)
    assert [v.criterion for v in verdicts(job, worker) if not v.satisfied] == against


@given(requirements, capabilities)
def test_an_explanation_says_the_same_as_matching(job: Requirements, worker: Capabilities) -> None:
    told = report("p", ("w",), job, worker)
    assert told.eligible is matches(job, worker)
    assert [c.criterion for c in told.criteria] == [criterion.name for criterion in CRITERIA]


@given(requirements, capabilities)
def test_affinity_is_bounded_and_earned_by_loaded_models_only(
    job: Requirements, worker: Capabilities
) -> None:
    bonus = affinity_seconds(job, worker)
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
