"""Prose on paper: headings, paragraphs, lists, words, links and notes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from docutils import nodes
from sphinx import addnodes

from . import markup
from .visit import Visitor

SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)

ASIDES = frozenset({"journey-time", "trust-note"})
"""Classes of words that are said by the way."""


class TextVisitor(Visitor):
    """Prose and what it consists of."""

    rank = 0
    """How deep the section is that is translated; the page's own is 0."""

    # Sections

    def visit_document(self, node: nodes.document) -> str:
        return self.children(node)

    def visit_section(self, node: nodes.section) -> str:
        title, *rest = node.children
        label = f"{self.page.docname}#{node['ids'][0]}"
        self.page.anchors.placed.add(label)
        with self.inside(numbers=False, notes=False):
            shown = markup.content(self.children(title))
        if self.rank == 0:
            head = markup.call(
                "page-title", str(self.page.level), markup.string(label), shown, **self._under_title()
            )
        else:
            bookmarked = "true" if self.rank <= self.page.bookmarked else "false"
            head = markup.call(
                "section-title",
                str(self.page.level + self.rank),
                str(self.rank),
                markup.string(label),
                shown,
                bookmarked=bookmarked,
            )
        self.rank += 1
        body = self.all(rest)
        self.rank -= 1
        return f"{head}\n\n{body}"

    def _under_title(self) -> dict[str, str]:
        named = {}
        if self.page.part:
            named["part"] = markup.content(markup.text(self.page.part))
        if self.page.facts:
            named["facts"] = markup.content(markup.text(self.page.facts))
        return named

    def visit_rubric(self, node: nodes.rubric) -> str:
        return self.block("rubric", self.anchors(node) + self.children(node))

    def visit_transition(self, node: nodes.transition) -> str:
        return markup.call("rule") + "\n\n"

    def block(self, function: str, body: str) -> str:
        """Return a call of a function of the template that takes content, as a block of its own."""
        return markup.call(function, markup.content(body)) + "\n\n"

    # Paragraphs and lists

    def visit_paragraph(self, node: nodes.paragraph) -> str:
        body = self.anchors(node) + self.children(node)
        if {"provenance", "emp-provenance", "emp-details"} & set(node["classes"]):
            return self.block("quiet", body)
        if not self.around.wide:
            return self.block("par", body)
        return self.block("lead" if _leads(node) else "prose", body)

    def visit_compact_paragraph(self, node: addnodes.compact_paragraph) -> str:
        """Return an entry of a list of pages, or such a list with its caption."""
        if not node.get("toctree"):
            return self.visit_paragraph(node)
        shown = ""
        for each in node.children:
            title = isinstance(each, nodes.title)
            shown += self.block("rubric", self.children(each)) if title else self.visit(each)
        return shown

    def visit_bullet_list(self, node: nodes.bullet_list) -> str:
        return self._list("list", node)

    def visit_enumerated_list(self, node: nodes.enumerated_list) -> str:
        return self._list("enum", node, start=str(node.get("start", 1)))

    def _list(self, function: str, node: nodes.Element, **named: str) -> str:
        wide = self.around.wide
        with self.inside(wide=False):
            items = [markup.content(self.item(each)) for each in node.children]
        short = all(len(each.children) <= 1 for each in node.children)
        shown = markup.call(function, *items, tight="true" if short else "false", **named)
        return self.anchors(node) + (self.block("column", shown) if wide else f"{shown}\n\n")

    def visit_definition_list(self, node: nodes.definition_list) -> str:
        wide = self.around.wide
        with self.inside(wide=False):
            items = [self._definition(item) for item in node.children]  # type: ignore[arg-type]  # list items
        shown = markup.call("term-list", *items)
        return self.block("column", shown) if wide else f"{shown}\n\n"

    def _definition(self, item: nodes.Element) -> str:
        terms = [each for each in item.children if isinstance(each, (nodes.term, nodes.classifier))]
        rest = [each for each in item.children if each not in terms]
        return markup.array(
            (markup.content(self._terms(terms)), markup.content(self.anchors(item) + self.all(rest)))
        )

    def _terms(self, terms: Sequence[nodes.Node]) -> str:
        shown = ""
        for each in terms:
            between = " : " if isinstance(each, nodes.classifier) else ", "
            shown += (markup.text(between) if shown else "") + self.visit(each)
        return shown

    def visit_term(self, node: nodes.term) -> str:
        return self.anchors(node) + self.children(node)

    def visit_classifier(self, node: nodes.classifier) -> str:
        return markup.call("emph", markup.content(self.children(node)))

    def visit_definition(self, node: nodes.definition) -> str:
        return self.children(node)

    def visit_glossary(self, node: addnodes.glossary) -> str:
        return self.children(node)

    def visit_field_list(self, node: nodes.field_list) -> str:
        function = "api-fields" if self.around.api else "field-list"
        with self.inside(wide=False):
            items = [self._field(*each.children) for each in node.children]
        return markup.call(function, *items) + "\n\n"

    def _field(self, name: nodes.Node, body: nodes.Node) -> str:
        parts = [markup.content(self.children(name)), markup.content(self.item(body))]
        if self.around.api:
            short = len(body.children) == 1 and isinstance(body.children[0], nodes.paragraph)
            parts.append("true" if short else "false")
        return markup.array(parts)

    def visit_block_quote(self, node: nodes.block_quote) -> str:
        with self.inside(wide=False):
            return self.block("quotation", self.children(node))

    def visit_attribution(self, node: nodes.attribution) -> str:
        return self.block("par", markup.text("– ") + self.children(node))

    def visit_line_block(self, node: nodes.line_block) -> str:
        return self.block("par", "#linebreak();".join(self.visit(each) for each in node.children))

    def visit_line(self, node: nodes.line) -> str:
        return self.children(node)

    def visit_option_list(self, node: nodes.option_list) -> str:
        with self.inside(wide=False):
            items = [
                markup.array(
                    (markup.content(self.code_text(group.astext())), markup.content(self.children(text)))
                )
                for group, text in (each.children for each in node.children)
            ]
        return markup.call("term-list", *items) + "\n\n"

    def visit_hlist(self, node: addnodes.hlist) -> str:
        return self.children(node)

    def visit_hlistcol(self, node: addnodes.hlistcol) -> str:
        return self.children(node)

    # Words

    def visit_Text(self, node: nodes.Text) -> str:
        words = node.astext().replace("\n", " ")
        if not self.around.verbatim:
            # Sphinx puts two hyphens between a parameter and what it means, for programs that make a dash of them.
            words = words.replace(" -- ", " – ")
        return markup.breakable(words, self.around.longest)

    def visit_emphasis(self, node: nodes.emphasis) -> str:
        return markup.call("emph", markup.content(self.children(node)))

    visit_title_reference = visit_emphasis
    visit_literal_emphasis = visit_emphasis

    def visit_strong(self, node: nodes.strong) -> str:
        return markup.call("strong", markup.content(self.children(node)))

    def visit_literal_strong(self, node: addnodes.literal_strong) -> str:
        return markup.call("strong", markup.content(self.code_text(node.astext())))

    def visit_literal(self, node: nodes.literal) -> str:
        return self.anchors(node) + self.code_text(node.astext())

    def code_text(self, text: str) -> str:
        """Return markup that shows text as code in a line."""
        words = re.split(r"(\s+)", text)
        if all(len(word) <= self.around.longest for word in words):
            return markup.call("code", markup.string(text))
        parts = [
            piece
            for word in words
            if word
            for piece in (markup.pieces(word) if len(word) > self.around.longest else [word])
        ]
        return markup.call("broken-code", markup.string(text), markup.strings(parts))

    def visit_inline(self, node: nodes.inline) -> str:
        body = self.anchors(node) + self.children(node)
        return markup.call("aside", markup.content(body)) if ASIDES & set(node["classes"]) else body

    visit_abbreviation = visit_inline
    visit_acronym = visit_inline
    visit_manpage = visit_inline

    def visit_subscript(self, node: nodes.subscript) -> str:
        return markup.call("sub", markup.content(self.children(node)))

    def visit_superscript(self, node: nodes.superscript) -> str:
        return markup.call("super", markup.content(self.children(node)))

    # Links and notes

    def visit_target(self, node: nodes.target) -> str:
        return self.anchors(node) + self.children(node)

    def visit_reference(self, node: nodes.reference) -> str:
        uri = node.get("refuri", "")
        body = self.anchors(node) + self.children(node)
        if SCHEME.match(uri):
            return self._outside(uri, body, node.astext())
        label = self.page.anchors.label(self.page.docname, uri or f"#{node['refid']}")
        classes: list[str] = node.get("classes", [])
        if "emp-status" in classes and body:
            body = self._status(classes, body)
        if label is None:
            return body
        cited = "emp-fact" in classes
        plain = cited and "emp-status" not in classes
        shown = markup.call("fact" if plain else "to", markup.string(label), markup.content(body))
        if "emp-status" in classes:
            shown = markup.call("link", f"label({markup.string(label)})", markup.content(body))
        return shown + self._page_number(label, cited=cited)

    def _status(self, classes: list[str], body: str) -> str:
        name = next(each for each in classes if each.startswith("emp-status-")).removeprefix("emp-status-")
        return markup.call("status", markup.string(name), markup.content(body))

    def _page_number(self, label: str, *, cited: bool) -> str:
        """Return the number of the page that a link leads to, unless it is this page, or has just been said."""
        if not self.around.numbers or label.startswith(f"{self.page.docname}#"):
            return ""
        if cited and label in self.page.numbered:
            return ""
        self.page.numbered.add(label)
        return markup.call("on-page", markup.string(label))

    def _outside(self, uri: str, body: str, text: str) -> str:
        shown = markup.call("outside", markup.string(uri), markup.content(body))
        address = uri.removeprefix("mailto:")
        if address in text or not self.around.notes or f"note {uri}" in self.page.numbered:
            return shown
        self.page.numbered.add(f"note {uri}")
        return shown + markup.call("footnote", markup.content(markup.breakable(address, 20)))

    def visit_footnote_reference(self, node: nodes.footnote_reference) -> str:
        name = f"{self.page.docname}#{node['refid']}"
        if name in self.page.anchors.placed:
            return self.anchors(node) + markup.call("footnote", f"label({markup.string(name)})")
        self.page.anchors.placed.add(name)
        assert node.document is not None
        note = next(each for each in node.document.findall(nodes.footnote) if node["refid"] in each["ids"])
        text = [each for each in note.children if not isinstance(each, nodes.label)]
        with self.inside(wide=False, notes=False):
            body = self.item(nodes.list_item("", *[each.deepcopy() for each in text]))
        return self.anchors(node) + f"#[#footnote({markup.content(body)})#label({markup.string(name)})];"

    def visit_footnote(self, node: nodes.footnote) -> str:
        return ""  # stands at the foot of the page that refers to it

    def visit_citation(self, node: nodes.citation) -> str:
        label, *rest = node.children
        with self.inside(wide=False):
            item = markup.array(
                (markup.content(self.anchors(node) + self.children(label)), markup.content(self.all(rest)))
            )
        return markup.call("term-list", item) + "\n\n"

    def visit_label(self, node: nodes.label) -> str:
        return self.children(node)

    # What has no shape of its own

    def visit_compound(self, node: nodes.compound) -> str:
        return self.children(node)

    def _nothing(self, node: nodes.Node) -> str:
        return ""

    visit_comment = _nothing
    visit_index = _nothing  # the place that it names is another node's
    visit_substitution_definition = _nothing
    visit_tabular_col_spec = _nothing
    visit_meta = _nothing
    visit_title = _nothing  # where one stands, its parent shows it

    def visit_raw(self, node: nodes.raw) -> str:
        """Return the boxes of a task list; other raw text is written for another format."""
        if "task-list-item-checkbox" not in node.astext():
            return ""
        return markup.text("☑ " if "checked" in node.astext() else "☐ ")


def _leads(node: nodes.paragraph) -> bool:
    """Tell whether a paragraph belongs to what follows: it ends with a colon, or stands over the sheet of a fact."""
    if node.astext().endswith(":"):
        return True
    section = node.parent
    if section is None or "emp-section" not in section.get("classes", []):
        return False
    following = section.children[section.index(node) + 1 :]
    return any(isinstance(each, nodes.field_list) for each in following)
