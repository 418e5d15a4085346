"""The command that submits many jobs at once."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..broker import BATCH_MOST, Broker
from ..core.errors import BatchRefused, EmpropsError
from ..core.job import Receipt
from ..core.validation import invalid
from .output import AsJson, print_json, print_line, run


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(batch)


def batch(
    file: Annotated[
        str, typer.Argument(help="File with one job request a line, as JSON; - the standard input.")
    ],
    as_json: AsJson = False,
) -> None:
    """Submit many jobs; print the id of each, or why it was refused.

    With job ids or idempotency keys in the requests, the same file can be submitted again after a fault: nothing is
    made twice.
    """
    answers = run(_batch(_requests(file)))
    refused = [answer for answer in answers if isinstance(answer, EmpropsError)]
    if as_json:
        rows = [a.as_dict() if isinstance(a, EmpropsError) else a.model_dump(mode="json") for a in answers]
        print_json({"jobs": rows, "refused": len(refused)})
    else:
        for answer in answers:
            print_line(
                answer.job_id if isinstance(answer, Receipt) else f"refused {answer.code}  {answer.message}"
            )
    if refused:
        raise BatchRefused(
            f"{len(refused)} of {len(answers)} jobs were refused", detail={"first": refused[0].as_dict()}
        )


def _requests(file: str) -> list[dict[str, Any]]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise invalid("file", f"cannot read {file!r}: {error}") from error
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                request = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise invalid("file", f"line {number} is not JSON: {error}") from error
            if not isinstance(request, dict):
                raise invalid("file", f"line {number} is not a JSON object")
            found.append(request)
    return found


async def _batch(requests: list[dict[str, Any]]) -> list[Receipt | EmpropsError]:
    answers: list[Receipt | EmpropsError] = []
    async with Broker() as broker:
        for start in range(0, len(requests), BATCH_MOST):
            answers += await broker.submit_many(requests[start : start + BATCH_MOST])
    return answers
