"""A class of errors in the Python reference refers to its code; what it declares stands there and is not repeated."""

from __future__ import annotations

import re
from pathlib import Path

from emprops.core.errors import EmpropsError, all_errors
from manual.raised import DECLARED


def _reference(manual: Path) -> str:
    return (manual / "implementation" / "api-internals" / "core.html").read_text(encoding="utf-8")


def test_each_class_leads_to_its_code(manual: Path) -> None:
    page = _reference(manual)
    for error in all_errors():
        if error.__module__ != EmpropsError.__module__:
            continue
        _, _, described = page.partition(f'id="emprops.core.errors.{error.__name__}"')
        described = described.partition('<dt class="sig sig-object')[0]
        assert re.search(rf'href="[^"]*error-codes\.html#[^"]*"[^>]*>.*?{error.code}', described, re.DOTALL)
        assert "Parameters" not in described, f"{error.__name__} repeats the arguments of the base"


def test_the_base_alone_says_what_there_is_to_declare(manual: Path) -> None:
    told = set(re.findall(r'id="emprops\.core\.errors\.(\w+)\.(\w+)"', _reference(manual)))
    assert {name for of, name in told if of == "EmpropsError"} >= DECLARED
    assert {of for of, name in told if name in DECLARED} == {"EmpropsError"}
