"""Private inventories: nothing of them is published, and who has the salts can verify."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from provenance.digest import ProofFile, hash_tree
from provenance.errors import DigestError, ManifestError, RecordingError, UsageError
from provenance.recording import record, release, sign_release
from provenance.signing import generate_private_key
from provenance.verification import check_proof, inspect, prove_file

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.recording import Draft
    from provenance.signing import PrivateKey
    from provenance.verification import ProofReport, Report

ABOUT = {"producer": {"name": "Lab"}, "model": {"name": "toy"}}


def private(dataset: str = "patients") -> dict[str, Any]:
    return {"private": [{"dataset": dataset, "reason": "personal data"}]}


def make(folder: Path, files: int, rules: dict[str, Any]) -> Draft:
    data, script = folder / "data", folder / "train.py"
    data.mkdir()
    for number in range(files):
        (data / f"patient-{number}.csv").write_text(f"{number}\n", encoding="utf-8")
    script.write_text("pass\n", encoding="utf-8")
    with record("train", output=folder / "runs", script=script, strict=True) as run:
        run.dataset(data, id="patients")
        run.dataset("https://data.example/raw", id="unbound")
        (folder / "model.bin").write_bytes(b"weights")
        run.checkpoint(folder / "model.bin", step=1, id="c1")
    return release(folder / "runs", folder / "toy", description=ABOUT, public=rules)


@pytest.mark.parametrize("dataset", ["nobody", "unbound"])
def test_dataset_without_an_inventory_is_refused(tmp_path: Path, dataset: str) -> None:
    with pytest.raises(RecordingError):
        make(tmp_path, 1, private(dataset))
    assert not (tmp_path / "toy").exists()


def test_dataset_named_twice_is_refused(tmp_path: Path) -> None:
    rules = {"private": private()["private"] * 2}
    with pytest.raises(RecordingError, match="named twice"):
        make(tmp_path, 1, rules)


# More files than stand in the manifest itself have an inventory in a file of its own.
@pytest.fixture(params=[2, 60], ids=["inline", "in-a-file"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, PrivateKey]:
    draft = make(tmp_path, request.param, private())
    key = generate_private_key()
    sign_release(draft, key)
    return tmp_path, key


def verify(made: tuple[Path, PrivateKey], **request: Any) -> Report:  # noqa: ANN401 - options
    folder, key = made
    return inspect(
        folder / "toy",
        keys=[key.public_key],
        model="toy",
        datasets={"patients": folder / "data"},
        **request,
    )


def codes(report: Report) -> set[str]:
    return {finding.code for finding in report.findings if finding.path == "/datasets/0"}


def test_nothing_of_the_inventory_is_published(made: tuple[Path, PrivateKey]) -> None:
    folder, _ = made
    root = hash_tree(folder / "data").root.root.encode()
    for path in (folder / "toy").rglob("*"):
        if path.is_file():
            assert b"patient-" not in path.read_bytes(), path
            assert root not in path.read_bytes(), path
    assert not (folder / "toy" / "training-provenance" / "inventories").exists()


def test_without_salts_nothing_is_compared(made: tuple[Path, PrivateKey]) -> None:
    assert "evidence-unbound" in codes(verify(made))


def test_with_salts_the_files_are_compared(made: tuple[Path, PrivateKey]) -> None:
    folder, _ = made
    report = verify(made, salts=folder / "toy.draft" / "private.json")
    assert report.verdict == "PASS"
    assert "evidence-matched" in codes(report)


def test_other_files_are_a_mismatch(made: tuple[Path, PrivateKey]) -> None:
    folder, _ = made
    (folder / "data" / "patient-1.csv").write_text("9\n", encoding="utf-8")
    report = verify(made, salts=folder / "toy.draft" / "private.json")
    assert report.verdict == "FAIL"
    assert "evidence-mismatch" in codes(report)


def test_salts_that_are_none_are_a_usage_error(made: tuple[Path, PrivateKey]) -> None:
    folder, _ = made
    for place in (folder / "train.py", folder / "nowhere.json"):
        with pytest.raises(UsageError):
            verify(made, salts=place)
    with pytest.raises(UsageError):
        verify(made, salts=7)


def prove(made: tuple[Path, PrivateKey], **request: Any) -> ProofFile:  # noqa: ANN401 - options
    folder, _ = made
    inventory = folder / "data.jsonl"
    inventory.write_bytes(hash_tree(folder / "data").to_bytes())
    asked = {"dataset": "patients", "parts": [inventory], **request}
    return prove_file(folder / "toy", "patient-1.csv", **asked)


def test_one_file_is_proved_with_its_salt_alone(made: tuple[Path, PrivateKey]) -> None:
    folder, key = made
    proof = prove(made, salts=folder / "toy.draft" / "private.json")
    assert ProofFile.from_bytes(proof.to_bytes()) == proof

    def check(proof: ProofFile) -> ProofReport:
        return check_proof(
            proof,
            file=folder / "data" / "patient-1.csv",
            manifest=folder / "toy",
            keys=[key.public_key],
            dataset="patients",
            name="patient-1.csv",
        )

    assert check(proof).verdict == "PASS"
    for salt in (None, bytes(16)):
        assert check(replace(proof, salt=salt)).verdict == "FAIL"


def test_a_proof_that_needs_salts_is_not_made_without_them(made: tuple[Path, PrivateKey]) -> None:
    folder, _ = made
    private = folder / "toy.draft" / "private.json"
    with pytest.raises(ManifestError, match="hold salts that the producer keeps"):
        prove(made)
    wrong: list[dict[str, Any]] = [{"dataset": None}, {"dataset": "unbound"}, {"parts": []}]
    for request in wrong:
        with pytest.raises(UsageError):
            prove(made, salts=private, **request)
    (folder / "data" / "patient-0.csv").write_text("9\n", encoding="utf-8")
    with pytest.raises(DigestError) as caught:
        prove(made, salts=private)
    assert caught.value.code == "inventory-mismatch"
