"""Fixtures that every test may use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from build_html import html_folder, is_fresh, only_build
from emprops.broker import EmbeddedServer
from tests import hypothesis_profiles
from tests.browser import chromium, open_page
from tests.timing import pytest_terminal_summary

BUILD = Path(__file__).resolve().parents[1] / "tools" / "build_html.py"

hypothesis_profiles.load()

__all__ = ["chromium", "manual", "open_page", "pytest_terminal_summary"]


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """A real server for this test process; a test empties it before use."""
    with EmbeddedServer() as started:
        yield started


@pytest.fixture(scope="session")
def manual() -> Path:
    """Folder of the built manual, built first unless it is that of the files as they are."""
    with only_build():
        if not is_fresh():
            # A process of its own: the tests' strict treatment of warnings is not meant for Sphinx.
            built = subprocess.run(
                [sys.executable, BUILD, "--locked"], capture_output=True, text=True, check=False
            )
            if built.returncode:
                pytest.fail(f"The manual does not build:\n{built.stdout[-3000:]}\n{built.stderr[-6000:]}")
    return html_folder()
