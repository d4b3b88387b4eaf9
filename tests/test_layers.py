"""The house has floors, listed below: imports go down, never up or around.

Imports inside functions count like the others. An import under `if TYPE_CHECKING:` never happens at
run time, so it may look upwards: `errors.py` names the report that one of its classes carries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.source import SOURCE, Edge, find_edges, find_modules, string_constants

if TYPE_CHECKING:
    from pathlib import Path

#: The floors, lowest first. On one floor a room may import the rooms named before it.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("lazy", "version", "errors", "findings"),
    ("canonical", "digest"),
    ("manifest", "envelope"),
    ("signing", "capture", "training_log"),
    ("trust",),
    ("checks",),
    ("openness", "lineage"),
    ("verification",),
    ("recording", "reproduction"),
    ("interop", "integrations", "render"),
    ("cli",),
    ("",),  # the package's own `__init__.py`
)

RANKS = {room: rank for rank, room in enumerate(room for floor in FLOORS for room in floor)}

#: Only these rooms may know how a terminal looks.
TERMINAL_ROOMS = frozenset({"cli", "render"})


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def rank_of(module: str) -> int:
    return RANKS.get(room_of(module), -1)  # a room without a floor is another test's business


def edges_upward(edges: list[Edge]) -> list[Edge]:
    return [
        edge
        for edge in edges
        if not edge.typing_only and rank_of(edge.imported) > rank_of(edge.importer)
    ]


def find_cycle(edges: list[Edge]) -> list[str]:
    """Return the modules of one import cycle, or nothing."""
    imports: dict[str, set[str]] = {}
    for edge in edges:
        if not edge.typing_only:
            imports.setdefault(edge.importer, set()).add(edge.imported)
    finished: set[str] = set()

    def visit(module: str, trail: list[str]) -> list[str]:
        if module in trail:
            return [*trail[trail.index(module) :], module]
        if module in finished:
            return []
        for target in sorted(imports.get(module, ())):
            if cycle := visit(target, [*trail, module]):
                return cycle
        finished.add(module)
        return []

    return next((cycle for start in sorted(imports) if (cycle := visit(start, []))), [])


@pytest.fixture(scope="module")
def modules() -> dict[str, Path]:
    return find_modules(SOURCE, "provenance")


@pytest.fixture(scope="module")
def edges(modules: dict[str, Path]) -> list[Edge]:
    return find_edges(modules, "provenance")


def test_every_module_belongs_to_a_room(modules: dict[str, Path]) -> None:
    assert [name for name in modules if room_of(name) not in RANKS] == []


def test_nothing_imports_upwards(edges: list[Edge]) -> None:
    assert edges_upward(edges) == []


def test_there_is_no_cycle(edges: list[Edge]) -> None:
    assert find_cycle(edges) == []


def test_a_room_is_entered_through_its_own_modules_not_through_the_package(
    edges: list[Edge],
) -> None:
    inside = [
        edge
        for edge in edges
        if not edge.typing_only
        and "." in edge.imported
        and edge.importer.startswith(f"{edge.imported}.")
    ]
    assert inside == [], "a module that imports its own folder's __init__ imports its siblings"


def test_only_rooms_with_a_terminal_import_click_and_rich(modules: dict[str, Path]) -> None:
    offenders = [
        edge
        for name, path in modules.items()
        if room_of(name) not in TERMINAL_ROOMS
        for foreign in ("click", "rich")
        for edge in find_edges({name: path, foreign: path}, foreign)
    ]
    assert offenders == []


def test_no_module_loads_a_format_that_runs_code(modules: dict[str, Path]) -> None:
    offenders = [
        (name, foreign)
        for name, path in modules.items()
        for foreign in ("pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle")
        if find_edges({name: path, foreign: path}, foreign)
    ]
    assert offenders == []


@pytest.fixture
def seeded(tmp_path: Path) -> dict[str, Path]:
    """Return a small package with one wrong edge of each kind."""
    package = tmp_path / "provenance"
    files = {
        "__init__.py": "",
        "errors.py": "if TYPE_CHECKING:\n    from provenance.verification.report import Report\n",
        "digest/__init__.py": "from provenance.digest.files import hash_file\n",
        "digest/files.py": "def hash_file():\n    from provenance.trust import policy\n",
        "trust/__init__.py": "",
        "trust/policy.py": "import provenance.digest.tree\n",
        "digest/tree.py": "import importlib\nimportlib.import_module('provenance.cli.main')\n",
        "cli/main.py": "from .. import errors\n",
        "verification/report.py": "Report = 1\n",
    }
    for name, text in files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return find_modules(tmp_path, "provenance")


def test_seeded_wrong_edges_are_found(seeded: dict[str, Path]) -> None:
    found = {
        (edge.importer, edge.imported) for edge in edges_upward(find_edges(seeded, "provenance"))
    }
    assert found == {
        ("provenance.digest.files", "provenance.trust.policy"),
        ("provenance.digest.tree", "provenance.cli.main"),
    }


def test_seeded_import_for_types_alone_is_seen_and_allowed(seeded: dict[str, Path]) -> None:
    edge = Edge("provenance.errors", "provenance.verification.report", 2, typing_only=True)
    assert edge in find_edges(seeded, "provenance")


def test_seeded_relative_import_is_resolved(seeded: dict[str, Path]) -> None:
    edge = Edge("provenance.cli.main", "provenance.errors", 1, typing_only=False)
    assert edge in find_edges(seeded, "provenance")


def test_seeded_cycle_is_found() -> None:
    ring = [Edge("a", "b", 1, typing_only=False), Edge("b", "c", 1, typing_only=False)]
    assert find_cycle(ring) == []
    assert find_cycle([*ring, Edge("c", "a", 1, typing_only=False)]) == ["a", "b", "c", "a"]
    assert find_cycle([*ring, Edge("c", "a", 1, typing_only=True)]) == []


def test_strings_of_a_file_are_read(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text('"""Doc."""\nname = f("file-missing", code="name-unsafe")\n', encoding="utf-8")
    assert string_constants(path) == {"Doc.", "file-missing", "name-unsafe"}
