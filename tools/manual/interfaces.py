"""The descriptions of the interfaces for programs: written beside the pages, and linked by `{interface}`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.docutils import ReferenceRole

from emprops.api.asyncapi import asyncapi_document

from .facts.base import nearest
from .facts.endpoint import document

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

DOCUMENTS: Mapping[str, Callable[[], dict[str, Any]]] = MappingProxyType(
    {"api/openapi.json": document, "api/asyncapi.json": asyncapi_document}
)
"""What is written, by its path below the built pages."""


class InterfaceRole(ReferenceRole):
    """Links a description: ``{interface}`OpenAPI 3.1 <api/openapi.json>```."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the link, relative to the page."""
        if self.target not in DOCUMENTS:
            message = f"no description {self.target!r}{nearest(self.target, DOCUMENTS)}"
            return [], [self.inliner.reporter.error(message, line=self.lineno)]
        up = "../" * self.env.docname.count("/")
        return [nodes.reference("", self.title, refuri=f"{up}{self.target}", internal=True)], []


def _write(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        for name, made in DOCUMENTS.items():
            path = Path(app.outdir) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(made(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the role, and write the descriptions when the pages are written."""
    app.add_role("interface", InterfaceRole())
    app.connect("build-finished", _write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
