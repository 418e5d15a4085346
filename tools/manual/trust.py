"""The `emp:trust` directive: what the build itself counted about how far the manual is bound to the code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from .blocks import REASON, RUN, VALIDATED
from .facts import KINDS
from .facts.measure import records

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment
    from sphinx.util.typing import ExtensionMetadata


class TrustPlace(nodes.General, nodes.Element):
    """Where the counts go, once all pages are read."""


class TrustDirective(SphinxDirective):
    """One list of counts: pages, facts, citations, blocks."""

    def run(self) -> list[nodes.Node]:
        """Return the place of the list."""
        _pages(self.env).add(self.env.docname)
        return [TrustPlace()]


def _pages(env: BuildEnvironment) -> set[str]:
    return env.__dict__.setdefault("emp_trust_pages", set())  # type: ignore[no-any-return]  # set just here


def _blocks(env: BuildEnvironment) -> dict[str, tuple[int, int]]:
    return env.__dict__.setdefault("emp_trust_blocks", {})  # type: ignore[no-any-return]  # set just here


def _count_blocks(app: Sphinx, doctree: nodes.document) -> None:
    blocks = [node for node in doctree.findall(nodes.literal_block) if REASON not in node]
    executed = sum(node.get("language") in RUN for node in blocks)
    validated = sum(node.get("language") in VALIDATED for node in blocks)
    _blocks(app.env)[app.env.docname] = (executed, validated)


def _forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    _pages(env).discard(docname)
    _blocks(env).pop(docname, None)


def _merge(app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment) -> None:
    _pages(env).update(_pages(other))
    _blocks(env).update({name: _blocks(other)[name] for name in docnames if name in _blocks(other)})


def _write_again(app: Sphinx, env: BuildEnvironment) -> list[str]:
    return sorted(_pages(env))


class FillTrust(SphinxPostTransform):
    """Fills in the counts."""

    default_priority = 5

    def run(self, **kwargs: Any) -> None:
        """Replace each place by its list."""
        for place in list(self.document.findall(TrustPlace)):
            place.replace_self(self._list())

    def _list(self) -> nodes.bullet_list:
        domain = self.env.domains["emp"]
        facts = {kind.plural: len(list(domain.facts(kind))) for kind in KINDS.values()}  # type: ignore[attr-defined]  # EmpDomain
        cited = sum(len(names) for names in domain.data["citations"].values())
        executed = sum(count for count, _ in _blocks(self.env).values())
        most = ", ".join(f"{count} {name}" for name, count in facts.items() if count)
        dates = [record.provenance["date"] for _, record in records()]
        entries = (
            ("facts bound", f"{sum(facts.values())}", f"to the code: {most}"),
            ("citations checked", f"{cited}", "one of something that does not exist fails the build"),
            (
                "blocks executed",
                f"{executed}",
                "by the tests, against a real server; what a page shows as output is what came out",
            ),
            (
                "benchmarks recorded",
                f"{len(dates)}",
                f"by one command each; the oldest is of {min(dates)}" if dates else "by one command each",
            ),
            ("pages", f"{len(self.env.all_docs)}", "each with an owner, its questions and a date of review"),
        )
        listing = nodes.bullet_list("", classes=["trust"])
        for label, number, note in entries:
            paragraph = nodes.paragraph("", "", nodes.strong("", number), nodes.Text(f" {label} "))
            paragraph += nodes.inline("", note, classes=["trust-note"])
            listing += nodes.list_item("", paragraph)
        return listing


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive_to_domain("emp", "trust", TrustDirective)
    app.add_node(TrustPlace)
    app.add_post_transform(FillTrust)
    app.connect("doctree-read", _count_blocks)
    app.connect("env-purge-doc", _forget)
    app.connect("env-merge-info", _merge)
    app.connect("env-updated", _write_again)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
