"""Boxes on paper: admonitions, cards, tabs and dropdowns, each open, with what it is called above it."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.locale import admonitionlabels

from . import markup
from .visit import Visitor

COLOURS = {
    "tip": "tip",
    "hint": "tip",
    "versionadded": "tip",
    "warning": "warning",
    "caution": "warning",
    "attention": "warning",
    "versionchanged": "warning",
    "deprecated": "warning",
    "danger": "danger",
    "error": "danger",
    "versionremoved": "danger",
}
"""Token that gives each kind of admonition its colour; the others are notes."""


class BoxVisitor(Visitor):
    """Boxes."""

    # Admonitions

    def visit_note(self, node: nodes.Element) -> str:
        kind = type(node).__name__
        return self._admonition(node, kind, markup.text(str(admonitionlabels[kind])), node.children)

    visit_tip = visit_note
    visit_hint = visit_note
    visit_important = visit_note
    visit_warning = visit_note
    visit_caution = visit_note
    visit_attention = visit_note
    visit_danger = visit_note
    visit_error = visit_note
    visit_seealso = visit_note

    def visit_admonition(self, node: nodes.admonition) -> str:
        title, *rest = node.children
        kind = next((each for each in node["classes"] if each in COLOURS), "note")
        with self.inside(numbers=False, notes=False):
            head = self.children(title)
        return self._admonition(node, kind, head, rest)

    def visit_topic(self, node: nodes.topic) -> str:
        return self.visit_admonition(node)  # type: ignore[arg-type]  # built alike

    visit_sidebar = visit_topic

    def visit_versionmodified(self, node: addnodes.versionmodified) -> str:
        return self._admonition(node, node["type"], "", node.children)

    def _admonition(self, node: nodes.Element, kind: str, head: str, body: list[nodes.Node]) -> str:
        with self.inside(wide=False):
            shown = self.anchors(node) + self.all(body)
        colour = markup.string(COLOURS.get(kind, "note"))
        title = markup.content(head) if head else "none"
        return markup.call("admonition", colour, title, markup.content(shown)) + "\n\n"

    # Cards, tabs and dropdowns of sphinx-design

    def visit_container(self, node: nodes.container) -> str:
        component = node.get("design_component")
        if component is None:
            return self._plain_container(node)
        method = getattr(self, f"design_{component.replace('-', '_')}", None)
        return str(method(node)) if method else self.anchors(node) + self.children(node)

    def _plain_container(self, node: nodes.container) -> str:
        if "literal-block-wrapper" in node["classes"]:
            caption, block = node.children
            return self.anchors(node) + self.code_block(block, caption)  # type: ignore[attr-defined,no-any-return]  # CodeVisitor
        return self.anchors(node) + self.children(node)

    def design_grid_row(self, node: nodes.container) -> str:
        columns = [
            int(each) for name in node["classes"] for each in re.findall(r"^sd-row-cols-lg-(\d+)$", name)
        ]
        count = min(columns[-1] if columns else 3, len(node.children), 4)
        with self.inside(wide=False, longest=14):
            cells = [markup.content(self.anchors(each) + self._in_cell(each)) for each in node.children]  # type: ignore[arg-type]  # grid items
        return markup.call("cards", str(count), *cells) + "\n\n"

    def _in_cell(self, item: nodes.Element) -> str:
        cards = [each for each in item.children if _component(each) == "card"]
        if len(cards) == len(item.children) == 1:
            return self._card(cards[0])  # type: ignore[arg-type]  # a card is a container
        return self.children(item)

    def design_card(self, node: nodes.container) -> str:
        with self.inside(wide=False):
            return markup.call("boxed", markup.content(self.anchors(node) + self._card(node))) + "\n\n"

    def _card(self, card: nodes.Element) -> str:
        link = next(
            (each for each in card.findall(nodes.reference) if "sd-stretched-link" in each["classes"]), None
        )
        title = next(
            (each for each in card.findall(nodes.container) if _component(each) == "card-title"), None
        )
        head = self.children(title) if title is not None else ""
        if link is not None:
            # The whole card is the link; on paper its title is.
            target = link.deepcopy()
            target.children = []
            target += nodes.Text(title.astext() if title is not None else link.astext())
            head = self.visit(target)
        rest = [each for each in card.children if not isinstance(each, nodes.TextElement)]
        body = "".join(self._card_part(part, title) for part in rest)
        return markup.call("card", markup.content(head) if head else "none", markup.content(body))

    def _card_part(self, part: nodes.Node, title: nodes.Element | None) -> str:
        if not isinstance(part, nodes.container):
            return "" if isinstance(part, nodes.reference) else self.visit(part)
        return self.all(each for each in part.children if each is not title)

    def visit_PassthroughTextElement(self, node: nodes.TextElement) -> str:
        return self.children(node)

    def design_tab_item(self, node: nodes.container) -> str:
        label, content = node.children
        with self.inside(wide=False):
            body = self.children(content)
        head = markup.content(self.anchors(label) + self.children(label))
        return markup.call("tab", head, markup.content(body)) + "\n\n"

    def design_dropdown(self, node: nodes.container) -> str:
        children = list(node.children)
        head = self.children(children.pop(0)) if node.get("has_title") else ""
        return self._folded(head, self.anchors(node) + self.all(children))

    def visit_folded(self, node: nodes.Element) -> str:
        caption, *rest = node.children
        return self._folded(self.children(caption), self.all(rest))

    def _folded(self, head: str, body: str) -> str:
        return (
            markup.call("dropdown", markup.content(head) if head else "none", markup.content(body)) + "\n\n"
        )

    def visit_sd_badge(self, node: nodes.Element) -> str:
        return markup.call("badge", markup.content(self.children(node)))

    def visit_fontawesome(self, node: nodes.Element) -> str:
        return ""  # an icon says nothing that the words beside it do not


def _component(node: nodes.Node) -> str:
    return node.get("design_component", "") if isinstance(node, nodes.Element) else ""
