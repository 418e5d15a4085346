"""Running server scripts: by content hash, loaded when the server does not know them, all keys declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from redis.exceptions import NoScriptError, ResponseError

from ..core.keys import KEYS, KeySpace
from .connection import Connection, ours, server_errors
from .scripts import COMMON_ARGUMENTS, Script, all_scripts

About: TypeAlias = Mapping[str, str | Sequence[str]]
"""Subject of each family key that a call needs, by the key's name."""
Call: TypeAlias = tuple[Mapping[str, str | int | Sequence[str]], About]
"""What one run of a script is given: its arguments by name, and the subjects of its keys."""
_FAMILIES = {key.name for key in KEYS if key.about}
NOBODY = "-"
"""What stands for the subject of a family key that a call does not need: no id may start with a hyphen."""


class Executor:
    """Runs the server scripts of one pool.

    Args:
        connection: the server.
        keys: the pool's keys.
        events_kept: length of the event stream, in entries.
        now_ms: fixed time in ms since 1970 instead of the server's clock, for tests of what time does.
    """

    def __init__(
        self, connection: Connection, keys: KeySpace, *, events_kept: int, now_ms: int | None = None
    ) -> None:
        self.connection = connection
        self.keys = keys
        self.now_ms = now_ms
        self._events_kept = events_kept

    async def run(
        self,
        name: str,
        arguments: Mapping[str, str | int | Sequence[str]],
        about: Mapping[str, str | Sequence[str]] | None = None,
    ) -> Any:
        """Run one script, atomically.

        Args:
            name: name of the script.
            arguments: its arguments by name; a sequence for one that stands for any number.
            about: subject of each family key that the call needs, by the key's name; a sequence for a key that stands
                for any number.

        Raises:
            EmpropsError: the script refused, or the server failed; state is unchanged if it refused.
            LookupError: an argument is missing or superfluous.
        """
        script = all_scripts()[name]
        keys, values = self.prepared(name, arguments, about)
        async with server_errors():
            try:
                return await self.connection.evalsha(script.sha, len(keys), *keys, *values)
            except NoScriptError:
                return await self.connection.eval(script.text, len(keys), *keys, *values)

    async def run_many(self, name: str, calls: Sequence[Call]) -> list[Any]:
        """Run one script several times, in one exchange with the server; each run is atomic by itself.

        Args:
            name: name of the script.
            calls: the arguments of each run, as :meth:`run` takes them.

        Returns:
            What each run answered, in order; the error for one that refused.

        Raises:
            ServerUnreachable: the server does not answer; any of the runs may have happened.
            LookupError: an argument is missing or superfluous.
        """
        script = all_scripts()[name]
        prepared = [self.prepared(name, arguments, about) for arguments, about in calls]
        async with server_errors():
            await self.connection.script_load(script.text)
            async with self.connection.pipeline(transaction=False) as pipe:
                for keys, values in prepared:
                    pipe.evalsha(script.sha, len(keys), *keys, *values)
                answers = await pipe.execute(raise_on_error=False)
        return [ours(answer) if isinstance(answer, ResponseError) else answer for answer in answers]

    def prepared(
        self, name: str, arguments: Mapping[str, str | int | Sequence[str]], about: About | None = None
    ) -> tuple[list[str], list[str | int]]:
        """Return the keys and values that one run of a script is sent with.

        Args:
            name: name of the script.
            arguments: as for :meth:`run`.
            about: as for :meth:`run`.

        Raises:
            LookupError: an argument is missing or superfluous.
        """
        script = all_scripts()[name]
        return self._keys(script, about or {}), self._arguments(script, arguments)

    def _keys(self, script: Script, about: Mapping[str, str | Sequence[str]]) -> list[str]:
        keys: list[str] = []
        for entry in script.keys:
            name = entry.removesuffix("*")
            subject = about.get(name, NOBODY if name in _FAMILIES and name == entry else ())
            if isinstance(subject, str):
                keys.append(self.keys.key(name, subject))
            elif name == entry:
                keys.append(self.keys.key(name))
            else:
                keys.extend(self.keys.key(name, one) for one in subject)
        return keys

    def _arguments(self, script: Script, given: Mapping[str, str | int | Sequence[str]]) -> list[str | int]:
        if {name.removesuffix("*") for name in script.arguments} != set(given):
            raise LookupError(f"script {script.name}: takes {script.arguments}, given {sorted(given)}")
        common: dict[str, str | int] = {
            "now": "" if self.now_ms is None else self.now_ms,
            "events_kept": self._events_kept,
        }
        values: list[str | int] = [common[name] for name in COMMON_ARGUMENTS]
        for entry in script.arguments:
            value = given[entry.removesuffix("*")]
            if isinstance(value, str | int):
                values.append(value)
            else:
                values.extend(value)
        return values
