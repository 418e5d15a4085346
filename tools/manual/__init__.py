"""The manual's own Sphinx code: the frame of its pages, the facts they cite, the diagrams and the recorded runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import (
    attributes,
    blocks,
    changes,
    domain,
    downloads,
    frontmatter,
    hints,
    interfaces,
    journeys,
    mermaid,
    modules,
    outside,
    processes,
    raised,
    records,
    signatures,
    theme,
    trust,
)

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

PARTS = (
    attributes,
    hints,
    signatures,
    raised,
    blocks,
    frontmatter,
    journeys,
    mermaid,
    domain,
    outside,
    modules,
    interfaces,
    processes,
    records,
    changes,
    trust,
    downloads,
    theme,
)
"""Every part, each an extension of its own."""


def setup(app: Sphinx) -> ExtensionMetadata:
    """Load every part."""
    for part in PARTS:
        app.setup_extension(part.__name__)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
