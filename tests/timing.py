"""Tells at the end of a test run where its time went: each folder of tests, by phase."""

from __future__ import annotations

from collections import defaultdict
from pathlib import PurePosixPath

import pytest

PHASES = ("setup", "call", "teardown")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print, for each folder of tests, the seconds in fixtures and in the tests themselves."""
    spent: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(PHASES, 0.0))
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and report.when is not None:
                spent[_folder(report.nodeid)][report.when] += report.duration
    if not spent:
        return
    terminalreporter.write_sep("=", "where the time went, in seconds over all test processes")
    width = max(map(len, spent))
    terminalreporter.write_line("  ".join([" " * width, *(f"{phase:>8}" for phase in PHASES)]))
    for folder in sorted(spent, key=lambda name: -sum(spent[name].values())):
        seconds = (f"{spent[folder][phase]:8.1f}" for phase in PHASES)
        terminalreporter.write_line("  ".join([f"{folder:<{width}}", *seconds]))


def _folder(nodeid: str) -> str:
    return str(PurePosixPath(nodeid.partition("::")[0]).parent)
