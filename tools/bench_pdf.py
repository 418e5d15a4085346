"""Measures how long printing takes and how much memory, and writes the record that the manual shows."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from build_html import ROOT, BuildFailed, build, is_fresh, only_build
from emprops.bench import Bar, Measure, Record, provenance

RECORD = ROOT / "source" / "_figures" / "pdf.json"
COMMAND = "python tools/bench_pdf.py"
ROUNDS = 5
"""How often each document is printed, each time in a process of its own."""
LIMITS_SECONDS = {"manual": 30.0, "brief": 5.0}
"""Longest time that printing may take once the pages are read, in seconds."""


def measure(name: str) -> list[dict[str, Any]]:
    """Print a document some times; the pages must have been read.

    Args:
        name: the document.

    Returns:
        For each round the time in seconds, the most memory in megabytes, and the number of pages.
    """
    rounds = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            told = subprocess.run(
                [sys.executable, ROOT / "tools" / "build_pdf.py", name, "--to", folder],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        rounds.append(json.loads(told.splitlines()[-1]))
    return rounds


def main() -> int:
    """Measure both documents and write the record; 0 when every limit is kept."""
    try:
        with only_build():
            if not is_fresh():
                build(quiet=True)
    except BuildFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    # Before anything is written, so that the record names a revision without changes.
    made = provenance(COMMAND.split())
    measures: dict[str, Measure] = {}
    bars: dict[str, Bar] = {}
    for name, limit in LIMITS_SECONDS.items():
        rounds = measure(name)
        time = Measure.of([each["seconds"] for each in rounds], "s")
        measures[f"{name}, time"] = time
        measures[f"{name}, memory"] = Measure.of([each["peak_mb"] for each in rounds], "MB")
        measures[f"{name}, pages"] = Measure.of([each["pages"] for each in rounds], "pages")
        bars[f"{name}, time"] = Bar.of(time.value, limit, unit="s")
    record = Record(benchmark="pdf", provenance=made, plan={"rounds": ROUNDS}, measures=measures, bars=bars)
    RECORD.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
    print(f"The record is in {Path(RECORD).relative_to(ROOT)}.")
    return 0 if all(bar.kept for bar in bars.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
