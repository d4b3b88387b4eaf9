"""`run.dataset` of objects: what is refused, when it is hashed, and what is recorded."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from provenance import inspect
from provenance.digest import typed_root
from provenance.digest.arrays import digest_array
from provenance.digest.records import hash_records
from provenance.errors import UsageError
from provenance.recording import (
    ProvenanceWarning,
    Run,
    data_objects,
    record,
    release,
    sign_release,
)
from provenance.recording.assembly import captured_origins
from provenance.recording.content import DIGESTS_GIVEN
from provenance.recording.deferring import NOT_HASHED
from provenance.recording.identities import assign_identities
from provenance.recording.private_files import find_private
from provenance.recording.projects import read_project
from provenance.signing import generate_private_key
from support.releases import DESCRIPTION, write_safetensors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

datasets = pytest.importorskip("datasets")
pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")


class Broken:
    """A dataset that fails when it is looked at."""

    def __len__(self) -> int:
        """Fail."""
        raise OSError("the store is gone")

    def __getitem__(self, index: int) -> int:
        """Return the number itself."""
        return index


class Shrinking:
    """A dataset that says it has more than it has."""

    features: Mapping[str, object] = MappingProxyType({})

    def __len__(self) -> int:
        """Return too much."""
        return 3

    def with_format(self, _: str) -> Shrinking:
        return self

    def iter(self, **_: int) -> list[Any]:
        return [pa.table({"a": [1]})]


BAD: dict[str, Callable[[], object]] = {
    "stream": lambda: datasets.Dataset.from_dict({"a": [1]}).to_iterable_dataset(),
    "generator": lambda: (row for row in [{"a": 1}]),
    "broken": Broken,
    "shrinking": Shrinking,
    "complex column": lambda: pd.DataFrame({"a": np.array([1j])}),
    "array of objects": lambda: np.array([1, None], dtype=object),
    "arrays without names": lambda: {1: np.zeros(1)},
    "array with a mask": lambda: np.ma.masked_array([1.0, 2.0], mask=[False, True]),
    "number": lambda: 3,
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_what_cannot_be_hashed_is_declared_with_a_gap(
    make: Callable[[], object], project: Path, script: Path
) -> None:
    with record("train", output=project, script=script) as run:
        with pytest.warns(ProvenanceWarning, match="dataset"):
            assert run.dataset(make(), id="d", role="train", license="MIT") == "d"
        (found,) = run.record.datasets
        assert (found.record_tree, found.record_set, found.tensors) == (None, None, None)
        assert (found.roles, found.licenses) == (("train",), ("MIT",))
        assert any(gap.subject == "dataset" and gap.kind == "failed" for gap in run.record.gaps)


def test_failure_in_the_background_is_a_gap_that_names_the_dataset(
    project: Path, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_objects, "AT_ONCE_RECORDS", 0)
    union = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1]), pa.array(["x"])])
    with record("train", output=project, script=script) as run:
        run.dataset(pa.table({"a": union}), id="odd")
        with pytest.warns(ProvenanceWarning, match="odd"):
            run.wait()
        gaps = [gap for gap in run.record.gaps if gap.subject == "odd"]
        assert [gap.kind for gap in gaps] == ["failed"]
        assert "column type" in gaps[0].description


def test_inventory_of_an_object_is_refused(run: Run) -> None:
    with pytest.raises(UsageError, match="an object has none"):
        run.dataset([{"a": 1}], inventory="x.jsonl")


def test_digests_that_are_handed_over_are_said_to_be(run: Run) -> None:
    made = hash_records([{"a": 1}])
    run.dataset(id="d", records=made.count, **made.to_tree())
    assert run.record.datasets[0].record_tree == made.root
    assert [it.description for it in run.record.gaps if it.subject == "d"] == [DIGESTS_GIVEN]


def test_origins_tell_what_was_hashed_from_what_was_said(
    new_run: Callable[..., Run], project: Path
) -> None:
    made = hash_records([{"a": 1}])
    run = new_run()
    run.dataset([{"a": 2}], id="hashed", description="Two.")
    run.dataset(id="said", **made.to_tree())
    run.finish()
    (found,) = read_project(project)
    tree = {
        "datasets": [item.to_tree() for item in found.record.datasets],
        "gaps": [item.to_tree() for item in found.record.gaps],
    }
    origins = captured_origins(tree, tree)
    assert {path for path in origins if path.startswith("/datasets")} == {
        "/datasets/0/recordTree",
        "/datasets/0/recordSet",
        "/datasets/0/records",
    }


def test_records_of_a_frame_are_bound(run: Run) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    assert run.dataset(frame, id="d", role="train", source="https://data.example/x") == "d"
    (found,) = run.record.datasets
    expected = hash_records([{"a": 1, "b": "x"}, {"a": 2, "b": None}])
    assert found.record_tree == expected.root
    assert found.record_set is not None
    assert found.record_set.digest == expected.multiset
    assert (found.records, found.name, found.files) == (2, "d", None)


def test_number_of_records_that_is_said_gives_way_to_the_true_one(run: Run) -> None:
    run.dataset([{"a": 1}], id="d", records=7)
    assert run.record.datasets[0].records == 1


def test_object_that_could_change_is_hashed_before_the_call_returns(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_objects, "AT_ONCE_RECORDS", 0)
    frame = pd.DataFrame({"a": [1, 2]})
    run.dataset(frame, id="d")
    frame.loc[0, "a"] = 9
    assert run.record.datasets[0].record_tree == hash_records([{"a": 1}, {"a": 2}]).root


def test_object_that_cannot_change_is_hashed_later_under_the_same_id(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_objects, "AT_ONCE_RECORDS", 0)
    whole = datasets.Dataset.from_dict({"a": [1, 2]})
    assert run.dataset(whole, id="d") == "d"
    assert run.wait()
    (found,) = run.record.datasets
    assert found.record_tree == hash_records([{"a": 1}, {"a": 2}]).root
    assert [gap for gap in run.record.gaps if gap.description == NOT_HASHED] == []


def test_caller_may_wait(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_objects, "AT_ONCE_RECORDS", 0)
    run.dataset(pa.table({"a": [1]}), id="d", wait=True)
    assert run.record.datasets[0].record_tree is not None


def test_same_records_declared_again_are_the_same_dataset(run: Run) -> None:
    first = run.dataset([{"a": 1}], role="raw")
    assert run.dataset(pd.DataFrame({"a": [1]}), role="train") == first
    assert run.record.datasets[0].roles == ("raw", "train")
    assert run.dataset([{"a": 2}]) != first


def test_splits_of_a_dictionary_are_named_with_their_sizes(run: Run) -> None:
    parts = {
        name: datasets.Dataset.from_dict({"a": rows})
        for name, rows in {"train": [1, 2], "test": [3]}.items()
    }
    run.dataset(datasets.DatasetDict(parts), id="d")
    (found,) = run.record.datasets
    assert [(split.name, split.records) for split in found.splits] == [("test", 1), ("train", 2)]
    assert found.record_tree == hash_records([{"a": 3}, {"a": 1}, {"a": 2}]).root


def test_arrays_are_a_tree_of_tensors(run: Run) -> None:
    x, y = np.ones((3, 2), "f4"), np.arange(3)
    run.dataset({"x": x, "y": y}, id="d")
    (found,) = run.record.datasets
    assert found.tensors == typed_root(
        "tensor", [digest_array("x", x).entry, digest_array("y", y).entry]
    )
    assert found.bytes_ == x.nbytes + y.nbytes
    assert found.record_tree is None


@pytest.mark.parametrize(
    ("value", "names"),
    [(np.zeros(2), ["array"]), ((np.zeros(2), np.ones(1)), ["0", "1"])],
    ids=["one", "several"],
)
def test_arrays_without_names_are_counted(run: Run, value: object, names: list[str]) -> None:
    run.dataset(value)
    parts = value if isinstance(value, tuple) else (value,)
    entries = [digest_array(name, part).entry for name, part in zip(names, parts, strict=True)]
    assert run.record.datasets[0].tensors == typed_root("tensor", entries)


def test_archive_of_arrays_is_read_by_its_names(run: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros(2), y=np.ones(2))
    with np.load(tmp_path / "a.npz") as archive:
        first = run.dataset(archive)
    assert run.dataset({"x": np.zeros(2), "y": np.ones(2)}) == first


def test_hugging_face_dataset_is_named_as_it_says(run: Run) -> None:
    info = datasets.DatasetInfo(dataset_name="rotten_tomatoes")
    assert run.dataset(datasets.Dataset(pa.table({"a": [1]}), info=info)) == "rotten_tomatoes"


def test_dataset_of_one_process_is_known_in_another_at_release(
    new_run: Callable[..., Run], project: Path
) -> None:
    new_run("prepare").dataset([{"a": 1}], id="mine")
    new_run("train").dataset(pd.DataFrame({"a": [1]}))
    runs = read_project(project)
    names = assign_identities(runs, find_private(runs))
    assert names.by_run[0]["mine"] == "mine"
    assert names.by_run[1]["dataset"] == "mine"


def test_release_of_objects_is_verified_by_files_of_the_same_content(
    new_run: Callable[..., Run], project: Path, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    prepare = new_run("prepare")
    prepare.dataset(frame, id="frame", role="raw", license="MIT")
    prepare.finish()
    run = new_run("train")
    run.dataset(frame, role="train")
    run.dataset({"x": np.zeros(3)}, id="arrays", role="validation", license="MIT")
    run.log({"loss": 1.0}, step=1)
    (tmp_path / "m.safetensors").write_bytes(write_safetensors({"w": [1.0]}))
    run.checkpoint(tmp_path / "m.safetensors", step=1)
    run.finish()
    draft = release(project, tmp_path / "model", checkpoint="last", description=DESCRIPTION)
    key = generate_private_key()
    sign_release(draft, key)
    frame.to_parquet(tmp_path / "same.parquet")
    frame.assign(a=[1, 3]).to_parquet(tmp_path / "other.parquet")
    same, other = (
        inspect(tmp_path / "model", keys=[key.public_key], datasets={"frame": tmp_path / name})
        for name in ("same.parquet", "other.parquet")
    )
    codes = {(finding.code, finding.path) for finding in same.findings}
    assert ("records-matched", "/datasets/0/recordTree") in codes
    assert ("dataset-unpinned", "/datasets/1") not in codes
    assert "records-differ" in {finding.code for finding in other.findings}
