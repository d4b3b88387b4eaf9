"""Hashing what a script made must not change the random numbers that it draws next."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from provenance.recording import ProvenanceWarning, start
from provenance.recording.random_states import unchanged_random_states

if TYPE_CHECKING:
    from pathlib import Path


class Augmented:
    """A dataset whose items draw numbers."""

    def __len__(self) -> int:
        """Return how many there are."""
        return 4

    def __getitem__(self, number: int) -> dict[str, float]:
        """Return an item that is new each time."""
        return {"x": random.random() + float(np.random.rand()) + number}  # noqa: NPY002, S311 - as scripts do


def draw() -> tuple[float, float]:
    return random.random(), float(np.random.rand())  # noqa: NPY002, S311 - as scripts do


def seed() -> None:
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002 - as scripts do


def test_states_are_put_back_also_after_an_error() -> None:
    seed()
    expected = draw()
    seed()
    with pytest.raises(ZeroDivisionError), unchanged_random_states():
        _ = draw()[0] / 0
    assert draw() == expected


def test_a_dataset_that_draws_numbers_changes_none_of_the_script(tmp_path: Path) -> None:
    run = start("train", output=tmp_path / "runs", undeclared="ignore")
    seed()
    expected = draw()
    seed()
    with pytest.warns(ProvenanceWarning, match="each time it is read"):
        run.dataset(Augmented(), role="train")
    run.finish()
    assert draw() == expected
