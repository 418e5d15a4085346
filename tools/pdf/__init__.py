"""The manual on paper: a Sphinx builder that writes Typst, and what makes PDF files of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import builder

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the builder and its settings."""
    return builder.setup(app)
