"""Prints a document as a PDF file from the pages that the HTML build has read, and tells the time of each phase."""

from __future__ import annotations

import argparse
import io
import json
import resource
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.application import Sphinx
from sphinx.deprecation import RemovedInSphinx10Warning
from sphinx.errors import SphinxError
from sphinx.util.docutils import docutils_namespace, patch_docutils

import build_html
from build_html import ROOT, BuildFailed, fingerprint, is_fresh, only_build
from env.clock import Row, set_up, table
from manual.downloads import LIST
from pdf.papers import PAPERS

if TYPE_CHECKING:
    from pdf.builder import PdfBuilder

BYTES_MB = 1e6
PEAK_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024
"""Bytes in what the system tells as the peak of memory."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What was printed.

    Attributes:
        file: the PDF file.
        title: of the document.
        pages: sheets in it, the cover included.
        size: in bytes.
        paper: on what.
        rows: how long each phase took.
    """

    file: Path
    title: str
    pages: int
    size: int
    paper: str
    rows: tuple[Row, ...]

    @property
    def seconds(self) -> float:
        """How long it took, in seconds."""
        return sum(seconds for _, seconds, _ in self.rows)


def pdf_folder(root: Path = ROOT) -> Path:
    """Folder of the printed documents.

    Args:
        root: the repository.
    """
    return root / "build" / "pdf"


def print_document(name: str, paper: str, root: Path = ROOT, folder: Path | None = None) -> Printed:
    """Print a document. The pages must have been read: the HTML manual is fresh.

    Args:
        name: a key of `pdf_documents` in conf.py.
        paper: a key of `PAPERS`.
        root: the repository.
        folder: where the file goes; none: `build/pdf`.

    Raises:
        BuildFailed: a page has something that cannot be printed, or the compiler refuses the file.
    """
    warnings.filterwarnings("ignore", category=RemovedInSphinx10Warning, module="sphinx_autodoc_typehints")
    begun = time.monotonic()
    told = io.StringIO()
    try:
        with patch_docutils(root), docutils_namespace():
            app = Sphinx(
                root / "source",
                root,
                folder or pdf_folder(root),
                root / "build" / "doctrees",
                "pdf",
                confoverrides={"nitpicky": True, "pdf_document": name, "pdf_paper": paper},
                status=None,
                warning=told,
                warningiserror=True,
            )
            loaded = time.monotonic()
            app.build()
    except SphinxError as error:
        raise BuildFailed(f"{told.getvalue()}{error.category}: {error}") from error
    if app.statuscode:
        raise BuildFailed(
            f"{told.getvalue()}The document has warnings, listed above; each of them is an error."
        )
    builder: PdfBuilder = app.builder  # type: ignore[assignment]  # the one asked for above
    return Printed(
        file=builder.file,
        title=f"{builder.document.title}: {builder.document.subtitle[0].lower()}{builder.document.subtitle[1:]}"
        if name == "manual"
        else builder.document.title,
        pages=builder.sheets,
        size=builder.file.stat().st_size,
        paper=paper,
        rows=(("load Sphinx and extensions", loaded - begun, ""), *builder.steps),
    )


def list_download(printed: Printed, root: Path = ROOT) -> None:
    """Put a printed document on the list of those that the HTML manual offers.

    Args:
        printed: the document.
        root: the repository.
    """
    path = root / LIST
    inputs = fingerprint(root)
    listed = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    files = [each for each in listed.get("files", ()) if each["file"] != printed.file.name]
    if listed.get("inputs") != inputs:
        files = []
    note = f"{PAPERS[printed.paper].shown}, {printed.pages} pages, {printed.size / BYTES_MB:.1f} MB"
    files.append({"file": printed.file.name, "title": printed.title, "note": note})
    files.sort(key=lambda each: each["file"])
    path.write_text(json.dumps({"inputs": inputs, "files": files}, indent=1) + "\n", encoding="utf-8")


def peak_mb() -> float:
    """Return the most memory that this process has had, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT_BYTES / BYTES_MB


def main() -> int:
    """Print a document, put it into the HTML manual, show where the time went; 0 when there was no warning."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("document", help="a document of pdf_documents in conf.py")
    parser.add_argument("--paper", choices=PAPERS, default="a4", help="on what to print it")
    parser.add_argument(
        "--to", type=Path, help="print into this folder only, from pages that are built already"
    )
    arguments = parser.parse_args()
    rows = set_up()
    try:
        if arguments.to is not None:
            printed = print_document(arguments.document, arguments.paper, folder=arguments.to)
            print(json.dumps({"seconds": printed.seconds, "peak_mb": peak_mb(), "pages": printed.pages}))
            return 0
        with only_build():
            if not is_fresh():
                rows.append(_html("build the HTML manual", quiet=False))
            printed = print_document(arguments.document, arguments.paper)
            rows += printed.rows
            list_download(printed)
            rows.append(_html("link it in the HTML manual", quiet=True))
    except BuildFailed as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    print(table(rows))
    print(
        f"\n{printed.pages} pages in {printed.seconds:.1f} s after reading, {peak_mb():.0f} MB of memory at most."
    )
    print(f"It is printed. Open {printed.file}")
    return 0


def _html(name: str, *, quiet: bool) -> Row:
    begun = time.monotonic()
    build_html.build(quiet=quiet)
    return name, time.monotonic() - begun, ""


if __name__ == "__main__":
    sys.exit(main())
