"""A page that has become false makes the build or a test red: shown by making pages false, one fault at a time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = (
    ".ci",
    "source",
    "packages",
    "tools",
    "tests",
    "_templates",
    "_static",
    "conf.py",
    "pyproject.toml",
    "CHANGELOG.md",
)
"""What the manual is built from and tested with."""


@dataclass(frozen=True)
class Fault:
    """One change that makes the manual false.

    Attributes:
        what: the change, in words.
        file: the file, from the root of the repository.
        old: text that is replaced, once.
        new: what it is replaced by.
        found_by: the check that must turn red: `build`, `contract`, or the page whose blocks are run.
    """

    what: str
    file: str
    old: str
    new: str
    found_by: str


LIFECYCLE = "packages/emprops/core/lifecycle.py"
FAULTS = (
    Fault("a status is renamed", LIFECYCLE, 'DEAD = "dead"', 'DEAD = "buried"', "build"),
    Fault(
        "a transition is renamed",
        LIFECYCLE,
        '"release",\n        (Status',
        '"give_back",\n        (Status',
        "build",
    ),
    Fault(
        "a default is changed",
        "packages/emprops/core/settings.py",
        "lease_seconds: float = setting(\n        30.0",
        "lease_seconds: float = setting(\n        31.0",
        "contract",
    ),
    Fault(
        "a constant that an example shows is changed",
        "packages/emprops/core/retry.py",
        "BACKOFF_FIRST_SECONDS = 2.0",
        "BACKOFF_FIRST_SECONDS = 3.0",
        "architecture/job-lifecycle",
    ),
    Fault(
        "an error is dropped",
        "packages/emprops/core/errors.py",
        'code = "job_finished"',
        'code = "job_is_over"',
        "build",
    ),
    Fault(
        "a key is renamed",
        "packages/emprops/core/keys.py",
        '"leases",\n        "sorted',
        '"holds",\n        "sorted',
        "build",
    ),
    Fault(
        "a matching rule is renamed",
        "packages/emprops/core/matching.py",
        '"gpu_memory",\n        "gpu_memory_gb"',
        '"video_memory",\n        "gpu_memory_gb"',
        "architecture/worker-selection",
    ),
    Fault(
        "an event is renamed",
        "packages/emprops/core/events.py",
        'Literal["job.claimed"] = "job.claimed"',
        'Literal["job.taken"] = "job.taken"',
        "build",
    ),
    Fault(
        "a message is renamed",
        "packages/emprops/core/messages.py",
        'type: Literal["heartbeat"] = "heartbeat"',
        'type: Literal["beat"] = "beat"',
        "build",
    ),
    Fault(
        "a close code is renamed",
        "packages/emprops/core/closing.py",
        '    "slow_reader",',
        '    "late_reader",',
        "build",
    ),
    Fault(
        "the number of a close code is changed",
        "packages/emprops/core/closing.py",
        "    4408,",
        "    4409,",
        "contract",
    ),
    Fault(
        "an outcome of a delivery is renamed",
        "packages/emprops/core/webhooks.py",
        'GIVEN_UP = "given_up"',
        'GIVEN_UP = "abandoned"',
        "build",
    ),
    Fault(
        "a webhook event has a field that no example has",
        "packages/emprops/core/webhooks.py",
        '    """What it is."""\n',
        '    """What it is."""\n    extra: str = ""\n    """More."""\n',
        "build",
    ),
    Fault(
        "a setting is renamed",
        "packages/emprops/core/settings.py",
        "    lease_seconds: float = setting(\n        30.0",
        "    lease_duration: float = setting(\n        30.0",
        "build",
    ),
    Fault(
        "an example shows what does not come out",
        "source/architecture/worker-selection.md",
        "small → image",
        "small → video",
        "architecture/worker-selection",
    ),
    Fault(
        "an anchor that another page uses is removed",
        "source/architecture/job-lifecycle.md",
        "## Transitions",
        "## Moves",
        "build",
    ),
    Fault("a page is removed", "source/reference/error-codes.md", "", "", "build"),
    Fault(
        "a public function loses its place in the reference",
        "source/implementation/api-internals/core.md",
        ".. automodule:: emprops.core.retry\n",
        "",
        "build",
    ),
    Fault(
        "an endpoint is renamed",
        "packages/emprops/api/routers/jobs.py",
        '"/{job_id}/result"',
        '"/{job_id}/outcome"',
        "build",
    ),
    Fault(
        "an endpoint asks for another role",
        "packages/emprops/api/routers/jobs.py",
        "async def revive_job(job_id: JobIdInPath, broker: PoolBroker, caller: Operator)",
        "async def revive_job(job_id: JobIdInPath, broker: PoolBroker, caller: Reader)",
        "contract",
    ),
    Fault("a command is renamed", "packages/emprops/cli/jobs.py", "def explain(", "def why(", "build"),
    Fault(
        "a script uses a key that it does not declare",
        "packages/emprops/broker/scripts/leave.lua",
        "-- keys: workers worker_expiry claims turns idle ",
        "-- keys: workers worker_expiry claims turns ",
        "build",
    ),
)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A copy of the repository, without anything built."""
    copy = tmp_path / "scratch"
    copy.mkdir()
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, copy / name)
    return copy


def run(copy: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the copy's own packages."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(copy / name) for name in ("packages", "tools", ".")),
    }
    return subprocess.run(
        [sys.executable, *command], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )


def build(copy: Path) -> str:
    """Build the copy's manual, without writing it; return what is wrong with it."""
    out = str(copy / "build" / "out")
    doctrees = str(copy / "build" / "doctrees")
    options = ["-b", "dummy", "-n", "-W", "--keep-going", "-q", "-c", ".", "-d", doctrees, "source", out]
    code = (
        "import gc, sys; sys.path.insert(0, 'tools')\n"
        "from build_html import COLLECT_AFTER\n"
        "from sphinx.cmd.build import main\n"
        "gc.set_threshold(COLLECT_AFTER, 50, 100)\n"
        f"sys.exit(main({options!r}))\n"
    )
    done = run(copy, "-W", "ignore", "-c", code)
    return f"{done.stdout}\n{done.stderr}" if done.returncode else ""


def keep_contract(copy: Path) -> str:
    """Compare the copy's contract with the one it keeps; return what is wrong."""
    done = run(copy, "tools/contract.py", "--print")
    same = done.returncode == 0 and done.stdout == (copy / "tests" / "contract.json").read_text(
        encoding="utf-8"
    )
    return "" if same else f"the contract differs\n{done.stderr}"


def run_blocks(copy: Path, page: str) -> str:
    """Run the blocks of one of the copy's pages; return what is wrong."""
    code = (
        "import sys, pathlib; sys.path[:0] = ['tools', '.']\n"
        "from docs_exec.blocks import blocks_of\n"
        "from docs_exec.session import PageSession\n"
        "from docs_exec.compare import matches\n"
        "folder = pathlib.Path('build/page'); folder.mkdir(parents=True)\n"
        "wrong = []\n"
        "with PageSession(folder.resolve()) as session:\n"
        f"    for block in blocks_of(pathlib.Path('build/doctrees'), {page!r}):\n"
        "        if block.language in ('bash', 'python') and not block.reason:\n"
        "            out = session.run(block)\n"
        "            if block.output is not None and not matches(block.output, out): wrong.append(block.where)\n"
        "sys.exit(', '.join(wrong) or 0)\n"
    )
    done = run(copy, "-c", code)
    return f"{done.stdout}\n{done.stderr}" if done.returncode else ""


def test_without_a_fault_every_check_is_green(scratch: Path) -> None:
    assert build(scratch) == ""
    assert keep_contract(scratch) == ""
    for page in sorted({fault.found_by for fault in FAULTS} - {"build", "contract"}):
        assert run_blocks(scratch, page) == ""
        shutil.rmtree(scratch / "build" / "page")


def test_the_copy_is_what_is_checked_and_not_the_repository(scratch: Path) -> None:
    shown = run(scratch, "-c", "import emprops, manual; print(emprops.__file__, manual.__file__)").stdout
    assert shown.count(str(scratch)) == 2


@pytest.mark.timeout(240)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what.replace(" ", "-"))
def test_a_fault_makes_the_build_or_a_test_red(fault: Fault, scratch: Path) -> None:
    path = scratch / fault.file
    if fault.old:
        text = path.read_text(encoding="utf-8")
        assert text.count(fault.old) == 1, (
            f"{fault.file} has {text.count(fault.old)} times {fault.old!r}: mend this test"
        )
        path.write_text(text.replace(fault.old, fault.new), encoding="utf-8")
    else:
        path.unlink()
    if fault.found_by == "contract":
        assert keep_contract(scratch)
        return
    wrong = build(scratch)
    if fault.found_by != "build":
        assert not wrong, f"the build found it already, which is better: say so in this test\n{wrong}"
        wrong = run_blocks(scratch, fault.found_by)
    assert wrong
