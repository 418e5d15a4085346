"""The pinned versions: they hold everywhere, so they name no machine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"^([a-z0-9][a-z0-9-]*)==[\w.]+( ; [^/@]+)?$")


@pytest.fixture
def pins() -> list[str]:
    """Lines of constraints.txt."""
    return (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()


def test_every_line_is_a_version_and_no_place(pins: list[str]) -> None:
    assert [line for line in pins if not PIN.match(line)] == []


def test_every_dependency_is_pinned(pins: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]
    names = {re.split(r"[^\w.-]", one)[0].replace("_", "-").lower() for one in asked}
    assert names - {line.partition("==")[0] for line in pins} == set()
