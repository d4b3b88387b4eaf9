"""Adapters as modules: they can be imported where their frameworks are, and are documented."""

from __future__ import annotations

import importlib
import inspect

import pytest

from support.source import SOURCE, find_modules

MODULES = {
    name: path
    for name, path in find_modules(SOURCE, "provenance").items()
    if name.startswith("provenance.integrations.")
}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_lists_and_documents_what_is_public(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    defined = {
        public
        for public, value in vars(module).items()
        if not public.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == name
    }
    assert defined <= set(module.__all__)
    assert [name for name in defined if not inspect.getdoc(getattr(module, name))] == []
