"""The `emp:modules` directive: every module of a package with the first line of its docstring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils.nodes import Node

from .facts import KINDS
from .facts.directives import FactDirective
from .facts.render import Cell

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata


class ModulesDirective(FactDirective):
    """A table of the modules of a package.

    Its argument is the package. Each module is a link to its documentation, with its one reason to exist.
    """

    required_arguments = 1

    def run(self) -> list[Node]:
        """Return the table."""
        kind = KINDS["object"]
        package = self.arguments[0]
        for path in kind.sources():
            self.env.note_dependency(path)
        modules = [
            fact
            for fact in kind.facts.values()
            if fact.field("type").content == ("module",) and f"{fact.name}.".startswith(f"{package}.")
        ]
        if not modules:
            return self.fault(f"there is no package {package!r}")
        renderer = self.renderer()
        rows = []
        for fact in sorted(modules, key=lambda fact: fact.name):
            self.facts_domain.cite(fact, location=self.get_location())
            summary = renderer.paragraph((fact.summary,), kind)
            rows.append([Cell([renderer.citation_paragraph(kind, fact)]), Cell([summary])])
        return [renderer.table(("Module", "Its one reason to exist"), rows, "emp-modules")]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive_to_domain("emp", "modules", ModulesDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
