"""A page that has become false makes the build or a test red: shown by making pages false, one fault after another.

Faults that do not hide one another are made together, in one copy of the repository, and looked for one by one: each by
what only it makes a check say.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import unified_diff
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
WARNED = 1
"""Exit status of a build that reached its end with warnings; any other means that it broke off."""


@dataclass(frozen=True)
class Change:
    """A change of the repository.

    Attributes:
        file: the file, from the root; or a pattern of files.
        old: text that stands in the file exactly once, or somewhere in the files; empty: the file is removed.
        new: what it is replaced by.
    """

    file: str
    old: str
    new: str

    def make(self, copy: Path) -> None:
        """Make it in a copy."""
        if not self.old:
            (copy / self.file).unlink()
            return
        texts = {path: path.read_text(encoding="utf-8") for path in copy.glob(self.file)}
        found = sum(text.count(self.old) for text in texts.values())
        if found != 1 and not (found and "*" in self.file):
            raise ValueError(f"{self.file} has {found} times {self.old!r}: mend this test")
        for path, text in texts.items():
            if self.old in text:
                path.write_text(text.replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True)
class Fault:
    """What makes the manual false.

    Attributes:
        what: the fault, in words.
        found_by: the check that must turn red: `build`, `contract`, or the page whose blocks are run.
        says: what only this fault makes that check say.
        changes: the changes that it consists of; the code agrees with itself after them, or it is no fault of a page.
        alone: whether it is built alone: the build breaks off at it, and says nothing about any other.
    """

    what: str
    found_by: str
    says: str
    changes: tuple[Change, ...]
    alone: bool = False


def fault(what: str, found_by: str, says: str, *changes: tuple[str, str, str], alone: bool = False) -> Fault:
    """Return a fault that consists of changes, each told by file, old and new text."""
    return Fault(what, found_by, says, tuple(Change(*change) for change in changes), alone)


CORE = "packages/emprops/core"
API = "packages/emprops/api"
FAULTS = (
    fault(
        "a status is renamed",
        "build",
        "no status 'dead'",
        (f"{CORE}/lifecycle.py", 'DEAD = "dead"', 'DEAD = "buried"'),
    ),
    fault(
        "a transition is renamed",
        "build",
        "no transition 'release'",
        (f"{CORE}/lifecycle.py", '"release",\n        (Status', '"give_back",\n        (Status'),
    ),
    fault(
        "a default is changed",
        "contract",
        '+   "default": "31\N{NO-BREAK SPACE}s"',
        (
            f"{CORE}/settings.py",
            "lease_seconds: float = setting(\n        30.0",
            "lease_seconds: float = setting(\n        31.0",
        ),
    ),
    fault(
        "a constant that an example shows is changed",
        "architecture/job-lifecycle",
        "+[3.0, 6.0, 12.0, 24.0, 48.0]",
        (f"{CORE}/retry.py", "BACKOFF_FIRST_SECONDS = 2.0", "BACKOFF_FIRST_SECONDS = 3.0"),
    ),
    fault(
        "an error is dropped",
        "build",
        "no error 'job_finished'",
        (f"{CORE}/errors.py", 'code = "job_finished"', 'code = "job_is_over"'),
    ),
    fault(
        "a key is renamed",
        "build",
        "no key 'leases'",
        (f"{CORE}/keys.py", '"leases",\n        "sorted', '"holds",\n        "sorted'),
        ("packages/emprops/broker/scripts/**/*.lua", " leases", " holds"),
        ("packages/emprops/broker/scripts/**/*.lua", "key.leases", "key.holds"),
        ("packages/emprops/broker/*.py", 'key("leases")', 'key("holds")'),
    ),
    fault(
        "a matching rule is renamed",
        "architecture/worker-selection",
        "video_memory",
        (
            f"{CORE}/matching.py",
            '"gpu_memory",\n        "gpu_memory_gb"',
            '"video_memory",\n        "gpu_memory_gb"',
        ),
    ),
    fault(
        "an event is renamed",
        "build",
        "no event 'job.claimed'",
        (f"{CORE}/events.py", 'Literal["job.claimed"] = "job.claimed"', 'Literal["job.taken"] = "job.taken"'),
    ),
    fault(
        "a message is renamed",
        "build",
        "no message 'heartbeat'",
        (f"{CORE}/messages.py", '{"type": "heartbeat"', '{"type": "beat"'),
        (f"{CORE}/messages.py", 'type: Literal["heartbeat"] = "heartbeat"', 'type: Literal["beat"] = "beat"'),
    ),
    fault(
        "a close code is renamed",
        "build",
        "no close code 'slow_reader'",
        (f"{CORE}/closing.py", '    "slow_reader",', '    "late_reader",'),
        ("packages/emprops/**/*.py", "SLOW_READER", "LATE_READER"),
    ),
    fault(
        "the number of a close code is changed",
        "contract",
        '+   "code": "4409"',
        (f"{CORE}/closing.py", "    4408,", "    4409,"),
    ),
    fault(
        "an outcome of a delivery is renamed",
        "build",
        "no word 'given_up'",
        (f"{CORE}/webhooks.py", 'GIVEN_UP = "given_up"', 'GIVEN_UP = "abandoned"'),
    ),
    fault(
        "a webhook event has a field that no example has",
        "build",
        "KeyError: 'extra'",
        (
            f"{CORE}/webhooks.py",
            '    """What it is."""\n',
            '    """What it is."""\n    extra: str = ""\n    """More."""\n',
        ),
        alone=True,
    ),
    fault(
        "a setting is renamed",
        "build",
        "no setting 'EMPROPS_LEASE_SECONDS'",
        (
            f"{CORE}/settings.py",
            "    lease_seconds: float = setting(\n        30.0",
            "    lease_duration: float = setting(\n        30.0",
        ),
    ),
    fault(
        "an example shows what does not come out",
        "architecture/worker-selection",
        "small → video",
        ("source/architecture/worker-selection.md", "small → image", "small → video"),
    ),
    fault(
        "an anchor that another page uses is removed",
        "build",
        "local id not found in doc 'architecture/job-lifecycle': 'transitions'",
        ("source/architecture/job-lifecycle.md", "## Transitions", "## Moves"),
    ),
    fault(
        "a page is removed",
        "build",
        "nonexisting document 'reference/error-codes'",
        ("source/reference/error-codes.md", "", ""),
    ),
    fault(
        "a public function loses its place in the reference",
        "build",
        "Python object 'emprops.core.retry.RetryPolicy' is cited but no page describes it",
        ("source/implementation/api-internals/core.md", ".. automodule:: emprops.core.retry\n", ""),
    ),
    fault(
        "an endpoint is renamed",
        "build",
        "no endpoint 'GET /v1/jobs/{job_id}/result'",
        (f"{API}/routers/jobs.py", '"/{job_id}/result"', '"/{job_id}/outcome"'),
    ),
    fault(
        "an endpoint asks for another role",
        "contract",
        '+   "role": "read"',
        (
            f"{API}/routers/jobs.py",
            "async def revive_job(job_id: JobIdInPath, broker: PoolBroker, caller: Operator)",
            "async def revive_job(job_id: JobIdInPath, broker: PoolBroker, caller: Reader)",
        ),
    ),
    fault(
        "a command is renamed",
        "build",
        "no command 'emprops explain'",
        ("packages/emprops/cli/jobs.py", "def explain(", "def why("),
        ("packages/emprops/cli/jobs.py", "(jobs, job, explain,", "(jobs, job, why,"),
    ),
    fault(
        "a script uses a key that it does not declare",
        "build",
        "leave.lua: keys declared but not used: []; used but not declared: ['idle']",
        (
            "packages/emprops/broker/scripts/leave.lua",
            "-- keys: workers worker_expiry claims turns idle ",
            "-- keys: workers worker_expiry claims turns ",
        ),
        alone=True,
    ),
)
PAGES = sorted({fault.found_by for fault in FAULTS} - {"build", "contract"})
"""Pages whose blocks find faults."""


@dataclass(frozen=True)
class Built:
    """How a build ended.

    Attributes:
        status: its exit status.
        said: what is wrong; empty if nothing is.
    """

    status: int
    said: str


def copy_with(faults: Iterable[Fault], folder: Path) -> Path:
    """Return a copy of the repository, without anything built, in which faults are made."""
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, folder / name)
    for made in faults:
        for change in made.changes:
            change.make(folder)
    return folder


def run(copy: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the copy's own packages."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(copy / name) for name in ("packages", "tools", ".")),
        "PYTHONWARNINGS": "ignore",
    }
    return subprocess.run(
        [sys.executable, *command], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )


def build(copy: Path) -> Built:
    """Build the copy's manual, without writing it."""
    options = ["-b", "dummy", "-n", "-W", "--keep-going", "-q", "-c", ".", "-d", "build/doctrees"]
    code = (
        "import gc, sys; sys.path.insert(0, 'tools')\n"
        "from build_html import COLLECT_AFTER\n"
        "from sphinx.cmd.build import main\n"
        "gc.set_threshold(COLLECT_AFTER, 50, 100)\n"
        f"sys.exit(main({[*options, 'source', 'build/out']!r}))\n"
    )
    done = run(copy, "-c", code)
    return Built(done.returncode, f"{done.stdout}\n{done.stderr}" if done.returncode else "")


def keep_contract(copy: Path) -> str:
    """Compare the copy's contract with the one it keeps; return the difference."""
    done = run(copy, "tools/contract.py", "--print")
    if done.returncode:
        return done.stderr
    kept = (copy / "tests" / "contract.json").read_text(encoding="utf-8")
    return "\n".join(unified_diff(kept.splitlines(), done.stdout.splitlines(), lineterm=""))


def run_blocks(copy: Path, page: str, doctrees: Path) -> str:
    """Run the blocks of a page, as a build left them, with the copy's own packages; return what is wrong."""
    code = (
        "import sys, pathlib; sys.path[:0] = ['tools', '.']\n"
        "from docs_exec.blocks import blocks_of\n"
        "from docs_exec.session import PageSession\n"
        "from docs_exec.compare import difference, matches\n"
        f"folder = pathlib.Path('build/blocks', {page!r}); folder.mkdir(parents=True)\n"
        "wrong = []\n"
        "with PageSession(folder.resolve()) as session:\n"
        f"    for block in blocks_of(pathlib.Path({str(doctrees)!r}), {page!r}):\n"
        "        if block.language in ('bash', 'python') and not block.reason:\n"
        "            out = session.run(block)\n"
        "            if block.output is not None and not matches(block.output, out):\n"
        "                wrong.append(f'{block.where}: {difference(block.output, out)}')\n"
        "sys.exit('\\n'.join(wrong) or 0)\n"
    )
    done = run(copy, "-c", code)
    return f"{done.stdout}\n{done.stderr}" if done.returncode else ""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy without a fault."""
    return copy_with((), tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def build_says(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the build says of all faults that it must find and at which it does not break off."""
    together = [fault for fault in FAULTS if fault.found_by == "build" and not fault.alone]
    built = build(copy_with(together, tmp_path_factory.mktemp("together")))
    assert built.status in (0, WARNED), (
        f"the build breaks off; the fault that makes it do so must be made alone\n{built.said}"
    )
    return built.said


@pytest.fixture(scope="module")
def contract_says(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the comparison of contracts says of all faults that it must find."""
    faults = [fault for fault in FAULTS if fault.found_by == "contract"]
    return keep_contract(copy_with(faults, tmp_path_factory.mktemp("contract")))


@pytest.fixture(scope="module")
def shown_wrong(tmp_path_factory: pytest.TempPathFactory) -> tuple[Built, Path]:
    """A copy with all faults that blocks must find, and how its build ended."""
    faults = [fault for fault in FAULTS if fault.found_by in PAGES]
    copy = copy_with(faults, tmp_path_factory.mktemp("blocks"))
    return build(copy), copy


@pytest.fixture(scope="module")
def blocks_say(shown_wrong: tuple[Built, Path]) -> dict[str, str]:
    """What running the blocks of each page says of all faults that they must find."""
    copy = shown_wrong[1]
    return {page: run_blocks(copy, page, copy / "build" / "doctrees") for page in PAGES}


def test_without_a_fault_every_check_is_green(sound: Path, manual: Path) -> None:
    """The build is: it made `manual`, and says nothing of a copy with the faults that it cannot find."""
    assert keep_contract(sound) == ""
    for page in PAGES:
        assert run_blocks(sound, page, manual.parent / "doctrees") == ""


def test_the_copy_is_what_is_checked_and_not_the_repository(sound: Path) -> None:
    shown = run(sound, "-c", "import emprops, manual; print(emprops.__file__, manual.__file__)").stdout
    assert shown.count(str(sound)) == 2


def test_faults_are_told_apart_by_what_the_checks_say() -> None:
    for one in FAULTS:
        for other in FAULTS:
            assert one is other or one.found_by != other.found_by or one.says not in other.says


def test_what_blocks_find_is_not_found_by_the_build_already(shown_wrong: tuple[Built, Path]) -> None:
    assert shown_wrong[0].said == "", "which is better: say so in FAULTS"


@pytest.mark.timeout(240)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what.replace(" ", "-"))
def test_a_fault_makes_the_build_or_a_test_red(
    fault: Fault, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    said: str
    if fault.alone:
        said = build(copy_with([fault], tmp_path / "copy")).said
    elif fault.found_by in PAGES:
        said = request.getfixturevalue("blocks_say")[fault.found_by]
    else:
        said = request.getfixturevalue(f"{fault.found_by}_says")
    assert fault.says in said, f"not found: {fault.what}\n{said}"
