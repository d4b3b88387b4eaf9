"""`run.log` of values that are no numbers: a gap for each, and the others are kept."""

from __future__ import annotations

import math
import warnings
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest

from provenance.errors import ProvenanceError
from provenance.recording import ProvenanceWarning, Run, record
from provenance.training_log import iterate_entries

if TYPE_CHECKING:
    from pathlib import Path

ml_dtypes = pytest.importorskip("ml_dtypes")


class Tensor:
    """A tensor of one element as torch has it."""

    shape = ()
    dtype = "torch.bfloat16"

    def __init__(self, value: float) -> None:
        """Keep the value."""
        self.value = value

    def item(self) -> float:
        return self.value

    def tolist(self) -> float:
        return self.value


class Broken:
    """A value that fails when it is looked at."""

    @property
    def item(self) -> float:
        raise RuntimeError("the device is gone")


def entries(run: Run) -> list[dict[str, object]]:
    run.finish()
    assert run.folder is not None
    log = iterate_entries(run.folder / "training-log.jsonl")
    return [dict(entry.values) for entry in log if entry.kind == "metrics"]


@pytest.fixture
def loose(project: Path, script: Path) -> Run:
    return record("train", output=project, script=script)


BAD = {
    "none": None,
    "text": "high",
    "several": np.zeros(3),
    "list": [0.5],
    "mapping": {"a": 1},
    "complex": 1j,
    "broken": Broken(),
    "date": np.datetime64("2026-11-01"),
    "class": float,
}


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
def test_wrong_value_is_a_gap_and_the_others_are_kept(loose: Run, value: object) -> None:
    with pytest.warns(ProvenanceWarning, match="log: .*bad"):
        loose.log({"loss": 0.5, "bad": value, "rate": 0.1}, step=1)
    assert entries(loose) == [{"loss": 0.5, "rate": 0.1}]
    assert [gap.kind for gap in loose.record.gaps if gap.subject == "log"] == ["failed"]


def test_wrong_value_at_every_step_is_one_gap_and_one_warning(loose: Run) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in range(20):
            loose.log({"loss": 0.5, "grad": None}, step=step)
    assert len(caught) == 1
    assert len(entries(loose)) == 20
    assert len([gap for gap in loose.record.gaps if gap.subject == "log"]) == 1


def test_entry_without_a_good_value_is_not_written(loose: Run) -> None:
    with pytest.warns(ProvenanceWarning):
        loose.log({"bad": None}, step=1)
    loose.log({"loss": 1.0}, step=2)
    assert entries(loose) == [{"loss": 1.0}]


def test_strict_run_raises(run: Run) -> None:
    with pytest.raises(ProvenanceError):
        run.log({"loss": 0.5, "bad": None}, step=1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ml_dtypes.bfloat16(0.5), 0.5),
        (ml_dtypes.float8_e4m3fn(0.5), 0.5),
        (np.array(0.25, ml_dtypes.bfloat16), 0.25),
        (Tensor(0.75), 0.75),
        (np.float16(0.5), 0.5),
        (np.array([3]), 3),
        (np.bool_(True), 1),  # noqa: FBT003 - the value itself
        (Fraction(1, 4), 0.25),
        (Decimal("0.1"), 0.1),
        (7**60, 7**60),
        (math.inf, math.inf),
        (Tensor(-math.inf), -math.inf),
    ],
    ids=lambda value: type(value).__name__,
)
def test_numbers_of_any_library_are_numbers(run: Run, value: object, expected: object) -> None:
    run.log({"x": value}, step=1)
    assert entries(run) == [{"x": expected}]


@pytest.mark.parametrize(
    "value",
    [math.nan, ml_dtypes.bfloat16("nan"), Tensor(math.nan), Decimal("NaN")],
    ids=["float", "bfloat16", "tensor", "decimal"],
)
def test_nan_of_any_library_is_a_value(run: Run, value: object) -> None:
    run.log({"x": value}, step=1)
    ((found,),) = (entry.values() for entry in entries(run))
    assert isinstance(found, float | Decimal)
    assert math.isnan(found)


@pytest.mark.parametrize("name", ["a\nb", "\x00", "\x1b[31m", "x" * 500], ids=ascii)
def test_name_that_no_manifest_lists_is_logged_all_the_same(run: Run, name: str) -> None:
    run.log({name: 1.5, "loss": 2.0}, step=1)
    run.note("the record can be written")
    assert entries(run) == [{name: 1.5, "loss": 2.0}]
    assert run.record.metric_names == ("loss",)
