"""Runs everything that must hold before a change is merged, one step after the other, and tells what each took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from env.clock import VARIABLE, set_up, table

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PROCESSES = 2
"""Test processes that run at the same time."""


@dataclass(frozen=True)
class Step:
    """A command that exits with 0 when what it checks holds."""

    name: str
    command: tuple[str, ...]


LINT = (
    Step("ruff: rules", (f"{BIN}/ruff", "check", ".")),
    Step("ruff: format", (f"{BIN}/ruff", "format", "--check", ".")),
    Step("mypy: types", (f"{BIN}/mypy",)),
    Step("import-linter: layers", (f"{BIN}/lint-imports",)),
)
TEST = (
    Step("Chromium", (sys.executable, "tools/env/browser.py")),
    Step("the manual", (sys.executable, "tools/build_html.py")),
    Step("pytest", (f"{BIN}/pytest", "--numprocesses", str(PROCESSES), "--dist", "loadscope")),
)
SUITES = {"lint": LINT, "test": LINT + TEST}


def run(steps: tuple[Step, ...]) -> list[str]:
    """Run every step, also after one that failed, so that one run tells all there is to mend.

    Args:
        steps: in the order to run them.

    Returns:
        The names of the steps that failed.
    """
    rows = set_up()
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    failed = []
    for step in steps:
        print(f"\n── {step.name}", flush=True)
        begun = time.monotonic()
        # Input is closed: no step may wait for an answer.
        status = subprocess.run(
            step.command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=False
        ).returncode
        rows.append((step.name, time.monotonic() - begun, f"FAILED (exit {status})" if status else ""))
        if status:
            failed.append(step.name)
    print(table(rows))
    return failed


def main() -> int:
    """Run the suite named on the command line; 0 when all of it holds."""
    if len(sys.argv) != 2 or sys.argv[1] not in SUITES:
        print(f"usage: {sys.argv[0]} {{{','.join(SUITES)}}}", file=sys.stderr)
        return 2
    failed = run(SUITES[sys.argv[1]])
    if failed:
        print(f"\nNot right yet: {', '.join(failed)}. What is wrong is told above.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
