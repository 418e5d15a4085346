"""How long the property tests search: shortly by default, long at night (`HYPOTHESIS_PROFILE=nightly`)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

ALLOWED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
settings.register_profile(
    "default", max_examples=60, deadline=None, suppress_health_check=ALLOWED, derandomize=True
)
settings.register_profile(
    "mutants",
    max_examples=200,
    deadline=None,
    suppress_health_check=ALLOWED,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
)
settings.register_profile("nightly", max_examples=3000, deadline=None, suppress_health_check=ALLOWED)


def load() -> None:
    """Use the profile that the environment names."""
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
