"""What each page states about itself: audience, owner, questions, date of review. Checked, and shown in one line."""

from __future__ import annotations

import datetime
import math
import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from docutils import nodes
from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment
    from sphinx.util.typing import ExtensionMetadata

logger = logging.getLogger(__name__)

AUDIENCES = {"E": "Engineering", "O": "Operations", "A": "Architecture", "P": "Product"}
"""Letters that front matter takes, and the words that pages show."""
TYPES = ("tutorial", "how-to", "reference", "explanation")
"""The four kinds of pages of Diátaxis."""
REQUIRED = frozenset({"audience", "owner", "questions", "review-by", "type"})
OPTIONAL = frozenset({"landing"})
WORDS_A_MINUTE = 220
"""Reading speed for the reading time: a common figure for silent reading of non-fiction, rounded down."""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a page states about itself.

    Attributes:
        audience: for whom it is, in words.
        owner: the role that keeps it.
        questions: what it answers.
        review_by: when it must next be reviewed.
        type: which of the kinds of pages it is.
        landing: whether it is laid out as the landing page.
    """

    audience: tuple[str, ...]
    owner: str
    questions: tuple[str, ...]
    review_by: datetime.date
    type: str
    landing: bool


class FrontMatterError(ValueError):
    """Front matter that cannot be used; the message says which key, and what it takes."""


def read(text: str) -> PageFacts:
    """Read the front matter of a page.

    Args:
        text: the page's source.

    Raises:
        FrontMatterError: there is none, a key is missing or unknown, or a value is not one that the key takes.
    """
    if not text.startswith("---\n") or "\n---\n" not in text[4:]:
        raise FrontMatterError(
            "no front matter: begin with --- and audience, owner, questions, review-by, type"
        )
    try:
        data = yaml.safe_load(text[4 : text.index("\n---\n", 3)])
    except yaml.YAMLError as error:
        raise FrontMatterError(f"front matter is not YAML: {error}") from error
    if not isinstance(data, dict):
        raise FrontMatterError("front matter is not a mapping of keys to values")
    if missing := sorted(REQUIRED - data.keys()):
        raise FrontMatterError(f"front matter lacks {', '.join(missing)}")
    if unknown := sorted(data.keys() - REQUIRED - OPTIONAL):
        raise FrontMatterError(f"front matter has unknown keys {', '.join(map(str, unknown))}")
    return _checked(data)


def _checked(data: dict[str, Any]) -> PageFacts:
    audience, questions = data["audience"], data["questions"]
    if not isinstance(audience, list) or not audience or not set(audience) <= AUDIENCES.keys():
        raise FrontMatterError(f"audience: a list of {', '.join(AUDIENCES)}, not {audience!r}")
    if not isinstance(questions, list) or not questions or not all(isinstance(q, str) for q in questions):
        raise FrontMatterError("questions: a list of at least one question that the page answers")
    if open_ended := [q for q in questions if not q.rstrip().endswith("?")]:
        raise FrontMatterError(f"questions: {open_ended[0]!r} does not end with a question mark")
    if not isinstance(data["owner"], str) or not data["owner"].strip():
        raise FrontMatterError("owner: a role")
    if not isinstance(data["review-by"], datetime.date):
        raise FrontMatterError(f"review-by: a date as YYYY-MM-DD, not {data['review-by']!r}")
    if data["type"] not in TYPES:
        raise FrontMatterError(f"type: one of {', '.join(TYPES)}, not {data['type']!r}")
    if not isinstance(data.get("landing", False), bool):
        raise FrontMatterError("landing: true or false")
    return PageFacts(
        tuple(AUDIENCES[letter] for letter in AUDIENCES if letter in audience),
        data["owner"],
        tuple(questions),
        data["review-by"],
        data["type"],
        data.get("landing", False),
    )


def pages(env: BuildEnvironment) -> dict[str, PageFacts]:
    """Return what every page states about itself."""
    return env.__dict__.setdefault("emp_pages", {})  # type: ignore[no-any-return]  # set just here


def minutes(env: BuildEnvironment) -> dict[str, int]:
    """Return the reading time of every page, in minutes."""
    return env.__dict__.setdefault("emp_minutes", {})  # type: ignore[no-any-return]  # set just here


def _read_page(app: Sphinx, docname: str, source: list[str]) -> None:
    try:
        pages(app.env)[docname] = read(source[0])
    except FrontMatterError as error:
        logger.warning("%s", error, location=(docname, 1), type="frontmatter")
        app.env.note_reread()


def _count_words(app: Sphinx, doctree: nodes.document) -> None:
    words = sum(len(text.split()) for text in doctree.findall(nodes.Text))
    minutes(app.env)[app.env.docname] = max(1, math.ceil(words / WORDS_A_MINUTE))


def _forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    pages(env).pop(docname, None)
    minutes(env).pop(docname, None)


def _merge(app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment) -> None:
    pages(env).update({name: pages(other)[name] for name in docnames if name in pages(other)})
    minutes(env).update({name: minutes(other)[name] for name in docnames if name in minutes(other)})


def today() -> datetime.date:
    """Return the day of the build: SOURCE_DATE_EPOCH if it is set, for builds that can be repeated."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    utc = datetime.UTC
    now = datetime.datetime.now(utc) if epoch is None else datetime.datetime.fromtimestamp(int(epoch), utc)
    return now.date()


@cache
def last_changes(root: str) -> dict[str, str]:
    """Return when each file below a folder was last changed, as git tells; empty where there is no history.

    Args:
        root: the folder.
    """
    try:
        log = subprocess.run(
            [
                "git",
                "-c",
                "core.quotepath=off",
                "log",
                "--format=%x00%cs",
                "--name-only",
                "--relative",
                "--",
                ".",
            ],
            cwd=root,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return {}
    found: dict[str, str] = {}
    date = ""
    for line in log.splitlines():
        if line.startswith("\0"):
            date = line[1:]
        elif line:
            found.setdefault(line, date)
    return found


def line(env: BuildEnvironment, docname: str) -> str:
    """Return the quiet line of a page as HTML; empty for a page without front matter.

    Args:
        env: the build's environment, all pages read.
        docname: the page.
    """
    facts = pages(env).get(docname)
    if facts is None:
        return ""
    parts = [f"For {listed(facts.audience)}", f"kept by the {facts.owner}"]
    if facts.type != "reference":
        time = minutes(env)[docname]
        parts.append(f"{time} minute{'s' if time > 1 else ''} to read")
    changed = last_changes(str(env.srcdir)).get(Path(env.doc2path(docname, base=False)).as_posix())
    if changed:
        parts.append(f'changed <time datetime="{changed}">{changed}</time>')
    due = facts.review_by.isoformat()
    if facts.review_by < today():
        parts.append(
            f'<strong class="overdue">review overdue since <time datetime="{due}">{due}</time></strong>'
        )
    else:
        parts.append(f'review by <time datetime="{due}">{due}</time>')
    return '<p class="page-facts">' + " · ".join(f"<span>{part}</span>" for part in parts) + "</p>"


def listed(words: tuple[str, ...]) -> str:
    """Return audiences in words.

    Args:
        words: at least one of `AUDIENCES`.
    """
    if len(words) == len(AUDIENCES):
        return "everyone"
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Read and check front matter."""
    app.connect("source-read", _read_page)
    app.connect("doctree-read", _count_words)
    app.connect("env-purge-doc", _forget)
    app.connect("env-merge-info", _merge)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
