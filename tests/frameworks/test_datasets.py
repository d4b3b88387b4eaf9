"""Hugging Face datasets: bound by all of their content, wherever and however they are stored."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import datasets
import numpy as np
import pytest
from datasets import Dataset, DatasetDict, DatasetInfo, IterableDatasetDict

import provenance
from provenance.integrations.datasets import declare, origin
from provenance.recording.faults import ProvenanceWarning
from provenance.recording.run import Run
from support.frameworks import QUIET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ROWS: dict[str, list[Any]] = {
    "text": [f"line {number}" for number in range(40)],
    "label": [number % 3 for number in range(40)],
    "score": [number / 7 for number in range(40)],
    "flag": [number % 2 == 0 for number in range(40)],
    "parts": [[number] * (number % 4) for number in range(40)],
}

ALONE = """
import json, sys
import datasets, provenance
data = datasets.load_dataset("csv", data_files=sys.argv[1], split="train", cache_dir=sys.argv[2])
with provenance.record("read", output=sys.argv[3]) as run:
    run.dataset(data, role="train")
"""


@pytest.fixture(autouse=True)
def _quiet() -> None:
    datasets.disable_progress_bars()


def test_an_iterable_dataset_keeps_its_records_and_is_not_bound(tmp_path: Path) -> None:
    stream = IterableDatasetDict({"train": Dataset.from_dict(ROWS).to_iterable_dataset()})
    with provenance.record("train", output=tmp_path) as run:
        with pytest.warns(ProvenanceWarning, match="read once"):
            assert declare(stream) == {"train": "train"}
        run.dataset(stream["train"], id="direct")  # it has been warned of
    assert [row["label"] for row in stream["train"]] == ROWS["label"]
    record = _record(tmp_path)
    assert [it["id"] for it in record["datasets"]] == ["train", "direct"]
    assert all("recordTree" not in it for it in record["datasets"])
    assert sum(gap["kind"] == "failed" for gap in record["gaps"]) == 1


def test_an_object_that_is_no_dataset_stops_nothing(tmp_path: Path) -> None:
    with (
        provenance.record("train", output=tmp_path) as run,
        pytest.warns(ProvenanceWarning, match="not recorded"),
    ):
        assert declare(object(), run=run) is None
    assert _record(tmp_path)["status"] == "completed"


def test_without_a_run_it_warns() -> None:
    with pytest.warns(ProvenanceWarning, match="no run is open"):
        assert declare(Dataset.from_dict(ROWS)) is None


def test_a_recorder_that_breaks_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        message = "broken"
        raise RuntimeError(message)

    with provenance.record("train", output=tmp_path) as run:
        monkeypatch.setattr(Run, "dataset", broken)
        with pytest.warns(ProvenanceWarning, match="broken"):
            assert declare(Dataset.from_dict(ROWS), run=run) is None


@pytest.mark.parametrize(
    ("column", "value"),
    [("text", "other"), ("label", 9), ("score", 0.5), ("flag", False), ("parts", [1, 2])],
)
def test_every_column_and_every_row_counts(tmp_path: Path, column: str, value: object) -> None:
    changed = {name: list(values) for name, values in ROWS.items()}
    changed[column][36] = value
    assert _root(Dataset.from_dict(changed), tmp_path) != _root(Dataset.from_dict(ROWS), tmp_path)


def test_order_counts_in_one_digest_and_not_in_the_other(tmp_path: Path) -> None:
    plain = _declared(Dataset.from_dict(ROWS), tmp_path / "a")
    mixed = _declared(Dataset.from_dict(ROWS).shuffle(seed=3), tmp_path / "b")
    assert plain["recordTree"]["root"] != mixed["recordTree"]["root"]
    assert plain["recordSet"] == mixed["recordSet"]


def test_where_and_how_it_is_stored_does_not_count(tmp_path: Path) -> None:
    data = Dataset.from_dict(ROWS)
    data.save_to_disk(tmp_path / "saved", num_shards=3)
    data.to_parquet(tmp_path / "data.parquet")
    loaded = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "data.parquet"), split="train",
        cache_dir=str(tmp_path / "cache"),
    )  # fmt: skip
    kinds = {
        "memory": data,
        "disk": datasets.load_from_disk(tmp_path / "saved"),
        "parquet": loaded,
        "numpy": data.with_format("numpy"),
        "torch": data.with_format("torch"),
        "pieces": datasets.concatenate_datasets([data.select(range(9)), data.select(range(9, 40))]),
        "indices": data.shuffle(seed=1).sort("score"),
        "mapped": data.map(lambda row: row),
        "filtered": data.filter(lambda row: row["label"] >= 0),
    }
    roots = {name: _root(value, tmp_path) for name, value in kinds.items()}
    assert set(roots.values()) == {roots["memory"]}
    # What the library calls a fingerprint tells them apart, or tells where they lie.
    assert len({value._fingerprint for value in kinds.values()}) > 3


def test_a_rewritten_file_in_another_folder_and_process_is_the_same_dataset(tmp_path: Path) -> None:
    roots = []
    for number in range(2):
        folder = tmp_path / f"copy-{number}"
        folder.mkdir()
        (folder / "rows.csv").write_text("a,b\n1,x\n2,y\n3,\n")
        os.utime(folder / "rows.csv", (number, number))
        subprocess.run(
            (sys.executable, "-c", ALONE, folder / "rows.csv", folder / "cache", folder / "runs"),
            env={**os.environ, **QUIET, "PYTHONHASHSEED": str(number)},
            check=True,
            capture_output=True,
            timeout=60,
        )
        roots.append(_record(folder / "runs")["datasets"][0]["recordTree"])
    assert roots[0] == roots[1]


def test_a_dictionary_of_splits_is_one_dataset_or_one_for_each(tmp_path: Path) -> None:
    data = Dataset.from_dict(ROWS).train_test_split(test_size=10, seed=1)
    data["dev"] = data.pop("test")
    with provenance.record("train", output=tmp_path) as run:
        whole = run.dataset(data, id="whole", role="train")
        parts = declare(data, license="CC0-1.0")
        again = declare(data["train"])
    record = _record(tmp_path)
    found = {it["id"]: it for it in record["datasets"]}
    assert [(it["name"], it["records"]) for it in found[whole]["splits"]] == [
        ("dev", 10),
        ("train", 30),
    ]
    assert parts == {"train": "train", "dev": "dev"}
    assert again == "train"
    assert [found[name]["roles"] for name in parts] == [["train"], ["validation"]]
    assert found["dev"]["licenses"] == ["CC0-1.0"]


def test_a_chain_of_steps_links_its_datasets(tmp_path: Path) -> None:
    raw = Dataset.from_dict(ROWS)
    short = raw.filter(lambda row: row["label"] != 2).map(lambda row: {"length": len(row["text"])})
    with provenance.record("prepare", output=tmp_path) as run:
        before = run.dataset(raw, id="raw", role="raw")
        after = run.dataset(short, id="short", role="train")
        run.processing(before, after, removed_records=len(raw) - len(short))
    (step,) = _record(tmp_path)["processing"]
    assert (step["inputs"], step["outputs"]) == (["raw"], ["short"])


@pytest.mark.parametrize("form", [None, "numpy", "torch"])
def test_reading_a_dataset_draws_nothing_at_random(tmp_path: Path, form: str | None) -> None:
    np.random.seed(1)  # noqa: NPY002 - the state that scripts use
    before = _random_state()
    _root(Dataset.from_dict(ROWS).with_format(form), tmp_path)
    assert _random_state() == before


def test_the_origin_is_what_the_library_says() -> None:
    info = DatasetInfo(
        description=" A set of lines. ",
        citation="@misc{lines}",
        homepage="https://data.example/lines",
        license="CC-BY-4.0",
        version="2.1.0",
        dataset_name="lines",
        download_checksums={
            "https://data.example/a.zip": {"num_bytes": 12, "checksum": "ab" * 32},
            f"hf://datasets/org/lines@{'c' * 40}/b.parquet": {"num_bytes": 5, "checksum": None},
            "/home/alice/c.csv": {"num_bytes": 3, "checksum": "cd" * 32},
        },
    )
    said = origin(Dataset.from_dict(ROWS, info=info))
    assert said["source"] == (
        {"uri": "https://data.example/lines", "kind": "public"},
        {
            "uri": "https://data.example/a.zip",
            "kind": "public",
            "size": 12,
            "digest": {"sha256": "ab" * 32},
        },
        {
            "uri": f"https://huggingface.co/datasets/org/lines/resolve/{'c' * 40}/b.parquet",
            "kind": "public",
            "revision": "c" * 40,
            "size": 5,
        },
        "@misc{lines}",
    )
    assert {key: said[key] for key in ("name", "description", "version", "license")} == {
        "name": "lines",
        "description": "A set of lines.",
        "version": "2.1.0",
        "license": "CC-BY-4.0",
    }
    assert "alice" not in repr(said)


def test_a_licence_in_words_is_no_licence_expression(tmp_path: Path) -> None:
    info = DatasetInfo(license="For research only, see the terms", homepage="not a page")
    declared = _declared(Dataset.from_dict(ROWS, info=info), tmp_path, adapter=True)
    assert "licenses" not in declared
    assert [dict(it) for it in declared["sources"]] == [
        {"description": "Licence, in the dataset's own words: For research only, see the terms"}
    ]


def test_splits_of_another_name_have_no_role(tmp_path: Path) -> None:
    with provenance.record("train", output=tmp_path):
        declare(DatasetDict({"extra": Dataset.from_dict(ROWS)}))
    assert "roles" not in _record(tmp_path)["datasets"][0]


def _declared(value: object, folder: Path, *, adapter: bool = False) -> Any:  # noqa: ANN401 - JSON
    with provenance.record("declare", output=folder) as run:
        name = declare(value) if adapter else run.dataset(value, role="train")
    found = {it.id: it.to_tree() for it in run.record.datasets}
    return found[name]


def _root(value: object, folder: Path) -> str:
    declared: Mapping[str, Any] = _declared(value, folder)
    return str(declared["recordTree"]["root"])


def _record(folder: Path) -> Any:  # noqa: ANN401 - a tree of JSON
    (place,) = folder.glob("*/record.json")
    return json.loads(place.read_bytes())


def _random_state() -> list[int]:
    state: Any = np.random.get_state()  # noqa: NPY002 - the state that scripts use
    return list(state[1])
