"""What a manifest says of the program that wrote it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from typing import TYPE_CHECKING

from provenance.recording import about

if TYPE_CHECKING:
    import pytest


def test_installed_version_is_named() -> None:
    found = about.generator()
    assert (found.name, found.version) == ("training-provenance", "0.1.0")


def test_source_tree_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(about, "version", version)
    assert about.generator().version == "unknown"
