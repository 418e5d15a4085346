"""The processes of a running system: what starts each, what it listens at and whom it talks to, read from the code."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from emprops.core.settings import ApiSettings, EmpropsSettings

from .source import Module, modules

SERVER = "Redis protocol"
"""What every process speaks with the server of the queue."""
_SPOKEN: Mapping[str, str] = {
    "redis": SERVER,
    "httpx": "HTTP or HTTPS, outwards",
    "uvicorn": "HTTP and WebSocket, inwards",
}
"""What a library that a package uses is used to speak."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process of a running system.

    Attributes:
        name: what it is called.
        command: the command that runs it.
        package: the package that it is made of.
        port: the setting of the port that it listens at, as ``ApiSettings.port``; empty if it listens at none.
        listens: where it listens by default; empty if nowhere.
        speaks: protocols, in words, from the libraries that its package uses.
    """

    name: str
    command: str
    package: str
    port: str
    listens: str
    speaks: tuple[str, ...]


_DECLARED: tuple[tuple[str, str, str, type[EmpropsSettings] | None], ...] = (
    ("API", "api", "emprops.api", ApiSettings),
    ("Deliverer", "deliver", "emprops.webhooks", None),
    ("Worker", "worker", "emprops.worker", None),
)
"""The processes that run on and on: name, command, package, and the settings with the port that it listens at."""


def processes() -> tuple[Process, ...]:
    """Return the processes of a running system.

    Raises:
        LookupError: a process has a port and its package listens at none, or the other way round.
    """
    found = []
    for name, command, package, settings in _DECLARED:
        used = _libraries(package)
        if bool(settings) != ("uvicorn" in used):
            raise LookupError(f"{package} {'does not listen' if settings else 'listens'}; mend {__name__}")
        found.append(
            Process(
                name,
                command,
                package,
                f"{settings.__name__}.port" if settings else "",
                _address(settings) if settings else "",
                tuple(words for library, words in _SPOKEN.items() if library in used),
            )
        )
    return tuple(found)


def _address(settings: type[EmpropsSettings]) -> str:
    fields = settings.model_fields
    return urlsplit(f"//{fields['host'].default}:{fields['port'].default}").netloc


def _libraries(package: str) -> set[str]:
    """Return the libraries that a package imports, the server's own among them if it uses the broker."""
    used: set[str] = set()
    for parsed in modules():
        if f"{parsed.name}.".startswith(f"{package}."):
            used |= _imported(parsed)
    return used


def _imported(parsed: Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(parsed.tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            first = node.module.split(".")[0]
            names.add("redis" if node.level and first == "broker" else first)
    return names
