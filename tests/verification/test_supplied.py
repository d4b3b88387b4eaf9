"""Step 23 in motion: datasets, code and documents that the caller holds."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from support.crafted import CraftedRelease, digests, file_root, write_tree
from support.reports import errors_of, expect, rungs_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provenance.verification import Report

    Look = Callable[..., Report]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder with a folder for each dataset."""
    for name, files in CraftedRelease().datasets.items():
        write_tree(tmp_path / "data" / name, files)
    return tmp_path / "data"


def test_datasets_in_hand_are_matched(folder: Path, look: Look, data: Path) -> None:
    held = {name: data / name for name in ("raw", "train", "test")}
    report = look(folder, datasets=held)
    expect(report, "PASS", "evidence-matched")
    assert rungs_of(report)["datasets"] == "matched"


def test_single_file_is_taken_for_a_dataset_of_one_file(
    folder: Path, look: Look, data: Path, tmp_path: Path
) -> None:
    renamed = tmp_path / "my-copy.csv"
    renamed.write_bytes((data / "raw/digits.csv").read_bytes())
    expect(look(folder, datasets={"raw": renamed}), "PASS", "evidence-matched")
    renamed.write_bytes(b"other")
    report = look(folder, datasets={"raw": str(renamed)})
    assert errors_of(report) == [("evidence-mismatch", "/datasets/0")]


def test_other_data_is_a_contradiction_that_names_the_files(
    folder: Path, look: Look, data: Path
) -> None:
    (data / "raw/digits.csv").write_bytes(b"other")
    (data / "raw/more.csv").write_bytes(b"x")
    report = look(folder, datasets={"raw": data / "raw"})
    expect(report, "FAIL", "evidence-mismatch")
    assert "not signed: 'more.csv'; not what was signed: 'digits.csv'" in report.summary
    assert rungs_of(report)["datasets"] == "bound"


def test_data_that_is_missing_is_said_to_be_missing(folder: Path, look: Look, data: Path) -> None:
    (data / "raw/digits.csv").rename(data / "raw/renamed.csv")
    report = look(folder, datasets={"raw": data / "raw"})
    expect(report, "FAIL", "evidence-mismatch")
    assert "missing: 'digits.csv'; not signed: 'renamed.csv'" in report.summary


def test_unknown_dataset_is_an_error(folder: Path, look: Look, data: Path) -> None:
    expect(look(folder, datasets={"other": data}), "FAIL", "evidence-unknown")


def test_dataset_that_is_not_there_is_a_fault(folder: Path, look: Look, data: Path) -> None:
    expect(look(folder, datasets={"raw": data / "nowhere"}), "ERROR", "input-unreadable")


def test_dataset_with_a_link_cannot_have_been_signed(folder: Path, look: Look, data: Path) -> None:
    (data / "raw/link").symlink_to("digits.csv")
    expect(look(folder, datasets={"raw": data / "raw"}), "FAIL", "evidence-mismatch")


def test_deadline_while_reading_a_dataset_is_a_fault(
    folder: Path, look: Look, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    late = {"is": False}
    monkeypatch.setattr(time, "monotonic", lambda: now + 100 * late["is"])

    def notice(_: int) -> None:
        late["is"] = True

    report = look(folder, datasets={"raw": data / "raw"}, progress=notice, deadline=now + 10)
    expect(report, "ERROR", "deadline")


def edit_dataset(**changes: Any) -> CraftedRelease:  # noqa: ANN401 - members of a dataset
    def edit(tree: dict[str, Any]) -> None:
        dataset = tree["datasets"][0]
        dataset.update(changes)
        for name in [name for name, value in dataset.items() if value is None]:
            del dataset[name]

    return CraftedRelease(edit_manifest=edit)


def test_dataset_bound_by_its_root_alone(tmp_path: Path, look: Look, data: Path) -> None:
    folder = edit_dataset(inventory=None).write(tmp_path / "model")
    expect(look(folder, datasets={"raw": data / "raw"}), "PASS", "evidence-matched")
    expect(look(folder, datasets={"raw": data / "raw/digits.csv"}), "PASS", "evidence-matched")
    report = look(folder, datasets={"raw": data / "train"})
    assert errors_of(report) == [("evidence-mismatch", "/datasets/0")]
    assert "signed is" in report.summary


def test_dataset_bound_by_its_inventory_alone(tmp_path: Path, look: Look, data: Path) -> None:
    folder = edit_dataset(files=None).write(tmp_path / "model")
    report = look(folder, datasets={"raw": data / "raw"})
    expect(report, "PASS", "evidence-matched")
    facts = {fact.path: fact.rung for fact in report.facts}
    assert facts["/datasets/0"] == "matched"


def test_dataset_that_nothing_binds_is_not_compared(tmp_path: Path, look: Look, data: Path) -> None:
    folder = edit_dataset(files=None, inventory=None).write(tmp_path / "model")
    expect(look(folder, datasets={"raw": data / "raw"}), "PASS", "evidence-unbound")


def test_source_whose_bytes_are_in_hand_is_matched(tmp_path: Path, look: Look, data: Path) -> None:
    source = {"uri": "https://archive.example/digits.csv", "digest": digests(b"0,1,2\n")}
    folder = edit_dataset(sources=[source]).write(tmp_path / "model")
    assert {fact.path: fact.rung for fact in look(folder).facts}["/datasets/0/sources/0"] == "bound"
    report = look(folder, datasets={"raw": data / "raw"})
    assert {fact.path: fact.rung for fact in report.facts}["/datasets/0/sources/0"] == "matched"


def test_script_in_hand_is_matched(folder: Path, look: Look, tmp_path: Path) -> None:
    checkout = write_tree(tmp_path / "code", {"prepare.py": b"prepare\n", "other.py": b"x"})
    report = look(folder, code=checkout)
    expect(report, "PASS", "evidence-matched", "evidence-unbound")
    assert rungs_of(report)["processing"] == "matched"
    expect(look(folder, code=checkout / "prepare.py"), "PASS", "evidence-matched")
    report = look(folder, code=checkout / "other.py")
    assert "evidence-matched" not in report.codes()


def test_other_script_of_that_name_is_a_contradiction(
    folder: Path, look: Look, tmp_path: Path
) -> None:
    checkout = write_tree(tmp_path / "code", {"prepare.py": b"other\n"})
    report = look(folder, code=checkout)
    assert errors_of(report) == [("evidence-mismatch", "/processing/0/code")]


def test_code_that_is_not_there_is_a_fault(folder: Path, look: Look, tmp_path: Path) -> None:
    write_tree(tmp_path / "code", {"x": b""})
    (tmp_path / "code/prepare.py").mkdir()
    expect(look(folder, code=tmp_path / "code"), "ERROR", "input-unreadable")


def edit_code(code: dict[str, Any]) -> CraftedRelease:
    return CraftedRelease(edit_manifest=lambda tree: tree["processing"][0].update(code=code))


def test_script_is_looked_for_under_its_path_then_under_its_name(
    tmp_path: Path, look: Look
) -> None:
    code = {"path": "src/prepare.py", "script": {"digest": digests(b"prepare\n")}}
    folder = edit_code(code).write(tmp_path / "model")
    for name in ("src/prepare.py", "prepare.py"):
        checkout = write_tree(tmp_path / name.replace("/", "-"), {name: b"prepare\n"})
        expect(look(folder, code=checkout), "PASS", "evidence-matched")


def test_script_path_that_leads_out_is_not_followed(tmp_path: Path, look: Look) -> None:
    code = {"path": "../secret.py", "script": {"digest": digests(b"secret\n")}}
    folder = edit_code(code).write(tmp_path / "model")
    (tmp_path / "secret.py").write_bytes(b"secret\n")
    report = look(folder, code=write_tree(tmp_path / "code", {"x": b""}))
    assert "evidence-matched" not in report.codes()


def test_script_without_a_name_is_compared_with_the_file_given(tmp_path: Path, look: Look) -> None:
    folder = edit_code({"script": {"digest": digests(b"prepare\n")}}).write(tmp_path / "model")
    script = tmp_path / "any.py"
    script.write_bytes(b"prepare\n")
    expect(look(folder, code=script), "PASS", "evidence-matched")


def test_script_with_a_weak_digest_alone_is_not_compared(tmp_path: Path, look: Look) -> None:
    folder = edit_code({"script": {"name": "x.py", "digest": {"md5": "0" * 32}}}).write(tmp_path)
    expect(look(folder, code=tmp_path), "PASS", "evidence-unbound")


def test_tree_of_code_is_matched_or_not(tmp_path: Path, look: Look) -> None:
    files = {"a.py": b"a", "lib/b.py": b"b"}
    inventory = [
        {"path": name, "size": len(text), "digest": digests(text)} for name, text in files.items()
    ]
    bound = {"inventory": inventory, "files": file_root(files)}
    folder = edit_code(bound).write(tmp_path / "model")
    checkout = write_tree(tmp_path / "code", files)
    report = look(folder, code=checkout)
    expect(report, "PASS", "evidence-matched")
    assert rungs_of(report)["processing"] == "matched"
    (checkout / "lib/b.py").write_bytes(b"x")
    assert errors_of(look(folder, code=checkout)) == [("evidence-mismatch", "/processing/0/code")]
    (checkout / "lib/b.py").unlink()
    expect(look(folder, code=checkout), "FAIL", "evidence-mismatch")
    unbound = edit_code({"inventory": inventory}).write(tmp_path / "other")
    expect(look(unbound, code=write_tree(tmp_path / "again", files)), "PASS", "evidence-matched")


def test_code_for_a_manifest_without_code_is_an_error(tmp_path: Path, look: Look) -> None:
    def edit(tree: dict[str, Any]) -> None:
        del tree["processing"][0]["code"], tree["training"]["segments"][0]["code"]

    folder = CraftedRelease(edit_manifest=edit).write(tmp_path / "model")
    expect(look(folder, code=tmp_path), "FAIL", "evidence-unknown")


def edit_documents(**changes: Any) -> CraftedRelease:  # noqa: ANN401 - members of a document
    release = CraftedRelease()
    release.companions.pop("documents/train.py")

    def edit(tree: dict[str, Any]) -> None:
        entry = {"id": "doc-train", "kind": "code", "digest": digests(b"print('train')\n")}
        tree["documents"].append({**entry, **changes})

    release.edit_manifest = edit
    return release


def test_document_in_hand_is_matched_under_any_name(tmp_path: Path, look: Look) -> None:
    folder = edit_documents().write(tmp_path / "model")
    assert rungs_of(look(folder))["training-code"] == "bound"
    documents = write_tree(tmp_path / "documents", {"sub/any.py": b"print('train')\n"})
    for held in (documents, documents / "sub/any.py"):
        report = look(folder, documents=held)
        expect(report, "PASS", "evidence-matched")
        assert rungs_of(report)["training-code"] == "matched"


def test_document_of_the_same_name_with_other_bytes_is_a_contradiction(
    tmp_path: Path, look: Look
) -> None:
    folder = edit_documents(name="train.py").write(tmp_path / "model")
    documents = write_tree(tmp_path / "documents", {"train.py": b"other\n"})
    report = look(folder, documents=documents)
    expect(report, "FAIL", "evidence-mismatch")


def test_document_without_digests_is_not_compared(tmp_path: Path, look: Look) -> None:
    release = edit_documents(name="train.py", digest={"md5": "0" * 32})
    folder = release.write(tmp_path / "model")
    documents = write_tree(tmp_path / "documents", {"train.py": b"x", "more.md": b"y"})
    expect(look(folder, documents=documents), "PASS", "evidence-unbound")
    expect(look(folder, documents=documents / "more.md"), "PASS")


def test_too_many_documents_are_not_read(
    folder: Path, look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provenance.verification.supplied.MAX_DOCUMENT_FILES", 1)
    documents = write_tree(tmp_path / "documents", {"a": b"1", "b": b"2"})
    expect(look(folder, documents=documents), "ERROR", "input-unreadable")


def test_documents_that_are_not_there_are_a_fault(folder: Path, look: Look) -> None:
    expect(look(folder, documents="/nowhere/at/all"), "ERROR", "input-unreadable")
    expect(look(folder, code="/nowhere/at/all"), "ERROR", "input-unreadable")
    expect(look(folder, code=os.fspath(folder / "x\0y")), "ERROR", "input-unreadable")


def test_files_that_the_manifest_does_not_name_prove_nothing(
    folder: Path, look: Look, tmp_path: Path
) -> None:
    stray = write_tree(tmp_path / "stray", {"stray.txt": b"x"})
    report = look(folder, documents=stray)
    expect(report, "PASS", "evidence-unbound")
    bound = CraftedRelease(
        edit_manifest=lambda tree: tree["training"]["segments"][0].pop("code")
    ).write(tmp_path / "bound")
    report = look(bound, code=stray)
    expect(report, "PASS", "evidence-unbound")
    assert any("names none of these files" in line for line in report.not_checked)


def test_data_of_other_names_or_sizes_is_answered_without_reading_it(
    folder: Path, look: Look, data: Path
) -> None:
    huge = data / "raw/digits.csv"
    with huge.open("r+b") as file:
        file.truncate(2**40)  # takes no room, and hours to read
    assert errors_of(look(folder, datasets={"raw": data / "raw"})) == [
        ("evidence-mismatch", "/datasets/0")
    ]
    assert errors_of(look(folder, datasets={"raw": huge})) == [("evidence-mismatch", "/datasets/0")]


def test_data_of_another_number_of_files_is_answered_without_reading_it(
    tmp_path: Path, look: Look, data: Path
) -> None:
    folder = edit_dataset(inventory=None).write(tmp_path / "model")
    with (data / "raw/more.csv").open("wb") as file:
        file.truncate(2**40)
    report = look(folder, datasets={"raw": data / "raw"})
    assert errors_of(report) == [("evidence-mismatch", "/datasets/0")]
    assert "there are 2 files, signed were 1" in report.summary


def test_code_of_another_size_is_answered_without_reading_it(tmp_path: Path, look: Look) -> None:
    files = {"src/train.py": b"train()\n"}
    inventory = [
        {"digest": digests(content), "path": name, "size": len(content)}
        for name, content in files.items()
    ]
    folder = edit_code({"files": file_root(files), "inventory": inventory}).write(
        tmp_path / "model"
    )
    checkout = write_tree(tmp_path / "checkout", files)
    with (checkout / "src/train.py").open("r+b") as file:
        file.truncate(2**40)
    assert errors_of(look(folder, code=checkout)) == [("evidence-mismatch", "/processing/0/code")]
