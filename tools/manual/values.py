"""Values of constants: shown where they fit on a line; what is longer is read better in the source, or as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sphinx import addnodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

LONGEST_SHOWN = 100
"""Longest value that a signature shows, in characters: about a line."""


def _leave_out_long_value(app: Sphinx, domain: str, objtype: str, content: addnodes.desc_content) -> None:
    assert isinstance(content.parent, addnodes.desc)
    for signature in content.parent.findall(addnodes.desc_signature):
        for part in list(signature.findall(addnodes.desc_annotation)):
            sign, _, value = part.astext().strip().partition(" ")
            if sign == "=" and len(value) > LONGEST_SHOWN:
                part.parent.remove(part)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Look at each description of an object."""
    app.connect("object-description-transform", _leave_out_long_value)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
