"""Journeys: one page a role that lists its pages in reading order, and on each of them a bar that leads on."""

from __future__ import annotations

import logging as std_logging
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode
from sphinx.util.osutil import relative_uri
from sphinx.util.typing import OptionSpec

from . import frontmatter

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment
    from sphinx.util.typing import ExtensionMetadata

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Journey:
    """One role's way through the manual.

    Attributes:
        name: its name in addresses.
        page: the page that lists it.
        steps: its pages, and what the reader can do after each.
    """

    name: str
    page: str
    steps: tuple[tuple[str, str], ...]


class JourneyPlace(nodes.General, nodes.Element):
    """Where the steps go, once the titles of all pages are known."""


class JourneyDirective(SphinxDirective):
    """A journey: each line is a page, a bar, and what the reader can do after it.

    Options:
        name: name of the journey in addresses.
    """

    has_content = True
    option_spec: ClassVar[OptionSpec] = {"name": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Return a toctree of the pages and the place of the list."""
        steps: list[tuple[str, str]] = []
        for number, line in enumerate(self.content):
            page, bar, gain = (part.strip() for part in line.partition("|"))
            if not page:
                continue
            if not bar or not gain:
                raise self.error(
                    f"line {number + 1} is not 'page | what the reader can do after it': {line!r}"
                )
            if page not in self.env.found_docs:
                logger.warning(
                    "journey: there is no page %r", page, location=self.get_location(), type="journey"
                )
                self.env.note_reread()
                continue
            steps.append((page, gain))
        name = self.options["name"]
        journeys(self.env)[name] = Journey(name, self.env.docname, tuple(steps))
        tree = addnodes.toctree()
        tree["parent"] = self.env.docname
        tree["entries"] = [(None, page) for page, _ in steps]
        tree["includefiles"] = [page for page, _ in steps]
        tree["maxdepth"] = 1
        tree["glob"] = tree["titlesonly"] = tree["includehidden"] = False
        tree["hidden"] = True
        tree["numbered"] = 0
        wrapper = nodes.compound(classes=["toctree-wrapper"])
        wrapper.append(tree)
        return [wrapper, JourneyPlace(journey=name)]


def journeys(env: BuildEnvironment) -> dict[str, Journey]:
    """Return every journey by its name."""
    return env.__dict__.setdefault("emp_journeys", {})  # type: ignore[no-any-return]  # set just here


def _forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    for name in [name for name, journey in journeys(env).items() if journey.page == docname]:
        del journeys(env)[name]


def _merge(app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment) -> None:
    journeys(env).update({name: j for name, j in journeys(other).items() if j.page in docnames})


def _write_again(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Write the pages again whose bars or lists name a page that changed."""
    before = env.__dict__.get("emp_journeys_written")
    now = {
        name: (journey, tuple((env.titles[page].astext(), _minutes(env, page)) for page, _ in journey.steps))
        for name, journey in journeys(env).items()
    }
    env.__dict__["emp_journeys_written"] = now
    if before == now:
        return []
    return sorted(
        {page for journey in journeys(env).values() for page in (journey.page, *dict(journey.steps))}
    )


def _minutes(env: BuildEnvironment, page: str) -> int:
    return frontmatter.minutes(env)[page]


class FillJourneys(SphinxPostTransform):
    """Fills in the steps of a journey's page."""

    default_priority = 5

    def run(self, **kwargs: Any) -> None:
        """Replace each place by a numbered list of links."""
        for place in list(self.document.findall(JourneyPlace)):
            journey = journeys(self.env)[place["journey"]]
            listing = nodes.enumerated_list(
                "", classes=["journey-steps"], enumtype="arabic", prefix="", suffix="."
            )
            for page, gain in journey.steps:
                title = nodes.Text(self.env.titles[page].astext())
                link = make_refnode(self.env._app.builder, self.env.docname, page, "", title)
                link["refuri"] += f"?journey={journey.name}" if self.env._app.builder.format == "html" else ""
                time = nodes.inline("", f" {_time(self.env, page)}", classes=["journey-time"])
                first = nodes.paragraph("", "", link, time)
                listing += nodes.list_item("", first, nodes.paragraph("", f"After it you can {gain}."))
            place.replace_self(listing)


def _time(env: BuildEnvironment, page: str) -> str:
    facts = frontmatter.pages(env).get(page)
    return "to look things up" if facts and facts.type == "reference" else f"{_minutes(env, page)} min"


def bars(env: BuildEnvironment, docname: str, uri: Any) -> str:
    """Return the bars of a page as HTML, one for each journey that it is on.

    Args:
        env: the build's environment, all pages read.
        docname: the page.
        uri: gives the address of a page, relative to the root.
    """
    shown = []
    for journey in journeys(env).values():
        order = [page for page, _ in journey.steps]
        if docname in order:
            shown.append(_bar(env, journey, order, docname, uri))
    if not shown:
        return ""
    count = f"On {len(shown)} journeys" if len(shown) > 1 else "On a journey"
    return (
        f'<nav class="journeys" aria-label="Journeys"><details><summary>{count}</summary>'
        f"<ul>{''.join(shown)}</ul></details></nav>"
    )


def _bar(env: BuildEnvironment, journey: Journey, order: list[str], docname: str, uri: Any) -> str:
    index = order.index(docname)
    here = uri(docname)

    def link(page: str, text: str, label: str) -> str:
        address = f"{relative_uri(here, uri(page))}?journey={journey.name}"
        return f'<a href="{escape(address)}" rel="{label}">{escape(text)}</a>'

    title = env.titles[journey.page].astext()
    parts = [
        f'<a class="journey-name" href="{escape(relative_uri(here, uri(journey.page)))}">{escape(title)}</a>',
        f'<span class="journey-step">step {index + 1} of {len(order)}</span>',
    ]
    if index > 0:
        parts.append(link(order[index - 1], f"← {env.titles[order[index - 1]].astext()}", "prev"))
    if index + 1 < len(order):
        parts.append(link(order[index + 1], f"{env.titles[order[index + 1]].astext()} →", "next"))
    return f'<li data-journey="{escape(journey.name)}">{"".join(parts)}</li>'


class _OnPurpose(std_logging.Filter):
    """Keeps quiet that a page stands in several toctrees: in its section's, and in those of the journeys."""

    def filter(self, record: std_logging.LogRecord) -> bool:
        return getattr(record, "subtype", "") != "multiple_toc_parents"


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    std_logging.getLogger("sphinx.sphinx.environment").addFilter(_OnPurpose())
    app.add_directive("journey", JourneyDirective)
    app.add_node(JourneyPlace)
    app.add_post_transform(FillJourneys)
    app.connect("env-purge-doc", _forget)
    app.connect("env-merge-info", _merge)
    app.connect("env-updated", _write_again)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
