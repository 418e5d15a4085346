"""The documents that can be printed, as conf.py describes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sphinx.errors import ConfigError

from .tree import Leaf, page_tree

if TYPE_CHECKING:
    from sphinx.environment import BuildEnvironment


@dataclass(frozen=True, slots=True)
class Document:
    """One document.

    Attributes:
        name: by which the command asks for it.
        file: name of the PDF file, without its ending.
        title: on the cover.
        subtitle: below it.
        audience: for whom it is, in words.
        pages: the pages that it consists of, in order; empty for all of the manual.
        summary: whether it begins with a summary of the measures, and ends with what changed.
        index: whether it ends with an index.
        left_out: benchmarks that the summary does not show.
        before: revision of the issue before, which changes are counted from; empty if this is the first.
    """

    name: str
    file: str
    title: str
    subtitle: str
    audience: str
    pages: tuple[str, ...] = ()
    summary: bool = False
    index: bool = False
    left_out: tuple[str, ...] = ()
    before: str = ""

    def leaves(self, env: BuildEnvironment) -> list[Leaf]:
        """Return its pages in order.

        Args:
            env: the environment, all pages read.

        Raises:
            ConfigError: it lists a page that does not exist.
        """
        if not self.pages:
            return page_tree(env)
        if missing := [page for page in self.pages if page not in env.found_docs]:
            raise ConfigError(
                f"pdf_documents in conf.py lists for {self.name!r} pages that do not exist: {', '.join(missing)}"
            )
        return [Leaf(page, 1) for page in self.pages]


def document(name: str, described: dict[str, dict[str, Any]]) -> Document:
    """Return a document by its name.

    Args:
        name: its name.
        described: `pdf_documents` of conf.py.

    Raises:
        ConfigError: there is no such document, or it is described with a word that means nothing.
    """
    if name not in described:
        raise ConfigError(f"pdf_documents in conf.py has no {name!r}, only {', '.join(described)}")
    try:
        facts = dict(described[name])
        lists = {key: tuple(facts.get(key, ())) for key in ("pages", "left_out")}
        return Document(name=name, **{**facts, **lists})
    except TypeError as error:
        raise ConfigError(f"pdf_documents in conf.py, {name!r}: {error}") from error
