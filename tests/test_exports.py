"""Public is what `__all__` lists: it exists, is documented, and no import hides it."""

from __future__ import annotations

import ast
import importlib
import inspect
import types
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

import provenance
from provenance.errors import MissingExtraError
from provenance.lazy import lazy_names
from support.frameworks import is_importable
from support.source import REPOSITORY, SOURCE, find_modules, parse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Every module but the adapters of frameworks that are not here: `tests/frameworks` looks at those.
MODULES = {
    name: path for name, path in find_modules(SOURCE, "provenance").items() if is_importable(name)
}
PACKAGES = [name for name, path in MODULES.items() if path.stem == "__init__"]
LAZINESS = "provenance.lazy"
LAZY = [name for name in PACKAGES if LAZINESS in MODULES[name].read_text(encoding="utf-8")]
ROOMS = sorted({name.split(".")[1] for name in MODULES if "." in name})


def public_definitions(path: Path) -> set[str]:
    """Return the classes and functions that a module defines under a public name.

    A command that a decorator puts into its group is reached through the group.
    """
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        node.name
        for node in parse(path).body
        if isinstance(node, kinds)
        and not node.name.startswith("_")
        and not any(".command(" in ast.unparse(decorator) for decorator in node.decorator_list)
    }


def load_module(name: str) -> types.ModuleType:
    """Return a module, or skip the test of an adapter whose framework is not installed."""
    try:
        return importlib.import_module(name)
    except MissingExtraError as error:
        return pytest.skip(str(error))


def homes_of(package: str) -> Mapping[str, tuple[str, ...]]:
    """Return the table of a package whose names are loaded when they are first used."""
    module = importlib.import_module(package)
    homes: Mapping[str, tuple[str, ...]] = vars(module).get("_ROOMS") or vars(module)["_HOMES"]
    return homes


@pytest.mark.parametrize("name", MODULES)
def test_all_lists_what_the_module_defines(name: str) -> None:
    module = load_module(name)
    assert public_definitions(MODULES[name]) <= set(module.__all__)


@pytest.mark.parametrize("name", MODULES)
def test_names_of_all_exist_and_are_documented(name: str) -> None:
    module = load_module(name)
    assert module.__doc__
    assert len(set(module.__all__)) == len(module.__all__)
    for public in module.__all__:
        value = getattr(module, public)
        defined = getattr(value, "__qualname__", "") == public  # not a constant made by a call
        if defined and (inspect.isclass(value) or inspect.isroutine(value)):
            assert value.__doc__, f"{name}.{public} has no docstring"


@pytest.mark.parametrize("name", PACKAGES)
def test_no_public_name_is_hidden_by_a_module_of_the_same_name(name: str) -> None:
    for other in MODULES:  # importing a submodule binds its name in the package
        with suppress(MissingExtraError):
            importlib.import_module(other)
    package = importlib.import_module(name)
    hidden = [
        public
        for public in package.__all__
        if isinstance(getattr(package, public), types.ModuleType)
    ]
    assert hidden == []


@pytest.mark.parametrize("name", provenance.__all__)
def test_lazy_name_resolves_twice_to_the_same_thing(name: str) -> None:
    value = getattr(provenance, name)
    assert getattr(provenance, name) is value
    assert name in dir(provenance)


@pytest.mark.parametrize("name", LAZY)
def test_table_of_lazy_names_is_all_of_them(name: str) -> None:
    package = importlib.import_module(name)
    listed = [name for names in homes_of(name).values() for name in names]
    assert sorted(listed) == sorted(package.__all__)


@pytest.mark.parametrize("name", LAZY)
def test_type_checkers_see_the_same_names_as_the_interpreter(name: str) -> None:
    tree = parse(MODULES[name])
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    seen = {
        node.module: tuple(alias.name for alias in node.names)
        for node in imports
        if node.module and node.module.startswith("provenance.") and node.module != LAZINESS
    }
    assert seen == dict(homes_of(name))


@pytest.mark.parametrize("name", LAZY)
def test_no_module_has_the_name_of_a_lazy_one(name: str) -> None:
    # Importing the module would bind it in the package, and nothing would load the name any more.
    inside = {other.rpartition(".")[2] for other in MODULES if other.rpartition(".")[0] == name}
    assert inside & set(importlib.import_module(name).__all__) == set()


@pytest.mark.parametrize("name", LAZY)
def test_unknown_name_is_an_attribute_error(name: str) -> None:
    package = importlib.import_module(name)
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'nothing'"):
        _ = package.nothing
    assert "nothing" not in dir(package)


def test_name_that_its_module_lacks_is_an_attribute_error() -> None:
    load, _names = lazy_names("provenance", {"provenance.errors": ("Nothing",)})
    with pytest.raises(AttributeError, match=r"'provenance\.errors' has no attribute 'Nothing'"):
        load("Nothing")


def test_module_that_cannot_be_loaded_says_so() -> None:
    load, _names = lazy_names("provenance", {"provenance.nowhere": ("Nothing",)})
    with pytest.raises(ModuleNotFoundError, match=r"provenance\.nowhere"):
        load("Nothing")


def test_version_is_the_one_of_the_distribution() -> None:
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{provenance.__version__}"' in text


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_a_page_in_the_reference(room: str) -> None:
    pages = (REPOSITORY / "docs" / "reference" / "api").glob("*.md")
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    assert f"automodule:: provenance.{room}\n" in text
