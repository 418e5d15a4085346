"""References from docstrings to Python objects of other packages: checked by importing them, shown without a link.

The manual makes no outside request and holds no copies of other projects' inventories; what an installed package really
has is the check, so a name that goes away with an upgrade fails the build.
"""

from __future__ import annotations

import builtins
import importlib
import re
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment
    from sphinx.util.typing import ExtensionMetadata

OWN = "emprops"
_CONSTRAINED = re.compile(r"~?typing\.Annotated\[(\w+), ~?pydantic\.types\.\w+\([^()]*\)\]")
MISPLACED = {"types.Annotated": "typing.Annotated"}
"""Names that the type hints extension puts into the wrong module, and where they are."""


def exists(name: str, module: str = "") -> bool:
    """Tell whether a name is a builtin, an object of an installed package, or one that a module imports.

    Args:
        name: the name, dotted.
        module: module in which it is used.
    """
    name = MISPLACED.get(name, name)
    if hasattr(builtins, name) or (module and hasattr(importlib.import_module(module), name)):
        return True
    parts = name.split(".")
    for split in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:split]))
        except ImportError:
            continue
        return all(
            hasattr(found, part) and (found := getattr(found, part)) is not None for part in parts[split:]
        )
    return False


def _readable(annotation: str) -> str:
    """Return a type as a reader knows it: without the constraints that its documentation gives in words."""
    return _CONSTRAINED.sub(r"\1", annotation).replace("~", "")


def _resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Node
) -> nodes.Node | None:
    if node.get("refdomain") != "py":
        return None
    name = node["reftarget"]
    if "[" in name or " | " in name:
        return nodes.literal("", _readable(name))
    if name.split(".")[0] == OWN or not exists(name, node.get("py:module") or ""):
        return None
    return content


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the check."""
    app.connect("missing-reference", _resolve)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
