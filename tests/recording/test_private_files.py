"""Datasets that a script declares as private: released without rules, and nowhere named."""

from __future__ import annotations

import subprocess
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


def refuse_statement(tmp_path: Path) -> None:
    """Refuse canaries in the statement, whose bytes are signed and published."""
    data = (tmp_path / "toy.draft" / "statement.json").read_bytes()
    assert not any(canary in data for canary in CANARIES)


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


@pytest.mark.parametrize("how", ["named-runs", "failed"])
def test_run_that_is_left_out_still_says_what_is_private(
    tmp_path: Path, data: Path, how: str
) -> None:
    prepare = record("prepare", output=tmp_path / "runs", strict=True)
    prepare.dataset(data, id="patients", private="personal data")
    prepare.finish("failed" if how == "failed" else "completed")
    time.sleep(0.1)
    run = started(tmp_path, strict=True)
    run.dataset(data, role="train")
    draft = released(tmp_path, run, runs=["train"] if how == "named-runs" else None)
    assert (only_dataset(draft).id, only_dataset(draft).salted) == ("dataset", True)
    assert {it.reason for it in draft.manifest.disclosures} == {"personal data"}
    refuse_canaries(tmp_path / "toy")
    refuse_statement(tmp_path)


def test_file_that_a_failed_run_called_private_is_no_undeclared_input(
    tmp_path: Path, data: Path
) -> None:
    time.sleep(0.1)
    failed = started(tmp_path, strict=True)
    failed.dataset(data, id="patients", private=True)
    failed.finish("failed")
    run = started(tmp_path, strict=True)
    (data / "patient-1.csv").read_text(encoding="utf-8")
    released(tmp_path, run)
    refuse_statement(tmp_path)


def test_private_data_is_not_named_after_its_folder_though_it_was_declared_before(
    tmp_path: Path, data: Path
) -> None:
    run = started(tmp_path, strict=True)
    run.dataset(data)
    run.dataset(data, private=True)
    run.gap("acme-corp", "rows are missing")
    draft = released(tmp_path, run)
    assert only_dataset(draft).id == "dataset"
    refuse_canaries(tmp_path / "toy")
    refuse_statement(tmp_path)


@pytest.mark.parametrize("how", ["evaluation", "processing", "dataset"])
def test_part_of_private_data_is_private(tmp_path: Path, data: Path, how: str) -> None:
    part = data / "patient-1.csv"
    run = started(tmp_path, strict=True)
    run.dataset(data, id="patients", private="personal data")
    if how == "evaluation":
        run.evaluation(task="test", metrics={"accuracy": 0.5}, dataset=part)
    elif how == "processing":
        run.processing(inputs=[part])
    else:
        run.dataset(str(part))
    draft = released(tmp_path, run)
    assert [(it.id, it.salted) for it in draft.manifest.datasets] == [
        ("patients", True),
        ("dataset", True),
    ]
    refuse_canaries(tmp_path / "toy")
    refuse_statement(tmp_path)


def test_typed_root_that_the_script_states_of_private_data_is_withheld(
    tmp_path: Path, data: Path
) -> None:
    run = started(tmp_path, strict=True)
    root = {"tree": "tensor", "size": 1, "root": "ab" * 32}
    run.dataset(data, id="patients", private=True, tensors=root)
    draft = released(tmp_path, run)
    assert only_dataset(draft).tensors is None
    assert "/datasets/0/tensors" in {it.path for it in draft.manifest.disclosures}


def test_data_that_could_not_be_bound_where_it_was_called_private_is_not_named_by_another_run(
    tmp_path: Path, data: Path
) -> None:
    link = data / "patient-9.csv"
    link.symlink_to(tmp_path)
    with (
        record("prepare", output=tmp_path / "runs") as prepare,
        pytest.warns(match="could not be bound"),
    ):
        prepare.dataset(data, id="patients", private="personal data")
    link.unlink()
    run = started(tmp_path, strict=True)
    run.dataset(data / "patient-1.csv", id="part")
    draft = released(tmp_path, run)
    assert {it.id: it.salted for it in draft.manifest.datasets}["part"] is True
    refuse_canaries(tmp_path / "toy")
    refuse_statement(tmp_path)


def test_command_and_failure_do_not_name_private_data(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["train.py", "acme-corp", f"--file={data}/patient-0.csv", "--rate=0.1"]
    monkeypatch.setattr("sys.orig_argv", ["python", *words])
    monkeypatch.setattr("sys.argv", words)
    run = started(tmp_path)
    (tmp_path / "model.bin").write_bytes(b"weights")
    run.dataset(data, id="patients", private=True)
    run.checkpoint(tmp_path / "model.bin", step=1)
    with pytest.raises(FileNotFoundError), run:
        (data / "patient-9.csv").read_bytes()
    draft = release(tmp_path / "runs", tmp_path / "toy", description=ABOUT, unfinished=True)
    assert draft.manifest.training is not None
    command = draft.manifest.training.segments[0].command
    assert command[-3:] == ("[private]", "--file=[private]", "--rate=0.1")
    refuse_canaries(tmp_path / "toy")
    refuse_statement(tmp_path)


@pytest.mark.parametrize("code_patch", [False, True], ids=["bound", "kept"])
def test_private_file_that_differs_from_its_commit_is_not_named(
    tmp_path: Path, data: Path, *, code_patch: bool
) -> None:
    (tmp_path / "train.py").write_text("pass\n", encoding="utf-8")
    (tmp_path / "other.txt").write_text("1\n", encoding="utf-8")
    names = ("-c", "user.name=a", "-c", "user.email=a@a.example")
    for words in (["init", "-q"], ["add", "."], [*names, "commit", "-qm", "all"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)
    for path in (data / "patient-0.csv", tmp_path / "other.txt"):
        path.write_text("changed\n", encoding="utf-8")
    run = started(tmp_path, strict=True, code_patch=code_patch)
    run.dataset(data, id="patients", private=True)
    draft = released(tmp_path, run)
    assert draft.manifest.training is not None
    code = draft.manifest.training.segments[0].code
    assert code is not None
    assert (code.modified, code.modified_files, code.patch) == (True, ("other.txt",), None)
    assert not any(it.name == "uncommitted.patch" for it in draft.manifest.documents)
    assert any("named like, private" in it.description for it in draft.manifest.gaps)
    refuse_canaries(tmp_path / "toy")
    refuse_statement(tmp_path)


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
