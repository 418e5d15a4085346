"""Builds small manuals, each in a process forked from one that has all of Sphinx and the packages imported already.

Most of the time of a small build is that of its imports. Every build still has a process of its own, and finds nothing
in it that another build left.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[1]
IMPORTED = (
    "sphinx.cmd.build",
    "sphinx.application",
    "sphinx.builders.html",
    "sphinx.ext.autodoc",
    "manual.domain",
)
"""What a build would import by itself."""


class BuildServer:
    """Builds with the packages as they are, one build after the other."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.build_server"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'packages'}:{ROOT / 'tools'}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> BuildServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def build(self, arguments: list[str], log: Path) -> tuple[int, str]:
        """Run `sphinx-build`; return its exit status and what it printed.

        Args:
            arguments: those of `sphinx-build`.
            log: file for what it prints.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([arguments, str(log)]) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        return status, log.read_text(encoding="utf-8")


def serve() -> None:
    """Build what each line of the input asks for, and answer with the exit status."""
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        arguments, log = json.loads(line)
        child = os.fork()
        if child == 0:
            printed = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(printed, 1)
            os.dup2(printed, 2)
            status = 1
            try:
                status = sys.modules["sphinx.cmd.build"].main(arguments)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
