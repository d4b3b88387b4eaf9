"""Block digests of a release: recorded, accounted for, and what they say of a damaged file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from blake3 import blake3

from provenance.canonical import MIN_BLOCK_BYTES
from provenance.checks import consistency_findings
from provenance.digest import BlockDigests, TreeKind, TypedRoot, typed_root
from provenance.errors import DigestError, UsageError, VerificationError
from provenance.manifest import Manifest, parse_document
from provenance.recording import release_existing, sign_release
from provenance.recording.block_lists import write_block_lists
from provenance.signing import generate_private_key
from provenance.verification import inspect
from provenance.verification.damage import MAX_RANGES_SHOWN, read_block_lists
from provenance.verification.streaming import find_signed_file
from support.releases import DESCRIPTION

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from provenance.signing import PrivateKey

B = MIN_BLOCK_BYTES
DATA = b"".join(number.to_bytes(4, "big") for number in range(40 * B // 4)) + b"the end"
KEY = generate_private_key()
FACTS = {name: DESCRIPTION[name] for name in ("producer", "model")}


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a signed release of two files, one of them in blocks; it is only read."""
    return make(tmp_path_factory.mktemp("signed") / "model")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a signed release to be damaged."""
    return make(tmp_path / "model")


def make(folder: Path, key: PrivateKey = KEY) -> Path:
    folder.mkdir()
    (folder / "weights.bin").write_bytes(DATA)
    (folder / "README.md").write_bytes(b"# digits\n")
    sign_release(release_existing(folder, FACTS, blocks=B), key)
    return folder


def the_list(folder: Path) -> Path:
    (found,) = (folder / "training-provenance" / "blocks").iterdir()
    return found


def codes(folder: Path, **options: Any) -> dict[str, str]:  # noqa: ANN401 - options of inspect
    report = inspect(folder, keys=KEY.public_key, **options)
    return {finding.code: finding.message for finding in report.findings}


def change(path: Path, *places: int) -> None:
    data = bytearray(path.read_bytes())
    for at in places:
        data[at] ^= 1
    path.write_bytes(data)


def manifest_of(folder: Path) -> Manifest:
    return release_existing(folder, FACTS, blocks=B, overwrite=True).manifest


def test_damaged_file_fails_and_its_ranges_are_named(folder: Path) -> None:
    change(folder / "weights.bin", 5, B + 5, 7 * B)
    report = inspect(folder, keys=KEY.public_key)
    found = {finding.code: finding for finding in report.findings}
    assert report.verdict == "FAIL"
    assert "digest-mismatch" in found
    assert found["damaged-ranges"].path == "weights.bin"
    assert "bytes 0-131,071, 458,752-524,287 of 'weights.bin'" in found["damaged-ranges"].message
    assert "the rest is as signed" in found["damaged-ranges"].message


def test_number_of_ranges_that_are_named_is_bounded(folder: Path) -> None:
    change(folder / "weights.bin", *range(0, 40 * B, 2 * B))
    message = codes(folder)["damaged-ranges"]
    assert message.count("-") == MAX_RANGES_SHOWN
    assert f"and {20 - MAX_RANGES_SHOWN} more ranges" in message


def test_list_that_was_changed_is_not_believed(folder: Path) -> None:
    change(the_list(folder), 0)
    change(folder / "weights.bin", 5)
    found = codes(folder)
    assert {"companion-mismatch", "digest-mismatch"} <= found.keys()
    assert "damaged-ranges" not in found


def test_list_that_is_missing_fails(folder: Path) -> None:
    the_list(folder).unlink()
    change(folder / "weights.bin", 5)
    found = codes(folder)
    assert "companion-missing" in found
    assert "damaged-ranges" not in found


def test_list_that_nobody_signed_fails(folder: Path) -> None:
    (folder / "training-provenance" / "blocks" / "other.blocks").write_bytes(bytes(32))
    assert "companion-extra" in codes(folder)


def test_release_passes_and_says_that_blocks_were_not_recomputed(signed: Path) -> None:
    report = inspect(signed, keys=KEY.public_key)
    assert report.verdict == "PASS"
    assert "blocks-not-recomputed" in {finding.code for finding in report.findings}


def test_recomputing_every_digest_recomputes_the_blocks(signed: Path) -> None:
    report = inspect(signed, keys=KEY.public_key, all_digests=True)
    assert report.verdict == "PASS"
    assert "blocks-not-recomputed" not in {finding.code for finding in report.findings}


def test_one_file_alone_passes_without_its_list(signed: Path) -> None:
    report = inspect(
        signed / "weights.bin",
        manifest=signed / "training-provenance" / "manifest.sigstore.json",
        keys=KEY.public_key,
    )
    assert not [finding for finding in report.findings if finding.severity == "error"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("path", "other.bin"),
        ("path", "training-provenance/SHA256SUMS"),
        ("size", len(DATA) - 1),
        ("size", 0),
        ("block_size", B - 1),
        ("block_size", 2 * B),
        ("block_size", 0),
        ("blocks", typed_root("block", [bytes(32)])),
        ("list", {"path": "blocks/x", "size": 32, "digest": {"blake3": "0" * 64}}),
        ("list", {"size": 41 * 32, "digest": {"blake3": "0" * 64}}),
    ],
    ids=lambda value: str(value)[:24],
)
def test_block_digests_that_do_not_fit_are_never_signed(
    folder: Path,
    field: str,
    value: Any,  # noqa: ANN401 - of each field
) -> None:
    manifest = manifest_of(folder)
    assert consistency_findings(manifest) is not None
    changed = manifest.release.blocks[0].updated(**{field: value})
    wrong = manifest.updated(release=manifest.release.updated(blocks=[changed]))
    assert "blocks-malformed" in {finding.code for finding in consistency_findings(wrong)}


def test_block_digests_for_one_file_twice_are_never_signed(folder: Path) -> None:
    manifest = manifest_of(folder)
    twice = manifest.release.updated(blocks=manifest.release.blocks * 2)
    found = consistency_findings(manifest.updated(release=twice))
    assert [finding.code for finding in found].count("blocks-malformed") == 1


def test_small_files_have_no_blocks_and_the_list_is_what_it_says(signed: Path) -> None:
    statement = json.loads((signed.parent / "model.draft" / "statement.json").read_bytes())
    (item,) = statement["predicate"]["release"]["blocks"]
    data = the_list(signed).read_bytes()
    assert item["path"] == "weights.bin"
    assert item["blockSize"] == B
    assert item["blocks"]["size"] == 41
    assert item["list"]["path"] == f"blocks/{the_list(signed).name}"
    assert data[:32] == blake3(DATA[:B]).digest()
    assert data[-32:] == blake3(b"the end").digest()


def test_two_files_of_the_same_bytes_share_a_list(tmp_path: Path) -> None:
    made = BlockDigests(5, B, bytes(32))
    one, other = write_block_lists({"a": made, "b": made}, tmp_path)
    assert one.list == other.list
    assert len(list((tmp_path / "blocks").iterdir())) == 1


@pytest.mark.parametrize("size", [0, 1000, B + 1, 2**31])
def test_block_size_that_is_none_is_refused_by_a_release(tmp_path: Path, size: int) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a").write_bytes(b"a")
    with pytest.raises(DigestError, match="no size of blocks"):
        release_existing(tmp_path / "model", FACTS, blocks=size)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_file_is_looked_up_in_the_signed_manifest(signed: Path) -> None:
    found = find_signed_file(signed, "weights.bin", keys=KEY.public_key)
    assert (found.size, found.blocks and len(found.blocks)) == (len(DATA), 41)
    small = find_signed_file(signed, "README.md", keys=KEY.public_key)
    assert small.blocks is not None
    small.blocks.check_block(0, b"# digits\n")


def test_list_may_come_from_anywhere(signed: Path, tmp_path: Path) -> None:
    bundle = signed / "training-provenance" / "manifest.sigstore.json"
    copy = tmp_path / "list"
    copy.write_bytes(the_list(signed).read_bytes())
    found = find_signed_file(bundle, "weights.bin", keys=KEY.public_key, block_list=copy)
    assert found.blocks is not None
    with pytest.raises(UsageError, match="is not here"):
        find_signed_file(bundle, "weights.bin", keys=KEY.public_key)


@pytest.mark.parametrize("data", [b"", bytes(41 * 32), bytes(32)], ids=["none", "zeros", "one"])
def test_list_with_another_root_is_refused(signed: Path, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "list").write_bytes(data)
    with pytest.raises(DigestError, match="list"):
        find_signed_file(signed, "weights.bin", keys=KEY.public_key, block_list=tmp_path / "list")


def test_nothing_is_looked_up_without_a_key(signed: Path) -> None:
    with pytest.raises(UsageError, match="no key was named"):
        find_signed_file(signed, "weights.bin")


def test_nothing_is_looked_up_under_another_key(signed: Path) -> None:
    with pytest.raises(VerificationError):
        find_signed_file(signed, "weights.bin", keys=generate_private_key().public_key)


def test_nothing_is_looked_up_for_another_model(signed: Path) -> None:
    with pytest.raises(VerificationError):
        find_signed_file(signed, "weights.bin", keys=KEY.public_key, model="other")


def test_nothing_is_looked_up_without_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(VerificationError):
        find_signed_file(tmp_path, "weights.bin", keys=KEY.public_key)


def test_file_that_nobody_signed_is_not_found(signed: Path) -> None:
    with pytest.raises(DigestError, match="not in the signed inventory"):
        find_signed_file(signed, "other.bin", keys=KEY.public_key)


def test_list_that_many_files_name_is_put_into_a_tree_once(
    signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = the_list(signed).read_bytes()
    statement = json.loads((signed.parent / "model.draft" / "statement.json").read_bytes())
    (item,) = statement["predicate"]["release"]["blocks"]
    items = [{**item, "path": f"{number}.bin"} for number in range(500)]
    predicate = statement["predicate"]
    release = {**predicate["release"], "blocks": items}
    manifest = parse_document(Manifest, {**predicate, "release": release})
    made: list[str] = []

    def counted(kind: TreeKind, entries: Iterable[bytes]) -> TypedRoot:
        made.append(kind)
        return typed_root(kind, entries)

    monkeypatch.setattr("provenance.digest.blocks.typed_root", counted)
    lists, faults = read_block_lists(manifest, {item["list"]["path"]: data})
    assert (len(lists), faults, made) == (500, (), ["block"])


def test_blocks_of_one_file_alone_are_recomputed_on_request(signed: Path) -> None:
    report = inspect(
        signed / "weights.bin",
        manifest=signed / "training-provenance" / "manifest.sigstore.json",
        keys=KEY.public_key,
        all_digests=True,
    )
    assert "blocks-not-recomputed" not in {finding.code for finding in report.findings}


def test_damage_is_found_behind_the_links_of_a_hub_cache(folder: Path, tmp_path: Path) -> None:
    change(folder / "weights.bin", 5)
    repository = tmp_path / "models--lab--digits"
    snapshot = repository / "snapshots" / ("a" * 40)
    (repository / "blobs").mkdir(parents=True)
    for file in [path for path in folder.rglob("*") if path.is_file()]:
        name = file.relative_to(folder)
        data = file.read_bytes()
        blob = blake3(data).hexdigest()
        (repository / "blobs" / blob).write_bytes(data)
        link = snapshot / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("../" * (len(name.parts) + 1) + f"blobs/{blob}")
    found = codes(snapshot, layout="hf-cache")
    assert "bytes 0-65,535 of" in found["damaged-ranges"]
