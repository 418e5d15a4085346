"""The frame of every page: sections in the top bar, the section's pages at the left, what stands under the title."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from . import frontmatter, journeys

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment
    from sphinx.util.typing import ExtensionMetadata

SECTIONS = (
    ("system-overview", "System Overview"),
    ("architecture", "Architecture"),
    ("implementation", "Implementation"),
    ("operations", "Operations"),
    ("development", "Development"),
    ("examples", "Examples"),
    ("reference", "Reference"),
    ("future", "Future"),
)
"""Folders of the sections and their titles, in the order of the top bar."""
STYLES = ("tokens", "frame", "prose", "tables", "code", "cards", "status", "print")
_BREAKABLE = re.compile(r"(?<=[_./:=,])(?=\w)")
_TEXT = re.compile(r"(?<=>)[^<]+")
_IN_DOTTED_NAME = re.compile(r"(?<=[a-z_]\.)(?=[a-z_])")


def _sections(env: BuildEnvironment) -> list[tuple[str, str]]:
    return [(folder, title) for folder, title in SECTIONS if f"{folder}/index" in env.all_docs]


def _add_context(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    env = app.env
    section = pagename.split("/", 1)[0] if "/" in pagename else ""
    context["sections"] = [
        {"title": title, "page": f"{folder}/index", "current": folder == section}
        for folder, title in _sections(env)
    ]
    context["section_pages"] = _pages_of(env, section, pagename)
    context["section_title"] = dict(SECTIONS).get(section, "Journeys" if section == "journeys" else "")
    facts = frontmatter.pages(env).get(pagename)
    context["landing"] = facts is not None and facts.landing
    body = context.get("body")
    if doctree is not None and body:
        below = frontmatter.line(env, pagename) + journeys.bars(env, pagename, app.builder.get_target_uri)
        context["body"] = body.replace("</h1>", f"</h1>\n{below}", 1)
    context["toc"] = _TEXT.sub(
        lambda text: _IN_DOTTED_NAME.sub("<wbr>", text.group()), context.get("toc") or ""
    )


def _pages_of(env: BuildEnvironment, section: str, pagename: str) -> list[dict[str, Any]]:
    if section == "journeys":
        order = [journey.page for journey in journeys.journeys(env).values()]
        order.sort(key=lambda page: env.toctree_includes.get("index", []).index(page))
    elif f"{section}/index" in env.all_docs:
        order = [f"{section}/index", *_below(env, f"{section}/index")]
    else:
        order = []
    return [
        {
            "title": env.titles[page].astext(),
            "page": page,
            "current": page == pagename,
            "below_another": page.rpartition("/")[0] in order,
        }
        for page in order
    ]


def _below(env: BuildEnvironment, page: str) -> list[str]:
    found = []
    for child in env.toctree_includes.get(page, []):
        found += [child, *_below(env, child)]
    return found


def _leave_out_navigation_tree(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Keep Furo from rendering the tree of all pages into each page: no template of ours shows it."""
    context.pop("toctree", None)


class BreakableCode(SphinxPostTransform):
    """Lets code in table cells wrap after the characters at which names are read."""

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Put a place to break after each such character."""
        for entry in self.document.findall(nodes.entry):
            for literal in list(entry.findall(nodes.literal)):
                for text in list(literal.findall(nodes.Text)):
                    parts = _BREAKABLE.split(str(text))
                    if len(parts) > 1:
                        pieces: list[nodes.Node] = []
                        for part in parts:
                            pieces += [nodes.raw("", "<wbr>", format="html"), nodes.Text(part)]
                        text.parent.replace(text, pieces[1:])


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the frame."""
    for name in STYLES:
        app.add_css_file(f"css/{name}.css")
    app.add_js_file("js/frame.js", loading_method="defer")
    app.add_post_transform(BreakableCode)
    app.connect("html-page-context", _add_context)
    app.connect("html-page-context", _leave_out_navigation_tree, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
