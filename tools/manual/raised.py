"""Error classes in the Python reference: what each declares stands once, at its code, to which the class leads."""

from __future__ import annotations

from inspect import get_annotations
from typing import TYPE_CHECKING, Any

from emprops.core.errors import EmpropsError

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

DECLARED = frozenset(get_annotations(EmpropsError))
"""What a class of errors declares; the base says what each of it means."""
AFTER_TYPE_HINTS = 900
"""Place among the listeners: type hints become text at 500, which is what a listener has unless it says otherwise."""


def _leave_out(app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object) -> bool | None:
    """Leave out what a class declares; the base only says what there is to declare, and stays."""
    return True if what == "exception" and name in DECLARED and isinstance(obj, str | int) else None


def _refer(app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:
    """Say by which code an error is known; its cause and remedy stand there, its arguments are told of the base."""
    if isinstance(obj, type) and issubclass(obj, EmpropsError) and "code" in vars(obj):
        end = next((i for i, line in enumerate(lines) if line.startswith(":")), len(lines))
        lines[end:] = [f"Its code is :emp:error:`{obj.code}`.", ""]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Look at each class of errors."""
    app.connect("autodoc-skip-member", _leave_out)
    app.connect("autodoc-process-docstring", _refer, priority=AFTER_TYPE_HINTS)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
