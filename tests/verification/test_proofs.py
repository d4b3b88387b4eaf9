"""`prove_file` and `check_proof`: what a proof proves is what a named key signed, and no more."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from provenance import check_proof, prove_file
from provenance.digest import (
    Inventory,
    InventoryDigest,
    InventoryEntry,
    ProofFile,
    Shard,
    ShardIndex,
    digest_bytes,
    format_listing,
    hash_tree,
    prove_in_shards,
    prove_in_trees,
    split_inventory,
)
from provenance.envelope import Subject, write_bundle, write_statement
from provenance.errors import DigestError, ManifestError, UsageError
from provenance.manifest import MANIFEST_V1
from provenance.signing import generate_private_key, sign_payload
from support.releases import make_release, write_safetensors

if TYPE_CHECKING:
    from pathlib import Path

    from support.releases import SmallRelease

KEY = generate_private_key("ed25519")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> SmallRelease:
    """Return a release with weights, made as a user makes one; no test changes it."""
    return make_release(tmp_path_factory.mktemp("project"), key=KEY)


@pytest.fixture
def proof(release: SmallRelease) -> ProofFile:
    """Return the proof of its weights."""
    return prove_file(release.folder, "model.safetensors")


def codes(report: Any) -> set[str]:  # noqa: ANN401 - a report
    return {finding.code for finding in report.findings}


def check(release: SmallRelease, proof: Any, **options: Any) -> Any:  # noqa: ANN401 - as `check_proof`
    defaults = {
        "manifest": release.manifest,
        "keys": KEY.public_key,
        "file": release.folder / "model.safetensors",
    }
    return check_proof(proof, **{**defaults, **options})


def bundle_with(**fields: Any) -> bytes:  # noqa: ANN401 - JSON
    """Return a signed bundle of the least manifest with these fields."""
    released = Inventory((InventoryEntry(InventoryDigest("1" * 64, "2" * 64), "weights", 9),))
    tree: dict[str, Any] = {
        "manifestVersion": "1.0",
        "createdAt": "2026-11-01T12:00:00Z",
        "producer": {"name": "Digits Lab"},
        "model": {"name": "digits-mlp"},
        "release": {
            "files": released.root.to_tree(),
            "inventory": [
                {"path": entry.path, "size": entry.size, "digest": dict(entry.digest.digest_set)}
                for entry in released
            ],
        },
        **fields,
    }
    sums = format_listing((entry.path, entry.digest.sha256 or "") for entry in released)
    subject = Subject(name="digits-mlp", digest=digest_bytes(sums, ("sha256",)))
    return write_bundle(sign_payload(write_statement([subject], MANIFEST_V1, tree), KEY))


def listing(count: int) -> Inventory:
    return Inventory(
        tuple(
            InventoryEntry(digest=InventoryDigest(f"{n:064x}"), path=f"f{n}", size=n)
            for n in range(count)
        )
    )


def test_contradictions_fail(release: SmallRelease, proof: ProofFile) -> None:
    other = generate_private_key("ed25519").public_key
    level = proof.levels[0]
    tampered: dict[str, tuple[Any, dict[str, Any]]] = {
        "signature-invalid": (proof, {"keys": other}),
        "model-name-mismatch": (proof, {"model": "another"}),
        "digest-mismatch": (replace(proof, manifest="0" * 64), {}),
        "digest-format": (proof.to_bytes() + b"\n", {}),
    }
    for code, (given, options) in tampered.items():
        report = check(release, given, **options)
        assert (report.verdict, report.exit_code) == ("FAIL", 1)
        assert code in codes(report)
    elsewhere = [
        replace(proof, pointer="/release/tensors"),
        replace(proof, pointer="/release/nothing"),
        replace(proof, pointer=""),
        replace(proof, levels=(replace(level, index=1 - level.index),)),
        replace(proof, entry={**proof.entry, "blake3": "0" * 64}),
        replace(proof, entry={**proof.entry, "size": 1}),
        replace(proof, levels=(replace(level, root=replace(level.root, size=3)),)),
    ]
    for given in elsewhere:
        report = check(release, given)
        assert report.verdict == "FAIL", report.summary


def test_bad_signature_stops_before_anything_is_read(
    release: SmallRelease, proof: ProofFile
) -> None:
    other = generate_private_key("ed25519").public_key
    report = check(release, proof, keys=other, file="/nowhere")
    assert (report.verdict, report.model, report.signer) == ("FAIL", None, None)


def test_other_documents_than_a_bundle_fail(release: SmallRelease, proof: ProofFile) -> None:
    for data in (b"", b"{}", b"\x00", release.manifest.read_bytes()[:-9]):
        assert check(release, proof, manifest=data).verdict == "FAIL"


UNREADABLE = ("nowhere", "a\0b", ".", "fifo")


@pytest.mark.parametrize("which", ["proof", "manifest", "file"])
@pytest.mark.parametrize("path", UNREADABLE, ids=["nowhere", "null", "folder", "fifo"])
def test_what_cannot_be_read_is_an_error_and_says_where(
    release: SmallRelease, which: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    proof = prove_file(release.folder, "model.safetensors")
    options = {which: path} if which != "proof" else {}
    given = path if which == "proof" else proof
    report = check(release, given, name="model.safetensors", **options)
    assert (report.verdict, report.exit_code) == ("ERROR", 4), report.summary
    last = report.findings[-1]
    assert last.code in {"input-unreadable", "file-unreadable"}
    assert last.path == path.replace("\0", "\\x00")
    assert report.summary.startswith(f"ERROR: {last.path}: ")


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"\x00\xff", b'{"format":"training-provenance/inventory/v1"}', b"a" * 300_000],
    ids=["empty", "object", "binary", "other format", "long"],
)
def test_what_is_no_proof_at_all_is_an_error_that_says_so(
    release: SmallRelease, data: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(data)
    for given, where in ((path, f"{path}: "), (data, "")):
        report = check(release, given)
        assert (report.verdict, report.exit_code) == ("ERROR", 4)
        assert report.summary.startswith(f"ERROR: {where}this is no proof file; `provenance prove`")


def test_broken_proof_and_foreign_manifest_are_named_by_their_paths(
    release: SmallRelease, proof: ProofFile, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_bytes(proof.to_bytes()[:-1])
    assert check(release, broken).summary.startswith(f"FAIL: {broken}: ")
    assert check(release, proof, manifest=broken).summary.startswith(f"FAIL: {broken}: ")
    text = proof.to_bytes().replace(b"proof/v1", b"proof/v2")
    assert {"digest-format"} == codes(check(release, text))


def test_file_that_holds_no_tensors_or_is_no_inventory_is_named(
    release: SmallRelease, tmp_path: Path
) -> None:
    path = tmp_path / "text"
    path.write_text("no tensors")
    report = check(release, prove_file(release.folder, tensor="weight"), tensor="weight", file=path)
    assert report.summary.startswith(f"FAIL: {path}: ")
    index = ShardIndex((Shard("x", listing(1).root),))
    shard = prove_in_trees([index], "x")
    report = check_proof(shard, root=index.root, kind="shard", name="x", file=path)
    assert report.summary.startswith(f"FAIL: {path}: ")


def test_neither_or_both_of_manifest_and_root_is_a_usage_error(proof: ProofFile) -> None:
    with pytest.raises(UsageError):
        check_proof(proof)
    with pytest.raises(UsageError):
        check_proof(proof, manifest=b"", root=proof.root)


def test_file_of_the_release_is_proved(release: SmallRelease, proof: ProofFile) -> None:
    for given in (proof, proof.to_bytes()):
        report = check(release, given)
        assert (report.verdict, report.pointer) == ("PASS", "/release/files")
        assert report.signer == KEY.fingerprint
        assert f"key {KEY.fingerprint} signed" in report.summary
    assert check(release, proof, keys=()).verdict == "INCOMPLETE"
    assert check(release, proof, file=None).verdict == "INCOMPLETE"


def test_tensor_is_proved_by_a_file_that_holds_it(release: SmallRelease, tmp_path: Path) -> None:
    proof = prove_file(release.folder, tensor="weight")
    assert check(release, proof, tensor="weight").verdict == "PASS"
    for number, tensors in enumerate(({"weight": [1.0, 2.0]}, {"other": [1.0]})):
        path = tmp_path / f"{number}.safetensors"
        path.write_bytes(write_safetensors(tensors))
        assert check(release, proof, tensor="weight", file=path).verdict == "FAIL"


def test_file_of_a_dataset_is_proved(release: SmallRelease) -> None:
    proof = prove_file(release.folder, "train.csv", dataset="train")
    file = release.folder.parent / "data" / "train.csv"
    report = check(release, proof, dataset="train", file=file)
    assert report.verdict == "PASS", report.summary
    assert 'the file is "train.csv" of the dataset "train"' in report.summary
    with pytest.raises(UsageError, match="the ids are"):
        prove_file(release.folder, "train.csv", dataset="none")


def test_file_of_a_sharded_dataset_is_proved() -> None:
    parts = split_inventory(listing(9), 4)
    index = ShardIndex(tuple(Shard(name, part.root) for name, part in parts.items()))
    dataset = {"id": "web", "name": "Web", "shards": index.root.to_tree()}
    proof = prove_in_shards(index, "part-00001", parts["part-00001"], "f5")
    bundle = bundle_with(datasets=[dataset])
    report = check_proof(
        proof, manifest=bundle, keys=KEY.public_key, dataset="web", parts=["part-00001"]
    )
    assert (report.verdict, report.pointer) == ("INCOMPLETE", "/datasets/0/shards")
    assert "1 of 4 files, 1 of 3 shards" in report.summary
    alone = check_proof(
        prove_in_shards(index, "part-00001", parts["part-00001"], "f5"),
        root=parts["part-00001"].root,
    )
    assert alone.verdict == "FAIL"


def test_salted_dataset_has_no_proofs(tmp_path: Path) -> None:
    root = listing(2).root.to_tree()
    dataset = {"id": "d", "name": "D", "files": root, "salted": True}
    place = tmp_path / "m" / "training-provenance"
    place.mkdir(parents=True)
    (place / "manifest.sigstore.json").write_bytes(bundle_with(datasets=[dataset]))
    with pytest.raises(ManifestError, match="salts"):
        prove_file(tmp_path / "m", "f1", dataset="d")


def test_tree_that_was_not_signed_is_refused(release: SmallRelease, tmp_path: Path) -> None:
    part = tmp_path / "other.jsonl"
    part.write_bytes(hash_tree(release.folder.parent / "data").to_bytes())
    with pytest.raises(DigestError) as caught:
        prove_file(release.folder, "train.csv", dataset="train", parts=[part])
    assert caught.value.code == "inventory-mismatch"


def test_report_is_plain_json(release: SmallRelease, proof: ProofFile) -> None:
    tree = check(release, proof).to_tree()
    assert tree["entry"]["path"] == "model.safetensors"
    assert set(tree) == {
        "entry", "findings", "model", "pointer", "root", "signer", "summary", "verdict",
    }  # fmt: skip


def test_manifest_that_contradicts_itself_proves_nothing() -> None:
    listed = listing(3)
    release = {"files": listed.root.to_tree(), "inventory": []}
    proof = prove_in_trees([listed], "f1")
    report = check_proof(proof, manifest=bundle_with(release=release), keys=KEY.public_key)
    assert report.verdict == "FAIL"
    assert "release-root-mismatch" in {finding.code for finding in report.findings}


def test_what_only_looks_like_a_root_proves_nothing() -> None:
    listed = listing(3)
    extensions = {"https://example.org/x": {"files": listed.root.to_tree()}}
    proof = prove_in_trees([listed], "f1")
    report = check_proof(proof, manifest=bundle_with(extensions=extensions), keys=KEY.public_key)
    assert (report.verdict, report.pointer) == ("FAIL", None)
