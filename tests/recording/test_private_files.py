"""Datasets that a script declares as private: released without rules, and nowhere named."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from provenance.errors import DigestError, UsageError
from provenance.recording import datasets as datasets_module
from provenance.recording import deferring, record, release, sign_release
from provenance.recording.private_files import REASON
from provenance.recording.projects import read_project
from provenance.signing import generate_private_key
from provenance.verification import inspect

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.manifest import Dataset
    from provenance.recording import Draft, Run
    from provenance.recording.records import Record

ABOUT = {"producer": {"name": "Lab"}, "model": {"name": "toy"}}

#: What stands in the name of the folder of data, and in those of its files.
CANARIES = (b"acme-corp", b"patient-")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_data(tmp_path, 2)


def make_data(tmp_path: Path, files: int) -> Path:
    folder = tmp_path / "acme-corp"
    folder.mkdir()
    for number in range(files):
        (folder / f"patient-{number}.csv").write_text(f"{number}\n", encoding="utf-8")
    return folder


def started(tmp_path: Path, **options: Any) -> Run:  # noqa: ANN401 - options
    script = tmp_path / "train.py"
    script.write_text("pass\n", encoding="utf-8")
    return record("train", output=tmp_path / "runs", script=script, **options)


def released(tmp_path: Path, run: Run, **options: Any) -> Draft:  # noqa: ANN401 - options
    (tmp_path / "model.bin").write_bytes(b"weights")
    run.checkpoint(tmp_path / "model.bin", step=1)
    run.finish()
    return release(tmp_path / "runs", tmp_path / "toy", description=ABOUT, **options)


def only_record(tmp_path: Path) -> Record:
    (found,) = read_project(tmp_path / "runs")
    return found.record


def only_dataset(draft: Draft) -> Dataset:
    (dataset,) = draft.manifest.datasets
    return dataset


def refuse_canaries(folder: Path) -> None:
    for path in folder.rglob("*"):
        assert not any(canary in path.name.encode() for canary in CANARIES), path
        if path.is_file():
            data = path.read_bytes()
            assert not any(canary in data for canary in CANARIES), path


@pytest.mark.parametrize(
    "data", [None, "https://acme-corp.example/patients", [{"a": 1}]], ids=["none", "uri", "object"]
)
def test_what_has_no_files_cannot_be_private(tmp_path: Path, data: object) -> None:
    with started(tmp_path, strict=True) as run, pytest.raises(UsageError, match="no inventory"):
        run.dataset(data, private=True)
    with started(tmp_path) as run, pytest.warns(match="no inventory"):
        run.dataset(data, private=True)
    for found in read_project(tmp_path / "runs"):
        assert found.record.datasets == ()
        assert "acme-corp" not in found.record.model_dump_json()


def test_private_data_that_cannot_be_read_names_no_file(tmp_path: Path, data: Path) -> None:
    (data / "patient-0.csv").unlink()
    (data / "patient-0.csv").symlink_to(tmp_path)
    run = started(tmp_path)
    with pytest.warns(match="a private dataset could not be bound") as told:
        run.dataset(data, id="patients", private=True)
    (data / "patient-1.csv").read_text(encoding="utf-8")
    draft = released(tmp_path, run)
    assert not any("patient-" in str(it.message) for it in told)
    assert only_dataset(draft).files is None
    assert only_record(tmp_path).undeclared_inputs == ()
    refuse_canaries(tmp_path / "toy")
    refuse_canaries(tmp_path / "toy.draft")


def test_strict_run_is_told_which_file(tmp_path: Path, data: Path) -> None:
    (data / "patient-9.csv").symlink_to(tmp_path)
    with started(tmp_path, strict=True) as run, pytest.raises(DigestError, match="patient-9"):
        run.dataset(data, private=True)


def test_private_data_that_changes_while_it_waits_names_no_file(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets_module, "look_at_large", deferring.look)
    run = started(tmp_path)
    with run._state.lock:  # keeps the background waiting
        run.dataset(data, id="patients", private=True)
        (data / "patient-0.csv").write_text("changed\n", encoding="utf-8")
    with pytest.warns(match="a private dataset could not be bound"):
        run.wait()
    draft = released(tmp_path, run)
    assert only_dataset(draft).files is None
    refuse_canaries(tmp_path / "toy")


@pytest.mark.parametrize("files", [2, 60], ids=["inline", "in-a-file"])
@pytest.mark.parametrize("later", [False, True], ids=["now", "later"])
def test_release_without_rules_names_no_file(
    tmp_path: Path, files: int, *, later: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if later:
        monkeypatch.setattr(datasets_module, "look_at_large", deferring.look)
    data = make_data(tmp_path, files)
    run = started(tmp_path, strict=True)
    run.dataset(data, private="personal data", role="train")
    run.wait()
    draft = released(tmp_path, run)
    dataset = only_dataset(draft)
    assert (dataset.id, dataset.salted, dataset.inventory) == ("dataset", True, ())
    assert {it.reason for it in draft.manifest.disclosures} == {"personal data"}
    key = generate_private_key()
    sign_release(draft, key)
    refuse_canaries(tmp_path / "toy")
    report = inspect(
        tmp_path / "toy",
        keys=[key.public_key],
        datasets={"dataset": data},
        salts=tmp_path / "toy.draft" / "private.json",
    )
    assert report.verdict == "PASS"
    assert "evidence-matched" in {it.code for it in report.findings}


@pytest.mark.parametrize("first", [False, True], ids=["private-last", "private-first"])
def test_whoever_says_once_that_it_is_private_is_right(
    tmp_path: Path, data: Path, *, first: bool
) -> None:
    run = started(tmp_path, strict=True)
    run.dataset(data, id="patients", private=first)
    run.dataset(data, private=not first)
    draft = released(tmp_path, run)
    assert only_dataset(draft).salted is True
    refuse_canaries(tmp_path / "toy")


def test_another_run_that_declares_the_same_data_makes_nothing_public(
    tmp_path: Path, data: Path
) -> None:
    with record("prepare", output=tmp_path / "runs", strict=True) as prepare:
        prepare.dataset(data, id="patients", private=True)
    run = started(tmp_path, strict=True)
    run.dataset(data, role="train")
    draft = released(tmp_path, run)
    assert only_dataset(draft).salted is True
    refuse_canaries(tmp_path / "toy")


@pytest.mark.parametrize("files", [2, 60], ids=["inline", "in-a-file"])
@pytest.mark.parametrize("undeclared", ["hash", "list"])
def test_private_file_that_another_run_opens_is_not_named(
    tmp_path: Path, files: int, undeclared: str
) -> None:
    data = make_data(tmp_path, files)
    (tmp_path / "notes.txt").write_text("notes\n", encoding="utf-8")
    time.sleep(0.1)
    with record("prepare", output=tmp_path / "runs", strict=True) as prepare:
        prepare.dataset(data, id="patients", private=True)
    run = started(tmp_path, strict=True, undeclared=undeclared)
    run.dataset(tmp_path / "notes.txt", id="notes")
    (data / "patient-1.csv").read_text(encoding="utf-8")
    (tmp_path / "model.toml").touch()
    draft = released(tmp_path, run, runs=["prepare", "train"])
    assert draft.manifest.training is not None
    assert draft.manifest.training.undeclared_inputs == ()
    refuse_canaries(tmp_path / "toy")


def test_reason_of_the_rules_counts_before_that_of_the_script(tmp_path: Path, data: Path) -> None:
    run = started(tmp_path, strict=True)
    run.dataset(data, id="patients", private="by the script")
    rules = {"private": [{"dataset": "patients", "reason": "by the rules"}]}
    draft = released(tmp_path, run, public=rules)
    assert {it.reason for it in draft.manifest.disclosures} == {"by the rules"}


@pytest.mark.parametrize("reason", ["x" * 1_000_000, " "], ids=["long", "blank"])
def test_reason_that_cannot_be_published_keeps_the_data_private(
    tmp_path: Path, data: Path, reason: str
) -> None:
    run = started(tmp_path, strict=True)
    run.dataset(data, id="patients", private=reason)
    draft = released(tmp_path, run)
    assert only_dataset(draft).salted is True
    assert {it.reason for it in draft.manifest.disclosures} == {REASON}


def test_secret_in_a_reason_is_taken_out(tmp_path: Path, data: Path) -> None:
    run = started(tmp_path, strict=True)
    run.dataset(data, id="patients", private="see https://user:hunter2secret@host.example/x")
    draft = released(tmp_path, run)
    assert b"hunter2secret" not in draft.payload
