"""Tests that train with real frameworks; they run where `make test-frameworks` has installed them.

Two threads on a busy machine make small trainings ten times slower, and other bits; one is enough.
"""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

HAS_FRAMEWORKS = importlib.util.find_spec("torch") is not None

collect_ignore_glob = [] if HAS_FRAMEWORKS else ["*"]

#: What every training of these tests runs under, also those in processes of their own.
QUIET = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "KERAS_BACKEND": "torch",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TOKENIZERS_PARALLELISM": "false",
}

os.environ.update(QUIET)


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
