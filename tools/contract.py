"""The contract: the names and values that users of the queue rely on, kept in a file: none changes by accident."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import typer.main

from emprops.cli import app
from emprops.core.events import all_events
from emprops.core.messages import all_messages
from manual.facts import KINDS
from manual.facts.base import Fact
from manual.facts.render import plain

FILE = Path(__file__).resolve().parents[1] / "tests" / "contract.json"
RELIED_ON = {
    "status": ("final",),
    "transition": ("from", "to", "actor", "event"),
    "outcome": (),
    "criterion": ("wanted", "have"),
    "setting": ("default", "range", "type", "unit"),
    "error": ("http_status", "exit_code", "retryable"),
    "key": ("pattern", "type"),
    "webhook-event": ("customer",),
    "delivery": (),
    "endpoint": ("role", "open_to", "errors"),
    "close-code": ("code", "then"),
}
"""Kinds of facts in the contract, and the fields of each that users rely on."""


def contract() -> dict[str, Any]:
    """Return the contract as the code has it."""
    kept: dict[str, Any] = {
        kind: {fact.name: _fields(fact, names) for fact in KINDS[kind].facts.values()}
        for kind, names in RELIED_ON.items()
    }
    kept["message"] = {
        message.type_name(): {
            "sender": message.sender,
            "role": plain(KINDS["message"].find(message.type_name()).field("role").content),
            "fields": sorted(message.model_fields),
        }
        for message in all_messages()
    }
    kept["event"] = {event.type_name(): sorted(event.model_fields) for event in all_events()}
    group = typer.main.get_command(app)
    kept["command"] = {
        name: sorted(
            option
            for parameter in command.params
            if not getattr(parameter, "hidden", False)
            for option in (*parameter.opts, *parameter.secondary_opts)
        )
        for name, command in sorted(group.commands.items())  # type: ignore[attr-defined]  # the app is a group
    }
    return kept


def _fields(fact: Fact, names: tuple[str, ...]) -> dict[str, str]:
    return {name: plain(fact.field(name).content) for name in names}


def text() -> str:
    """Return the contract as it stands in its file."""
    return json.dumps(contract(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    if "--print" in sys.argv:
        sys.stdout.write(text())
    else:
        FILE.write_text(text(), encoding="utf-8")
        print(
            f"The contract is written to tests/{FILE.name}; note in CHANGELOG.md what changed, and for whom."
        )
