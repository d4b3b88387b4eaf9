"""What a script says about itself without being run: what it imports, and whether it sets a seed.

The text is parsed; nothing of it is executed or imported. What a script does through another module
of its project is not seen.
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from provenance.digest import read_file
from provenance.errors import CaptureError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

__all__ = ["ScriptOutline", "outline_script"]

#: Largest script that is parsed, in bytes.
MAX_SCRIPT_BYTES: Final = 4 * 1024 * 1024

# Functions that seed random numbers, by their last names, and those that do so if given a number.
_SEEDING: Final = frozenset(
    {
        *("seed", "manual_seed", "manual_seed_all", "seed_everything", "set_seed", "seed_all"),
        *("set_random_seed", "fix_seed", "set_all_seeds", "PRNGKey"),
    }
)
_SEEDED: Final = frozenset({"default_rng", "RandomState", "Random", "SeedSequence"})
# Functions and arguments that switch deterministic algorithms on.
_DETERMINISTIC: Final = frozenset(
    {"use_deterministic_algorithms", "enable_op_determinism", "enable_full_determinism"}
)
_DETERMINISTIC_KEYWORDS: Final = frozenset({"deterministic", "full_determinism"})
_KEYWORDS: Final = frozenset({"seed", "random_state", "random_seed", "data_seed"})


@dataclass(frozen=True, slots=True)
class ScriptOutline:
    """What the text of a script shows."""

    imports: frozenset[str]
    """Top-level names of the modules that it imports, anywhere in it."""

    modules: frozenset[str]
    """The same with their dots, e.g. `torch.distributed`."""

    sets_seed: bool
    """Whether a seed is set in it."""

    wants_determinism: bool
    """Whether it switches deterministic algorithms on."""


def outline_script(path: str | os.PathLike[str]) -> ScriptOutline:
    """Return what the text of a script shows.

    Raises:
        InputError: It cannot be read, is a link or no regular file.
        CaptureError: It is no Python.
    """
    data = read_file(path, max_bytes=MAX_SCRIPT_BYTES)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the script's own escapes and literals
            tree = ast.parse(data)
        nodes = tuple(ast.walk(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise CaptureError(
            path=str(path), problem=f"is no Python that this Python reads ({type(error).__name__})"
        ) from error
    modules = frozenset(name for node in nodes for name in _imported(node))
    return ScriptOutline(
        imports=frozenset(name.partition(".")[0] for name in modules),
        modules=modules,
        sets_seed=any(_sets_seed(node) for node in nodes),
        wants_determinism=any(_wants_determinism(node) for node in nodes),
    )


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _wants_determinism(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    return _called(node) in _DETERMINISTIC or any(
        keyword.arg in _DETERMINISTIC_KEYWORDS
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is True
        for keyword in node.keywords
    )


def _sets_seed(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = _called(node)
    if name in _SEEDING:
        return True
    if name in _SEEDED and node.args:
        return True
    return any(
        keyword.arg in _KEYWORDS
        and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is None)
        for keyword in node.keywords
    )
