"""The library's own source, read as text: its modules, what they import, which strings they hold.

Nothing here imports the library; a module that cannot be imported is still read.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "REPOSITORY",
    "SOURCE",
    "Edge",
    "find_edges",
    "find_modules",
    "parse",
    "string_constants",
]

#: The checkout that these tests stand in.
REPOSITORY = Path(__file__).resolve().parents[2]

#: The folder that holds the import package.
SOURCE = REPOSITORY / "src"


@dataclass(frozen=True, order=True)
class Edge:
    """One module imports another one of the same package."""

    importer: str
    imported: str
    line: int
    typing_only: bool
    """The import stands under `if TYPE_CHECKING:` and never happens at run time."""


def find_modules(source: Path, package: str) -> dict[str, Path]:
    """Return the modules of a package by dotted name, in a stable order."""
    modules = {}
    for path in sorted((source / package).rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return modules


def parse(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def find_edges(modules: dict[str, Path], package: str) -> list[Edge]:
    """Return every import among these modules, also those inside functions and in strings.

    Importing `a.b` runs `a` first; that is how Python works, not an edge that somebody wrote.
    """
    edges = []
    for importer, path in modules.items():
        for node, typing_only in _walk(parse(path), typing_only=False):
            for name in _imported_names(node, importer, is_package=path.stem == "__init__"):
                target = _longest_module(name, modules)
                if target and name.split(".")[0] == package and target != importer:
                    line = getattr(node, "lineno", 0)
                    edges.append(Edge(importer, target, line, typing_only))
    return edges


def _walk(node: ast.AST, *, typing_only: bool) -> Iterator[tuple[ast.AST, bool]]:
    yield node, typing_only
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        for inside in node.body:
            yield from _walk(inside, typing_only=True)
        children: list[ast.AST] = [*node.orelse]
    else:
        children = list(ast.iter_child_nodes(node))
    for child in children:
        yield from _walk(child, typing_only=typing_only)


def _imported_names(node: ast.AST, importer: str, *, is_package: bool) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=module, names=names, level=level):
            parts = importer.split(".")
            above = parts[: len(parts) - level + is_package] if level else []
            base = ".".join([*above, *([module] if module else [])])
            return [f"{base}.{alias.name}" for alias in names]
        case ast.Call(func=function, args=[ast.Constant(value=str(name)), *_]) if ast.unparse(
            function
        ).endswith(("import_module", "__import__")):
            return [name]
    return []


def _longest_module(name: str, modules: dict[str, Path]) -> str:
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name


def string_constants(path: Path) -> set[str]:
    """Return every string constant of a file, docstrings included."""
    return {
        node.value
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
