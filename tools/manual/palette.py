"""Values of the manual's CSS variables in light and dark, for files that no style sheet reaches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Literal

from sphinx.application import Sphinx
from sphinx.config import Config

Scheme = Literal["light", "dark"]

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_TOKEN = re.compile(r"[{};]|[^{};]+")
_VARIABLE = re.compile(r"\s*(--[\w-]+)\s*:\s*(.+)", re.DOTALL)
_DARK = re.compile(r"""\[data-theme=["']?dark["']?\]""")
_BASE = frozenset({"body", "html", "html body", ":root"})


@dataclass(frozen=True, slots=True)
class Palette:
    """CSS variables of the page, as written, in each colour scheme."""

    light: Mapping[str, str]
    dark: Mapping[str, str]

    def value(self, name: str, scheme: Scheme = "light") -> str | None:
        """Value of a variable with every variable in it resolved; `None` if no style sheet sets it.

        Args:
            name: with its two dashes.
            scheme: colour scheme; a variable without a dark value keeps its light one.
        """
        written = self.dark.get(name) if scheme == "dark" else None
        if written is None:
            written = self.light.get(name)
        return None if written is None else resolve(written, lambda inner: self.value(inner, scheme))


def resolve(text: str, lookup: Callable[[str], str | None]) -> str:
    """Replace each `var(--name, default)` in a CSS value.

    Args:
        text: the value.
        lookup: called with a name; returns its value, or `None` if it has none.

    Returns:
        The value; a variable with neither value nor default is left as it is.
    """
    start = text.find("var(")
    if start < 0:
        return text
    end = _closing(text, start + 4)
    name, _, default = text[start + 4 : end].partition(",")
    value = lookup(name.strip())
    if value is None:
        value = resolve(default.strip(), lookup) if default else text[start : end + 1]
    return text[:start] + value + resolve(text[end + 1 :], lookup)


def _closing(text: str, start: int) -> int:
    depth = 1
    for index in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index
    raise ValueError(f"A bracket is not closed in the CSS value {text!r}.")


@lru_cache(maxsize=4)
def read_palette(sheets: tuple[str, ...]) -> Palette:
    """Read the variables that style sheets set on the page as a whole.

    Light are those set on `:root`, `html` or `body` outside every condition, dark those of rules for
    `[data-theme=dark]`. A later value replaces an earlier one.

    Args:
        sheets: texts of style sheets, in the order in which the page loads them.
    """
    light: dict[str, str] = {}
    dark: dict[str, str] = {}
    for sheet in sheets:
        for rules, name, value in _declarations(sheet):
            if _DARK.search(rules[-1]):
                dark[name] = value
            elif len(rules) == 1 and _BASE & {each.strip() for each in rules[0].split(",")}:
                light[name] = value
    return Palette(light, dark)


def _declarations(sheet: str) -> Iterator[tuple[list[str], str, str]]:
    rules: list[str] = []
    pending = ""
    for token in _TOKEN.findall(_COMMENT.sub("", sheet)):
        if token == "{":
            rules.append(pending.strip())
        elif token in {";", "}"}:
            found = _VARIABLE.fullmatch(pending)
            if found and rules:
                yield list(rules), found[1], found[2].strip()
            if token == "}" and rules:
                rules.pop()
        pending = "" if token in "{};" else token


def palette_of(app: Sphinx) -> Palette:
    """Palette of the project's HTML theme and style sheets, also when another builder runs.

    Args:
        app: application whose settings name the theme, its variables and the folders of style sheets.
    """
    return read_palette(tuple(_sheets(app.config, Path(app.confdir))))


def _sheets(config: Config, confdir: Path) -> Iterator[str]:
    if config.html_theme == "furo":
        yield (
            resources.files("furo").joinpath("theme/furo/static/styles/furo.css").read_text(encoding="utf-8")
        )
    options = config.html_theme_options
    for selector, key in (("body", "light_css_variables"), ("body[data-theme=dark]", "dark_css_variables")):
        chosen = options.get(key, {})
        yield (
            selector + "{" + ";".join(f"--{name.lstrip('-')}:{value}" for name, value in chosen.items()) + "}"
        )
    for folder in config.html_static_path:
        for sheet in sorted((confdir / folder).glob("css/*.css")):
            yield sheet.read_text(encoding="utf-8")
