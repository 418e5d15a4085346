"""The build of the manual: a warning fails it, and it is known to be that of the files as they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from build_html import BuildFailed, build, html_folder, is_fresh


@pytest.fixture
def small_manual(tmp_path: Path) -> Path:
    """A repository with a manual of one page."""
    (tmp_path / "conf.py").write_text('project = "Small"\nhtml_theme = "furo"\n', encoding="utf-8")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "index.rst").write_text("Small\n=====\n\nOne page.\n", encoding="utf-8")
    return tmp_path


def test_a_build_without_a_warning_has_its_pages_and_its_times(small_manual: Path) -> None:
    rows = build(small_manual)
    assert "One page." in (html_folder(small_manual) / "index.html").read_text(encoding="utf-8")
    assert [name for name, _, _ in rows] == [
        "load Sphinx and extensions",
        "read pages",
        "check links between pages",
        "write pages",
        "write indices, search and assets",
    ]


@pytest.mark.parametrize(
    "fault", ["See :ref:`nowhere`.", "See :py:class:`nothing.Here`."], ids=["missing page", "missing object"]
)
def test_a_reference_to_nothing_fails_the_build(small_manual: Path, fault: str) -> None:
    page = small_manual / "source" / "index.rst"
    page.write_text(f"Small\n=====\n\n{fault}\n", encoding="utf-8")
    with pytest.raises(BuildFailed, match="warnings"):
        build(small_manual)
    assert not is_fresh(small_manual)


def test_an_extension_that_is_not_there_fails_the_build(small_manual: Path) -> None:
    (small_manual / "conf.py").write_text('extensions = ["emprops.nothing"]\n', encoding="utf-8")
    with pytest.raises(BuildFailed, match=r"emprops\.nothing"):
        build(small_manual)


def test_a_build_is_fresh_until_a_file_changes_comes_or_goes(small_manual: Path) -> None:
    page = small_manual / "source" / "index.rst"
    template = small_manual / "_templates" / "page.html"
    assert not is_fresh(small_manual)
    build(small_manual)
    assert is_fresh(small_manual)

    page.write_text("Small\n=====\n\nChanged.\n", encoding="utf-8")
    assert not is_fresh(small_manual)
    build(small_manual)
    template.parent.mkdir()
    template.touch()
    assert not is_fresh(small_manual)
    build(small_manual)
    template.unlink()
    assert not is_fresh(small_manual)


def test_a_build_that_fails_takes_the_name_of_fresh_from_the_one_before(small_manual: Path) -> None:
    page = small_manual / "source" / "index.rst"
    before = page.read_text(encoding="utf-8")
    stat = page.stat()
    build(small_manual)
    page.write_text("Small\n=====\n\n:ref:`nowhere`\n", encoding="utf-8")
    with pytest.raises(BuildFailed):
        build(small_manual)
    page.write_text(before, encoding="utf-8")
    os.utime(page, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert not is_fresh(small_manual)


def test_a_page_that_was_removed_is_gone_from_the_built_manual(small_manual: Path) -> None:
    removed = small_manual / "source" / "second.rst"
    removed.write_text(":orphan:\n\nSecond\n======\n", encoding="utf-8")
    build(small_manual)
    assert (html_folder(small_manual) / "second.html").exists()
    removed.unlink()
    build(small_manual)
    assert not (html_folder(small_manual) / "second.html").exists()
    assert (html_folder(small_manual) / "index.html").exists()


def test_a_link_to_a_page_that_was_removed_fails_the_next_build(small_manual: Path) -> None:
    index, other = (small_manual / "source" / f"{name}.rst" for name in ("index", "other"))
    index.write_text("Small\n=====\n\nSee :doc:`other`.\n", encoding="utf-8")
    other.write_text(":orphan:\n\nOther\n=====\n\nAnother page.\n", encoding="utf-8")
    build(small_manual)
    other.unlink()
    with pytest.raises(BuildFailed, match="warnings"):
        build(small_manual)
