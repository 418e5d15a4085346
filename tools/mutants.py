"""Changes the core a little, again and again, and sees whether its tests turn red: `make mutants`."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
MODULES = ("matching", "lifecycle", "ordering")
"""Modules of the core that are changed."""
NEEDED = ("packages", "tests", "tools", "pyproject.toml")
LEAST_KILLED = 0.85
"""Share of the changes that must turn a test red."""
# A change of an annotation changes nothing that runs; the type checker sees it.
_ANNOTATION = re.compile(r"^-.*: [^=]*\w \| None", re.MULTILINE)
ENVIRONMENT = "env PYTHONPATH=packages:tools:. PYTHONDONTWRITEBYTECODE=1 HYPOTHESIS_PROFILE=mutants"
CONFIGURATION = """[cosmic-ray]
module-path = {modules}
timeout = 60.0
excluded-modules = []
test-command = "{environment} {python} -m pytest -q -x -p no:cacheprovider tests/core"
[cosmic-ray.distributor]
name = "local"
"""


def survivors(folder: Path) -> tuple[int, list[str]]:
    """Change a copy of the core; return how many changes count, and those that no test noticed.

    Args:
        folder: an empty folder for the copy.
    """
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, folder / name)
    modules = json.dumps([f"packages/emprops/core/{name}.py" for name in MODULES])
    (folder / "cr.toml").write_text(
        CONFIGURATION.format(modules=modules, environment=ENVIRONMENT, python=sys.executable),
        encoding="utf-8",
    )
    for step in (("init",), ("exec",)):
        subprocess.run([BIN / "cosmic-ray", *step, "cr.toml", "cr.sqlite"], cwd=folder, check=True)
    with sqlite3.connect(folder / "cr.sqlite") as results:
        rows = results.execute("SELECT test_outcome, diff FROM work_results").fetchall()
    counted = [(outcome, diff) for outcome, diff in rows if not _ANNOTATION.search(diff or "")]
    return len(counted), [diff for outcome, diff in counted if "SURVIVED" in str(outcome).upper()]


def main() -> None:
    """Run, show what survived, and fail if that is too much."""
    with tempfile.TemporaryDirectory() as folder:
        count, left = survivors(Path(folder))
    for diff in left:
        print(diff)
    killed = 1 - len(left) / count
    print(
        f"{count} changes, {len(left)} not noticed: {killed:.1%} killed, at least {LEAST_KILLED:.0%} must be"
    )
    sys.exit(killed < LEAST_KILLED)


if __name__ == "__main__":
    main()
