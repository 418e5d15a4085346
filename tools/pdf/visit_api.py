"""Descriptions of Python objects on paper."""

from __future__ import annotations

from docutils import nodes
from sphinx import addnodes

from . import markup
from .visit import Visitor

SHORT = frozenset({"attribute", "data", "property"})
"""Kinds of objects that are said in a line, and of which many stand together."""


class ApiVisitor(Visitor):
    """Signatures and what describes them."""

    def visit_desc(self, node: addnodes.desc) -> str:
        signatures = [each for each in node.children if isinstance(each, addnodes.desc_signature)]
        rest = [each for each in node.children if each not in signatures]
        with self.inside(wide=False, numbers=False, api=True):
            heads = [markup.content(self.visit(each)) for each in signatures]
            body = markup.content(self.all(rest))
        function = "attribute" if node["objtype"] in SHORT else "description"
        return markup.call(function, markup.array(heads), body) + "\n\n"

    def visit_desc_signature(self, node: addnodes.desc_signature) -> str:
        with self.inside(longest=30, notes=False, verbatim=True):
            return self.anchors(node) + self.children(node)

    def visit_desc_content(self, node: addnodes.desc_content) -> str:
        return self.children(node)

    def visit_desc_name(self, node: addnodes.desc_name) -> str:
        return markup.call("strong", markup.content(self.children(node)))

    def _inline(self, node: nodes.Element) -> str:
        return self.children(node)

    visit_desc_addname = _inline
    visit_desc_annotation = _inline
    visit_desc_sig_name = _inline
    visit_desc_sig_space = _inline
    visit_desc_sig_operator = _inline
    visit_desc_sig_punctuation = _inline
    visit_desc_sig_keyword = _inline
    visit_desc_sig_literal_number = _inline
    visit_desc_sig_literal_string = _inline
    visit_desc_parameter = _inline
    visit_desc_type_parameter = _inline

    def visit_desc_returns(self, node: addnodes.desc_returns) -> str:
        return markup.text(" → ") + self.children(node)

    def visit_desc_parameterlist(self, node: addnodes.desc_parameterlist) -> str:
        return self._between("(", node, ")")

    def visit_desc_type_parameter_list(self, node: addnodes.desc_type_parameter_list) -> str:
        return self._between("[", node, "]")

    def visit_desc_optional(self, node: addnodes.desc_optional) -> str:
        # The comma belongs into the brackets, unless nothing stands before them.
        parent = node.parent
        first = "[" if parent is None or parent.index(node) == 0 else "[, "
        return self._between(first, node, "]")

    def _between(self, first: str, node: nodes.Element, last: str) -> str:
        shown = markup.text(first)
        for number, each in enumerate(node.children):
            if number and not isinstance(each, addnodes.desc_optional):
                shown += markup.text(", ")
            shown += self.visit(each)
        return shown + markup.text(last)
