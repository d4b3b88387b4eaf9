"""What the tests of the verifier share: inspecting a crafted release at the fixed time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provenance.verification import inspect
from support.crafted import CraftedRelease, fixed_clock, public_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provenance.verification import Report

    Look = Callable[..., Report]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a whole release in a folder."""
    return CraftedRelease().write(tmp_path / "model")


@pytest.fixture
def look() -> Look:
    """Return `inspect` with the publisher's key and the fixed clock, unless told otherwise."""

    def look_at(target: Any, **options: Any) -> Report:  # noqa: ANN401 - as inspect
        return inspect(target, **{"keys": public_key(), "clock": fixed_clock, **options})

    return look_at
