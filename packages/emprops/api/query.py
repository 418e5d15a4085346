"""Query strings: each name once, since of two values one would be ignored."""

from __future__ import annotations

from collections import Counter

from fastapi import Depends, Request

from ..core.validation import invalid


async def _each_once(request: Request) -> None:
    for name, times in Counter(name for name, _ in request.query_params.multi_items()).items():
        if times > 1:
            raise invalid(name[:100], "given more than once")


EACH_ONCE = Depends(_each_once)
"""What refuses a request that names a query parameter twice."""
