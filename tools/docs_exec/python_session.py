"""The Python of one page: a process that runs its blocks, one after the other, in one namespace and one event loop."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import json
import sys
import traceback
import types
from typing import Any


async def _run(text: str, where: str, namespace: dict[str, Any]) -> dict[str, str]:
    printed = io.StringIO()
    try:
        code = compile(text, where, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            # The block of a page may await at its top level: it is then a coroutine.
            result = types.FunctionType(code, namespace)()
            if inspect.iscoroutine(result):
                await result
    except BaseException:  # noqa: BLE001  # whatever a block raises is told to who runs it
        return {"output": printed.getvalue(), "error": traceback.format_exc(limit=-2)}
    return {"output": printed.getvalue(), "error": ""}


async def main() -> None:
    """Read blocks as lines of JSON, answer each with what it printed and how it failed."""
    answers = sys.stdout
    namespace: dict[str, Any] = {"__name__": "__page__"}
    while line := await asyncio.to_thread(sys.stdin.readline):
        block = json.loads(line)
        answer = await _run(block["text"], block["where"], namespace)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    asyncio.run(main())
