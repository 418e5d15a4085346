"""Makes the virtual environment `.venv` with the pinned packages; runs on a bare Python 3.11 or newer."""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
EXTRAS = {"docs": ("docs",), "test": ("docs", "test"), "mutants": ("docs", "test", "mutants")}
"""What each level of the environment installs; a later level contains the earlier ones."""


class SetupFailed(Exception):
    """The environment cannot be made; the message says why and what to do."""


def venv_python() -> Path:
    """Path of the environment's Python."""
    return VENV / "bin" / "python"


def stamp(level: str) -> Path:
    """File whose age says when a level was last installed.

    Args:
        level: a key of `EXTRAS`.
    """
    return VENV / f".ready-{level}"


def make_venv() -> None:
    """Make `.venv` unless one that starts is there.

    Raises:
        SetupFailed: this Python cannot make a virtual environment with pip in it.
    """
    if venv_python().exists() and _run([venv_python(), "-c", "import pip"]).returncode == 0:
        return
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise SetupFailed(
            f"{sys.executable} lacks {' and '.join(missing)}, which make a virtual environment. Install the package "
            f"that has them (on Debian and Ubuntu: apt install python{version}-venv) and run make again."
        )
    print(f"Making .venv with Python {sys.version.split()[0]} …", flush=True)
    made = _run([sys.executable, "-m", "venv", "--clear", VENV])
    if made.returncode != 0:
        raise SetupFailed(f"{sys.executable} -m venv .venv failed:\n{made.stdout}")


def install(level: str) -> None:
    """Install the package and a level's extras, as pinned in constraints.txt.

    Args:
        level: a key of `EXTRAS`.

    Raises:
        SetupFailed: pip failed; its output is in the message.
    """
    extras = ",".join(EXTRAS[level])
    pip: list[str | Path] = [venv_python(), "-m", "pip", "install", "--constraint", ROOT / "constraints.txt"]
    # hatchling builds the package in this very environment, so that the build back-end is pinned as well
    # and nothing is fetched a second time into a throw-away one.
    _pip([*pip, "hatchling", "editables"], "the build back-end")
    if "mutants" in EXTRAS[level]:
        # A package that it needs has no wheel, and is built with a back-end of its own.
        _pip([*pip, "cosmic-ray"], "cosmic-ray")
    _pip([*pip, "--no-build-isolation", "--editable", f"{ROOT}[{extras}]"], f"the packages for {extras}")


def _pip(command: list[str | Path], what: str) -> None:
    started = time.monotonic()
    print(f"Installing {what} …", flush=True)
    lines: list[str] = []
    collected = 0
    with subprocess.Popen(
        [str(part) for part in command],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Collecting "):
                collected += 1
                _progress(f"  {collected} packages: {line.split()[1]}")
            elif line.startswith("Installing collected packages"):
                _progress(f"  {collected} packages: unpacking")
    _progress("")
    if process.returncode != 0:
        raise SetupFailed(f"pip could not install {what}:\n{''.join(lines)}")
    print(f"  done, {collected} fetched, {time.monotonic() - started:.0f} s", flush=True)


def _progress(text: str) -> None:
    if sys.stdout.isatty():
        print(f"\r\033[K{text}", end="", flush=True)


def _run(command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def main() -> int:
    """Bring the environment to the level named on the command line; 0 when it is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("level", choices=EXTRAS, help="what the environment is for")
    level = parser.parse_args().level
    # The caller's Python path and user site must not leak into what gets pinned.
    os.environ["PYTHONNOUSERSITE"] = "1"
    os.environ.pop("PYTHONPATH", None)
    try:
        make_venv()
        install(level)
    except SetupFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    for contained in EXTRAS[level]:
        stamp(contained).touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
