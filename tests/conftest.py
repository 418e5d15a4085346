"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from build_html import BuildFailed, build, html_folder, is_fresh, only_build
from tests.browser import chromium, open_page
from tests.timing import pytest_terminal_summary

__all__ = ["chromium", "manual", "open_page", "pytest_terminal_summary"]


@pytest.fixture(scope="session")
def manual() -> Path:
    """Folder of the built manual, built first unless it is that of the files as they are."""
    with only_build():
        if not is_fresh():
            try:
                build()
            except BuildFailed as failure:
                pytest.fail(f"The manual does not build: {failure}")
    return html_folder()
