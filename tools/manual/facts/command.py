"""Facts about the commands: usage, arguments, options and exit statuses, read from the Typer application."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import typer.main
from typer.core import TyperArgument, TyperOption

from emprops.core.errors import all_errors

from .base import Code, Content, Fact, Field, Grid, Kind, Ref, joined
from .quantity import number
from .source import source_at
from .types import type_in_words

PROGRAM = "emprops"


class Commands(Kind):
    """What can be typed in a shell."""

    name = "command"
    label = "command"
    plural = "commands"
    shape = "sections"
    card = ("usage",)
    modules = ("emprops",)

    def load(self) -> Iterable[Fact]:
        """Return every command, in the order of the program's help."""
        found = importlib.util.find_spec("emprops.cli")
        if found is None or found.origin is None:
            return  # packages without a command line have no commands; a page that cites one is at fault
        for path, command in _walk(_program(), ()):
            yield self._fact(path, command)

    def _fact(self, path: tuple[str, ...], command: Any) -> Fact:
        callback: Callable[..., Any] = inspect.unwrap(command.callback)
        file = inspect.getsourcefile(callback)
        assert file is not None, f"the command {' '.join(path)} has no source file"
        summary, paragraphs = _help(command.help or "")
        name = " ".join(path)
        return Fact(
            kind=self.name,
            name=name,
            title=f"{PROGRAM} {name}",
            summary=summary,
            source=source_at(file, inspect.getsourcelines(callback)[1]),
            fields=(Field("usage", "Usage", (Code(_usage(path, command)),)),),
            description=paragraphs,
            blocks=tuple(_grids(command)),
            aliases=(f"{PROGRAM} {name}",),
        )


def _program() -> Any:
    application = importlib.import_module("emprops.cli").app
    if inspect.ismodule(application):
        application = application.app
    return typer.main.get_command(application)


def _walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    children: dict[str, Any] | None = getattr(command, "commands", None)
    if children is None:
        yield path or (PROGRAM,), command
        return
    for name, child in children.items():
        if not child.hidden:
            yield from _walk(child, (*path, name))


def _help(text: str) -> tuple[str, tuple[str, ...]]:
    paragraphs = [
        " ".join(part.split()) for part in inspect.cleandoc(text).replace("\f", "\n\n").split("\n\n")
    ]
    return paragraphs[0], tuple(part for part in paragraphs[1:] if part)


def _usage(path: tuple[str, ...], command: Any) -> str:
    words = [PROGRAM, *path]
    parameters = [p for p in command.params if not p.hidden]
    if any(isinstance(p, TyperOption) for p in parameters):
        words.append("[OPTIONS]")
    for parameter in parameters:
        if isinstance(parameter, TyperArgument):
            shown = _metavar(parameter) + ("..." if parameter.nargs == -1 else "")
            words.append(shown if parameter.required else f"[{shown}]")
    return " ".join(words)


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name).upper().strip("[]")


def _grids(command: Any) -> Iterator[Grid]:
    arguments, options = [], []
    for parameter in command.params:
        if parameter.hidden:
            continue
        meaning: Content = (str(getattr(parameter, "help", "") or "").strip(),)
        if isinstance(parameter, TyperArgument):
            arguments.append(((Code(_metavar(parameter)),), _type(parameter), _default(parameter), meaning))
        else:
            names = joined(Code(name) for name in [*parameter.opts, *parameter.secondary_opts])
            options.append((names, _type(parameter), _default(parameter), meaning))
    if arguments:
        yield Grid("Arguments", ("Argument", "Type", "Default", "Meaning"), tuple(arguments))
    if options:
        yield Grid("Options", ("Option", "Type", "Default", "Meaning"), tuple(options))


def _type(parameter: Any) -> Content:
    if getattr(parameter, "is_flag", False):
        return ("switch",)
    words = type_in_words(parameter.type_descriptor.annotation)
    if parameter.min is None and parameter.max is None:
        return words
    if parameter.max is None:
        return (*words, f", {number(parameter.min)} or more")
    if parameter.min is None:
        return (*words, f", at most {number(parameter.max)}")
    return (*words, f", {number(parameter.min)} to {number(parameter.max)}")


def _default(parameter: Any) -> Content:
    if parameter.required:
        return ("required",)
    default = parameter.default
    shown = getattr(parameter, "show_default", None)
    if isinstance(shown, str):
        return (shown,)
    if default is None or callable(default):
        return ("—",)
    if isinstance(default, bool):
        return ("on" if default else "off",)
    return (Code(str(getattr(default, "value", default))),)


def exit_statuses() -> tuple[tuple[int, Content], ...]:
    """Return each exit status of the program that an error ends it with, and those errors."""
    by_status: dict[int, list[Ref]] = {}
    for error in all_errors():
        by_status.setdefault(error.exit_code, []).append(Ref("error", error.code))
    return tuple((status, joined(by_status[status])) for status in sorted(by_status))
