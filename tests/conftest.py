"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.network import block_network

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """Let no test reach another machine."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        block_network(monkeypatch)
        yield


@pytest.fixture(scope="session")
def outside_vectors() -> Path:
    """Return the folder of vectors that others published; skip, or fail where they are required."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "vectors"
    folder = Path(os.environ.get("PROVENANCE_VECTORS", beside))
    if folder.is_dir():
        return folder
    if os.environ.get("PROVENANCE_REQUIRE_VECTORS") == "1":
        pytest.fail(f"outside vectors are required, and {folder} is no folder")
    pytest.skip("outside vectors are not here; set PROVENANCE_VECTORS to their folder")
