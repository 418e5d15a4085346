"""Every code block of every page runs or is read, and shows what really comes out.

`EMPROPS_UPDATE_OUTPUT=1 .venv/bin/pytest tests/manual/test_blocks.py` writes the outputs of a real run into the pages.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.utils import new_document

from docs_exec.blocks import MISNAMED, Block, StrayOutput, blocks_of
from docs_exec.compare import difference, matches, steady
from docs_exec.session import BlockFailed, PageSession
from manual.blocks import RUN, VALIDATED

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "source"
PAGES = sorted(path.relative_to(SOURCE).with_suffix("").as_posix() for path in SOURCE.rglob("*.md"))
UPDATE = os.environ.get("EMPROPS_UPDATE_OUTPUT") == "1"
REQUEST_LINE = re.compile(r"^(GET|POST|PUT|PATCH|DELETE) \S+ HTTP/1\.1$|^HTTP/1\.1 \d{3}")


def check_page(page: str, blocks: list[Block], folder: Path) -> int:
    """Run and read the blocks of a page; return how many."""
    folder.mkdir()
    looked_at = 0
    with PageSession(folder) as session:
        for block in blocks:
            if block.language in MISNAMED:
                raise BlockFailed(
                    f"{block.where}: write {MISNAMED[block.language]!r}, not {block.language!r}"
                )
            if block.reason:
                continue
            if block.language in RUN:
                actual = session.run(block)
                if block.output is not None and not matches(block.output, actual):
                    if not UPDATE:
                        raise BlockFailed(
                            f"{block.where}: shows another output\n{difference(block.output, actual)}"
                        )
                    rewrite(page, block, steady(actual))
                looked_at += 1
            elif block.language in VALIDATED:
                validate(block)
                looked_at += 1
    return looked_at


def validate(block: Block) -> None:
    """Read a block that is data."""
    try:
        if block.language == "json":
            json.loads(block.text)
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "yaml":
            yaml.safe_load(block.text)
        elif not REQUEST_LINE.match(block.text):
            raise ValueError("begins with no request line and no status line")
    except (ValueError, yaml.YAMLError) as error:
        raise BlockFailed(f"{block.where}: not {block.language}: {error}") from error


def rewrite(page: str, block: Block, output: str) -> None:
    """Put an output into a page's source in place of the one it shows."""
    path = SOURCE / f"{page}.md"
    text = path.read_text(encoding="utf-8")
    assert block.output is not None
    old, new = f"```output\n{block.output.rstrip()}\n```", f"```output\n{output}\n```"
    assert text.count(old) >= 1, f"{block.where}: the shown output is not found in the source"
    head = "\n".join(text.split("\n")[: block.line - 1])
    path.write_text(head + text[len(head) :].replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_a_page_runs_and_shows_what_comes_out(page: str, manual: Path, tmp_path: Path) -> None:
    blocks = blocks_of(ROOT / "build" / "doctrees", page)
    runnable = [block for block in blocks if block.language in RUN | VALIDATED and not block.reason]
    assert check_page(page, blocks, tmp_path / "page") == len(runnable)
    fences = re.findall(
        r"^\s*(?:```|:::)+\s*(?:\{(?:code-block|not-run)\}\s*)?(bash|python|javascript|json|http)\b",
        _text(page),
        re.MULTILINE,
    )
    assert len([b for b in blocks if b.language in ("bash", "python", "javascript", "json", "http")]) == len(
        fences
    ), "the page's source has other blocks than the build found"


def _text(page: str) -> str:
    return (SOURCE / f"{page}.md").read_text(encoding="utf-8")


# The checks themselves can fail


def _block(language: str, text: str, output: str | None = None, *, background: bool = False) -> Block:
    return Block("page", 1, language, text, output, 2 if output else 0, background, "")


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (_block("bash", "echo one", "two"), "shows another output"),
        (_block("bash", "false"), "exit status 1"),
        (_block("bash", "emprops job no-such-job"), "server_unreachable"),
        (_block("python", "print(1)", "2"), "shows another output"),
        (_block("python", "1 / 0"), "ZeroDivisionError"),
        (_block("python", "await nothing()"), "NameError"),
        (_block("javascript", "nothing()"), "exit status 1"),
        (_block("javascript", "console.log(1)", "2"), "shows another output"),
        (_block("json", "{'a': 1}"), "not json"),
        (_block("http", "FETCH /"), "not http"),
        (_block("toml", "a = "), "not toml"),
        (_block("console", "$ ls"), "write 'bash'"),
        (_block("bash", "echo never", background=True), "never said 'ready'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_block_is_found(block: Block, said: str, tmp_path: Path) -> None:
    with pytest.raises(BlockFailed, match=re.escape(said)):
        check_page("page", [block], tmp_path / "page")


def test_a_background_command_that_ignores_ctrl_c_is_found(tmp_path: Path) -> None:
    stubborn = _block(
        "bash", "bash -c 'trap \"exit 3\" INT; echo ready; while :; do sleep 0.1; done'", background=True
    )
    with pytest.raises(BlockFailed, match="exit status 3 after Ctrl-C"):
        check_page("page", [stubborn], tmp_path / "page")


def test_what_a_page_exports_lasts_until_its_end(tmp_path: Path) -> None:
    blocks = [_block("bash", "export COLOUR=red"), _block("bash", "echo $COLOUR", "red")]
    assert check_page("page", blocks, tmp_path / "page") == 2


def test_names_of_python_blocks_last_until_the_end_of_the_page(tmp_path: Path) -> None:
    blocks = [
        _block("python", "import asyncio\nvalue = 20\nasync def f(): return value"),
        _block("python", "await asyncio.sleep(0)\nprint(await f() + 1)", "21"),
    ]
    assert check_page("page", blocks, tmp_path / "page") == 2


@pytest.mark.parametrize(
    ("shown", "actual", "same"),
    [
        ("a\nb", "a\nb\n", True),
        ("a", "a\nb\n", False),
        ("id …", "id 4711\n", True),
        ("id …", "no 4711\n", False),
        ("a\n…\nz", "a\nb\nc\nz\n", True),
        ("a\n…\nz", "a\nz\n", True),
        ("…", "anything\nat all\n", True),
        ("a … z", "a b\nz\n", False),
        ("(x)", "(x)\n", True),
    ],
)
def test_an_ellipsis_stands_for_what_differs(shown: str, actual: str, same: bool) -> None:
    assert matches(shown, actual) is same


def test_an_output_must_follow_what_made_it(tmp_path: Path) -> None:
    document = new_document("page.md", get_default_settings())
    stray = nodes.literal_block("x", "x", language="output")
    stray.source, stray.line = "page.md", 3
    document += stray
    del document.reporter
    (tmp_path / "page.doctree").write_bytes(pickle.dumps(document))
    with pytest.raises(StrayOutput, match=r"page\.md:3"):
        blocks_of(tmp_path, "page")
