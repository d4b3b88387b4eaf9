"""What a report says to whoever holds the wrong key: it changes the words, never the verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from provenance.envelope import parse_bundle, write_bundle
from provenance.signing import (
    PrivateKey,
    PublicKey,
    generate_private_key,
    sign_payload,
)
from provenance.signing.certificates import CertificateSigner
from provenance.trust import compile_policy, read_policy
from provenance.verification import inspect
from provenance.verification.unproven import stamps_by_strangers
from support import certificates as made
from support.crafted import NOW, CraftedRelease, fixed_clock, private_key, public_key, write_tree
from support.policies import policy_bytes

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from provenance.verification import Report
    from provenance.verification.report import ReportedFinding

AUDIT = generate_private_key("ed25519")
BUNDLE = "training-provenance/manifest.sigstore.json"
BESIDE = "attestations/audit.sigstore.json"


def look(tmp_path: Path, files: dict[str, bytes], *keys: Any, **options: Any) -> Report:  # noqa: ANN401 - as inspect
    folder = write_tree(tmp_path / "model", files)
    return inspect(folder, keys=keys, **{"clock": fixed_clock, **options})


def co_signed(payload: bytes | None = None) -> CraftedRelease:
    release = CraftedRelease()
    data = write_bundle(sign_payload(payload or release.payload(), AUDIT))
    release.companions[BESIDE] = data
    return release


def only(report: Report, code: str) -> ReportedFinding:
    (found,) = [one for one in report.findings if one.code == code]
    return found


# A co-signer alone is named


@pytest.mark.parametrize("by", ["key", "policy"])
def test_a_named_co_signer_is_no_sign_of_tampering(tmp_path: Path, by: str) -> None:
    policy = compile_policy(read_policy(policy_bytes({"audit": AUDIT.public_key})))
    whom: dict[str, Any] = {"policy": policy} if by == "policy" else {"keys": [AUDIT.public_key]}
    folder = write_tree(tmp_path / "model", co_signed().layout())
    report = inspect(folder, clock=fixed_clock, **whom)
    assert (report.verdict, report.exit_code) == ("FAIL", 1)
    said = only(report, "signature-invalid")
    assert said.message == (
        f"key {AUDIT.fingerprint} co-signed ('{BESIDE}'), but the manifest's own signature is by "
        f"{public_key().fingerprint} (unproven), whom you did not name"
    )
    assert "changed" not in report.summary
    assert said.remedy is not None
    assert said.remedy.startswith("Name the signer of the manifest as well")


def test_a_stranger_is_not_said_to_have_co_signed(tmp_path: Path) -> None:
    other = generate_private_key("ed25519").public_key
    report = look(tmp_path, co_signed().layout(), other)
    assert "co-signed" not in only(report, "signature-invalid").message


def test_who_signed_other_bytes_has_not_co_signed(tmp_path: Path) -> None:
    report = look(tmp_path, co_signed(b'{"a":1}').layout(), AUDIT.public_key)
    assert "co-signed" not in only(report, "signature-invalid").message


def test_a_false_signature_of_a_named_signer_stays_an_alarm(tmp_path: Path) -> None:
    files = co_signed().layout()
    bundle = parse_bundle(files[BUNDLE])
    signature = replace(bundle.envelope.signatures[0], sig=bytes(64))
    files[BUNDLE] = write_bundle(
        replace(bundle, envelope=replace(bundle.envelope, signatures=(signature,)))
    )
    report = look(tmp_path, files, AUDIT.public_key, public_key())
    assert "co-signed" not in only(report, "signature-invalid").message
    assert "Do not use the files" in report.summary


def test_a_link_in_place_of_the_attestations_is_not_followed(tmp_path: Path) -> None:
    files = co_signed().layout()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    name = f"training-provenance/{BESIDE}"
    (elsewhere / "audit.sigstore.json").write_bytes(files.pop(name))
    folder = write_tree(tmp_path / "model", files)
    (folder / "training-provenance/attestations").symlink_to(elsewhere)
    report = inspect(folder, keys=[AUDIT.public_key], clock=fixed_clock)
    assert "co-signed" not in only(report, "signature-invalid").message


# An RSA key with the other scheme


@pytest.mark.parametrize(
    ("signed", "named"),
    [("rsa-pkcs1v15-sha256", "rsa-pss-sha256"), ("rsa-pss-sha256", "rsa-pkcs1v15-sha256")],
)
def test_the_other_scheme_of_an_rsa_key_is_named(tmp_path: Path, signed: str, named: str) -> None:
    rsa = generate_private_key("rsa")
    key = PrivateKey.from_pem(rsa.to_pem(), scheme=signed)
    release = CraftedRelease()
    files = {**release.layout(), BUNDLE: write_bundle(sign_payload(release.payload(), key))}
    public = PublicKey.from_der(key.public_key.spki, scheme=named)
    report = look(tmp_path, files, public)
    said = only(report, "signature-invalid")
    assert report.verdict == "FAIL"
    assert f"it does verify as {signed}, a scheme that you did not name" in said.message
    assert f"Add --scheme {signed} if you accept that" in report.summary


# Nobody is named, and a certificate signed


def by_certificate(*, end: dt.datetime | None = None) -> tuple[dict[str, bytes], made.Issued]:
    start = NOW - 40 * made.DAY
    root = made.authority(None, "root", start=start, end=NOW + made.DAY)
    leaf = made.signer(root, start=start, end=end or NOW + made.DAY)
    signer = CertificateSigner.of(
        PrivateKey.from_handle(leaf.key),
        leaf.certificate.public_bytes(Encoding.PEM),
        now=start + made.DAY,
    )
    release = CraftedRelease()
    bundle = write_bundle(sign_payload(release.payload(), signer))
    return {**release.layout(), BUNDLE: bundle}, root


def test_first_contact_names_the_options_for_a_certificate(tmp_path: Path) -> None:
    files, _ = by_certificate()
    report = look(tmp_path, files)
    assert report.verdict == "INCOMPLETE"
    assert only(report, "signer-unknown").remedy == (
        "If that is whom you expect, and you have made sure of it elsewhere: --ca FILE --identity "
        "'trainer@example.org'."
    )


def test_a_bare_key_names_the_options_for_a_certificate(tmp_path: Path) -> None:
    files, _ = by_certificate()
    remedy = only(look(tmp_path, files, public_key()), "signature-unsupported").remedy
    assert remedy is not None
    assert "--ca FILE --identity 'trainer@example.org'" in remedy


# Timestamps of nobody who was named


def test_a_timestamp_by_a_stranger_is_not_overlooked(tmp_path: Path) -> None:
    release = CraftedRelease()
    files = release.layout()
    files[BUNDLE] = write_bundle(replace(parse_bundle(files[BUNDLE]), timestamps=(b"\x30\x00",)))
    report = look(tmp_path, files, public_key())
    assert report.verdict == "PASS"
    said = only(report, "timestamp-not-checked")
    assert said.message == ("the bundle carries 1 timestamp by an authority that you did not name")
    assert said.remedy is not None
    assert "--tsa" in said.remedy


def test_an_expired_certificate_with_a_timestamp_by_a_stranger(tmp_path: Path) -> None:
    files, root = by_certificate(end=NOW - made.DAY)
    files[BUNDLE] = write_bundle(replace(parse_bundle(files[BUNDLE]), timestamps=(b"\x30\x00",)))
    pem = root.certificate.public_bytes(Encoding.PEM).decode()
    named = {"authority": pem, "identity": "trainer@example.org"}
    document = policy_bytes(
        {"lab": private_key().public_key}, signers={"lab": {"certificate": named}}
    )
    report = look(tmp_path, files, policy=compile_policy(read_policy(document)))
    said = only(report, "certificate-expired")
    assert report.verdict == "FAIL"
    assert "carries 1 timestamp by an authority that you did not name" in said.message
    assert said.remedy is not None
    assert "--tsa" in said.remedy


def test_the_maker_of_a_timestamp_is_named_as_unproven(tmp_path: Path) -> None:
    pytest.importorskip("rfc3161_client")
    from support.timestamps import make_authority  # noqa: PLC0415 - needs the extra

    stamp = make_authority(tmp_path / "tsa").stamp(b"signature")
    assert stamps_by_strangers((stamp,), 0) == (
        "the bundle carries 1 timestamp by an authority that you did not name ('CN=tsa', unproven)"
    )
    assert stamps_by_strangers((stamp,), 1) == ""
