"""The `emp:recorded` directive: a recorded run as a sequence diagram or a timeline, with where it comes from."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.typing import OptionSpec

from .facts import KINDS
from .facts.base import UnknownFact
from .facts.directives import FactDirective
from .facts.render import Cell, citation
from .mermaid import mermaid_node

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

FOLDER = "_records"
STALE_DAYS = 180
"""A record older than this is marked as stale."""
PARTIES = {"client": "Client", "api": "API", "server": "Server", "worker": "Worker", "service": "Connector"}


class RecordedDirective(FactDirective):
    """Shows a recorded run.

    The argument is the name of the record; `as` is `sequence` or `timeline`.
    """

    required_arguments = 1
    option_spec: ClassVar[OptionSpec] = {"as": lambda text: directives.choice(text, ("sequence", "timeline"))}

    def run(self) -> list[nodes.Node]:
        """Return the diagram or the table, and the line that says where it comes from."""
        path = Path(self.env.srcdir) / FOLDER / f"{self.arguments[0]}.json"
        self.env.note_dependency(str(path))
        if not path.is_file():
            known = ", ".join(sorted(found.stem for found in path.parent.glob("*.json")))
            return self.fault(f"there is no record {self.arguments[0]!r}; known are {known}")
        record = json.loads(path.read_text(encoding="utf-8"))
        try:
            shown = self._timeline(record) if self.options.get("as") == "timeline" else self._sequence(record)
        except UnknownFact as error:
            return self.fault(
                f"the record {self.arguments[0]!r} names something that does not exist: {error}"
            )
        return [*shown, self._provenance(record)]

    def _sequence(self, record: dict[str, Any]) -> list[nodes.Node]:
        lines = ["sequenceDiagram"]
        present = {step[end] for step in record["steps"] for end in ("source", "target")}
        lines += [f"  participant {party} as {label}" for party, label in PARTIES.items() if party in present]
        links: dict[str, nodes.Node] = {}
        for step in record["steps"]:
            back = step["kind"] in ("answer", "event") or (step["kind"], step["source"]) == ("message", "api")
            arrow = "-->>" if back else "->>"
            lines.append(f"  {step['source']}{arrow}{step['target']}: {step['name']}")
            if step["kind"] in ("script", "event", "message"):
                kind = KINDS[step["kind"]]
                fact = kind.find(step["name"])
                self.facts_domain.cite(fact, location=self.get_location())
                links[step["name"]] = citation(kind, fact, self.env.docname, soft=True)
        source, line = self.get_source_info()
        return [
            mermaid_node(
                "\n".join(lines),
                location=(source, line),
                alt=record["description"],
                caption=record["caption"],
                links=links,
            )
        ]

    def _timeline(self, record: dict[str, Any]) -> list[nodes.Node]:
        renderer = self.renderer()
        rows = []
        for event in record["events"]:
            fact = KINDS["event"].find(event["type"])
            self.facts_domain.cite(fact, location=self.get_location())
            status = event.get("status")
            rows.append(
                [
                    Cell([nodes.paragraph("", f"{event['at_ms']:,}")], number=True),
                    Cell([renderer.citation_paragraph(KINDS["event"], fact)]),
                    Cell([self._status(renderer, status)]),
                    Cell([nodes.paragraph("", event.get("worker", ""))]),
                    Cell([nodes.paragraph("", _in_words(event))]),
                ]
            )
        heads = ("After, ms", "Event", "Status", "Worker", "What it says")
        return [nodes.paragraph("", record["caption"]), renderer.table(heads, rows, "emp-timeline")]

    def _status(self, renderer: Any, status: str | None) -> nodes.Node:
        if status is None:
            return nodes.paragraph()
        return renderer.citation_paragraph(KINDS["status"], KINDS["status"].find(status))  # type: ignore[no-any-return]

    def _provenance(self, record: dict[str, Any]) -> nodes.paragraph:
        made = record["made"]
        age = (_today() - datetime.date.fromisoformat(made["date"])).days
        text = f"Recorded {made['date']} at revision {made['revision']} on {made['server']}; remade by "
        paragraph = nodes.paragraph("", text, nodes.literal("", made["command"]), classes=["provenance"])
        if age > STALE_DAYS:
            paragraph += nodes.strong("", f" Stale: {age} days old.")
        return paragraph


def _today() -> datetime.date:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    utc = datetime.UTC
    now = datetime.datetime.now(utc) if epoch is None else datetime.datetime.fromtimestamp(int(epoch), utc)
    return now.date()


def _in_words(event: dict[str, Any]) -> str:
    parts = []
    if "attempt" in event:
        parts.append(f"attempt {event['attempt']}")
    if "progress" in event:
        parts.append(f"{event['progress']:.0%}")
    if event.get("error"):
        parts.append(event["error"])
    if event.get("message"):
        parts.append(event["message"])
    return ", ".join(parts)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive_to_domain("emp", "recorded", RecordedDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
