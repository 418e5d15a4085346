"""Builds the manual as HTML: warnings are errors, and the time of each phase is told."""

from __future__ import annotations

import argparse
import fcntl
import gc
import hashlib
import json
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.deprecation import RemovedInSphinx10Warning
from sphinx.errors import SphinxError
from sphinx.util.console import nocolor
from sphinx.util.docutils import docutils_namespace, patch_docutils

from env.clock import Row, set_up, table
from manual.downloads import LIST

ROOT = Path(__file__).resolve().parents[1]
INPUTS = (
    "source",
    "packages",
    "tools",
    "_templates",
    "_static",
    "conf.py",
    "pyproject.toml",
    "constraints.txt",
    "CHANGELOG.md",
)
"""Everything that the pages are made from, as paths in the repository."""
SLOWEST_SHOWN = 3
"""How many of the slowest pages are named."""
COLLECT_AFTER = 200_000
"""Objects that are made before Python looks for garbage: doctrees are many objects and little garbage, and with
Python's own threshold nearly half of a build goes by in looking."""
WORTH_TELLING_S = 0.1
"""From this time on, in seconds, a page is named as slow to read."""


class BuildFailed(Exception):
    """The manual did not build without a warning; Sphinx has printed why."""


def html_folder(root: Path = ROOT) -> Path:
    """Folder of the built pages.

    Args:
        root: the repository.
    """
    return root / "build" / "html"


def build(root: Path = ROOT, *, fresh: bool = False, quiet: bool = False) -> list[Row]:
    """Build the manual and tell how long each phase took.

    Args:
        root: the repository: has `conf.py` and `source/`.
        fresh: read and write every page, whatever an earlier build left.
        quiet: tell of nothing but warnings.

    Returns:
        One row a phase, in the order in which they ran.

    Raises:
        BuildFailed: a warning, an error, or a configuration that Sphinx refuses.
    """
    # Its own use of Sphinx, which the pinned version still has; nothing on a page depends on it.
    warnings.filterwarnings("ignore", category=RemovedInSphinx10Warning, module="sphinx_autodoc_typehints")
    gc.set_threshold(COLLECT_AFTER, 50, 100)
    inputs = fingerprint(root)
    forget_old_downloads(root, inputs)
    # Sphinx does not repeat the warnings of pages that it need not read again: after a failed build all are read. Nor
    # does it read pages again that link to one that went.
    fresh = fresh or not _stamp(root).exists() or any(not _has_source(root, page) for page in _written(root))
    _stamp(root).unlink(missing_ok=True)
    if not sys.stdout.isatty():
        nocolor()
    marks = [("start", time.monotonic())]
    reading: dict[str, float] = {}

    def mark(name: str) -> None:
        marks.append((name, time.monotonic()))

    def page_begins(app: Sphinx, page: str, content: list[str]) -> None:
        reading[page] = -time.monotonic()

    def page_ends(app: Sphinx, doctree: object) -> None:
        reading[app.env.docname] += time.monotonic()

    def pages_written(app: Sphinx) -> tuple[()]:
        mark("write pages")
        return ()

    try:
        with patch_docutils(root), docutils_namespace():
            app = Sphinx(
                root / "source",
                root,
                html_folder(root),
                root / "build" / "doctrees",
                "html",
                confoverrides={"nitpicky": True},
                status=None if quiet else sys.stdout,
                freshenv=fresh,
                warningiserror=True,
            )
            mark("load Sphinx and extensions")
            # The lowest and highest priorities: a page's time includes every extension's listener.
            app.connect("source-read", page_begins, priority=0)
            app.connect("doctree-read", page_ends, priority=1000)
            app.connect("env-updated", lambda *_: mark("read pages"), priority=1000)
            app.connect("write-started", lambda *_: mark("check links between pages"), priority=0)
            app.connect("html-collect-pages", pages_written, priority=0)
            app.build(force_all=fresh)
            mark("write indices, search and assets")
            _forget_removed_pages(app, root)
            status = app.statuscode
    except SphinxError as error:
        raise BuildFailed(f"{error.category}: {error}") from error
    if status != 0:
        raise BuildFailed(
            "The manual has warnings, listed above; each of them is an error. Mend them and build again."
        )
    _stamp(root).write_text(inputs, encoding="utf-8")

    slowest = sorted(reading.items(), key=lambda item: -item[1])[:SLOWEST_SHOWN]
    notes = {
        "read pages": f"{len(reading)} read"
        + "".join(f", {page} {seconds:.1f} s" for page, seconds in slowest if seconds >= WORTH_TELLING_S)
    }
    return [(name, end - begin, notes.get(name, "")) for (_, begin), (name, end) in pairwise(marks)]


def is_fresh(root: Path = ROOT) -> bool:
    """Whether the built pages are those of the files as they are now.

    Args:
        root: the repository.
    """
    stamp = _stamp(root)
    return stamp.exists() and stamp.read_text(encoding="utf-8") == fingerprint(root)


def fingerprint(root: Path = ROOT) -> str:
    """Name of the state of all inputs, by path, size and time of change.

    Args:
        root: the repository.
    """
    digest = hashlib.sha256()
    for path in sorted(_files(root)):
        stat = path.stat()
        digest.update(f"{path.relative_to(root)}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def forget_old_downloads(root: Path, inputs: str) -> None:
    """Take the list of PDF files away unless they were printed from the inputs as they are.

    Args:
        root: the repository.
        inputs: its fingerprint.
    """
    path = root / LIST
    if path.is_file() and json.loads(path.read_text(encoding="utf-8"))["inputs"] != inputs:
        path.unlink()


def _forget_removed_pages(app: Sphinx, root: Path) -> None:
    """Delete the output of pages whose source went since the last build; Sphinx leaves it where it is."""
    for page in set(_written(root)) - app.env.found_docs:
        (html_folder(root) / f"{page}.html").unlink(missing_ok=True)
    _pages(root).write_text("\n".join(sorted(app.env.found_docs)), encoding="utf-8")


def _written(root: Path) -> list[str]:
    """Return the pages that the last build wrote."""
    return _pages(root).read_text(encoding="utf-8").splitlines() if _pages(root).exists() else []


def _has_source(root: Path, page: str) -> bool:
    return any((root / "source" / f"{page}{suffix}").exists() for suffix in (".md", ".rst"))


def _files(root: Path) -> Iterator[Path]:
    for name in INPUTS:
        path = root / name
        if path.is_file():
            yield path
        else:
            yield from (
                file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts
            )


def _stamp(root: Path) -> Path:
    return root / "build" / "html.inputs"


def _pages(root: Path) -> Path:
    return root / "build" / "html.pages"


@contextmanager
def only_build(root: Path = ROOT) -> Iterator[None]:
    """Hold the right to write `build/html`; a second process waits until the first is done.

    Args:
        root: the repository.
    """
    lock = root / "build" / "html.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Build, then show where the time went and which page to open; 0 when there was no warning."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="build every page anew")
    parser.add_argument("--locked", action="store_true", help="the caller holds the right to build")
    arguments = parser.parse_args()
    rows = set_up()
    try:
        with nullcontext() if arguments.locked else only_build():
            rows += build(fresh=arguments.fresh)
    except BuildFailed as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    print(table(rows))
    print(f"\nThe manual is built. Open {html_folder() / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
