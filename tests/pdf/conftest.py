"""Documents that are printed once for all tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pdf.reading import Pdf

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / "tools" / "build_pdf.py"
Print = Callable[..., Pdf]


@pytest.fixture(scope="session")
def printed(manual: Path, tmp_path_factory: pytest.TempPathFactory) -> Print:
    """Prints a document of the manual, each once: by its name, the paper, and the number of the copy."""
    files: dict[tuple[str, str, int], Pdf] = {}

    def get(document: str, paper: str = "a4", copy: int = 1) -> Pdf:
        key = document, paper, copy
        if key not in files:
            folder = tmp_path_factory.mktemp(f"{document}-{paper}-{copy}")
            # A process of its own: the tests' strict treatment of warnings is not meant for Sphinx.
            made = subprocess.run(
                [sys.executable, COMMAND, document, "--paper", paper, "--to", folder],
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "PYTHONHASHSEED": str(copy)},
            )
            if made.returncode:
                pytest.fail(f"{document} cannot be printed:\n{made.stdout[-3000:]}\n{made.stderr[-6000:]}")
            (file,) = folder.glob("*.pdf")
            files[key] = Pdf(file)
        return files[key]

    return get
