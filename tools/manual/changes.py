"""The `emp:changes` directive: the newest entries of the changelog."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import OptionSpec

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

_VERSION = re.compile(r"^## \[?([^\]\n]+)\]?(?: - (\S+))?$")
_KIND = re.compile(r"^### (.+)$")


class ChangesDirective(SphinxDirective):
    """The newest entries of `CHANGELOG.md`.

    Options:
        limit: how many entries at most (1 or more).
    """

    option_spec: ClassVar[OptionSpec] = {"limit": directives.positive_int}

    def run(self) -> list[nodes.Node]:
        """Return a list, the newest entry first."""
        path = Path(self.env.app.confdir) / "CHANGELOG.md"
        self.env.note_dependency(str(path))
        listing = nodes.bullet_list("", classes=["changes"])
        version = kind = ""
        for line in _entries(path.read_text(encoding="utf-8")):
            if found := _VERSION.match(line):
                version = found[1]
            elif found := _KIND.match(line):
                kind = found[1]
            elif line.startswith("- ") and len(listing) < self.options.get("limit", 5):
                content, messages = self.parse_inline(line[2:], lineno=self.lineno)
                lead = nodes.strong("", f"{kind}, {version}" if version != "Unreleased" else kind)
                listing += nodes.list_item(
                    "", nodes.paragraph("", "", lead, nodes.Text(": "), *content), *messages
                )
        if not listing:
            raise self.error(f"{path.name} has no entries")
        return [listing]


def _entries(text: str) -> list[str]:
    joined = re.sub(r"\n  +(?=\S)", " ", text)
    return joined.splitlines()


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive_to_domain("emp", "changes", ChangesDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
