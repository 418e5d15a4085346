"""The `emp:processes` directive: the processes of a running system, with ports and protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes

from .facts import KINDS
from .facts.base import Code, Content, Ref
from .facts.directives import FactDirective
from .facts.processes import processes
from .facts.render import Cell

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata


class ProcessesDirective(FactDirective):
    """A table of the processes: command, package, where it listens, what it speaks."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        kind = KINDS["object"]
        for name in ("object", "setting", "command"):
            for path in KINDS[name].sources():
                self.env.note_dependency(path)
        renderer = self.renderer()
        rows = []
        for process in processes():
            port: Content = ("nowhere",)
            if process.port:
                port = (Code(process.listens), ", by ", Ref("setting", process.port))
            cells: tuple[Content, ...] = (
                (process.name,),
                (Ref("command", process.command),),
                (Ref("object", process.package),),
                port,
                ("; ".join(process.speaks),),
            )
            for content in cells:
                for item in content:
                    if isinstance(item, Ref):
                        self.facts_domain.cite(KINDS[item.kind].find(item.name), location=self.get_location())
            rows.append([Cell([renderer.paragraph(content, kind)]) for content in cells])
        heads = ("Process", "Run by", "Package", "Listens at", "Speaks")
        return [renderer.table(heads, rows, "emp-processes")]


class PackagesDirective(FactDirective):
    """A table of the packages, each with what it is."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        kind = KINDS["object"]
        for path in kind.sources():
            self.env.note_dependency(path)
        renderer = self.renderer()
        rows = []
        for fact in sorted(kind.facts.values(), key=lambda fact: fact.name):
            if not _is_package(fact.name, fact.source.path):
                continue
            self.facts_domain.cite(fact, location=self.get_location())
            rows.append(
                [
                    Cell([renderer.citation_paragraph(kind, fact)]),
                    Cell([renderer.paragraph((fact.summary,), kind)]),
                ]
            )
        return [renderer.table(("Package", "Is"), rows, "emp-packages")]


def _is_package(name: str, path: str) -> bool:
    return name.count(".") == 1 and path.endswith("/__init__.py") and name.startswith("emprops.")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives."""
    app.add_directive_to_domain("emp", "processes", ProcessesDirective)
    app.add_directive_to_domain("emp", "packages", PackagesDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
