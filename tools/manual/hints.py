"""Type hints as readers know them: `Annotated[Broker, Depends(…)]` is a `Broker`; the rest is told in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from sphinx_autodoc_typehints import format_annotation

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config
    from sphinx.util.typing import ExtensionMetadata


class Formatter:
    """Formats a type hint; an object, since Sphinx keeps no functions among its settings."""

    def __call__(self, annotation: Any, config: Config) -> str | None:
        """Return the text of an annotated type; ``None`` leaves any other to the extension."""
        if get_origin(annotation) is not Annotated:
            return None
        return format_annotation(get_args(annotation)[0], config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formatter)

    def __hash__(self) -> int:
        return hash(Formatter)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Set the formatter."""
    app.config.typehints_formatter = Formatter()
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
