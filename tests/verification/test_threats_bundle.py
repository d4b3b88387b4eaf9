# ruff: noqa: E501 - tables of one case a line
"""Groups E and P of the threats sheet: edited bundles, and hostile payloads that are signed."""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any

import pytest

from support.crafted import CraftedRelease, digests, private_key, sign_bundle
from support.reports import errors_of, expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provenance.verification import Report

    Look = Callable[..., Report]

Tree = dict[str, Any]

BUNDLE = "training-provenance/manifest.sigstore.json"


def envelope(tree: Tree) -> Tree:
    found: Tree = tree["dsseEnvelope"]
    return found


def set_payload(text: Callable[[str], str]) -> Callable[[Tree], object]:
    return lambda tree: envelope(tree).update(payload=text(envelope(tree)["payload"]))


def edit_signature(change: Callable[[list[Tree]], list[Tree]]) -> Callable[[Tree], object]:
    return lambda tree: envelope(tree).update(signatures=change(envelope(tree)["signatures"]))


def flip_payload(text: str) -> str:
    return b64encode(b64decode(text).replace(b"digits-mlp", b"digits-mlq")).decode()


GARBAGE = {"sig": b64encode(b"x" * 70).decode()}

EDITED: dict[str, tuple[Callable[[Tree], object], str]] = {
    "payload type upper-cased": (
        lambda tree: envelope(tree).update(payloadType="APPLICATION/VND.IN-TOTO+JSON"),
        "bundle-payload-type",
    ),
    "line break in base64": (
        set_payload(lambda text: text[:40] + "\n" + text[40:]),
        "bundle-malformed",
    ),
    "padding removed": (set_payload(lambda text: text.rstrip("=") + "A"), "bundle-malformed"),
    "text behind the padding": (set_payload(lambda text: text + "==evil"), "bundle-malformed"),
    "no signatures": (lambda tree: envelope(tree).pop("signatures"), "bundle-malformed"),
    "valid, then garbage": (
        edit_signature(lambda found: [*found, GARBAGE]),
        "bundle-signature-count",
    ),
    "garbage, then valid": (
        edit_signature(lambda found: [GARBAGE, *found]),
        "bundle-signature-count",
    ),
    "empty list": (edit_signature(lambda _: []), "bundle-signature-count"),
    "100,000 signatures": (
        edit_signature(lambda found: [*([GARBAGE] * 100_000), *found]),
        "bundle-signature-count",
    ),
    "unknown field": (lambda tree: tree.update(more=1), "bundle-malformed"),
    "media type": (lambda tree: tree.update(mediaType="application/json"), "bundle-media-type"),
    "garbage signature": (edit_signature(lambda _: [GARBAGE]), "signature-invalid"),
    "r = s = 0": (
        edit_signature(lambda _: [{"sig": b64encode(bytes.fromhex("3006020100020100")).decode()}]),
        "signature-invalid",
    ),
    "one payload byte": (set_payload(flip_payload), "signature-invalid"),
    "payload with a blank added": (
        set_payload(lambda text: b64encode(b64decode(text) + b" ").decode()),
        "signature-invalid",
    ),
    "hint and key id differ": (
        lambda tree: tree["verificationMaterial"]["publicKey"].update(hint="A" * 43 + "="),
        "bundle-hint-mismatch",
    ),
}


@pytest.mark.parametrize("name", EDITED)
def test_edited_bundle_fails(name: str, tmp_path: Path, look: Look) -> None:
    edit, code = EDITED[name]
    release = CraftedRelease(edit_bundle=edit)
    start = time.monotonic()
    report = look(release.write(tmp_path))
    expect(report, "FAIL", code)
    assert time.monotonic() - start < 5
    assert report.files is None, "nothing of an untrusted payload may be used"


def test_url_safe_alphabet_is_read(tmp_path: Path, look: Look) -> None:
    edit = set_payload(lambda text: urlsafe_b64encode(b64decode(text)).decode())
    expect(look(CraftedRelease(edit_bundle=edit).write(tmp_path)), "PASS")


def test_hint_of_another_key_selects_no_trust(tmp_path: Path, look: Look) -> None:
    def edit(tree: Tree) -> None:
        hint = private_key("never-trust-stranger").hint
        tree["verificationMaterial"]["publicKey"]["hint"] = hint
        envelope(tree)["signatures"][0]["keyid"] = hint

    expect(look(CraftedRelease(edit_bundle=edit).write(tmp_path)), "PASS")


RAW: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "duplicate key": (lambda data: data.replace(b'"payload":', b'"payload":"eA==","payload":', 1), "json-duplicate-key"),
    "trailing garbage": (lambda data: data + b"x", "json-syntax"),
    "UTF-16": (lambda data: data.decode().encode("utf-16"), "json-encoding"),
    "byte order mark": (lambda data: b"\xef\xbb\xbf" + data, "json-encoding"),
    "empty": (lambda _: b"", "json-syntax"),
    "100,000 levels": (lambda data: data[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "json-depth"),
    "invalid UTF-8": (lambda data: data[:-1] + b',"x":"\xff"}', "json-encoding"),
    "a string": (lambda _: b'"bundle"', "bundle-malformed"),
    "infinity": (lambda data: data[:-1] + b',"x":Infinity}', "json-number"),
    "comment": (lambda data: b"/* */" + data, "json-syntax"),
    "no-break space": (lambda data: "\u00a0".encode() + data, "json-syntax"),
}  # fmt: skip


@pytest.mark.parametrize("name", RAW)
def test_bundle_that_is_not_strict_json_fails(name: str, folder: Path, look: Look) -> None:
    edit, code = RAW[name]
    (folder / BUNDLE).write_bytes(edit((folder / BUNDLE).read_bytes()))
    expect(look(folder), "FAIL", code)


def test_huge_bundle_is_refused_by_its_size(folder: Path, look: Look) -> None:
    with (folder / BUNDLE).open("r+b") as file:
        file.truncate(2**31)
    start = time.monotonic()
    expect(look(folder), "FAIL", "bundle-size")
    assert time.monotonic() - start < 2


def replace(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def edit(payload: bytes) -> bytes:
        assert old in payload
        return payload.replace(old, new, 1)

    return edit


PAYLOADS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "duplicate key": (replace(b'"predicate":', b'"predicate":{},"predicate":'), "json-duplicate-key"),
    "escaped duplicate key": (replace(b'"predicate":', b'"predic\\u0061te":{},"predicate":'), "json-duplicate-key"),
    "type": (replace(b"Statement/v1", b"Statement/v0"), "statement-malformed"),
    "not UTF-8": (lambda _: b"\xff", "json-encoding"),
    "NaN": (replace(b'"step":300', b'"step":NaN'), "json-number"),
    "5,000 digits": (replace(b'"step":300', b'"step":' + b"9" * 5_000), "json-number"),
    "2**53": (replace(b'"step":300', b'"step":9007199254740992'), "json-number"),
    "a number": (lambda _: b"7", "statement-malformed"),
    "a string": (lambda _: b'"statement"', "statement-malformed"),
    "not canonical": (lambda data: b" " + data, "payload-not-canonical"),
    "lone surrogate": (replace(b"Digits Lab", b"Digits \\ud800"), "json-surrogate"),
    "U+0000 in a name": (replace(b'"path":"README.md"', b'"path":"README\\u0000"'), "name-unsafe"),
    "deep hyperparameters": (
        replace(b'"learning_rate":0.05', b'"x":' + b"[" * 100_000 + b"]" * 100_000),
        "json-depth",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAYLOADS)
def test_hostile_payload_fails_although_it_is_signed(name: str, tmp_path: Path, look: Look) -> None:
    edit, code = PAYLOADS[name]
    report = look(CraftedRelease(edit_payload=edit).write(tmp_path))
    assert report.verdict == "FAIL"
    assert code in report.codes(), errors_of(report)


def entry(tree: Tree, index: int = 0) -> Tree:
    found: Tree = tree["release"]["inventory"][index]
    return found


def set_path(path: str) -> Callable[[Tree], object]:
    return lambda tree: entry(tree).update(path=path)


def set_digest(**digest: str) -> Callable[[Tree], object]:
    return lambda tree: entry(tree).update(digest=digest)


GOOD = digests(CraftedRelease().files["README.md"])

MANIFESTS: dict[str, tuple[Callable[[Tree], object], str]] = {
    "listed twice": (
        lambda tree: tree["release"]["inventory"].insert(0, {**entry(tree), "digest": digests(b"evil")}),
        "name-duplicate",
    ),
    "./ alias": (set_path("./README.md"), "name-unsafe"),
    ".. alias": (set_path("sub/../README.md"), "name-unsafe"),
    "absolute": (set_path("/etc/passwd"), "name-unsafe"),
    "inside the manifest folder": (set_path("training-provenance/README.md"), "name-unsafe"),
    "inside it on a Mac": (set_path("Training-Provenance/README.md"), "name-unsafe"),
    "4,096 bytes": (set_path("a" * 4_096), "name-unsafe"),
    "200 deep": (set_path("a/" * 200 + "b"), "name-unsafe"),
    "backslash": (set_path("a\\b"), "name-unsafe"),
    "upper-case hex": (set_digest(blake3=GOOD["blake3"].upper(), sha256=GOOD["sha256"]), "digest-format"),
    "half a digest": (set_digest(blake3=GOOD["blake3"], sha256=GOOD["sha256"][:32]), "digest-format"),
    "base64 digest": (
        set_digest(blake3=GOOD["blake3"], sha256=b64encode(bytes.fromhex(GOOD["sha256"])).decode()),
        "digest-format",
    ),
    "md5 alone": (set_digest(md5="0" * 32), "digest-algorithm"),
    "unknown alone": (set_digest(sha9="0" * 64), "digest-algorithm"),
    "sha256 alone": (set_digest(sha256=GOOD["sha256"]), "digest-algorithm"),
    "root of another tree": (
        lambda tree: tree["release"]["files"].update(root="0" * 64), "release-root-mismatch",
    ),
    "nothing listed": (
        lambda tree: tree["release"].update(files={"tree": "file", "size": 0, "root": "0" * 64}, inventory=[]),
        "release-empty",
    ),
    "other order": (lambda tree: tree["release"]["inventory"].reverse(), "inventory-malformed"),
    "another size": (lambda tree: entry(tree).update(size=1), "size-mismatch"),
    "another SHA-256": (
        set_digest(blake3=GOOD["blake3"], sha256="0" * 64), "listing-inventory-mismatch",
    ),
    "another major version": (lambda tree: tree.update(manifestVersion="2.0"), "manifest-version"),
    "unknown field": (lambda tree: tree.update(excludes=["*"]), "field-unknown"),
    "critical": (lambda tree: tree.update(critical=["/excludes"]), "critical-unknown"),
    "no release": (lambda tree: tree.pop("release"), "manifest-invalid"),
    "other tree kind": (lambda tree: tree["release"]["files"].update(tree="tensor"), "manifest-invalid"),
    "released file of the manifest folder": (
        lambda tree: tree["documents"][0].update(path="../README.md"), "name-unsafe",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MANIFESTS)
def test_hostile_manifest_fails_although_it_is_signed(
    name: str, tmp_path: Path, look: Look
) -> None:
    edit, code = MANIFESTS[name]
    report = look(CraftedRelease(edit_manifest=edit).write(tmp_path))
    assert report.verdict == "FAIL"
    assert code in report.codes(), errors_of(report)


def test_empty_name_fails(tmp_path: Path, look: Look) -> None:
    report = look(CraftedRelease(edit_manifest=set_path("")).write(tmp_path))
    expect(report, "FAIL", "manifest-invalid")


def test_weak_digest_beside_good_ones_is_named_and_proves_nothing(
    tmp_path: Path, look: Look
) -> None:
    edit = set_digest(**GOOD, md5="0" * 32, sha9="x")
    folder = CraftedRelease(edit_manifest=edit).write(tmp_path)
    expect(look(folder), "PASS", "digest-not-recomputed")
    report = look(folder, all_digests=True)
    expect(report, "FAIL", "digest-mismatch", "digest-not-recomputed", "required-not-checked")


def test_unknown_algorithm_leaves_all_digests_incomplete(tmp_path: Path, look: Look) -> None:
    folder = CraftedRelease(edit_manifest=set_digest(**GOOD, sha9="x")).write(tmp_path)
    expect(look(folder, all_digests=True), "INCOMPLETE", "digest-not-recomputed")


STATEMENTS: dict[str, tuple[Callable[[Tree], object], str]] = {
    "md5 subject": (lambda tree: tree["subject"][0].update(digest={"md5": "0" * 32}), "digest-algorithm"),
    "unknown subject": (lambda tree: tree["subject"][0].update(digest={"sha9": "0" * 64}), "digest-algorithm"),
    "sha512 only": (lambda tree: tree["subject"][0].update(digest={"sha512": "0" * 128}), "digest-algorithm"),
    "no subject": (lambda tree: tree.update(subject=[]), "subject-missing"),
    "another predicate": (
        lambda tree: tree.update(predicateType="https://slsa.dev/provenance/v1"), "predicate-type",
    ),
    "an evaluation": (
        lambda tree: tree.update(predicateType=tree["predicateType"].replace("manifest", "evaluation")),
        "predicate-type",
    ),
    "another release": (
        lambda tree: tree["subject"][0]["digest"].update(sha256="0" * 64),
        "listing-inventory-mismatch",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STATEMENTS)
def test_hostile_statement_fails_although_it_is_signed(
    name: str, tmp_path: Path, look: Look
) -> None:
    edit, code = STATEMENTS[name]
    report = look(CraftedRelease(edit_statement=edit).write(tmp_path))
    assert report.verdict == "FAIL"
    assert code in report.codes(), errors_of(report)


def test_bundle_over_something_else_is_refused(folder: Path, look: Look) -> None:
    (folder / BUNDLE).write_bytes(sign_bundle(b"{}"))
    expect(look(folder), "FAIL", "statement-malformed")


def test_certificate_bundle_under_a_bare_key_is_refused(tmp_path: Path, look: Look) -> None:
    def edit(tree: Tree) -> None:
        tree["verificationMaterial"] = {"certificate": {"rawBytes": "MAA="}, "tlogEntries": []}

    expect(look(CraftedRelease(edit_bundle=edit).write(tmp_path)), "FAIL", "signature-unsupported")
    unnamed = look(tmp_path, keys=())
    expect(unnamed, "INCOMPLETE", "signer-unknown")


def test_newer_minor_version_is_read_and_its_fields_are_named(tmp_path: Path, look: Look) -> None:
    release = CraftedRelease(edit_manifest=lambda tree: tree.update(manifestVersion="1.7", novel=1))
    report = look(release.write(tmp_path))
    expect(report, "PASS", "field-newer")
    assert json.loads(report.to_bytes())["verdict"] == "PASS"
