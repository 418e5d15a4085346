"""The blocks of a page, in reading order, as the build left them."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutils import nodes

from manual.blocks import BACKGROUND, OUTPUT, REASON, RUN
from manual.facts.render import GENERATED

MISNAMED = {
    "sh": "bash",
    "shell": "bash",
    "console": "bash",
    "py": "python",
    "python3": "python",
    "js": "javascript",
}
"""Names that pages must not use for a language, and the name that they use."""


@dataclass(frozen=True, slots=True)
class Block:
    """One code block.

    Attributes:
        page: the page.
        line: line of the page's source where it begins.
        language: its language.
        text: its text.
        output: what the page shows as what came out; ``None`` if it shows nothing.
        output_line: line where that begins; 0 if there is none.
        background: whether its command runs until the page ends.
        reason: why it is not run; empty if it is.
    """

    page: str
    line: int
    language: str
    text: str
    output: str | None
    output_line: int
    background: bool
    reason: str

    @property
    def where(self) -> str:
        """Place of the block, for messages."""
        return f"source/{self.page}.md:{self.line}"


class StrayOutput(ValueError):
    """A page shows an output that no block before it could have made."""


def blocks_of(doctrees: Path, page: str) -> list[Block]:
    """Return the blocks of a page.

    Args:
        doctrees: folder where the build keeps the pages that it read.
        page: name of the page.

    Raises:
        StrayOutput: an output does not follow a block that runs.
    """
    doctree: Any = pickle.loads((doctrees / f"{page}.doctree").read_bytes())
    own = [node for node in doctree.findall(nodes.literal_block) if _from_page(node)]
    found: list[Block] = []
    for node in own:
        language, text = node.get("language", ""), node.astext()
        if language == OUTPUT:
            if not found or found[-1].language not in RUN or found[-1].output is not None:
                raise StrayOutput(f"source/{page}.md:{node.line}: an output that follows no block that runs")
            last = found.pop()
            found.append(
                Block(
                    last.page,
                    last.line,
                    last.language,
                    last.text,
                    text,
                    node.line or 0,
                    last.background,
                    last.reason,
                )
            )
            continue
        background = BACKGROUND in node["classes"]
        found.append(Block(page, node.line or 0, language, text, None, 0, background, node.get(REASON, "")))
    return found


def _from_page(node: nodes.Element) -> bool:
    source = node.source or ""
    return source.endswith(".md") and "docstring of" not in source and GENERATED not in node["classes"]
