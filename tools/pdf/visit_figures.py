"""Figures and code on paper: pictures as vectors with text that can be read, code in colours."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

from docutils import nodes
from sphinx.errors import SphinxError

from . import highlight, markup
from .visit import Visitor

CSS_PX_PT = 0.75
"""Points of a CSS pixel."""
SCALE = 0.74
"""How large diagrams are printed where there is room, against their size on screen: text as large as prose."""
SMALLEST_PT = 6.0
"""Text of a diagram must not be smaller than this at 100 %."""
HIGHEST = 0.82
"""Share of a page's height that a diagram may take."""


class Illegible(SphinxError):
    """A diagram is so large that its text could not be read on paper."""

    category = "Illegible on paper"


class FigureVisitor(Visitor):
    """Pictures and code."""

    def visit_figure(self, node: nodes.figure) -> str:
        caption = next((each for each in node.children if isinstance(each, nodes.caption)), None)
        legend = [each for each in node.children if isinstance(each, nodes.legend)]
        image = next(node.findall(nodes.image))
        shown = ""
        if caption is not None:
            with self.inside(wide=False, notes=False):
                shown = markup.content(self.children(caption))
        return self.anchors(node) + self._picture(image, shown) + self.all(legend)

    def visit_legend(self, node: nodes.legend) -> str:
        return self.children(node)

    def visit_image(self, node: nodes.image) -> str:
        return self.anchors(node) + self._picture(node, "")

    def _picture(self, node: nodes.image, caption: str) -> str:
        path = Path(node["candidates"].get("image/svg+xml") or node["uri"])
        copy = self.page.images / path.name
        shutil.copyfile(self.page.source / path, copy)
        if not node.get("alt"):
            raise Illegible(f"{self.page.docname}: the picture {path.name} has no text alternative.")
        width, landscape = self._size(copy)
        return (
            markup.call(
                "picture",
                markup.string(f"images/{copy.name}"),
                f"{width:.2f}pt",
                markup.string(node["alt"]),
                **({"caption": caption} if caption else {}),
                **({"landscape": "true"} if landscape else {}),
            )
            + "\n\n"
        )

    def _size(self, file: Path) -> tuple[float, bool]:
        """Return how wide a picture is printed, in points, and whether its page lies on its side.

        Raises:
            Illegible: its text would be too small either way.
        """
        if file.suffix != ".svg":
            return self.page.paper.room()[0], False
        picture = ET.parse(file).getroot()
        width, height = (
            float(picture.get(name, "0").removesuffix("px")) * CSS_PX_PT for name in ("width", "height")
        )
        text = smallest_text(picture) * CSS_PX_PT
        for landscape in (False, True):
            room_x, room_y = self.page.paper.room(landscape=landscape)
            scale = min(SCALE, room_x / width, room_y * HIGHEST / height)
            if scale * text >= SMALLEST_PT:
                return width * scale, landscape and self.around.wide
        raise Illegible(
            f"{self.page.docname}: the text of a diagram would be {scale * text:.1f} pt small on a page of "
            f"{self.page.paper.name}. Make it narrower, or split it."
        )

    # Code

    def visit_literal_block(self, node: nodes.literal_block) -> str:
        return self.code_block(node, None)

    visit_doctest_block = visit_literal_block

    def code_block(self, node: nodes.literal_block, caption: nodes.Element | None) -> str:
        """Return a block of code, with its caption if it has one."""
        source = node.astext().rstrip("\n")
        language = node.get("language", "text")
        options: dict[str, object] = node.get("highlight_args", {})
        rows = highlight.lines(source, language, options, force=node.get("force", False))
        named = {"kind": markup.string("output")} if language == "output" else {}
        if caption is not None:
            named["caption"] = markup.content(self.children(caption))
        if node.get("linenos"):
            named["numbered"] = str(options.get("linenostart", 1))
        if _is_output(node.next_node(descend=False, siblings=True)):
            named["followed"] = "true"
        shown = markup.call("code-block", markup.string(source), rows, **named)
        return f"{self.anchors(node)}{shown}\n\n"


def _is_output(node: nodes.Node | None) -> bool:
    return isinstance(node, nodes.literal_block) and node.get("language") == "output"


def smallest_text(picture: ET.Element) -> float:
    """Return the size of the smallest text of an SVG file, in its own units; infinite without text.

    Args:
        picture: its root.
    """
    return min(_sizes(picture, 16.0), default=float("inf"))


def _sizes(element: ET.Element, inherited: float) -> list[float]:
    written = (
        element.get("font-size")
        or (re.findall(r"font-size:\s*([\d.]+)", element.get("style", "")) or [""])[0]
    )
    size = float(written.removesuffix("px")) if written else inherited
    found = [size] if element.tag.endswith(("text", "tspan")) and (element.text or "").strip() else []
    for child in element:
        found += _sizes(child, size)
    return found
