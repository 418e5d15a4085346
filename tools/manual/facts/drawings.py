"""Diagrams that are drawn from the code: the life of a job, the layers of the packages, the running system."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from emprops.core.lifecycle import FINAL, TRANSITIONS, Status

from . import KINDS
from .base import Ref
from .processes import SERVER, processes
from .source import Module, modules


@dataclass(frozen=True, slots=True)
class Picture:
    """A diagram in Mermaid, and what it means.

    Attributes:
        source: the diagram.
        links: the fact that each label leads to, by the id of a box or the text on an arrow.
        alt: what it shows, for those who do not see it.
        caption: what to see in it.
    """

    source: str
    links: Mapping[str, Ref]
    alt: str
    caption: str


def lifecycle() -> Picture:
    """Return the statuses of a job and the transitions between them."""
    lines = ["stateDiagram-v2", "  direction TB"]
    links: dict[str, Ref] = {}
    for status in Status:
        lines.append(f"  {status.value}")
        links[status.value] = Ref("status", status.value)
    for transition in TRANSITIONS:
        links[transition.name] = Ref("transition", transition.name)
        starts = [status.value for status in transition.sources] or ["[*]"]
        lines += [f"  {start} --> {transition.target.value}: {transition.name}" for start in starts]
    for status in Status:
        if status in FINAL:
            lines.append(f"  {status.value} --> [*]")
        lines.append(f"  class {status.value} status_{status.value}")
    ways = "; ".join(
        f"{t.name} from {', '.join(t.sources) or 'a new job'} to {t.target.value}" for t in TRANSITIONS
    )
    return Picture(
        "\n".join(lines),
        links,
        f"The life of a job as a state diagram. Transitions: {ways}.",
        "Every status and every transition there is. A job that is given back keeps its place in the order.",
    )


def layers() -> Picture:
    """Return the packages and which imports which, arrows that follow from others left out."""
    packages = sorted({found for parsed in modules() if (found := _package(parsed.name))})
    imports = {name: set[str]() for name in packages}
    for parsed in modules():
        owner = _package(parsed.name)
        if owner:
            imports[owner] |= {
                name for name in _imported_packages(parsed) if name != owner and name in imports
            }
    lines = ["flowchart TD"]
    lines += [f'  {name}["emprops.{name}"]:::process' for name in packages]
    direct = [
        (name, target)
        for name in packages
        for target in sorted(imports[name])
        if not any(target in imports[other] for other in imports[name] - {target})
    ]
    lines += [f"  {name} --> {target}" for name, target in direct]
    ways = "; ".join(f"{name} imports {', '.join(sorted(imports[name])) or 'nothing'}" for name in packages)
    return Picture(
        "\n".join(lines),
        {name: Ref("object", f"emprops.{name}") for name in packages},
        f"The packages and their imports: {ways}.",
        "Each package imports only packages below it; an arrow that follows from others is left out.",
    )


def _package(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and (len(parts) > 2 or module in _packages()) else ""


def _packages() -> set[str]:
    return {parsed.name for parsed in modules() if parsed.path.name == "__init__.py"}


def _imported_packages(parsed: Module) -> Iterator[str]:
    here = parsed.name.split(".")
    folder = here if parsed.path.name == "__init__.py" else here[:-1]
    for node in ast.walk(parsed.tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = folder[: len(folder) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{start}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "emprops" and len(parts) > 1:
                yield parts[1]


def system() -> Picture:
    """Return the processes of a running system, and which scripts each calls on the server."""
    made_by: dict[str, list[str]] = {}
    for transition in TRANSITIONS:
        for script in transition.scripts:
            scripts = made_by.setdefault(transition.actor, [])
            if script not in scripts:
                scripts.append(script)
    client, worker = ", ".join(made_by["client"]), ", ".join(made_by["worker"])
    lines = [
        "flowchart TD",
        '  person["Person"]:::person',
        '  program["Your program"]:::process',
        '  cli["emprops"]:::process',
        '  api["API"]:::process',
        '  server["Valkey: scripts and keys"]:::store',
        '  worker["Worker"]:::process',
        '  connector["Connector"]:::process',
        '  service["AI service"]:::service',
        "  person --> cli",
        "  program -- HTTP --> api",
        f"  program -- {client} --> server",
        f"  api -- {client} --> server",
        f"  cli -- {client} --> server",
        f"  worker -- {worker} --> server",
        "  worker --> connector",
        "  connector --> service",
    ]
    links = {
        "program": Ref("object", "emprops.broker"),
        "cli": Ref("object", "emprops.cli"),
        "api": Ref("object", "emprops.api"),
        "server": Ref("object", "emprops.broker.scripts"),
        "worker": Ref("object", "emprops.worker"),
        "connector": Ref("object", "emprops.worker.connectors"),
    }
    return Picture(
        "\n".join(lines),
        links,
        "The parts of the system. A program, itself or over HTTP through the API, or a person through the command "
        f"line, calls the scripts {client} on the Valkey server; a worker calls {worker} there, and drives an AI "
        "service through a connector.",
        "Arrows lead from who calls to who is called; those to the server name the scripts that change a job.",
    )


def running() -> Picture:
    """Return the processes of a running system, and what each speaks with whom."""
    lines = [
        "flowchart TD",
        '  program["Your program"]:::process',
        '  server["Valkey"]:::store',
        '  endpoint["Your endpoint"]:::service',
        '  service["AI service"]:::service',
    ]
    links = {"server": Ref("object", "emprops.broker")}
    told = []
    for process in processes():
        key = process.command
        lines.append(f'  {key}["{process.name}"]:::process')
        links[key] = Ref("object", process.package)
        if process.port:
            lines.append(f'  program -- "HTTP, WebSocket" --> {key}')
            told.append(f"your program speaks HTTP and WebSocket with the {process.name}")
        if SERVER in process.speaks:
            lines.append(f"  {key} -- {SERVER} --> server")
            told.append(f"the {process.name} speaks the {SERVER} with Valkey")
    lines += ["  deliver -- signed POST --> endpoint", "  worker -- connector --> service"]
    told += ["the Deliverer posts to your endpoint", "the Worker drives an AI service through a connector"]
    return Picture(
        "\n".join(lines),
        links,
        f"The processes of a running system: {'; '.join(told)}.",
        "Arrows lead from who opens a connection to who accepts it. Nothing connects to a worker or a deliverer.",
    )


PICTURES: Mapping[str, Callable[[], Picture]] = {
    "lifecycle": lifecycle,
    "layers": layers,
    "system": system,
    "running": running,
}
"""Every diagram by the name that a page asks for it with."""


def sources() -> set[str]:
    """Return the absolute paths of the files that the diagrams are drawn from."""
    return {str(parsed.path) for parsed in modules()} | KINDS["transition"].sources()
