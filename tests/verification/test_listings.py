"""Digests that the caller holds already: a mapping, or a list in one of the usual forms."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from provenance.digest import hash_bytes
from provenance.errors import UsageError
from provenance.verification import read_listing
from support.crafted import CraftedRelease, digests
from support.reports import errors_of, expect, rungs_of
from verification.test_companions import InventoryRelease, inventory_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provenance.verification import Report

    Look = Callable[..., Report]


def mapping(files: Mapping[str, bytes], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - entries
    return {name: (len(data), digests(data)) for name, data in files.items()} | changes


@pytest.fixture
def release() -> CraftedRelease:
    return CraftedRelease()


def test_whole_repository_passes_and_says_that_no_byte_was_read(
    release: CraftedRelease, look: Look
) -> None:
    report = look(mapping(release.layout()), manifest=release.bundle())
    expect(report, "PASS", "bytes-not-read")
    assert report.target == "digests"
    assert report.summary.startswith("PASS: the digests supplied are exactly what key")
    assert report.files is not None
    assert not report.files.bytes_read
    assert rungs_of(report)["architecture"] == "bound"
    assert report.algorithms == ()


def test_released_files_alone_pass(release: CraftedRelease, look: Look) -> None:
    expect(look(mapping(release.files), manifest=release.bundle()), "PASS", "bytes-not-read")


def test_one_digest_that_counts_is_enough(release: CraftedRelease, look: Look) -> None:
    for algorithm in ("sha256", "blake3"):
        supplied = {
            name: (None, {algorithm: hash_bytes(data, algorithm)})
            for name, data in release.files.items()
        }
        expect(look(supplied, manifest=release.bundle()), "PASS")
        report = look(supplied, manifest=release.bundle(), all_digests=True)
        expect(report, "INCOMPLETE", "required-not-checked")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"README.md": (1, {})}, "size-mismatch"),
        ({"README.md": (13, {"sha256": "0" * 64})}, "digest-mismatch"),
        ({"extra": (1, {"sha256": "0" * 64})}, "file-extra"),
        ({"../x": (1, {"sha256": "0" * 64})}, "name-unsafe"),
        ({"training-provenance/SHA256SUMS": (None, {"sha256": "0" * 64})}, "listing-mismatch"),
        (
            {"training-provenance/documents/train.py": (15, {"sha256": "0" * 64})},
            "companion-mismatch",
        ),
        ({"training-provenance/x": (1, {"sha256": "0" * 64})}, "companion-extra"),
    ],
)
def test_supplied_digests_that_differ_fail(
    release: CraftedRelease, look: Look, change: dict[str, Any], code: str
) -> None:
    report = look(mapping(release.layout(), **change), manifest=release.bundle())
    assert report.verdict == "FAIL"
    assert code in {found for found, _ in errors_of(report)}


def test_missing_file_is_found(release: CraftedRelease, look: Look) -> None:
    supplied = mapping(release.files)
    del supplied["README.md"]
    report = look(supplied, manifest=release.bundle())
    assert errors_of(report) == [("file-missing", "README.md")]


def test_weak_digest_alone_is_incomplete(release: CraftedRelease, look: Look) -> None:
    supplied = mapping(release.files, **{"README.md": (13, {"md5": "0" * 32})})
    report = look(supplied, manifest=release.bundle())
    expect(report, "INCOMPLETE", "digest-not-supplied", "required-not-checked")


def test_mapping_without_a_bundle_is_incomplete(release: CraftedRelease, look: Look) -> None:
    expect(look(mapping(release.files)), "INCOMPLETE", "manifest-missing")


def test_inventory_in_a_file_cannot_be_read_from_digests(look: Look) -> None:
    release = InventoryRelease().prepare()
    report = look(mapping(release.layout()), manifest=release.bundle())
    expect(report, "INCOMPLETE", "required-not-checked")


def test_attestations_are_accounted_for_by_their_names(release: CraftedRelease, look: Look) -> None:
    supplied = mapping(release.layout())
    supplied["training-provenance/attestations/x.sigstore.json"] = (1, {"sha256": "0" * 64})
    expect(look(supplied, manifest=release.bundle()), "PASS")


HEX = "ab" * 32
FORMS = {
    "sha256sum": f"{HEX}  a b.txt\n",
    "binary mode": f"{HEX} *a b.txt\n",
    "with ./": f"{HEX}  ./a b.txt\n",
    "Windows lines": f"{HEX}  a b.txt\r\n\r\n",
    "tagged": f"SHA256 (a b.txt) = {HEX}\n",
    "object": json.dumps({"a b.txt": {"digest": {"sha256": HEX}}}),
    "array": json.dumps([{"path": "a b.txt", "digest": {"sha256": HEX}}]),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_read(name: str) -> None:
    assert read_listing(FORMS[name].encode()) == {"a b.txt": (None, {"sha256": HEX})}


def test_sizes_and_several_algorithms_are_joined() -> None:
    text = f"BLAKE3 (a) = {HEX}\nSHA256 (a) = {HEX}\n"
    assert read_listing(text.encode()) == {"a": (None, {"blake3": HEX, "sha256": HEX})}
    document = json.dumps({"a": {"size": 7, "digest": {"blake3": HEX}}})
    assert read_listing(document.encode()) == {"a": (7, {"blake3": HEX})}
    plain = f"{HEX}  a\n".encode()
    assert read_listing(plain, algorithm="blake3") == {"a": (None, {"blake3": HEX})}


def test_inventory_of_ours_is_read() -> None:
    data = inventory_file({"a": b"1"}, sha256=True)
    assert read_listing(data) == {"a": (1, digests(b"1"))}


@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        b"hello\n",
        f"{HEX.upper()}  a\n".encode(),
        f"{HEX} a\n".encode(),
        f"\\{HEX}  a\\nb\n".encode(),
        f"{HEX}  a\n{HEX}  a\n".encode(),
        b"{",
        b"[1]",
        b'[{"path": 1}]',
        b'{"a": 1}',
        b'{"a": {"size": -1, "digest": {}}}',
        b'{"a": {"size": true, "digest": {}}}',
        b'{"a": {"digest": {"sha256": "x"}}}',
        b'{"digest":{"blake3":"x"},"path":"a","size":1}\n',
    ],
)
def test_other_forms_are_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match="listing"):
        read_listing(data)


def test_unknown_algorithm_and_huge_list_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="md5"):
        read_listing(b"", algorithm="md5")
    monkeypatch.setattr("provenance.verification.listings.MAX_LISTING_BYTES", 3)
    with pytest.raises(UsageError, match="more than"):
        read_listing(b"1234")


def test_refused_listing_says_what_to_do_once() -> None:
    with pytest.raises(UsageError) as caught:
        read_listing(b"no line\n")
    assert str(caught.value).count("give lines of") == 1
