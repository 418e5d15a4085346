"""Descriptions of Python objects leave out what hides the rest: values longer than a line, and private arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes
from sphinx import addnodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

LONGEST_SHOWN = 100
"""Longest value that a signature shows, in characters: about a line. What is longer is read in the source, or in the
table that the manual has of it."""


def _shorten(app: Sphinx, domain: str, objtype: str, content: addnodes.desc_content) -> None:
    assert isinstance(content.parent, addnodes.desc)
    for signature in content.parent.findall(addnodes.desc_signature):
        for part in list(signature.findall(addnodes.desc_annotation)):
            sign, _, value = part.astext().strip().partition(" ")
            if sign == "=" and len(value) > LONGEST_SHOWN:
                part.parent.remove(part)
        for parameter in list(signature.findall(addnodes.desc_parameter)):
            if _is_private(parameter.astext()):
                parameter.parent.remove(parameter)
    for field in list(content.findall(nodes.field)):
        kind, _, name = field[0].astext().partition(" ")
        if kind in ("param", "type") and _is_private(name):
            field.parent.remove(field)


def _is_private(argument: str) -> bool:
    """Say whether an argument is nobody's to give, such as those by which pydantic-settings is made to behave."""
    return argument.startswith("_")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Look at each description of an object."""
    app.connect("object-description-transform", _shorten)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
