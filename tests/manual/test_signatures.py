"""The Python reference shows the value of a constant where it fits on a line, and no argument that is private."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from manual.signatures import LONGEST_SHOWN

SIGNATURE = re.compile(r'<dt class="sig sig-object py" id="([^"]+)">(.*?)</dt>', re.DOTALL)


@pytest.fixture(scope="module")
def signatures(manual: Path) -> dict[str, str]:
    """The signature of each object in the Python reference, as a reader sees it."""
    return {
        name: html.unescape(re.sub(r"<[^>]+>", "", shown)).strip().removesuffix("¶")
        for page in (manual / "implementation" / "api-internals").glob("*.html")
        for name, shown in SIGNATURE.findall(page.read_text(encoding="utf-8"))
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("emprops.core.retry.JITTER", " = 0.25"),
        ("emprops.core.job.JOB_ID_PATTERN", " = re.compile('^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$')"),
        ("emprops.worker.connectors.simulation.SimulationConnector.service", " = 'simulation'"),
    ],
)
def test_a_short_value_is_shown(signatures: dict[str, str], name: str, value: str) -> None:
    assert signatures[name].endswith(value)


@pytest.mark.parametrize(
    "name",
    ["emprops.core.lifecycle.TRANSITIONS", "emprops.core.keys.KEYS", "emprops.core.closing.CLOSE_CODES"],
)
def test_a_registry_is_shown_by_its_name_and_type(signatures: dict[str, str], name: str) -> None:
    assert signatures[name].startswith(f"{name}: tuple[")
    assert "=" not in signatures[name]


def test_no_value_is_longer_than_a_line(signatures: dict[str, str]) -> None:
    values = {
        name: shown.partition(" = ")[2]
        for name, shown in signatures.items()
        if "(" not in shown.partition(" = ")[0]
    }
    assert {name for name, value in values.items() if len(value) > LONGEST_SHOWN} == set()


@pytest.mark.parametrize("name", ["BrokerSettings", "WebhookSettings"])
def test_settings_show_no_argument_of_the_library_that_reads_them(
    manual: Path, signatures: dict[str, str], name: str
) -> None:
    assert signatures[f"emprops.core.settings.{name}"].endswith(f"{name}(**values)")
    page = (manual / "implementation" / "api-internals" / "core.html").read_text(encoding="utf-8")
    assert "_case_sensitive" not in page
