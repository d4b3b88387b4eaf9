"""A model against an OMS bundle: whatever was changed, on either side, is found."""

from __future__ import annotations

import hashlib
import json
import os
from base64 import b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from provenance.errors import UsageError, VerificationError
from provenance.findings import CODES, Severity
from provenance.recording import sign_oms
from provenance.signing import IdentityPattern, PrivateKey, PublicKey, generate_private_key
from provenance.signing.certificates import CertificatePool
from provenance.signing.oms_legacy import legacy_pae
from provenance.trust import RevokedKey, TrustPolicy
from provenance.verification import inspect, inspect_oms, verify_oms
from provenance.verification.oms_certificates import OmsCertificateVerifier
from support import certificates
from support.oms import FILES, digest, oms_bundle, payload_of, resource, statement, write_model
from support.releases import make_release
from verification.test_hub_cache import COMMIT, write_cache

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from provenance.verification import Report

KEY = generate_private_key()
OTHER = generate_private_key()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model")


def sign(
    path: Path,
    tree: Mapping[str, Any] | bytes | None = None,
    key: PrivateKey = KEY,
    **more: Any,  # noqa: ANN401 - those of `oms_bundle`
) -> Path:
    path.write_text(json.dumps(oms_bundle(key, tree, **more)), encoding="utf-8")
    return path


def check(
    model: Path,
    tree: Mapping[str, Any] | bytes | None = None,
    **more: Any,  # noqa: ANN401 - those of `inspect_oms`
) -> Report:
    signature = sign(model.parent / "s.sig", tree)
    return inspect_oms(model, signature, keys=more.pop("keys", KEY.public_key), **more)


def errors(report: Report) -> set[tuple[str, str]]:
    return {
        (it.code, it.path) for it in report.findings if CODES[it.code].severity is Severity.ERROR
    }


def not_covered(report: Report) -> set[str]:
    return {it.path for it in report.findings if it.code == "oms-not-covered"}


def test_an_untouched_model_passes(model: Path) -> None:
    report = check(model)
    assert report.verdict == "PASS"
    assert report.files is not None
    assert (report.files.listed, report.files.matched) == (5, 5)
    assert report.signer is not None
    assert report.signer.fingerprint == KEY.fingerprint
    assert report.subject is not None
    assert "says nothing about the training" in report.summary
    assert verify_oms(model, model.parent / "s.sig", keys=KEY.public_key).verdict == "PASS"


def to_link(root: Path) -> None:
    (root / "a/x").unlink()
    (root / "a/x").symlink_to(root / "a-b/x")


def to_folder(root: Path) -> None:
    (root / "empty").unlink()
    (root / "empty").mkdir()


CHANGES: dict[str, tuple[Callable[[Path], object], set[tuple[str, str]]]] = {
    "changed": (
        lambda root: (root / "a/x").write_bytes(b"tow\n"),
        {("digest-mismatch", "a/x")},
    ),
    "cut": (lambda root: (root / "a/x").write_bytes(b""), {("digest-mismatch", "a/x")}),
    "missing": (lambda root: (root / "a/x").unlink(), {("file-missing", "a/x")}),
    "missing_empty": (lambda root: (root / "empty").unlink(), {("file-missing", "empty")}),
    "extra": (lambda root: (root / "evil.py").write_bytes(b""), {("file-extra", "evil.py")}),
    "hidden": (lambda root: (root / ".x").write_bytes(b""), {("file-extra", ".x")}),
    "git_below": (
        lambda root: (root / "a/.gitignore").write_bytes(b""),
        {("file-extra", "a/.gitignore")},
    ),
    "case": (lambda root: (root / "Empty").write_bytes(b""), {("file-extra", "Empty")}),
    "swapped": (
        lambda root: [(root / "a/x").write_bytes(b"one\n"), (root / "a-b/x").write_bytes(b"two\n")],
        {("digest-mismatch", "a/x"), ("digest-mismatch", "a-b/x")},
    ),
    "link": (
        to_link,
        {("link-found", "a/x")},
    ),
    "extra_link": (lambda root: (root / "l").symlink_to("/"), {("link-found", "l")}),
    "link_called_git": (lambda root: (root / ".git").symlink_to("a"), {("link-found", ".git")}),
    "fifo": (lambda root: os.mkfifo(root / "p"), {("special-file", "p")}),
    "folder": (
        to_folder,
        {("file-missing", "empty")},
    ),
    "called_like_a_signature": (
        lambda root: (root / "model.sig").write_bytes(b"{}"),
        {("file-extra", "model.sig")},
    ),
    "name_is_not_utf8": (
        lambda root: open(os.fsencode(root) + b"/\xff", "wb").close(),  # noqa: PTH123 - a name of bytes
        {("name-unsafe", "\\udcff")},
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_whatever_was_changed_is_found(model: Path, case: str) -> None:
    change, expected = CHANGES[case]
    change(model)
    report = check(model)
    assert report.verdict == "FAIL"
    assert errors(report) == expected
    with pytest.raises(VerificationError):
        verify_oms(model, model.parent / "s.sig", keys=KEY.public_key)


def test_a_second_name_of_a_file_is_noted(model: Path) -> None:
    os.link(model / "a/x", model.parent / "another-name")
    report = check(model)
    assert report.verdict == "PASS"
    assert ("hard-link", "a/x") in {(it.code, it.path) for it in report.findings}


def test_a_huge_hole_behind_a_shard_is_not_read(model: Path) -> None:
    listed = [{**resource("config.json:0:3", b"{}\n")}]
    with (model / "config.json").open("wb") as file:
        file.truncate(1 << 40)
    report = check(model, statement(listed, method="shards", shard_size=1000))
    assert ("size-mismatch", "config.json") in errors(report)


def test_the_signature_inside_is_no_file_of_the_model(model: Path) -> None:
    signature = sign(model / "a" / "m.sig")
    report = inspect_oms(model, signature, keys=KEY.public_key)
    assert report.verdict == "PASS"
    (model / "m.sig").write_bytes(signature.read_bytes())
    report = inspect_oms(model, signature, keys=KEY.public_key)
    assert errors(report) == {("file-extra", "m.sig")}


def test_what_is_left_out_is_listed_as_not_covered(model: Path) -> None:
    for name in (".git/hooks/post-checkout", ".gitattributes", "cache/x", "mine"):
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_bytes(b"?")
    report = check(model, statement(ignore_paths=["cache"]), ignored=["mine"])
    assert report.verdict == "PASS"
    assert not_covered(report) == {".git", ".gitattributes", "cache", "mine"}
    (model / "subcache").mkdir()
    (model / "subcache/cache").write_bytes(b"")
    report = check(model, statement(ignore_paths=["cache"]), ignored=["mine"])
    assert errors(report) == {("file-extra", "subcache/cache")}


def test_who_signed_git_files_left_none_out(model: Path) -> None:
    (model / ".gitattributes").write_bytes(b"?")
    files = {**FILES, ".gitattributes": b"?"}
    tree = statement([resource(name, data) for name, data in files.items()])
    assert check(model, tree).verdict == "PASS"
    (model / ".gitattributes").write_bytes(b"!")
    assert errors(check(model, tree)) == {("digest-mismatch", ".gitattributes")}


def test_unsigned_files_are_let_be_only_when_asked_and_named(model: Path) -> None:
    (model / "more").write_bytes(b"")
    (model / "link").symlink_to("/etc")
    report = check(model, ignore_unsigned=True)
    assert report.verdict == "PASS"
    assert not_covered(report) == {"more", "link"}
    (model / "a/x").write_bytes(b"")
    assert check(model, ignore_unsigned=True).verdict == "FAIL"


@pytest.mark.parametrize("ignored", ["../x", "/x", "a//b", ""])
def test_a_path_to_leave_out_is_relative(model: Path, ignored: str) -> None:
    with pytest.raises(UsageError):
        check(model, ignored=[ignored])


@pytest.mark.parametrize("algorithm", ["blake3", "blake2b"])
def test_other_hashes(model: Path, algorithm: str) -> None:
    listed = [resource(name, data, algorithm) for name, data in FILES.items()]
    tree = statement(listed, hash_type=algorithm)
    assert check(model, tree).verdict == "PASS"
    (model / "empty").write_bytes(b"x")
    assert errors(check(model, tree)) == {("digest-mismatch", "empty")}


def shards(size: int, algorithm: str = "sha256") -> dict[str, Any]:
    listed = [
        resource(f"{name}:{start}:{min(start + size, len(data))}", data[start : start + size])
        for name, data in FILES.items()
        for start in range(0, len(data), size)
    ]
    for item in listed:
        item["algorithm"] = algorithm
    return statement(listed, method="shards", shard_size=float(size))


@pytest.mark.parametrize("size", [1, 3, 1000, 5000])
def test_shards(model: Path, size: int) -> None:
    report = check(model, shards(size, f"sha256-sharded-{size}"))
    assert report.verdict == "PASS"
    assert not_covered(report) == {"empty"}
    data = bytearray(FILES["weights.bin"])
    data[-1] ^= 1
    (model / "weights.bin").write_bytes(data)
    report = check(model, shards(size))
    (finding,) = (it for it in report.findings if it.code == "digest-mismatch")
    start = (len(data) - 1) // size * size
    assert f"from {start} to {len(data)}" in finding.message
    (model / "weights.bin").write_bytes(data + b"x")
    assert ("size-mismatch", "weights.bin") in errors(check(model, shards(size)))


def test_links_are_judged_by_their_text_and_never_followed(model: Path) -> None:
    (model / "to-file").symlink_to("a/x")
    (model / "to-link").symlink_to("to-file")
    (model / "outside").symlink_to("../model/a/x")
    files = {**FILES, "to-file": FILES["a/x"], "to-link": FILES["a/x"]}
    tree = statement([resource(name, data) for name, data in files.items()], allow_symlinks=True)
    assert errors(check(model, tree)) == {("link-found", "outside")}
    (model / "outside").unlink()
    assert check(model, tree).verdict == "PASS"
    tree["predicate"]["serialization"]["allow_symlinks"] = False
    assert errors(check(model, tree)) == {("link-found", "to-file"), ("link-found", "to-link")}
    tree["predicate"]["serialization"]["allow_symlinks"] = True
    (model / "to-file").unlink()
    (model / "to-file").symlink_to("to-link")  # a circle
    assert check(model, tree).verdict == "FAIL"
    (model / "to-file").unlink()
    (model / "to-file").symlink_to("config.json")
    assert ("digest-mismatch", "to-file") in errors(check(model, tree))


@pytest.mark.parametrize("name", [".", "weights.bin"])
def test_a_model_that_is_a_file(tmp_path: Path, name: str) -> None:
    data = FILES["weights.bin"]
    model = write_model(tmp_path / "folder", {"weights.bin": data}) / "weights.bin"
    tree = statement([resource(name, data)])
    signature = sign(tmp_path / "s.sig", tree)
    for target in (model, model.parent):
        assert inspect_oms(target, signature, keys=KEY.public_key).verdict == "PASS"
    (model.parent / "more").write_bytes(b"")
    assert inspect_oms(model, signature, keys=KEY.public_key).verdict == "PASS"
    assert inspect_oms(model.parent, signature, keys=KEY.public_key).verdict == "FAIL"
    model.write_bytes(b"")
    assert inspect_oms(model, signature, keys=KEY.public_key).verdict == "FAIL"


def test_a_file_under_another_name_is_another_model(tmp_path: Path) -> None:
    (tmp_path / "other.bin").write_bytes(b"x")
    report = check(tmp_path / "other.bin", statement([resource("weights.bin", b"x")]))
    assert errors(report) == {("file-missing", "weights.bin"), ("file-extra", "other.bin")}


def test_a_model_that_is_a_link_to_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    (tmp_path / "y").symlink_to("x")
    assert ("link-found", "y") in errors(check(tmp_path / "y", statement([resource(".", b"x")])))


# Signatures


def test_another_key_did_not_sign(model: Path) -> None:
    report = check(model, keys=OTHER.public_key)
    assert errors(report) == {("signature-invalid", "")}
    assert report.files is None


def test_without_a_key_nobody_is_known_to_have_signed(model: Path) -> None:
    report = check(model, keys=())
    assert report.verdict == "INCOMPLETE"
    assert "signer-unknown" in report.codes()
    (model / "a/x").unlink()
    assert check(model, keys=()).verdict == "FAIL"


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_keys_that_oms_does_not_take_are_refused(model: Path, kind: Any) -> None:  # noqa: ANN401 - a kind of key
    key = generate_private_key(kind)
    signature = sign(model.parent / "s.sig", key=key)
    report = inspect_oms(model, signature, keys=key.public_key)
    assert errors(report) == {("oms-method", "/verificationMaterial")}


@pytest.mark.parametrize("kind", ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521"])
@pytest.mark.parametrize("form", ["pem", "pem_without_line_feed", "der", "base64", "none"])
def test_hints_of_known_writers(model: Path, kind: Any, form: str) -> None:  # noqa: ANN401 - a kind of key
    key = generate_private_key(kind)
    pem = key.public_key.to_pem()
    hints = {
        "pem": hashlib.sha256(pem).hexdigest(),
        "pem_without_line_feed": hashlib.sha256(pem.rstrip()).hexdigest(),
        "der": hashlib.sha256(key.public_key.spki).hexdigest(),
        "base64": key.hint,
        "none": "",
    }
    material = {"publicKey": {"hint": hints[form]}}
    signature = sign(model.parent / "s.sig", key=key, material=material)
    assert inspect_oms(model, signature, keys=key.public_key).verdict == "PASS"


def test_a_hint_at_another_key_is_refused_and_chooses_none(model: Path) -> None:
    hint = hashlib.sha256(OTHER.public_key.to_pem()).hexdigest()
    signature = sign(model.parent / "s.sig", material={"publicKey": {"hint": hint}})
    report = inspect_oms(model, signature, keys=[KEY.public_key, OTHER.public_key])
    assert {code for code, _ in errors(report)} == {"oms-hint"}


def test_a_raw_key_in_the_bundle_is_never_trusted(model: Path) -> None:
    raw = {"rawBytes": "AAAA", "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
    signature = sign(model.parent / "s.sig", material={"publicKey": raw})
    assert inspect_oms(model, signature, keys=KEY.public_key).verdict == "PASS"
    assert inspect_oms(model, signature, keys=OTHER.public_key).verdict == "FAIL"
    assert inspect_oms(model, signature).verdict == "INCOMPLETE"


def test_a_revoked_key_signs_nothing(model: Path) -> None:
    policy = TrustPolicy(revoked_keys=(RevokedKey(KEY.fingerprint),))
    assert {code for code, _ in errors(check(model, policy=policy))} == {"policy-revoked"}


def test_a_statement_about_something_else_is_refused(model: Path) -> None:
    tree = statement(predicate_type="https://slsa.dev/provenance/v1")
    assert errors(check(model, tree)) == {("oms-predicate-type", "/predicateType")}


LEGACY = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": name, "digest": {"sha256": digest(data)}} for name, data in FILES.items()],
    "predicateType": "https://model_signing/Digests/v0.1",
    "predicate": {"unused": "x"},
}


@pytest.mark.parametrize("kind", ["ecdsa-p256", "ecdsa-p384"])
def test_version_0_2_is_read_only_when_asked(model: Path, kind: Any) -> None:  # noqa: ANN401 - a kind of key
    key = generate_private_key(kind)
    payload = payload_of(LEGACY)
    message = legacy_pae("application/vnd.in-toto+json", payload)
    signature = sign(model.parent / "s.sig", payload, key=key, message=message)
    assert inspect_oms(model, signature, keys=key.public_key).verdict == "FAIL"
    report = inspect_oms(model, signature, keys=key.public_key, legacy=True)
    assert report.verdict == "PASS"
    assert "oms-legacy-read" in report.codes()
    assert inspect_oms(model, signature, keys=OTHER.public_key, legacy=True).verdict == "FAIL"
    (model / "a/x").write_bytes(b"")
    assert inspect_oms(model, signature, keys=key.public_key, legacy=True).verdict == "FAIL"


def test_the_wrong_encoding_counts_for_version_0_2_alone(model: Path) -> None:
    payload = payload_of(statement())
    message = legacy_pae("application/vnd.in-toto+json", payload)
    signature = sign(model.parent / "s.sig", payload, key=KEY, message=message)
    report = inspect_oms(model, signature, keys=KEY.public_key, legacy=True)
    assert report.verdict == "FAIL"
    assert "signature-invalid" in report.codes()


def test_the_wrong_encoding_of_version_0_2_counts_under_a_certificate(model: Path) -> None:
    now = datetime.now(UTC)
    start, end = now - certificates.DAY, now + certificates.DAY
    root = certificates.authority(None, "root", start=start, end=end)
    leaf = certificates.signer(root, start=start, end=end)
    der = leaf.certificate.public_bytes(Encoding.DER)
    chain = {"certificates": [{"rawBytes": b64encode(der).decode()}]}
    subjects = [{"name": name, "digest": {"sha256": digest(data)}} for name, data in FILES.items()]
    tree = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "https://model_signing/Digests/v0.1",
        "predicate": {},
    }
    payload = payload_of(tree)
    signature = sign(
        model.parent / "s.sig",
        payload,
        key=PrivateKey.from_handle(leaf.key),
        material={"x509CertificateChain": chain, "tlogEntries": []},
        message=legacy_pae("application/vnd.in-toto+json", payload),
    )
    for name, verdict in (("trainer@example.org", "PASS"), ("mallory@example.org", "FAIL")):
        named = OmsCertificateVerifier(CertificatePool((root.certificate,)), IdentityPattern(name))
        assert inspect_oms(model, signature, keys=[named], legacy=True).verdict == verdict
        assert inspect_oms(model, signature, keys=[named]).verdict == "FAIL"


def test_remarks_about_version_and_order(model: Path) -> None:
    listed = [resource(name, data) for name, data in reversed(list(FILES.items()))]
    tree = statement(listed, predicate_type="https://model_signing/signature/v1.1")
    report = check(model, tree)
    assert report.verdict == "PASS"
    assert {"oms-newer", "oms-order"} <= set(report.codes())


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff"], ids=["empty", "object", "utf8"])
def test_what_is_no_bundle_is_refused(model: Path, data: bytes) -> None:
    signature = model.parent / "s.sig"
    signature.write_bytes(data)
    assert inspect_oms(model, signature, keys=KEY.public_key).verdict == "FAIL"


def test_what_cannot_be_read_is_an_error(model: Path) -> None:
    assert inspect_oms(model, model.parent / "none.sig", keys=KEY.public_key).exit_code == 4
    signature = sign(model.parent / "s.sig")
    assert inspect_oms(model / "none", signature, keys=KEY.public_key).exit_code == 4


@pytest.mark.parametrize(
    "arguments", [(1, "s"), ("m", 1), ({}, "s")], ids=["model", "signature", "digests"]
)
def test_what_is_no_path_is_a_usage_error(arguments: tuple[Any, Any]) -> None:
    with pytest.raises(UsageError):
        inspect_oms(*arguments)


def test_nothing_is_read_after_the_deadline(model: Path) -> None:
    assert check(model, deadline=0.0).verdict == "ERROR"


# In place of a manifest


def test_a_folder_with_model_sig_alone_says_what_it_can(model: Path) -> None:
    sign(model / "model.sig")
    report = inspect(model, keys=KEY.public_key)
    assert report.verdict == "INCOMPLETE"
    assert report.summary.startswith("INCOMPLETE: model.sig: model.sig is here")
    assert "5 of 5 files match" in report.summary
    assert report.files is not None
    assert report.files.matched == 5
    assert {part.rung for part in report.parts} == {"absent"}
    assert {"oms-only", "signature-verified"} <= set(report.codes())
    assert inspect(model).verdict == "INCOMPLETE"


@pytest.mark.parametrize("case", ["extra", "other_key", "no_bundle"])
def test_a_folder_with_model_sig_that_contradicts_fails(model: Path, case: str) -> None:
    sign(model / "model.sig", key=OTHER if case == "other_key" else KEY)
    if case == "extra":
        (model / "evil.py").write_bytes(b"")
    if case == "no_bundle":
        (model / "model.sig").write_bytes(b"{")
    assert inspect(model, keys=KEY.public_key).verdict == "FAIL"


def test_a_model_in_the_cache_of_a_hub(tmp_path: Path) -> None:
    signature = json.dumps(oms_bundle(KEY)).encode()
    repository = write_cache(tmp_path, {**FILES, "model.sig": signature})
    report = inspect(repository, keys=KEY.public_key, layout="hf-cache")
    assert report.verdict == "INCOMPLETE"
    assert "5 of 5 files match" in report.summary
    blob = (repository / "snapshots" / COMMIT / "a/x").resolve()
    blob.write_bytes(b"tow\n")
    report = inspect(repository, keys=KEY.public_key, layout="hf-cache")
    assert errors(report) == {("digest-mismatch", "a/x")}


# Beside a manifest


def test_both_are_verified_and_name_each_other(tmp_path: Path) -> None:
    made = make_release(tmp_path, oms=True)
    report = inspect(made.folder, keys=made.key.public_key, oms=True)
    assert report.verdict == "INCOMPLETE"
    assert "oms-unpaired" in report.codes()
    sign_oms(made.folder, made.key)
    report = inspect(made.folder, keys=made.key.public_key, oms=True)
    assert report.verdict == "PASS"
    assert "oms-paired" in report.codes()
    assert "oms-present" not in report.codes()
    with_other = sign(made.folder / "model.sig", key=OTHER)
    assert with_other.exists()
    assert inspect(made.folder, keys=made.key.public_key).verdict == "PASS"
    assert inspect(made.folder, keys=made.key.public_key, oms=True).verdict == "FAIL"


def test_an_oms_signature_that_no_subject_names_is_remarked(tmp_path: Path) -> None:
    made = make_release(tmp_path)
    aside = tmp_path / "aside"
    (made.folder / "training-provenance").rename(aside)
    sign_oms(made.folder, made.key)
    aside.rename(made.folder / "training-provenance")
    report = inspect(made.folder, keys=made.key.public_key, oms=True)
    # It was signed without the folder, so that it does not leave it out.
    assert {path.partition("/")[0] for _, path in errors(report)} == {"training-provenance"}
    assert "oms-unpaired" in report.codes()


def test_a_flag_is_a_flag(model: Path) -> None:
    with pytest.raises(UsageError):
        inspect(model, oms="yes")  # type: ignore[arg-type]  # the refusal is the test


def test_the_clock_is_the_caller_s(model: Path) -> None:
    report = check(model, clock=lambda: datetime(2030, 1, 1, tzinfo=UTC))
    assert report.verified_at == "2030-01-01T00:00:00Z"


def test_a_hint_of_another_writer_is_not_shown_as_a_fingerprint_of_ours(model: Path) -> None:
    hint = hashlib.sha256(KEY.public_key.to_pem()).hexdigest()
    signature = sign(model.parent / "s.sig", material={"publicKey": {"hint": hint}})
    report = inspect_oms(model, signature, keys=OTHER.public_key)
    (said,) = [one.message for one in report.findings if one.code == "signature-invalid"]
    assert f"the bundle names, unproven, the key with the hint '{hint}'" in said
    assert said.count("SHA256:") == 1
    assert OTHER.fingerprint in said


def test_an_authority_is_named_by_its_key_and_its_subject(model: Path) -> None:
    now = datetime.now(UTC)
    start, end = now - certificates.DAY, now + certificates.DAY
    root = certificates.authority(None, "root", start=start, end=end)
    leaf = certificates.signer(root, start=start, end=end)
    der = leaf.certificate.public_bytes(Encoding.DER)
    raw = [{"rawBytes": b64encode(der).decode()}]
    material = {"x509CertificateChain": {"certificates": raw}, "tlogEntries": []}
    signature = sign(
        model.parent / "s.sig", key=PrivateKey.from_handle(leaf.key), material=material
    )
    named = OmsCertificateVerifier(
        CertificatePool((root.certificate,)), IdentityPattern("trainer@example.org")
    )
    report = inspect_oms(model, signature, keys=[named])
    assert report.signer is not None
    key = PublicKey.from_handle(root.certificate.public_key()).fingerprint
    assert (report.signer.issuer, report.signer.issuer_name) == (key, "CN=root")
    (said,) = [one.message for one in report.findings if one.code == "signature-verified"]
    assert f"vouched for by 'CN=root' ({key}), with key " in said
