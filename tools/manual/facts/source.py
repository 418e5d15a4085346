"""Where a fact stands in the repository, and what a look at the source files says about it."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import emprops

PACKAGE = Path(emprops.__file__).resolve().parent
ROOT = PACKAGE.parent.parent
"""Folder of the repository: paths are shown relative to it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A place in a file of the repository.

    Attributes:
        path: path of the file, relative to the repository, with forward slashes.
        line: number of the line, from 1.
    """

    path: str
    line: int

    @property
    def file(self) -> Path:
        """Absolute path of the file."""
        return ROOT / self.path

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


def source_at(file: Path | str, line: int) -> Source:
    """Return a place in a file, given by its absolute path."""
    return Source(_shown(str(file)), line)


@cache
def _shown(file: str) -> str:
    return Path(file).resolve().relative_to(ROOT).as_posix()


def module_files(name: str) -> tuple[str, ...]:
    """Return the absolute paths of a module's file, or of all Python files of a package.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no module {name!r}", name=name)
    origin = Path(spec.origin)
    if origin.name != "__init__.py":
        return (str(origin),)
    return tuple(str(path) for path in sorted(origin.parent.rglob("*.py")))


@dataclass(frozen=True, slots=True)
class Module:
    """A parsed module of the packages.

    Attributes:
        name: dotted name.
        path: its file.
        tree: its syntax tree.
    """

    name: str
    path: Path
    tree: ast.Module


@cache
def modules() -> tuple[Module, ...]:
    """Return every module of the packages, parsed."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(name, path, ast.parse(path.read_text("utf-8"))))
    return tuple(found)


def module(name: str) -> Module:
    """Return a parsed module by its dotted name.

    Raises:
        ModuleNotFoundError: the packages have no such module.
    """
    for candidate in modules():
        if candidate.name == name:
            return candidate
    raise ModuleNotFoundError(f"no module {name!r}", name=name)


@dataclass(frozen=True, slots=True)
class Definition:
    """A public name of a module, as its source declares it.

    Attributes:
        name: dotted name, module included.
        kind: class, function, method, property, attribute or data.
        doc: first paragraph of its docstring, empty if it has none.
        source: where it is.
    """

    name: str
    kind: str
    doc: str
    source: Source


def _first_paragraph(text: str | None) -> str:
    return " ".join((text or "").strip().split("\n\n", 1)[0].split())


def _doc(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return _first_paragraph(ast.get_docstring(node))


def _definitions(body: list[ast.stmt], prefix: str, path: Path, inside: str) -> Iterator[Definition]:
    for position, node in enumerate(body):
        here = source_at(path, getattr(node, "lineno", 1))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield Definition(f"{prefix}.{node.name}", "class", _doc(node), here)
            yield from _definitions(node.body, f"{prefix}.{node.name}", path, "class")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            decorators = {item.id for item in node.decorator_list if isinstance(item, ast.Name)}
            kind = "property" if "property" in decorators else "method" if inside else "function"
            yield Definition(f"{prefix}.{node.name}", kind, _doc(node), here)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            follower = body[position + 1] if position + 1 < len(body) else None
            doc = ""
            if isinstance(follower, ast.Expr) and isinstance(follower.value, ast.Constant):
                doc = _first_paragraph(str(follower.value.value))
            for target in targets:
                if isinstance(target, ast.Name) and not target.id.startswith("_"):
                    yield Definition(f"{prefix}.{target.id}", "attribute" if inside else "data", doc, here)


@cache
def definitions() -> dict[str, Definition]:
    """Return every public name that the packages declare, by its dotted name."""
    return {
        definition.name: definition
        for module in modules()
        for definition in _definitions(module.tree.body, module.name, module.path, "")
    }


def definition(name: str) -> Definition:
    """Return what declares a public name.

    Raises:
        LookupError: the packages declare no such name.
    """
    try:
        return definitions()[name]
    except KeyError:
        raise LookupError(f"the packages declare no {name!r}") from None


@dataclass(frozen=True, slots=True)
class Use:
    """A place that uses a name.

    Attributes:
        module: dotted name of the module.
        function: name of the function or method, with its class; empty at module level.
        source: the place itself.
    """

    module: str
    function: str
    source: Source

    @property
    def public(self) -> str:
        """Dotted name of the innermost public function, class or module around it."""
        parts: list[str] = []
        for part in self.function.split(".") if self.function else []:
            if part.startswith("_"):
                break
            parts.append(part)
        return ".".join([self.module, *parts])


class _Uses(ast.NodeVisitor):
    def __init__(self, module: Module) -> None:
        self.module = module
        self.stack: list[str] = []
        self.raised: dict[str, list[Use]] = {}
        self.settings: dict[str, list[Use]] = {}
        self.keys: dict[str, list[Use]] = {}
        self.through: dict[str, set[str]] = {}

    def _enter(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.stack.append(node.name)
        self.generic_visit(node)
        self.stack.pop()

    visit_ClassDef = visit_FunctionDef = visit_AsyncFunctionDef = _enter

    def _use(self, node: ast.expr) -> Use:
        return Use(self.module.name, ".".join(self.stack), source_at(self.module.path, node.lineno))

    def visit_Call(self, node: ast.Call) -> None:
        name = _last_name(node.func)
        if name[:1].isupper():
            self.raised.setdefault(name, []).append(self._use(node))
        if name == "key" and node.args and isinstance(node.args[0], ast.Constant):
            self.keys.setdefault(str(node.args[0].value), []).append(self._use(node))
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        if node.exc is not None and not isinstance(node.exc, ast.Call):
            self.raised.setdefault(_last_name(node.exc), []).append(self._use(node.exc))
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        owner = _last_name(node.value).lower()
        if owner.endswith("settings"):
            self.settings.setdefault(node.attr, []).append(self._use(node))
        elif owner == "self" and len(self.stack) == 2 and self.stack[0].endswith("Settings"):
            self.through.setdefault(node.attr, set()).add(self.stack[1])
        self.generic_visit(node)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


@dataclass(frozen=True, slots=True)
class _Index:
    raised: dict[str, list[Use]]
    settings: dict[str, list[Use]]
    keys: dict[str, list[Use]]
    through: dict[str, set[str]]


@cache
def _uses() -> _Index:
    index = _Index({}, {}, {}, {})
    for parsed in modules():
        visitor = _Uses(parsed)
        visitor.visit(parsed.tree)
        for found, known in (
            (visitor.raised, index.raised),
            (visitor.settings, index.settings),
            (visitor.keys, index.keys),
        ):
            for name, uses in found.items():
                known.setdefault(name, []).extend(uses)
        for name, properties in visitor.through.items():
            index.through.setdefault(name, set()).update(properties)
    return index


def raised(class_name: str) -> tuple[Use, ...]:
    """Return the places that make an instance of an error class, or raise the class itself."""
    return tuple(_uses().raised.get(class_name, ()))


def setting_uses(field: str) -> tuple[Use, ...]:
    """Return the places that read a field of settings, or a property of the settings that is made of it.

    Settings are known by the name that they are held under: it ends in ``settings``.
    """
    index = _uses()
    names = {field, *index.through.get(field, ())}
    return tuple(use for name in sorted(names) for use in index.settings.get(name, ()))


def key_uses(name: str) -> tuple[Use, ...]:
    """Return the places in Python code that name a key of the server."""
    return tuple(_uses().keys.get(name, ()))


def call_lines(tree: ast.AST, function: str) -> dict[str, int]:
    """Return the line of each call of a function whose first argument is a text, by that text."""
    return {
        str(node.args[0].value): node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and _last_name(node.func) == function
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
