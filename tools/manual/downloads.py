"""The `emp:downloads` directive: the PDF files of this very state of the manual, or how to make them.

`make pdf` and `make brief` print the pages and list the files in `build/pdf/downloads.json`, with the state of all
inputs that they were made from. A later change of any input takes the list away (`build_html.forget_old_downloads`), so
a page never leads to a file that says something else than it does, and never to one that is not there.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinx.util.osutil import relative_uri

if TYPE_CHECKING:
    from collections.abc import Set

    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment
    from sphinx.util.typing import ExtensionMetadata

LIST = Path("build") / "pdf" / "downloads.json"
"""List of the files that were printed, relative to the repository."""
FOLDER = "_downloads"
"""Where they are in the HTML manual."""


class DownloadsPlace(nodes.General, nodes.Element):
    """Where the links go."""


class DownloadsDirective(SphinxDirective):
    """Links to the PDF files, or the commands that make them."""

    def run(self) -> list[nodes.Node]:
        """Return the place of the links."""
        _pages(self.env).add(self.env.docname)
        return [DownloadsPlace()]


def printed(root: Path) -> list[dict[str, Any]]:
    """Return the files that were printed: for each its name, title and a note.

    Args:
        root: the repository.
    """
    path = root / LIST
    if not path.is_file():
        return []
    listed: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["files"]
    return [each for each in listed if (path.parent / each["file"]).is_file()]


def _pages(env: BuildEnvironment) -> set[str]:
    return env.__dict__.setdefault("emp_downloads_pages", set())  # type: ignore[no-any-return]  # set just here


def _forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    _pages(env).discard(docname)


def _merge(app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment) -> None:
    _pages(env).update(_pages(other))


def _outdated(
    app: Sphinx, env: BuildEnvironment, added: Set[str], changed: Set[str], removed: Set[str]
) -> list[str]:
    """Have the pages with the links read again when the files are others than at the build before."""
    if app.builder.format != "html":
        return []
    now = printed(Path(app.confdir))
    before = env.__dict__.get("emp_downloads_shown", [])
    env.__dict__["emp_downloads_shown"] = now
    return sorted(_pages(env) & env.found_docs) if now != before else []


class FillDownloads(SphinxPostTransform):
    """Fills in the links; a printed page has none to itself."""

    default_priority = 5

    def run(self, **kwargs: Any) -> None:
        """Replace each place by its line."""
        for place in list(self.document.findall(DownloadsPlace)):
            place.replace_self([] if self.env._app.builder.format == "typst" else [self._line()])

    def _line(self) -> nodes.paragraph:
        line = nodes.paragraph("", "To take along, as PDF: ", classes=["downloads"])
        builder = self.env._app.builder
        files = printed(Path(self.env._app.confdir)) if builder.format == "html" else []
        if not files:
            text = (" prints the manual, ", " the leadership brief.")
            return nodes.paragraph(
                "",
                "",
                nodes.Text("To take along: "),
                *(
                    node
                    for command, words in zip(("make pdf", "make brief"), text, strict=True)
                    for node in (nodes.literal("", command), nodes.Text(words))
                ),
                classes=["downloads"],
            )
        here = builder.get_target_uri(self.env.docname)
        for number, each in enumerate(files):
            uri = relative_uri(here, f"{FOLDER}/{each['file']}")
            line += nodes.Text(", " if number else "")
            line += nodes.reference("", each["title"], refuri=uri, internal=False)
            line += nodes.Text(f" ({each['note']})")
        line += nodes.Text(".")
        return line


def _copy(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    root = Path(app.confdir)
    folder = Path(app.outdir) / FOLDER
    names = {each["file"] for each in printed(root)}
    for old in folder.glob("*.pdf"):
        if old.name not in names:
            old.unlink()
    if names:
        folder.mkdir(exist_ok=True)
    for name in sorted(names):
        shutil.copyfile(root / LIST.parent / name, folder / name)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive_to_domain("emp", "downloads", DownloadsDirective)
    app.add_node(DownloadsPlace)
    app.add_post_transform(FillDownloads)
    app.connect("env-get-outdated", _outdated)
    app.connect("env-purge-doc", _forget)
    app.connect("env-merge-info", _merge)
    app.connect("build-finished", _copy)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
