"""Searches long for what short runs miss, and keeps what came of it: `make nightly`."""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from emprops.bench import provenance

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "source" / "_figures" / "nightly" / "last.json"
SUITES = (
    "tests/core",
    "tests/queue/test_random_runs.py",
    "tests/chaos",
    "tests/api/test_schema.py",
    "tests/pdf/test_manual.py",
)
"""Tests that search longer under the nightly profile."""
PATIENCE_SECONDS = 3600
"""Longest time of one test, in seconds."""


def main() -> None:
    """Run the suites in their long profile and write the record; fail if a test did."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", f"--timeout={PATIENCE_SECONDS}", *SUITES]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "HYPOTHESIS_PROFILE": "nightly"},
        stdout=subprocess.PIPE,
        text=True,
    ) as tests:
        assert tests.stdout is not None
        lines = []
        for line in tests.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    ended = re.findall(r"(\d+) (passed|failed|errors?)", lines[-1] if lines else "")
    record = {
        "provenance": provenance(["make", "nightly"]),
        "suites": SUITES,
        "ended": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        "minutes": round((time.monotonic() - begun) / 60, 1),
        "outcome": {what: int(count) for count, what in ended},
    }
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"The record is in {RECORD.relative_to(ROOT)}.")
    sys.exit(tests.returncode)


if __name__ == "__main__":
    main()
