"""Makes a drawn diagram part of a page, with name, links and status colours; or a file that stands alone."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree as ET

from manual.palette import Palette, Scheme, resolve

NAMESPACE = "http://www.w3.org/2000/svg"
TEXT_SIZE_PX = 14
"""Size of the smallest text that Pele writes (labels of edges)."""
SMALLEST_TEXT_PX = 12
"""Below this size text on a page is no longer easy to read; a diagram scrolls rather than shrink further."""
PHONE_PX = 340
"""Width that a page's text has on a narrow phone; a diagram whose least width is larger may have to scroll."""
STATUS_FILL_OPACITY = "0.16"
"""So that text on a node keeps its contrast whatever the status colour is."""
FILE_FONT = "Arimo, 'Liberation Sans', Arial, Helvetica, sans-serif"
"""Families with the widths by which the diagrams are laid out; the first is the one that the PDF embeds."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "process": ("square", "rect", "proc", "procs", "st-rect", "processes", "stacked-rectangle"),
    "store": ("cylinder", "cyl", "db", "database"),
    "service": ("subroutine", "fr-rect", "subproc", "subprocess", "framed-rectangle"),
    "person": ("person",),
    "queue": ("h-cyl", "das", "horizontal-cylinder"),
}
"""The same shape for the same kind of thing: for each class the shapes that it may have, the first by default.

A flowchart node takes its kind with `:::`, as in `valkey["Valkey"]:::store`, and needs no other brackets:
process   one of our programs               rectangle (several: `@{shape: procs}`)
store     keeps data                        upright cylinder
service   a program that is not ours        rectangle with double sides
person    someone                           head and shoulders
queue     things that wait in an order      lying cylinder

Any node may have `status-<name>`, a job's status: the colour `--status-<name>` of the style sheets. Mermaid allows
a hyphen in `class a status-pending`, and after `:::` in flowcharts only; elsewhere write `:::status_pending`.
"""

_FOLLOWS = re.compile(r"var\(|none|transparent|inherit|currentColor|color-mix\(in \w+,\s*var|url\(")


@dataclass(frozen=True, slots=True)
class Link:
    """Where a label leads.

    Attributes:
        href: relative to the page, or absolute.
        title: what the target is called; empty if the label says it.
    """

    href: str
    title: str = ""


class Diagram:
    """One drawn diagram that is being made part of a page."""

    def __init__(self, svg: str) -> None:
        # An attribute like any other: how ElementTree writes namespaces depends on what else runs in the process.
        self._root = ET.fromstring(svg.replace(f' xmlns="{NAMESPACE}"', "", 1))
        self._root.set("xmlns", NAMESPACE)

    @property
    def width(self) -> float:
        """Natural width, in CSS pixels."""
        return float(self._root.get("width", "0"))

    @property
    def height(self) -> float:
        """Natural height, in CSS pixels."""
        return float(self._root.get("height", "0"))

    @property
    def least_width(self) -> int:
        """Width below which its text would be too small to read, in CSS pixels."""
        return math.ceil(self.width * SMALLEST_TEXT_PX / TEXT_SIZE_PX)

    @property
    def labels(self) -> Iterator[tuple[str, str]]:
        """Id and text of everything that a link can be put on."""
        for group in self._linkable():
            yield group.get("data-id", ""), _text(group)

    def statuses(self) -> set[str]:
        """Names of the statuses that its nodes show."""
        return {name for group in self._nodes() for name in _statuses(group)}

    def fixed_colours(self) -> set[str]:
        """Colours in it that do not follow the page's."""
        return {
            colour
            for element in self._root.iter()
            for colour in _paints(element)
            if not _FOLLOWS.match(colour)
        }

    def describe(self, title: str, description: str, prefix: str) -> None:
        """Give it a name and a description that screen readers say.

        Args:
            title: short name.
            description: what it shows, in full; empty if the name says it.
            prefix: of its ids.
        """
        for tag in ("title", "desc"):
            for child in self._root.findall(tag):
                self._root.remove(child)
        for attribute in ("aria-labelledby", "aria-describedby", "aria-roledescription"):
            self._root.attrib.pop(attribute, None)
        parts = [("title", "aria-labelledby", title), ("desc", "aria-describedby", description)]
        for place, (tag, attribute, text) in enumerate(part for part in parts if part[2]):
            child = ET.Element(tag, {"id": f"{prefix}{tag}"})
            child.text = text
            self._root.insert(place, child)
            self._root.set(attribute, f"{prefix}{tag}")
        # The parts of an image are not told to screen readers: one with links must not be an image.
        linked = self._root.find(".//a") is not None
        self._root.set("role", "graphics-document document" if linked else "img")

    def colour_statuses(self) -> None:
        """Colour each node that has a class `status-<name>`."""
        for group in self._nodes():
            for name in _statuses(group):
                group.set("style", f"--_b:var(--status-{name});{group.get('style', '')}")
                for shape in group.iter():
                    if shape.get("fill") == "var(--_s)":
                        shape.set("fill", f"var(--status-{name})")
                        shape.set("fill-opacity", STATUS_FILL_OPACITY)
                    if shape.get("stroke") == "var(--_b)":
                        shape.set("stroke-width", "2")

    def link(self, links: Mapping[str, Link]) -> set[str]:
        """Make labels links.

        Args:
            links: by the id of a node, or by the text on an edge.

        Returns:
            Keys that name nothing in the diagram.
        """
        unused = set(links)
        for group in list(self._linkable()):
            key = next((each for each in (group.get("data-id", ""), _text(group)) if each in links), None)
            if key is None:
                continue
            unused.discard(key)
            anchor = ET.Element("a", {"href": links[key].href})
            if links[key].title:
                title = ET.SubElement(anchor, "title")
                title.text = links[key].title
            anchor.extend(list(group))
            for child in list(group):
                group.remove(child)
            group.append(anchor)
        return unused

    def inline(self) -> str:
        """Markup for a page, whose style sheets give the colours."""
        return self._markup()

    def standalone(self, palette: Palette, page: str) -> str:
        """A file that a browser shows in the reader's colour scheme, and whose links lead from the folder of images.

        Args:
            palette: values of the variables.
            page: address of the page that it is on, relative to the root of the site.
        """
        markup = self._markup()
        names = sorted(set(re.findall(r"var\((--[a-z][\w-]*)", markup)))
        light = _rule(names, palette, "light")
        dark = _rule(names, palette, "dark")
        copy = deepcopy(self._root)
        for anchor in copy.iter("a"):
            href = anchor.get("href", "")
            if not urlsplit(href).scheme:
                anchor.set("href", "../" + urljoin(page, href))
        style = ET.Element("style")
        style.text = (
            f":root{{color-scheme:light dark;{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"
            f"svg{{background:var(--pele-bg);width:100vw;height:100vh;min-width:{self.width}px;min-height:{self.height}px}}"
            "a{text-decoration:underline}"
        )
        copy.insert(0, style)
        return ET.tostring(copy, encoding="unicode") + "\n"

    def printable(self, palette: Palette) -> str:
        """A file for programs that know no CSS variables: light colours, plain attributes, no links.

        Args:
            palette: values of the variables.
        """
        copy = deepcopy(self._root)
        _flatten(copy, palette, {"--pele-font": FILE_FONT})
        for parent in list(copy.iter()):
            for place, child in enumerate(list(parent)):
                if child.tag == "a":
                    group = ET.Element("g")
                    group.extend(each for each in child if each.tag != "title")
                    parent[place] = group
        copy.set("font-family", FILE_FONT)
        copy.set("font-size", "16")
        return ET.tostring(copy, encoding="unicode") + "\n"

    def _markup(self) -> str:
        return ET.tostring(self._root, encoding="unicode")

    def _nodes(self) -> Iterator[ET.Element]:
        return (group for group in self._root.iter("g") if "pele-node" in group.get("class", "").split())

    def _linkable(self) -> Iterator[ET.Element]:
        wanted = {"pele-node", "pele-cluster", "pele-edge-label"}
        for group in self._root.iter("g"):
            classes = set(group.get("class", "").split())
            # A sequence diagram repeats its actors below; one stop for the keyboard is enough.
            if classes & wanted and "pele-actor-footer" not in classes:
                yield group


def _declarations(element: ET.Element) -> dict[str, str]:
    pairs = (each.split(":", 1) for each in element.get("style", "").split(";") if ":" in each)
    return {name.strip(): value.strip() for name, value in pairs}


def _paints(element: ET.Element) -> Iterator[str]:
    styles = _declarations(element)
    for name in ("fill", "stroke", "color", "stop-color"):
        yield from (each for each in (element.get(name), styles.get(name)) if each)


def _text(group: ET.Element) -> str:
    return " ".join(" ".join(group.itertext()).split())


def _statuses(group: ET.Element) -> list[str]:
    found = (re.fullmatch(r"status[-_]([\w-]+)", name) for name in group.get("class", "").split())
    return sorted({each[1] for each in found if each})


def _rule(names: list[str], palette: Palette, scheme: Scheme) -> str:
    values = ((name, palette.value(name, scheme)) for name in names)
    return ";".join(f"{name}:{value}" for name, value in values if value is not None)


def _flatten(element: ET.Element, palette: Palette, scope: Mapping[str, str]) -> None:
    def lookup(name: str) -> str | None:
        return inner.get(name) or palette.value(name)

    inner = dict(scope)
    declarations = _declarations(element)
    element.attrib.pop("style", None)
    for name, value in declarations.items():
        if name.startswith("--"):
            inner[name] = resolve(value, lookup)
    for name, value in declarations.items():
        if name in {"rx", "fill", "stroke", "stroke-width", "stroke-dasharray", "color"}:
            element.set(name, resolve(value, lookup).removesuffix("px"))
    for name, value in element.attrib.items():
        element.set(name, resolve(value, lookup))
    for child in element:
        _flatten(child, palette, inner)
