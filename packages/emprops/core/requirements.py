"""What a job needs of the worker that runs it, and the requirement class that equal needs share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from .canonical import canonical_json, short_hash
from .plain import Flag, Number, Whole

Name = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$")
]
"""A name of a service, model, region or label: 1 to 128 characters, a letter or digit first."""


class Requirements(BaseModel):
    """What a job asks of a worker. Everything left out is not asked for.

    Unknown names are refused: a misspelt requirement that is ignored would run the job on the wrong machine.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    service: Name
    """The service that runs the job, by the name that workers offer it under."""
    models: frozenset[Name] = Field(default=frozenset(), max_length=64)
    """Models that the worker must have, all of them (at most 64)."""
    gpu_memory_gb: Number = Field(default=0, ge=0, le=10_000, allow_inf_nan=False)
    """GPU memory that one job needs, in gigabytes (0 to 10,000)."""
    memory_gb: Number = Field(default=0, ge=0, le=100_000, allow_inf_nan=False)
    """Main memory that one job needs, in gigabytes (0 to 100,000)."""
    cpu_cores: Whole = Field(default=0, ge=0, le=10_000)
    """CPU cores that one job needs (0 to 10,000)."""
    regions: frozenset[Name] = Field(default=frozenset(), max_length=64)
    """Regions where the job may run; empty: anywhere (at most 64)."""
    labels: frozenset[Name] = Field(default=frozenset(), max_length=64)
    """Labels that the worker must carry, all of them (at most 64)."""
    excluded_labels: frozenset[Name] = Field(default=frozenset(), max_length=64)
    """Labels that the worker must not carry, none of them (at most 64)."""
    excluded_workers: frozenset[Name] = Field(default=frozenset(), max_length=64)
    """Ids of workers that must not run the job (at most 64)."""
    customer: Name | None = None
    """Customer by whom workers are chosen. Set from the job's customer where it counts; left out otherwise."""
    isolated: Flag = False
    """Whether the job runs only on workers that serve its customer alone."""

    def canonical(self) -> str:
        """Return the canonical text: equal requirements give equal text, whatever their order."""
        data = self.model_dump(exclude_defaults=True)
        return canonical_json(
            {name: sorted(value) if isinstance(value, frozenset) else value for name, value in data.items()}
        )

    @property
    def class_id(self) -> str:
        """Name of the requirement class: 16 hexadecimal digits, the first an x if it excludes workers by id.

        Jobs of one class fit the same workers. Workers of one profile fit the same classes, except for those that a
        class excludes by id: the claim looks at these, and the x tells it where.
        """
        digits = short_hash(self.canonical())
        return f"x{digits[1:]}" if self.excluded_workers else digits
