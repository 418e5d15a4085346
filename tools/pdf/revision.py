"""Of which state of the repository a document is: its commit, and when that was made."""

from __future__ import annotations

import datetime
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sphinx.errors import SphinxError


class NoRevision(SphinxError):
    """Nothing tells of when the manual is, so that it could not be made a second time with the same bytes."""

    category = "No revision"


@dataclass(frozen=True, slots=True)
class Revision:
    """A state of the repository.

    Attributes:
        name: the commit, marked if files have changed since; or the version where there is no history.
        made: when the commit was made, in whole seconds since the epoch; SOURCE_DATE_EPOCH if it is set.
    """

    name: str
    made: int

    @property
    def date(self) -> str:
        """The day as people write it, in UTC."""
        day = datetime.datetime.fromtimestamp(self.made, datetime.UTC)
        return f"{day.day} {day:%B %Y}"


def revision_of(root: Path) -> Revision:
    """Return the revision of a working tree.

    Args:
        root: its folder.

    Raises:
        NoRevision: it has no history, and SOURCE_DATE_EPOCH is not set.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        commit, made = _git(root, "log", "-1", "--format=%h %ct", "--abbrev=12").split()
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError, ValueError):
        if epoch is None:
            raise NoRevision(
                f"{root} has no git history: set SOURCE_DATE_EPOCH to the seconds since 1970 that the files are of."
            ) from None
        return Revision("without history", int(epoch))
    return Revision(f"{commit} with changes" if changed else commit, int(epoch or made))


def file_at(root: Path, revision: str, path: str) -> str | None:
    """Return a file as it was at a revision; `None` if it was not there.

    Args:
        root: the repository.
        revision: a commit or tag.
        path: the file, relative to the root.

    Raises:
        NoRevision: there is no such revision.
    """
    try:
        _git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    except (OSError, subprocess.CalledProcessError):
        raise NoRevision(f"there is no revision {revision!r} in {root}") from None
    try:
        return _git(root, "show", f"{revision}:{path}")
    except subprocess.CalledProcessError:
        return None


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=root, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL
    ).stdout.strip()
