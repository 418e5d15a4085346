"""What users rely on does not change by accident."""

from __future__ import annotations

import contract


def test_names_and_values_that_users_rely_on_are_those_of_the_contract() -> None:
    assert contract.text() == contract.FILE.read_text(encoding="utf-8"), (
        "a name or value that users rely on changed: if it is meant, run `make contract` and tell it in CHANGELOG.md"
    )
