"""The descriptions of the interfaces for programs, beside the pages: `api/openapi.json` and `api/asyncapi.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emprops.api.asyncapi import asyncapi_document

from .facts.endpoint import document

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

FOLDER = "api"
OPENAPI = "openapi.json"
ASYNCAPI = "asyncapi.json"


def write(folder: Path, name: str, content: dict[str, Any]) -> None:
    """Write one description below a built HTML folder.

    Args:
        folder: the folder of the built pages.
        name: name of the file.
        content: the description.
    """
    path = folder / FOLDER / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_all(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        write(Path(app.outdir), OPENAPI, document())
        write(Path(app.outdir), ASYNCAPI, asyncapi_document())


def setup(app: Sphinx) -> ExtensionMetadata:
    """Write the descriptions when the pages are written."""
    app.connect("build-finished", _write_all)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
