"""How often and how soon a failed job is tried again."""

from __future__ import annotations

import random

from pydantic import BaseModel, ConfigDict, Field

from .plain import Flag, Number, Whole

ATTEMPTS_DEFAULT = 3
"""Attempts of a job that states no number, the first one included."""
ATTEMPTS_MOST = 20
"""Most attempts that a job can ask for."""
BACKOFF_FIRST_SECONDS = 2.0
"""Wait before the second attempt, in seconds."""
BACKOFF_FACTOR = 2.0
"""Growth of the wait from one attempt to the next."""
BACKOFF_CAP_SECONDS = 300.0
"""Longest wait, in seconds."""
JITTER = 0.25
"""Share of a back-off that chance may add or take away, so that jobs that failed together do not return together."""


class RetryPolicy(BaseModel):
    """How a job is retried. Attempts end as failed or lost; a released attempt does not count."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    max_attempts: Whole = Field(default=ATTEMPTS_DEFAULT, ge=1, le=ATTEMPTS_MOST)
    """Attempts in all, the first one included (1 to 20)."""
    backoff_seconds: Number = Field(default=BACKOFF_FIRST_SECONDS, ge=0, le=3600, allow_inf_nan=False)
    """Wait before the second attempt, in seconds (0 to 3,600)."""
    backoff_factor: Number = Field(default=BACKOFF_FACTOR, ge=1, le=10, allow_inf_nan=False)
    """Growth of the wait from one attempt to the next (1 to 10)."""
    backoff_cap_seconds: Number = Field(default=BACKOFF_CAP_SECONDS, ge=0, le=86_400, allow_inf_nan=False)
    """Longest wait, in seconds (0 to 86,400)."""
    avoid_failed_worker: Flag = False
    """Whether a worker where an attempt failed is excluded from the further ones."""

    def delay_seconds(self, attempts_used: int, chance: random.Random | None = None) -> float:
        """Return the wait after a failed attempt, in seconds, never above the cap.

        Args:
            attempts_used: attempts that ended as failed or lost, this one included (1 or more).
            chance: source of the jitter; ``None`` takes the process's own.
        """
        if self.backoff_seconds == 0:
            return 0.0
        growth = self.backoff_factor ** min(attempts_used - 1, ATTEMPTS_MOST)
        jitter = 1 + (chance or random).uniform(-JITTER, JITTER)
        return min(self.backoff_seconds * growth * jitter, self.backoff_cap_seconds)
