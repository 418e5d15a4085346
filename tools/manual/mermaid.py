"""The `mermaid` directive of sphinxcontrib-mermaid, drawn while the manual is built.

Pages write its ```` ```{mermaid} ```` with `:caption:`, `:alt:` and `:name:`; code calls `mermaid_node`. In HTML a
diagram is an SVG in the page, in every other format an image file. What a page writes:

- A text alternative, always: `accTitle`/`accDescr` in the diagram, or else `:alt:`, or else `:caption:`.
- A class for each box, `:::store`; the classes and the shapes that they give are `manual.diagram.KINDS`. No colours.
- Links as `click <node> href "<target>"`; the target is what `[text](target)` takes on the page, or a role, as in
  ``click pending href "{emp:status}`pending`"``. It is checked like any other reference.

What is wrong in a diagram is a warning at its line in the page.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, ClassVar, cast

from docutils import nodes
from myst_parser.mocking import MockState
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.config import Config
from sphinx.util import logging
from sphinx.util.osutil import relative_uri
from sphinx.util.typing import ExtensionMetadata
from sphinxcontrib.mermaid import Mermaid, mermaid

from manual.diagram import KINDS, PHONE_PX, Diagram, Link
from manual.palette import palette_of
from manual.pele import Drawing, MermaidSyntaxError, draw

logger = logging.getLogger(__name__)

CLICK = re.compile(
    r"""\s*click\s+(?P<node>\S+)\s+(?:href\s+)?"(?P<target>[^"]+)"(?:\s+"[^"]*")?(?:\s+_\w+)?\s*;?\s*"""
)
COLOUR = re.compile(
    r"""\s*(?:(?:classDef|style|linkStyle)\s.*?\b(?:fill|stroke|color|background(?:-color)?)\s*:|rect\s+\w"""
    r"""|box\s+(?:rgba?|hsla?|\#)|.*\b(?:themeVariables|themeCSS|theme)["']?\s*:)"""
)


def mermaid_node(
    source: str,
    *,
    location: tuple[str, int],
    alt: str,
    caption: str | list[nodes.Node] = "",
    links: Mapping[str, nodes.Node] | None = None,
) -> nodes.Element:
    """Make a diagram that code has written, for a directive to return.

    A directive with a `name` option gives it to the result with its own `add_name`.

    Args:
        source: Mermaid source, without `click`.
        location: file and line that warnings name, such as `directive.get_source_info()`.
        alt: what the diagram shows, for those who do not see it.
        caption: what to see in it; text, or inline nodes. Makes the diagram a figure, which has a number.
        links: what a label leads to: by the id of a node, or by the text on an edge, a reference or one that is still
            to be resolved, whose own text is the tool tip.

    Returns:
        A figure if there is a caption, else the diagram itself.
    """
    node: nodes.Element = mermaid(code=source, options={}, alt=alt)
    _place(node, location, 0)
    for label, target in (links or {}).items():
        node += nodes.inline("", "", target, label=label)
    if not caption:
        return node
    content = [nodes.Text(caption)] if isinstance(caption, str) else caption
    figure = nodes.figure("", node, nodes.caption("", "", *content))
    figure.source, figure.line = location
    return figure


def _place(node: nodes.Element, location: tuple[str, int], first_line: int) -> None:
    """Note where a diagram stands, and in which line its source begins; 0 if the source is in no file."""
    node.source, node.line = location
    node["first_line"] = first_line


class DiagramDirective(Mermaid):  # type: ignore[misc]  # sphinxcontrib-mermaid has no types
    """`mermaid` as sphinxcontrib-mermaid defines it; notes also where it stands and what its labels lead to."""

    option_spec: ClassVar[dict[str, Any]] = Mermaid.option_spec

    def run(self, **options: Any) -> list[nodes.Node]:
        result = cast("list[nodes.Node]", super().run(**options))
        for node in (each for root in result for each in root.findall(mermaid)):
            source, line = self.state_machine.get_source_and_line(self.lineno)
            written = len(self.content) if self.content else len(node["code"].splitlines())
            added = len(node["code"].splitlines()) - written
            if self.arguments:
                source = self.state.document.settings.env.relfn2path(self.arguments[0])[1]
                _place(node, (source, 1), 1 - added)
            else:
                # MyST counts the offset from the directive, reStructuredText from the top of the file.
                before = self.lineno if _is_myst(self) else 0
                _place(node, (source, line), before + self.content_offset + 1 - added)
            self._take_links(node)
        return result

    def _take_links(self, node: nodes.Element) -> None:
        lines = node["code"].split("\n")
        for number, text in enumerate(lines):
            click = CLICK.fullmatch(text)
            if click:
                target = click["target"]
                written = target if target.startswith(("{", ":")) else f"[{click['node']}](<{target}>)"
                # MyST takes the number of the line before.
                line = node["first_line"] + number - _is_myst(self)
                parsed, messages = self.state.inline_text(written, line)
                node += nodes.inline("", "", *parsed, *messages, label=click["node"])
                # The line stays, empty: the lines that errors name remain those of the page.
                lines[number] = ""
            elif text.split()[:1] == ["click"]:
                _warn(node, number + 1, 'A link must be written as: click <node> href "<target>".', "link")
        node["code"] = "\n".join(lines)


def _is_myst(directive: DiagramDirective) -> bool:
    return isinstance(directive.state, MockState)


def _warn(node: nodes.Element, line: int, message: str, subtype: str) -> None:
    """Warn at a line of the source of a diagram, or at the diagram if the line is 0."""
    place = node["first_line"] + line - 1 if line and node["first_line"] else node.line
    logger.warning(message, location=f"{node.source}:{place}", type="mermaid", subtype=subtype)


def draw_diagrams(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace each diagram of a document whose references are resolved by its picture."""
    page = _Page(app, docname)
    for number, node in enumerate(list(doctree.findall(mermaid)), 1):
        page.replace(node, number)


class _Page:
    """Draws the diagrams of one document for the builder that writes it."""

    def __init__(self, app: Sphinx, docname: str) -> None:
        self.app = app
        self.docname = docname

    def replace(self, node: nodes.Element, number: int) -> None:
        if "first_line" not in node:
            _place(node, (node.source or str(self.app.env.doc2path(self.docname)), node.line or 1), 0)
        prefix = f"diagram-{number}-"
        try:
            drawing = draw(node["code"], prefix=prefix, shapes=KINDS)
        except MermaidSyntaxError as error:
            _warn(node, error.line, f"Mermaid cannot draw this: {error}", "syntax")
            node.replace_self(nodes.literal_block(node["code"], node["code"], language="text"))
        else:
            node.replace_self(self._picture(node, drawing, prefix, number))

    def _picture(self, node: nodes.Element, drawing: Drawing, prefix: str, number: int) -> nodes.Node:
        diagram = Diagram(drawing.svg)
        self._check(node, drawing, diagram)
        title, description = self._names(node, drawing)
        for unused in sorted(diagram.link(_links(node))):
            known = ", ".join(sorted({f"{each[0]} ({each[1]})" for each in diagram.labels}))
            _warn(node, 0, f"A link is given for {unused!r}; the diagram has only: {known}.", "link")
        diagram.colour_statuses()
        diagram.describe(title, description, prefix)
        if isinstance(self.app.builder, StandaloneHTMLBuilder):
            return self._inline(node, diagram, title, number)
        return self._image(node, diagram, description or title)

    def _check(self, node: nodes.Element, drawing: Drawing, diagram: Diagram) -> None:
        for conflict in drawing.conflicts:
            shape = KINDS[conflict.name][0]
            message = (
                f"Node {conflict.node!r} is a {conflict.name}, whose shape is {shape}, and is drawn as "
                f"{conflict.shape}. Write it with square brackets; the class gives the shape."
            )
            line = next(
                (
                    n
                    for n, text in enumerate(node["code"].split("\n"), 1)
                    if f":::{conflict.name}" in text and re.search(rf"\b{re.escape(conflict.node)}\b", text)
                ),
                0,
            )
            _warn(node, line, message, "shape")
        fixed = [n for n, text in enumerate(node["code"].split("\n"), 1) if COLOUR.match(text)]
        if not fixed and diagram.fixed_colours():
            fixed = [0]
        for line in fixed:
            message = (
                "A diagram must follow the page's colours, light and dark, and sets one of its own. Use a class: "
                f"{', '.join(KINDS)}, status-<name>."
            )
            _warn(node, line, message, "colour")
        for name in sorted(diagram.statuses()):
            if palette_of(self.app).value(f"--status-{name}") is None:
                _warn(
                    node,
                    0,
                    f"No style sheet sets a colour --status-{name} for the class status-{name}.",
                    "status",
                )

    def _names(self, node: nodes.Element, drawing: Drawing) -> tuple[str, str]:
        caption = (
            next((each.astext() for each in node.parent.findall(nodes.caption)), "") if _figure(node) else ""
        )
        alt = node.get("alt", "")
        if not (drawing.title or drawing.description or alt or caption):
            message = "The diagram has no text alternative. Say in :alt: what it shows, or in accTitle and accDescr."
            _warn(node, 0, message, "alt")
        title = drawing.title or drawing.heading or caption or alt or drawing.description or "Diagram"
        description = drawing.description or alt
        return title, "" if description == title else description

    def _inline(self, node: nodes.Element, diagram: Diagram, title: str, number: int) -> nodes.Node:
        builder = cast("StandaloneHTMLBuilder", self.app.builder)
        page = builder.get_target_uri(self.docname)
        name = f"{self.docname.replace('/', '--')}-diagram-{number}.svg"
        file = Path(builder.outdir) / builder.imagedir / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(diagram.standalone(palette_of(self.app), page), encoding="utf-8")
        box = ' class="diagram-box"'
        if diagram.least_width > PHONE_PX:
            box += f' tabindex="0" role="group" aria-label="{escape(f"Diagram, may scroll: {title}")}"'
        large = f"{relative_uri(page, builder.imagedir)}/{name}"
        markup = (
            f'<div{box} style="--diagram-least: {diagram.least_width}px">{diagram.inline()}</div>'
            f'<p class="diagram-large"><a href="{escape(large)}" aria-label="{escape(f"Open large: {title}")}">'
            "Open large</a></p>"
        )
        picture = nodes.container("", nodes.raw("", markup, format="html"), classes=["diagram"])
        picture["ids"] = node["ids"]
        if "align" in node:
            picture["classes"].append(f"align-{node['align']}")
        return picture

    def _image(self, node: nodes.Element, diagram: Diagram, alternative: str) -> nodes.Node:
        text = diagram.printable(palette_of(self.app))
        file = (
            Path(self.app.doctreedir) / "diagrams" / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.svg"
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        path = str(file)
        self.app.env.images.add_file(self.docname, path)
        return nodes.image(uri=path, alt=alternative, candidates={"image/svg+xml": path}, ids=node["ids"])


def _figure(node: nodes.Element) -> bool:
    return isinstance(node.parent, nodes.figure)


def _links(node: nodes.Element) -> dict[str, Link]:
    """Links of a diagram; a reference that Sphinx could not resolve, and has warned of, is none."""
    found = {}
    for holder in node.children:
        label = cast("nodes.Element", holder)["label"]
        for reference in holder.findall(nodes.reference):
            href = f"#{reference['refid']}" if "refid" in reference else reference["refuri"] or "#"
            text = reference.get("reftitle", "") or reference.astext()
            found[label] = Link(href, "" if text == label else text)
            break
    return found


def _no_client_script(app: Sphinx, config: Config) -> None:
    # In its default "raw" mode sphinxcontrib-mermaid loads a script from a CDN on every page that has a diagram.
    config.mermaid_output_format = "svg"


def setup(app: Sphinx) -> ExtensionMetadata:
    """Draw diagrams at build time; loads sphinxcontrib-mermaid itself."""
    app.setup_extension("sphinxcontrib.mermaid")
    app.connect("config-inited", _no_client_script)
    app.add_directive("mermaid", DiagramDirective, override=True)
    # Before other listeners, which see pictures.
    app.connect("doctree-resolved", draw_diagrams, priority=400)
    app.add_css_file("css/diagrams.css")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
