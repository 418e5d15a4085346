"""What a worker offers, and the profile that equal workers share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from .canonical import canonical_json, short_hash
from .requirements import Name


class Capabilities(BaseModel):
    """What a worker can do. Measured or configured, never guessed: what is not stated is not offered."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    services: frozenset[Name] = Field(min_length=1, max_length=64)
    """Services that the worker drives (1 to 64)."""
    models: frozenset[Name] = Field(default=frozenset(), max_length=4096)
    """Models that are on the worker's machine (at most 4,096)."""
    loaded_models: frozenset[Name] = Field(default=frozenset(), max_length=4096)
    """Models that are loaded and warm: they earn affinity, they do not decide eligibility (at most 4,096)."""
    gpu_memory_gb: float = Field(default=0, ge=0, le=10_000, allow_inf_nan=False)
    """GPU memory for one job, in gigabytes (0 to 10,000)."""
    memory_gb: float = Field(default=0, ge=0, le=100_000, allow_inf_nan=False)
    """Main memory for one job, in gigabytes (0 to 100,000)."""
    cpu_cores: int = Field(default=0, ge=0, le=10_000)
    """CPU cores for one job (0 to 10,000)."""
    region: Name | None = None
    """Region that the machine is in."""
    labels: frozenset[Name] = Field(default=frozenset(), max_length=256)
    """Free labels (at most 256)."""
    customers: frozenset[Name] = Field(default=frozenset(), max_length=256)
    """Customers that the worker serves, and no others; empty: all (at most 256)."""
    excluded_customers: frozenset[Name] = Field(default=frozenset(), max_length=256)
    """Customers that the worker does not serve (at most 256)."""

    def canonical(self) -> str:
        """Return the canonical text: equal capabilities give equal text, whatever their order."""
        data = self.model_dump(exclude_defaults=True)
        return canonical_json(
            {name: sorted(value) if isinstance(value, frozenset) else value for name, value in data.items()}
        )

    @property
    def profile_id(self) -> str:
        """Name of the profile, 16 hexadecimal digits. Workers of one profile can run the same jobs."""
        return short_hash(self.canonical())
