"""One canonical text for a value, and the short hash that names it."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces: equal values give equal text.

    Args:
        value: a JSON value. Sets are not JSON: sort them into lists first.

    Raises:
        ValueError: the value holds NaN or an infinity, which JSON cannot express.
        TypeError: the value holds something that is not JSON.
        RecursionError: the value is nested too deeply.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def short_hash(text: str) -> str:
    """Return 16 hexadecimal digits (64 bits) of the SHA-256 of a text: the name of what the text describes."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
