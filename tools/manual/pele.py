"""Draws Mermaid source as SVG, in this process: the JavaScript library Pele, run in QuickJS."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import quickjs

PELE_SHA256 = "b82d1bcd435302779a945e1e0f4a54ea56fb26e010ce3f2122f4216fcfc095d7"
"""Checksum of Pele 1.6.0, package data of the pinned package mermaid-render: what the drawings were looked at with."""
TIME_LIMIT_S = 20
MEMORY_LIMIT_BYTES = 512 << 20
DRAWN_ON_MS = 1_767_225_600_000
"""Date that a Gantt chart takes for today, in ms since 1970: a constant, so that builds of two days are equal."""

DRAW = """
function draw(source, options, shapes) {
  try {
    const model = pele.parse(source);
    const conflicts = [];
    const nodes = model.type === "flowchart" ? [...model.nodes.values()] : [];
    for (const node of nodes) for (const name of node.classes) {
      const wanted = shapes[name];
      if (!wanted) continue;
      if (!node.type || node.type === "square") node.type = wanted[0];
      else if (!wanted.includes(node.type)) conflicts.push({node: node.id, name, shape: node.type});
    }
    const {svg, width, height, type} = pele.render(model, options);
    return JSON.stringify({
      svg, width, height, type, conflicts, heading: model.title || "",
      title: model.accTitle || "", description: model.accDescr || "",
    });
  } catch (error) {
    if (!(error instanceof pele.PeleError)) throw error;
    return JSON.stringify({error: error.message, line: error.line || 0});
  }
}
"""


class PeleChanged(Exception):
    """The installed Pele is not the one that the diagrams were looked at with."""


class MermaidSyntaxError(Exception):
    """Mermaid source that cannot be drawn.

    Attributes:
        line: line in the source, counted from 1; 0 if the fault has no place.
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class ShapeConflict:
    """A node that is given one kind by its class and another by its brackets."""

    node: str
    name: str
    shape: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn diagram.

    Attributes:
        svg: the picture; its colours are `var(--pele-…)`.
        width: in CSS pixels.
        height: in CSS pixels.
        kind: Mermaid's name of the diagram's kind, such as `flowchart`.
        heading: the title in the diagram's front matter; empty if none.
        title: `accTitle`; empty if none.
        description: `accDescr`; empty if none.
        conflicts: nodes whose class and brackets disagree.
    """

    svg: str
    width: float
    height: float
    kind: str
    heading: str
    title: str
    description: str
    conflicts: tuple[ShapeConflict, ...]


def front_matter_lines(source: str) -> int:
    """How many lines the YAML front matter of Mermaid source takes, with its two rules; 0 without one.

    Args:
        source: Mermaid source.
    """
    lines = [line.strip() for line in source.splitlines()]
    return lines.index("---", 1) + 1 if lines[:1] == ["---"] and "---" in lines[1:] else 0


def draw(source: str, *, prefix: str, shapes: Mapping[str, Sequence[str]]) -> Drawing:
    """Draw one diagram.

    Args:
        source: Mermaid source.
        prefix: what the ids in the SVG begin with; must differ between the diagrams of one page.
        shapes: for a class of nodes the names of the shapes that it may have. A flowchart node that has the class,
            and no brackets that say otherwise, gets the first.

    Raises:
        MermaidSyntaxError: the source is not Mermaid that Pele can draw.
        PeleChanged: the installed package has another Pele.
    """
    options = {
        "idPrefix": prefix,
        "responsive": False,
        "autoDirection": False,
        "images": False,
        "links": False,
        "now": DRAWN_ON_MS,
    }
    arguments = ",".join(json.dumps(each) for each in (source, options, dict(shapes)))
    answer: dict[str, Any] = json.loads(_context().eval(f"draw({arguments})"))
    if "error" in answer:
        line = int(answer["line"])
        last = len(source.rstrip().splitlines())
        raise MermaidSyntaxError(
            answer["error"], min(line + front_matter_lines(source), last) if line > 0 else 0
        )
    return Drawing(
        svg=answer["svg"],
        width=float(answer["width"]),
        height=float(answer["height"]),
        kind=answer["type"],
        heading=answer["heading"],
        title=answer["title"],
        description=answer["description"],
        conflicts=tuple(ShapeConflict(**each) for each in answer["conflicts"]),
    )


def library(expected_sha256: str = PELE_SHA256) -> str:
    """JavaScript of Pele.

    Args:
        expected_sha256: checksum that the installed file must have.

    Raises:
        PeleChanged: the installed file has another checksum.
    """
    code = resources.files("mermaid_render").joinpath("pele/pele.global.js").read_bytes()
    found = hashlib.sha256(code).hexdigest()
    if found != expected_sha256:
        raise PeleChanged(
            f"pele.global.js in the installed package mermaid-render has the SHA-256 {found}, expected is "
            f"{expected_sha256}. Install the version in constraints.txt; to move to another one, look at every "
            "diagram and then change PELE_SHA256 in tools/manual/pele.py."
        )
    return code.decode()


@cache
def _context() -> quickjs.Context:
    context = quickjs.Context()
    context.set_memory_limit(MEMORY_LIMIT_BYTES)
    context.set_time_limit(TIME_LIMIT_S)
    context.eval(library())
    context.eval(DRAW)
    return context
