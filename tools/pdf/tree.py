"""The tree of pages: in which order they are printed, and how deep each stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sphinx import addnodes

if TYPE_CHECKING:
    from sphinx.environment import BuildEnvironment


@dataclass(frozen=True, slots=True)
class Leaf:
    """One page in the tree.

    Attributes:
        docname: the page.
        level: how deep it stands (1 or more).
        part: caption of the toctree that it is the first of, on the root page; empty for the others.
    """

    docname: str
    level: int
    part: str = ""


def page_tree(env: BuildEnvironment) -> list[Leaf]:
    """Return every page of the manual once, in the order in which it is printed.

    A page stands where the first toctree has it, in the order of the root page: the pages of a journey stand in
    their sections.

    Args:
        env: the environment, all pages read.
    """
    root = str(env.config.root_doc)
    seen = {root}
    leaves = [Leaf(root, 1)]
    for toctree in env.get_doctree(root).findall(addnodes.toctree):
        part = toctree.get("caption") or ""
        for docname in toctree["includefiles"]:
            if docname not in seen:
                leaves += _branch(env, docname, 1, part, seen)
                part = ""
    return leaves


def _branch(env: BuildEnvironment, docname: str, level: int, part: str, seen: set[str]) -> Iterator[Leaf]:
    seen.add(docname)
    yield Leaf(docname, level, part)
    for child in env.toctree_includes.get(docname, []):
        if child not in seen:
            yield from _branch(env, child, level + 1, "", seen)
