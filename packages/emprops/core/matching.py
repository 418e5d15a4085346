"""Which worker may run which job: the criteria, the one function that applies them, and affinity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .capabilities import Capabilities
from .requirements import Requirements

AFFINITY_LOADED_MODELS_SECONDS = 30.0
"""Head start, in seconds, of a job on a worker where every model that it names is loaded. Bounded, so that nothing
starves: within a priority a job is overtaken by jobs submitted at most this much later."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one criterion says about one pair of job and worker.

    Attributes:
        criterion: name of the criterion.
        satisfied: whether the worker meets it.
        wanted: what the job asks for, in words; empty if it asks for nothing.
        have: what the worker offers, in words.
    """

    criterion: str
    satisfied: bool
    wanted: str
    have: str


@dataclass(frozen=True, slots=True)
class Criterion:
    """One rule that a worker must meet.

    Attributes:
        name: name of the rule.
        requirement: field of :class:`~emprops.core.requirements.Requirements` that it judges.
        capability: field of :class:`~emprops.core.capabilities.Capabilities` that it is judged by.
        rule: the rule, in one sentence.
        judge: tells whether the worker meets it.
    """

    name: str
    requirement: str
    capability: str
    rule: str
    judge: Callable[[Requirements, Capabilities], bool]

    def verdict(self, requirements: Requirements, capabilities: Capabilities) -> Verdict:
        """Apply the rule and say what was wanted and what the worker has."""
        wanted = getattr(requirements, self.requirement)
        have = getattr(capabilities, self.capability)
        return Verdict(self.name, self.judge(requirements, capabilities), _words(wanted), _words(have))


def _words(value: object) -> str:
    if not value:
        return ""
    if isinstance(value, frozenset):
        return ", ".join(sorted(str(item) for item in value))
    if isinstance(value, float):
        return f"{value:g}"
    if value is True:
        return "yes"
    return str(value)


CRITERIA: tuple[Criterion, ...] = (
    Criterion(
        "service",
        "service",
        "services",
        "The worker offers the service that the job names.",
        lambda job, worker: job.service in worker.services,
    ),
    Criterion(
        "models",
        "models",
        "models",
        "The worker has every model that the job names.",
        lambda job, worker: job.models <= worker.models,
    ),
    Criterion(
        "gpu_memory",
        "gpu_memory_gb",
        "gpu_memory_gb",
        "The worker has at least as much GPU memory for one job as the job needs.",
        lambda job, worker: worker.gpu_memory_gb >= job.gpu_memory_gb,
    ),
    Criterion(
        "memory",
        "memory_gb",
        "memory_gb",
        "The worker has at least as much main memory for one job as the job needs.",
        lambda job, worker: worker.memory_gb >= job.memory_gb,
    ),
    Criterion(
        "cpu_cores",
        "cpu_cores",
        "cpu_cores",
        "The worker has at least as many CPU cores for one job as the job needs.",
        lambda job, worker: worker.cpu_cores >= job.cpu_cores,
    ),
    Criterion(
        "region",
        "regions",
        "region",
        "The worker is in one of the regions that the job names, if it names any.",
        lambda job, worker: not job.regions or worker.region in job.regions,
    ),
    Criterion(
        "labels",
        "labels",
        "labels",
        "The worker carries every label that the job names.",
        lambda job, worker: job.labels <= worker.labels,
    ),
    Criterion(
        "excluded_labels",
        "excluded_labels",
        "labels",
        "The worker carries none of the labels that the job excludes.",
        lambda job, worker: not job.excluded_labels & worker.labels,
    ),
    Criterion(
        "customers",
        "customer",
        "customers",
        "The worker serves all customers, or the job's is on its list. A job of unknown customer is on no list.",
        lambda job, worker: not worker.customers or job.customer in worker.customers,
    ),
    Criterion(
        "excluded_customers",
        "customer",
        "excluded_customers",
        "The worker excludes no customers, or the job's is known and not among them.",
        lambda job, worker: (
            not worker.excluded_customers
            or (job.customer is not None and job.customer not in worker.excluded_customers)
        ),
    ),
    Criterion(
        "isolation",
        "isolated",
        "customers",
        "If the job is to be isolated, the worker serves its customer and nobody else.",
        lambda job, worker: not job.isolated or worker.customers == {job.customer},
    ),
)
"""Every rule there is, in the order in which they are applied and explained. All must hold."""


def matches(requirements: Requirements, capabilities: Capabilities) -> bool:
    """Tell whether a worker may run a job: every criterion of :data:`CRITERIA` holds.

    This is the only implementation of matching; it runs once for each pair of requirement class and profile.
    """
    return all(criterion.judge(requirements, capabilities) for criterion in CRITERIA)


def verdicts(requirements: Requirements, capabilities: Capabilities) -> tuple[Verdict, ...]:
    """Return what each criterion says about a pair, in the order of :data:`CRITERIA`."""
    return tuple(criterion.verdict(requirements, capabilities) for criterion in CRITERIA)


def may_take(requirements: Requirements, worker_id: str) -> bool:
    """Tell whether a job may go to one worker of a profile that can run it: unless it excludes the worker by id."""
    return worker_id not in requirements.excluded_workers


def affinity_seconds(requirements: Requirements, capabilities: Capabilities) -> float:
    """Return the head start of a job on a worker, in seconds (0 to :data:`AFFINITY_LOADED_MODELS_SECONDS`).

    It shifts the job's submit time within its priority, for this profile only; it never makes a worker eligible.
    """
    if requirements.models and requirements.models <= capabilities.loaded_models:
        return AFFINITY_LOADED_MODELS_SECONDS
    return 0.0
