"""Code blocks: `not-run` for one that the tests must not run and why, and the languages that pages may use."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from pygments.lexers.special import TextLexer
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import OptionSpec

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

RUN = frozenset({"bash", "python", "javascript"})
"""Languages whose blocks the tests run."""
VALIDATED = frozenset({"json", "http", "toml", "yaml"})
"""Languages whose blocks the tests read and check."""
OUTPUT = "output"
"""Language of what came out of the block before."""
BACKGROUND = "background"
"""Class of a block whose command runs until the page ends."""
REASON = "not_run"
"""Attribute of a block that must not run: why."""


class NotRunDirective(SphinxDirective):
    """A block that the tests do not run.

    The argument is its language; `reason` says why it is not run, and is shown.
    """

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[OptionSpec] = {"reason": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Return the block and the line that says why."""
        if "reason" not in self.options:
            raise self.error("a block that is not run says why: give it a reason")
        text = "\n".join(self.content)
        block = nodes.literal_block(text, text, language=self.arguments[0])
        block[REASON] = self.options["reason"]
        self.set_source_info(block)
        line = nodes.paragraph("", f"Not run by the tests of this page: {self.options['reason']}.")
        line["classes"].append("provenance")
        return [block, line]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive and the language of outputs."""
    app.add_lexer(OUTPUT, TextLexer)
    app.add_directive("not-run", NotRunDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
