"""Which checkpoint is chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provenance.errors import RecordingError, UsageError
from provenance.recording.projects import FoundRecord
from provenance.recording.records import Record
from provenance.recording.selection import Candidate, choose_checkpoint

RUN = FoundRecord(
    Path("runs/train-1"), Record(id="train-1", name="train", started_at="2026-11-22T12:00:00Z")
)


def candidate(identifier: str, **metrics: Any) -> Candidate:  # noqa: ANN401 - metrics of any kind
    return Candidate(RUN, identifier, metrics)


THREE = (
    candidate("a", loss=3.0, score=1),
    candidate("b", loss=1.0, score=2),
    candidate("c", loss=2.0),
)


def test_nothing_to_choose_from() -> None:
    with pytest.raises(RecordingError, match="no run recorded a checkpoint"):
        choose_checkpoint([], wanted="last")


def test_best_needs_a_metric() -> None:
    with pytest.raises(UsageError, match="none was named"):
        choose_checkpoint(THREE, wanted="best")


def test_metric_that_no_checkpoint_has() -> None:
    with pytest.raises(RecordingError, match="no checkpoint has the metric 'bleu'"):
        choose_checkpoint(THREE, wanted="best", metric="bleu")


def test_metric_that_is_no_number_counts_as_missing() -> None:
    candidates = [candidate("a", loss="low"), candidate("b", loss=True), candidate("c", loss=None)]
    with pytest.raises(RecordingError, match="no checkpoint has"):
        choose_checkpoint(candidates, wanted="best", metric="loss")


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(RecordingError, match="one of: a, b, c"):
        choose_checkpoint(THREE, wanted="d")


@pytest.mark.parametrize("wanted", ["b", "train-1/b"])
def test_checkpoint_by_name(wanted: str) -> None:
    assert choose_checkpoint(THREE, wanted=wanted).candidate.id == "b"


def test_last_is_the_last() -> None:
    assert choose_checkpoint(THREE, wanted="last").candidate.id == "c"


@pytest.mark.parametrize(
    ("metric", "higher", "best"),
    [
        ("loss", None, "b"),
        ("loss", True, "a"),
        ("score", None, "b"),
        ("score", False, "a"),
    ],
)
def test_direction_comes_from_the_name_or_is_given(
    metric: str,
    higher: bool | None,  # noqa: FBT001 - a row of the table
    best: str,
) -> None:
    choice = choose_checkpoint(THREE, wanted="best", metric=metric, higher_is_better=higher)
    assert choice.candidate.id == best


@pytest.mark.parametrize("metric", ["val/loss", "eval-loss", "word.error", "RMSE", "train: nll"])
def test_less_is_better_for_these(metric: str) -> None:
    candidates = [candidate("a", **{metric: 2}), candidate("b", **{metric: 1})]
    assert choose_checkpoint(candidates, wanted="best", metric=metric).candidate.id == "b"


def test_what_an_evaluation_says_wins_over_the_name() -> None:
    candidates = [
        Candidate(RUN, "a", {"glossary": 1, "loss": 2}, {"loss": True}),
        Candidate(RUN, "b", {"glossary": 2, "loss": 1}),
    ]
    assert choose_checkpoint(candidates, wanted="best", metric="loss").candidate.id == "a"
    assert choose_checkpoint(candidates, wanted="best", metric="glossary").candidate.id == "b"


def test_nan_is_never_the_best_and_of_equal_ones_the_latest_is() -> None:
    candidates = [
        candidate("a", score=1.0),
        candidate("b", score={"number": "NaN"}),
        candidate("c", score=1.0),
        candidate("d", score=0.5),
    ]
    choice = choose_checkpoint(candidates, wanted="best", metric="score")
    assert choice.candidate.id == "c"
    assert choice.reason == "The highest score (1); 3 of 4 checkpoints have that metric."
