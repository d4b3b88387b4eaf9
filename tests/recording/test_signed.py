"""Signing a draft, and what is refused before."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

import provenance
from provenance.digest import write_atomic
from provenance.envelope import Subject, parse_bundle, write_statement
from provenance.errors import InputError, ProvenanceError, RecordingError, UsageError
from provenance.manifest import DATASET_V1
from provenance.recording import load_draft, sign_draft, sign_release
from provenance.recording.drafts import draft_statement
from provenance.signing import generate_private_key
from support.releases import DESCRIPTION, SmallRelease, make_release

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def unsigned(tmp_path: Path) -> SmallRelease:
    return make_release(tmp_path, signed=False)


def test_signed_bytes_are_the_draft(unsigned: SmallRelease) -> None:
    path = sign_release(unsigned.folder, unsigned.key)
    assert path == unsigned.manifest
    assert parse_bundle(path.read_bytes()).envelope.payload == unsigned.draft.payload


def test_signature_that_is_there_is_not_overwritten(release: SmallRelease) -> None:
    before = release.manifest.read_bytes()
    with pytest.raises(UsageError, match="is there already"):
        sign_release(release.folder, generate_private_key())
    assert release.manifest.read_bytes() == before
    sign_release(release.folder, generate_private_key(), overwrite=True)
    assert release.manifest.read_bytes() != before


def test_several_signers_sign_the_same_payload(unsigned: SmallRelease) -> None:
    other = generate_private_key("ed25519")
    sign_release(unsigned.draft, [unsigned.key, other])
    (second,) = (unsigned.folder / "training-provenance" / "attestations").iterdir()
    assert parse_bundle(second.read_bytes()).envelope.payload == unsigned.draft.payload
    report = provenance.inspect(unsigned.folder, keys=[unsigned.key.public_key, other.public_key])
    assert str(report.verdict) == "PASS"


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_full_disk_leaves_no_signature_without_a_manifest(
    unsigned: SmallRelease, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    keys = [generate_private_key() for _ in range(3)]
    folder = unsigned.folder / "training-provenance"
    before = {path for path in folder.rglob("*") if path.is_file()}
    written = 0

    def full(path: Path, data: bytes, **options: Any) -> None:  # noqa: ANN401 - handed on
        nonlocal written
        written += 1
        if written == failing:
            raise InputError(path=str(path), problem="No space left on device")
        write_atomic(path, data, **options)

    monkeypatch.setattr("provenance.recording.bundles.write_atomic", full)
    monkeypatch.setattr("provenance.recording.signed.write_atomic", full)
    with pytest.raises(InputError, match="No space left"):
        sign_release(unsigned.folder, keys)
    assert {path for path in folder.rglob("*") if path.is_file()} == before
    monkeypatch.undo()
    sign_release(unsigned.folder, keys)


def test_nobody_signs(unsigned: SmallRelease) -> None:
    with pytest.raises(UsageError, match="nobody signs"):
        sign_release(unsigned.folder, [])


def test_draft_may_go_and_its_salts_stay(unsigned: SmallRelease) -> None:
    sign_release(unsigned.draft, unsigned.key, keep_draft=False)
    assert not unsigned.draft.statement_path.exists()
    assert (unsigned.draft.folder / "private.json").exists()


def test_release_without_a_draft_is_refused(unsigned: SmallRelease) -> None:
    shutil.rmtree(unsigned.draft.folder)
    with pytest.raises(RecordingError, match=r"no draft beside it \(.*statement.json\)") as caught:
        sign_release(unsigned.folder, unsigned.key)
    assert caught.value.remedy.startswith("run `provenance release` first")
    unsigned.manifest.write_bytes(b"a bundle")
    with pytest.raises(RecordingError) as caught:
        sign_release(unsigned.folder, unsigned.key, overwrite=True)
    assert caught.value.remedy.startswith("to add a signature")
    assert "`provenance cosign`" in caught.value.remedy


def test_release_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, problem in (("absent", "there is no such folder"), ("file", "is no folder")):
        with pytest.raises(InputError, match=problem):
            sign_release(tmp_path / name, generate_private_key())


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file more": (lambda folder: (folder / "x.txt").touch(), "file-extra"),
    "a file less": (lambda folder: (folder / "README.md").unlink(), "file-missing"),
    "another size": (
        lambda folder: (folder / "README.md").write_text("short", encoding="utf-8"),
        "size-mismatch",
    ),
    "another listing": (
        lambda folder: (folder / "training-provenance" / "SHA256SUMS").write_bytes(b""),
        "listing-mismatch",
    ),
    "a link": (lambda folder: (folder / "link").symlink_to("README.md"), "link-found"),
}


@pytest.mark.parametrize(("change", "code"), CHANGES.values(), ids=CHANGES.keys())
def test_folder_that_is_not_the_drafts_is_not_signed(
    unsigned: SmallRelease, change: Callable[[Path], object], code: str
) -> None:
    change(unsigned.folder)
    with pytest.raises(RecordingError) as caught:
        sign_release(unsigned.folder, unsigned.key)
    assert caught.value.code == code
    assert not unsigned.manifest.exists()


def test_manifest_that_contradicts_itself_is_not_signed(tmp_path: Path) -> None:
    contradiction = {
        **DESCRIPTION,
        "evaluations": [{"id": "e", "task": "t", "checkpoint": "nobody"}],
    }
    unsigned = make_release(tmp_path, signed=False, description=contradiction)
    with pytest.raises(RecordingError, match="contradicts itself") as caught:
        sign_release(unsigned.draft, unsigned.key)
    assert caught.value.code == "reference-dangling"
    with pytest.raises(RecordingError, match="contradicts itself"):
        sign_draft(unsigned.draft.statement_path, unsigned.key, tmp_path / "bundle.json")


class TestSigningElsewhere:
    """`sign_draft`: the statement travels to the key, the weights do not."""

    def test_bundle_belongs_into_the_release(self, unsigned: SmallRelease, tmp_path: Path) -> None:
        away = tmp_path / "other machine"
        away.mkdir()
        statement = shutil.copy(unsigned.draft.statement_path, away / "statement.json")
        bundle = sign_draft(statement, unsigned.key, away / "bundle.json")
        shutil.copy(bundle, unsigned.manifest)
        report = provenance.inspect(unsigned.folder, keys=[unsigned.key.public_key])
        assert str(report.verdict) == "PASS"

    def test_output_that_exists_is_kept(self, unsigned: SmallRelease, tmp_path: Path) -> None:
        output = tmp_path / "bundle.json"
        output.write_text("mine", encoding="utf-8")
        with pytest.raises(UsageError, match="is there already"):
            sign_draft(unsigned.draft.statement_path, unsigned.key, output)
        assert output.read_text(encoding="utf-8") == "mine"
        sign_draft(unsigned.draft.statement_path, unsigned.key, output, overwrite=True)

    @pytest.mark.parametrize("data", [b"", b"{}", b'{"a": 1}', b"[]"])
    def test_file_that_is_no_statement_is_refused(
        self, unsigned: SmallRelease, tmp_path: Path, data: bytes
    ) -> None:
        path = tmp_path / "statement.json"
        path.write_bytes(data)
        with pytest.raises(ProvenanceError):
            sign_draft(path, unsigned.key, tmp_path / "bundle.json")
        assert not (tmp_path / "bundle.json").exists()

    def test_statement_about_something_else_is_refused(
        self, unsigned: SmallRelease, tmp_path: Path
    ) -> None:
        statement, _ = load_draft(unsigned.draft.statement_path)
        subject = Subject(name="x", digest=statement.subjects[0].digest)
        path = tmp_path / "statement.json"
        path.write_bytes(write_statement([subject], DATASET_V1, {}))
        with pytest.raises(RecordingError, match="dataset/v1, expected"):
            load_draft(path)


def test_first_subject_is_the_listing(unsigned: SmallRelease) -> None:
    listing = (unsigned.folder / "training-provenance" / "SHA256SUMS").read_bytes()
    assert draft_statement(unsigned.draft.manifest, listing) == unsigned.draft.payload
