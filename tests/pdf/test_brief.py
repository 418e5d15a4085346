"""What the brief says of its own: which benchmarks, which revision, and what changed since the brief before."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from docutils import nodes
from sphinx.errors import ConfigError

from emprops.bench import Record
from manual.facts.measure import records
from manual.facts.source import ROOT
from pdf.brief import changes, shown
from pdf.documents import document
from pdf.revision import NoRevision, revision_of

CHANGELOG = """# Changelog

What changed.

## [Unreleased]

### Added

For who uses the queue:

- The old entry, which
  has two lines.
{more}
### Fixed

- An old fault.
"""


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the changelog and the record of a benchmark, at the revision of the brief before."""
    path, record = next(records())
    name, measure = next(iter(record.measures.items()))
    was = measure.model_copy(update={"value": measure.value * 2})
    old = record.model_copy(update={"measures": {**record.measures, name: was}})
    file = tmp_path / path.relative_to(ROOT)
    file.parent.mkdir(parents=True)
    file.write_text(old.model_dump_json(), encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG.format(more=""), encoding="utf-8")
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-q", "-m", "The brief before")
    return tmp_path


def _text(node: nodes.Element) -> str:
    return node.astext() + "\n"


def test_the_first_brief_tells_every_entry(repository: Path) -> None:
    told = changes("", _text, repository)
    assert "This is the first brief" in told
    assert "The old entry" in told
    assert "An old fault." in told


def test_a_later_brief_tells_only_new_entries_under_their_headings(repository: Path) -> None:
    before = _git(repository, "rev-parse", "HEAD")
    (repository / "CHANGELOG.md").write_text(CHANGELOG.format(more="- The new `entry`.\n"), encoding="utf-8")
    told = changes(before, _text, repository)
    assert re.search(r"Added\s+For who uses the queue:\s+The new entry\.", told)
    assert "old" not in told.lower()
    assert "Fixed" not in told


def test_a_later_brief_tells_which_figures_changed(repository: Path) -> None:
    _, record = next(records())
    name = next(iter(record.measures))
    told = changes(_git(repository, "rev-parse", "HEAD"), _text, repository)
    assert re.search(rf"{record.benchmark}\s+{re.escape(name)}\s+.*?-50%", told, re.DOTALL)
    assert isinstance(record, Record)


def test_a_brief_before_that_is_not_there_is_an_error(repository: Path) -> None:
    with pytest.raises(NoRevision, match="there is no revision 'v9'"):
        changes("v9", _text, repository)


def test_a_benchmark_left_out_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ConfigError, match="benchmarks that do not exist: nothing"):
        shown(("nothing",))


def test_a_word_that_describes_no_document_is_an_error() -> None:
    described = {"brief": {"file": "b", "title": "B", "subtitle": "b", "audience": "all", "colour": "blue"}}
    with pytest.raises(ConfigError, match="colour"):
        document("brief", described)
    with pytest.raises(ConfigError, match="has no 'book', only brief"):
        document("book", described)


def test_a_revision_tells_of_changes_and_when_it_was_made(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    commit = _git(repository, "rev-parse", "--short=12", "HEAD")
    made = int(_git(repository, "log", "-1", "--format=%ct"))
    assert (revision_of(repository).name, revision_of(repository).made) == (commit, made)
    (repository / "CHANGELOG.md").write_text("", encoding="utf-8")
    assert revision_of(repository).name == f"{commit} with changes"


def test_files_without_history_need_a_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    with pytest.raises(NoRevision, match="set SOURCE_DATE_EPOCH"):
        revision_of(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert revision_of(tmp_path).date == "14 November 2023"
