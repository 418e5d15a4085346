"""The HTML manual offers the PDF files of the very pages that it has, and no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from build_html import build, fingerprint, html_folder
from build_pdf import Printed, list_download
from manual.downloads import LIST

PAGE = "# Small\n\n```{emp:downloads}\n```\n"
pytestmark = pytest.mark.filterwarnings(
    "ignore:'myst_parser.*is deprecated:sphinx.deprecation.RemovedInSphinx11Warning"
)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a manual of one page, which offers what is printed."""
    settings = 'extensions = ["myst_parser", "manual.domain", "manual.downloads"]\nproject = "Small"\n'
    (tmp_path / "conf.py").write_text(settings, encoding="utf-8")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "index.md").write_text(PAGE, encoding="utf-8")
    return tmp_path


def _offered(repository: Path) -> tuple[str, list[str]]:
    """Build the manual, and return what the page says and the files that it links to and that exist."""
    build(repository, quiet=True)
    page = BeautifulSoup((html_folder(repository) / "index.html").read_text(encoding="utf-8"), "html.parser")
    (line,) = page.select(".downloads")
    links = [str(link["href"]) for link in line.select("a")]
    assert all((html_folder(repository) / link).is_file() for link in links)
    return line.get_text(), links


def _print(repository: Path) -> None:
    file = repository / LIST.parent / "small.pdf"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"%PDF-1.7")
    list_download(Printed(file, "Small manual", 3, 8, "us-letter", ()), repository)


def test_a_page_says_how_to_print_until_something_is_printed(repository: Path) -> None:
    assert _offered(repository) == (
        "To take along: make pdf prints the manual, make brief the leadership brief.",
        [],
    )
    _print(repository)
    text, links = _offered(repository)
    assert text == "To take along, as PDF: Small manual (US Letter, 3 pages, 0.0 MB)."
    assert links == ["_downloads/small.pdf"]


def test_a_change_of_any_page_takes_the_files_away(repository: Path) -> None:
    _print(repository)
    assert _offered(repository)[1]
    (repository / "source" / "index.md").write_text(PAGE + "\nChanged.\n", encoding="utf-8")
    text, links = _offered(repository)
    assert "make pdf" in text
    assert links == []
    assert not list(html_folder(repository).rglob("*.pdf"))


def test_a_second_document_joins_the_first_unless_a_page_changed(repository: Path) -> None:
    _print(repository)
    other = repository / LIST.parent / "brief.pdf"
    other.write_bytes(b"%PDF-1.7")
    list_download(Printed(other, "Brief", 1, 8, "a4", ()), repository)
    listed = json.loads((repository / LIST).read_text(encoding="utf-8"))
    assert [each["file"] for each in listed["files"]] == ["brief.pdf", "small.pdf"]
    assert listed["inputs"] == fingerprint(repository)
