"""The server scripts: read from their files, composed with the facts of the core, and described for the manual."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..core.keys import KEYS
from ..core.lifecycle import Outcome, Status

FOLDER = Path(__file__).parent / "scripts"
COMMON_ARGUMENTS = ("now", "events_kept")
"""Arguments of every script: the time in ms (empty: the server's clock), and the length of the event stream."""
PARTS = (
    "common",
    "stream",
    "state",
    "events",
    "holding",
    "showing",
    "ending",
    "timing",
    "bounds",
    "placing",
    "promoting",
    "belonging",
    "archive",
    "members",
    "taking",
)
"""Files of shared functions, each using only those before it; a script gets the functions that it reaches."""

_HEADER = re.compile(r"^-- (keys|args|transitions|errors|returns): (.*)$", re.MULTILINE)
_COMMENT = re.compile(r"--.*$", re.MULTILINE)
_KEY = re.compile(r"\bkey\.(\w+)")
_ARGUMENT = re.compile(r"\barg\.(\w+)")
_CALL = re.compile(r"redis\.call\('([A-Z]+)', (?:key\.(\w+))")
_PASSED = re.compile(r"\b(first_of|archive)\(([^\n]*)")
_READING = frozenset({"GET", "HGET", "HMGET", "HGETALL", "HLEN", "HEXISTS", "ZRANGE", "ZSCORE", "ZCARD"})
_NAME = re.compile(r"(?<![.\w])(?:(?:key|arg|status|outcome)\.\w+|redis\.call\b)")
_PRELUDE = "local K, A, call = KEYS, ARGV, redis.call"
_EVENT = re.compile(r"'((?:job|worker|workflow|class)\.[a-z]+)'")
_REFUSED = re.compile(r"(?:refuse\(|existing\([^,]+, [^,]+, )'([a-z_]+)'")


@dataclass(frozen=True, slots=True)
class Script:
    """One server script.

    Attributes:
        name: name of the script, its verb.
        summary: what it does, in one sentence.
        description: how, and what a caller should know; may be empty.
        keys: names of the keys that it is given, in order; a name with ``*`` stands for any number of them.
        arguments: names of its arguments, in order, without the common ones; ``*`` as for keys.
        transitions: names of the transitions that it makes.
        errors: codes of the errors that it refuses with.
        events: names of the events that it appends.
        returns: what it answers.
        reads: names of the keys that it reads.
        writes: names of the keys that it writes.
        path: its file.
        source: its own text, without the parts that it shares.
        text: what is sent to the server.
    """

    name: str
    summary: str
    description: str
    keys: tuple[str, ...]
    arguments: tuple[str, ...]
    transitions: tuple[str, ...]
    errors: tuple[str, ...]
    events: tuple[str, ...]
    returns: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    path: Path
    source: str
    text: str

    @property
    def sha(self) -> str:
        """Name of the script on the server: the SHA-1 of its text, so that old and new versions run side by side."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


class ScriptError(ValueError):
    """A script's file contradicts itself or the registries; raised when the scripts are loaded."""


@cache
def all_scripts() -> Mapping[str, Script]:
    """Return every script by name.

    Raises:
        ScriptError: a script uses a key that it does not declare, declares one that it does not use, names a key or
            part that does not exist, or refuses with an error that it does not declare.
    """
    return {path.stem: _load(path) for path in sorted(FOLDER.glob("*.lua"))}


def _load(path: Path) -> Script:
    source = path.read_text(encoding="utf-8")
    header, body = _split(source)
    fields: dict[str, str] = dict(_HEADER.findall(header))
    prose = [line[3:] for line in header.splitlines() if line.startswith("-- ") and not _HEADER.match(line)]
    keys = tuple(fields.get("keys", "").split())
    arguments = tuple(fields.get("args", "").split())
    code = _with_parts(body)
    _check(path, keys, code, fields)
    reads, writes = _access(code)
    return Script(
        name=path.stem,
        summary=prose[0],
        description=" ".join(prose[1:]),
        keys=keys,
        arguments=arguments,
        transitions=tuple(fields.get("transitions", "").split()),
        errors=tuple(fields.get("errors", "").split()),
        events=tuple(sorted(set(_EVENT.findall(code)))),
        returns=fields.get("returns", ""),
        reads=reads,
        writes=writes,
        path=path,
        source=source,
        text=_composed(code, keys, (*COMMON_ARGUMENTS, *arguments)),
    )


def _split(source: str) -> tuple[str, str]:
    lines = source.splitlines(keepends=True)
    end = next(index for index, line in enumerate(lines) if not line.startswith("--"))
    return "".join(lines[:end]), "".join(lines[end:])


@cache
def _parts() -> tuple[tuple[str, str], ...]:
    blocks = []
    for name in PARTS:
        text = _split((FOLDER / "lib" / f"{name}.lua").read_text(encoding="utf-8"))[1]
        for block in re.split(r"\n\n(?=--|local )", text.strip("\n")):
            defined = re.search(r"^local (?:function )?(\w+)", block, re.MULTILINE)
            assert defined is not None, f"lib/{name}.lua: a block defines nothing"
            blocks.append((defined[1], block))
    return tuple(blocks)


def _with_parts(body: str) -> str:
    needed = [body]
    for name, block in reversed(_parts()):
        used = re.compile(rf"(?<![.\w]){name}\b")
        if any(used.search(_COMMENT.sub("", text)) for text in needed):
            needed.append(block)
    return "\n".join(reversed(needed))


def _check(path: Path, keys: tuple[str, ...], code: str, fields: Mapping[str, str]) -> None:
    declared = {key.removesuffix("*") for key in keys}
    used = set(_KEY.findall(code))
    if declared != used:
        raise ScriptError(
            f"{path.name}: keys declared but not used: {sorted(declared - used)}; "
            f"used but not declared: {sorted(used - declared)}"
        )
    arguments = {argument.removesuffix("*") for argument in fields.get("args", "").split()}
    read = set(_ARGUMENT.findall(code)) - set(COMMON_ARGUMENTS)
    if arguments != read:
        raise ScriptError(f"{path.name}: arguments declared {sorted(arguments)}, used {sorted(read)}")
    unknown = declared - {key.name for key in KEYS}
    if unknown:
        raise ScriptError(f"{path.name}: unknown keys {sorted(unknown)}")
    refused = set(_REFUSED.findall(code))
    errors = set(fields.get("errors", "").split())
    if refused != errors:
        raise ScriptError(f"{path.name}: refuses with {sorted(refused)}, declares {sorted(errors)}")


def _access(code: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    reads: set[str] = set()
    writes: set[str] = set()
    for command, name in _CALL.findall(code):
        if name:
            (reads if command in _READING else writes).add(name)
    for function, rest in _PASSED.findall(code):
        (reads if function == "first_of" else writes).update(_KEY.findall(rest))
    return tuple(sorted(reads)), tuple(sorted(writes))


def _composed(code: str, keys: tuple[str, ...], arguments: tuple[str, ...]) -> str:
    """Return a script as it is sent: each name of a key, argument, status or outcome replaced by what it stands for.

    The server runs the whole text at every call, so a table of names would be built at every call, and looked up.
    """
    constants = {
        **{f"status.{status.name.lower()}": f"'{status.value}'" for status in Status},
        **{f"outcome.{outcome.name.lower()}": f"'{outcome.value}'" for outcome in Outcome},
        "redis.call": "call",
    }
    places = {**_places("key", "K", keys), **_places("arg", "A", arguments)}
    text = _NAME.sub(lambda found: (constants | places).get(found[0], found[0]), _COMMENT.sub("", code))
    lines = [line for line in text.split("\n") if line.strip()]
    return "\n".join([_PRELUDE, *_rest("key", "K", keys), *_rest("arg", "A", arguments), *lines, ""])


def _places(name: str, source: str, entries: tuple[str, ...]) -> dict[str, str]:
    """Return where each name is found that stands for one value."""
    return {f"{name}.{e}": f"{source}[{i}]" for i, e in enumerate(entries, 1) if not e.endswith("*")}


def _rest(name: str, source: str, entries: tuple[str, ...]) -> list[str]:
    """Return the lines that gather the values of a name that stands for any number of them; it is the last one."""
    rest = [entry.removesuffix("*") for entry in entries if entry.endswith("*")]
    return [
        f"local {name} = {{ {entry} = {{}} }}\n"
        f"for i = {len(entries)}, #{source} do {name}.{entry}[#{name}.{entry} + 1] = {source}[i] end"
        for entry in rest
    ]
