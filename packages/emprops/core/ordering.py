"""The order of jobs: one text per job that sorts exactly as the queue serves."""

from __future__ import annotations

from dataclasses import dataclass

PRIORITY_LOWEST = 0
"""Least priority a job can have."""
PRIORITY_HIGHEST = 100
"""Highest priority a job can have; it is served first."""
PRIORITY_DEFAULT = 50
"""Priority of a job that states none."""
ORDER_LENGTH = 24
"""Characters of an order key: 2 for the priority, 12 for the time, 10 for the sequence."""


@dataclass(frozen=True, slots=True, order=False)
class Place:
    """A job's place in the order, which it keeps through retries and requeues.

    Attributes:
        priority: 0 to 100, higher is served first.
        time_ms: when the job, or the workflow that it belongs to, was first submitted (milliseconds since 1970).
        sequence: number of the submit in its pool, from 1; decides between equal times.
    """

    priority: int
    time_ms: int
    sequence: int

    def key(self) -> str:
        """Return the order key: fixed-width hexadecimal, so that text order is queue order, exactly.

        No float is involved: two times never merge, whatever the priority.
        """
        return f"{PRIORITY_HIGHEST - self.priority:02x}{self.time_ms:012x}{self.sequence:010x}"

    @classmethod
    def from_key(cls, key: str) -> Place:
        """Read an order key back.

        Raises:
            ValueError: the text is not an order key.
        """
        if len(key) != ORDER_LENGTH:
            raise ValueError(f"an order key has {ORDER_LENGTH} characters, this has {len(key)}: {key!r}")
        return cls(PRIORITY_HIGHEST - int(key[:2], 16), int(key[2:14], 16), int(key[14:], 16))
