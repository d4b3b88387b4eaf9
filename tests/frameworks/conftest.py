"""Tests that train with real frameworks; they run where `make test-frameworks` has installed them.

Two threads on a busy machine make small trainings ten times slower, and other bits; one is enough.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.frameworks import QUIET

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent

HAS_FRAMEWORKS = importlib.util.find_spec("torch") is not None

collect_ignore_glob = [] if HAS_FRAMEWORKS else ["*"]

os.environ.update(QUIET)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let frameworks warn of themselves; a warning of ours is still an error."""
    theirs = pytest.mark.filterwarnings(
        "default", "error::provenance.recording.faults.ProvenanceWarning"
    )
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(theirs, append=False)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    import torch  # noqa: PLC0415 - this file is read where torch is missing

    torch.set_num_threads(1)
    yield
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _no_open_run() -> Iterator[None]:
    """A run that a test left open would become that of the next test."""
    yield
    from provenance.recording.active import current_run  # noqa: PLC0415 - only where tests run

    while (run := current_run()) is not None:
        run.finish("interrupted")
