"""Verifying under a trust policy, from a document to the verdict; what a stranger can do to it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.envelope import PAYLOAD_TYPE, Bundle, Envelope, Signature, pae, write_bundle
from provenance.errors import SignatureError, UsageError, VerificationError
from provenance.render import render_report
from provenance.signing import PrivateKey, VerifiedTime, generate_private_key, sign_payload
from provenance.signing.certificates import CertificateSigner
from provenance.trust import TrustPolicy, compile_policy, read_policy
from provenance.verification import inspect, verify
from provenance.verification.options import make_options
from provenance.verification.signed_manifest import read_signed_manifest
from support.crafted import NOW, STRANGER, CraftedRelease, fixed_clock, private_key, public_key
from support.policies import policy_bytes
from support.reports import errors_of, expect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from provenance.verification import Report

ED25519 = generate_private_key("ed25519")
KEYS: dict[str, PrivateKey] = {
    "lab": private_key(),
    "review": private_key(STRANGER),
    "audit": ED25519,
}
PUBLIC = {name: key.public_key for name, key in KEYS.items()}


def rules(**changes: Any) -> TrustPolicy:  # noqa: ANN401 - JSON
    """Return a policy in which `lab` trains, with members changed."""
    options = {"roles": {"trainer": {"signers": ["lab"]}}, **changes}
    return compile_policy(read_policy(policy_bytes(PUBLIC, **options)))


def stamped(bundle: bytes, stamps: Sequence[bytes]) -> bytes:
    from provenance.envelope import parse_bundle  # noqa: PLC0415 - this helper alone

    return write_bundle(replace(parse_bundle(bundle), timestamps=tuple(stamps)))


def release(
    *others: str,
    stamps: Sequence[bytes] = (),
    **options: Any,  # noqa: ANN401 - of a crafted release
) -> dict[str, bytes]:
    """Return the files of a release that `lab` signed, co-signed by others or by a new key."""
    made = CraftedRelease(**options)
    payload = made.payload()
    for number, name in enumerate(others):
        key = KEYS.get(name) or generate_private_key("ed25519")
        data = write_bundle(sign_payload(payload, key))
        made.companions[f"attestations/{number}.sigstore.json"] = data
    files = made.layout()
    if stamps:
        name = "training-provenance/manifest.sigstore.json"
        files[name] = stamped(files[name], stamps)
    return files


def look(tmp_path: Path, files: dict[str, bytes], policy: TrustPolicy, **options: Any) -> Report:  # noqa: ANN401 - as inspect
    from support.crafted import write_tree  # noqa: PLC0415 - this helper alone

    folder = write_tree(tmp_path / "model", files)
    return inspect(folder, policy=policy, **{"clock": fixed_clock, **options})


def error_codes(report: Report) -> list[str]:
    return [code for code, _ in errors_of(report)]


class Witness:
    """A timestamp verifier for which a timestamp is a number of seconds before now."""

    def verify(self, signature: bytes, timestamps: Sequence[bytes]) -> tuple[VerifiedTime, ...]:
        assert signature
        if b"false" in timestamps:
            raise SignatureError(problem="the timestamp is false", code="timestamp-invalid")
        return tuple(
            VerifiedTime(NOW - dt.timedelta(seconds=int(one)), "timestamp-authority", "SHA256:tsa")
            for one in timestamps
        )


TWO = {"trainer": {"signers": ["lab", "review"], "threshold": 2}}


def test_the_report_says_by_which_signer_of_the_policy(tmp_path: Path) -> None:
    report = look(tmp_path, release(), rules())
    expect(report, "PASS", "signature-verified")
    assert report.signer is not None
    assert report.signer.policy_names == ("lab",)
    assert report.signer.kind == "key"
    assert report.signer.identity is None


def test_the_report_says_whose_signatures_count_for_which_role(tmp_path: Path) -> None:
    roles = {
        "trainer": {"signers": ["lab", "review"], "threshold": 2, "models": ["digits-*"]},
        "evaluator": {"signers": ["audit"], "required": False},
    }
    report = look(tmp_path, release("review", "stranger"), rules(roles=roles, version=3))
    assert report.verdict == "PASS"
    assert report.policy is not None
    assert (report.policy.name, report.policy.version) == ("test", 3)
    trainer, evaluator = report.policy.roles
    assert (trainer.name, trainer.needed, trainer.count) == ("trainer", 2, 2)
    assert [(one.signer, one.fingerprint, one.bundle) for one in trainer.counted] == [
        ("lab", PUBLIC["lab"].fingerprint, None),
        (
            "review",
            PUBLIC["review"].fingerprint,
            "training-provenance/attestations/0.sigstore.json",
        ),
    ]
    assert (evaluator.required, evaluator.count, evaluator.counted) == (False, 0, ())
    assert report.model is not None
    assert report.model.name_allowed is True
    assert "(name allowed by the policy)" in render_report(report)


def test_a_name_that_the_policy_does_not_allow_is_not_said_to_be_allowed(tmp_path: Path) -> None:
    roles = {"trainer": {"signers": ["lab"], "models": ["another"]}}
    report = look(tmp_path, release(), rules(roles=roles))
    assert report.model is not None
    assert report.model.name_allowed is False
    assert report.policy is not None
    assert [role.counted for role in report.policy.roles] == [()]
    assert "allowed by the policy" not in render_report(report)


def test_a_policy_that_bounds_no_names_allows_none_by_name(tmp_path: Path) -> None:
    report = look(tmp_path, release(), rules())
    assert report.model is not None
    assert report.model.name_allowed is None
    assert "(name not checked)" in render_report(report)


def test_keys_without_a_policy_are_none(tmp_path: Path) -> None:
    report = look(tmp_path, release(), TrustPolicy(keys=(PUBLIC["lab"],)))
    assert report.policy is None


def test_the_manifest_is_returned_only_if_the_policy_is_satisfied(tmp_path: Path) -> None:
    look(tmp_path, release(), rules())
    folder = tmp_path / "model"
    assert verify(folder, policy=rules(), clock=fixed_clock).report.verdict == "PASS"
    with pytest.raises(VerificationError, match="1 of 2 signatures"):
        verify(folder, policy=rules(roles=TWO), clock=fixed_clock)


def test_two_signatures(tmp_path: Path) -> None:
    expect(look(tmp_path, release("review"), rules(roles=TWO)), "PASS", "attestation-verified")


@pytest.mark.parametrize("others", [(), ("lab",), ("stranger",), ("audit",), ("lab", "lab")])
def test_too_few_signatures(tmp_path: Path, others: tuple[str, ...]) -> None:
    report = look(tmp_path, release(*others), rules(roles=TWO))
    assert (report.verdict, error_codes(report)) == ("FAIL", ["policy-threshold"])


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    others=st.lists(st.sampled_from(["lab", "review", "audit", "stranger"]), max_size=4),
    dropped=st.integers(0, 3),
)
def test_dropping_a_signature_never_makes_pass_and_a_stranger_never_unmakes_it(
    tmp_path_factory: pytest.TempPathFactory, others: list[str], dropped: int
) -> None:
    policy = rules(roles={**TWO, "auditor": {"signers": ["audit"]}})
    folder = tmp_path_factory.mktemp("release")
    files = release(*others)
    before = look(folder, files, policy).verdict
    gone = [name for name in files if name.endswith(f"/{dropped}.sigstore.json")]
    for name in gone:
        (folder / "model" / name).unlink()
        del files[name]
    fewer = inspect(folder / "model", policy=policy, clock=fixed_clock).verdict
    assert not (fewer == "PASS" and before != "PASS")
    more = {**files}
    for name, data in release(*["stranger"] * 2).items():
        if "/attestations/" in name:
            more[name.replace("/attestations/", "/attestations/x")] = data
    assert look(folder, more, policy).verdict == fewer


def test_a_key_beside_a_policy_with_roles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a key is named beside it"):
        look(tmp_path, release(), rules(), keys=public_key(STRANGER))


def test_a_forged_hint_gives_no_role(tmp_path: Path) -> None:
    def forge(tree: dict[str, Any]) -> None:
        tree["verificationMaterial"]["publicKey"]["hint"] = PUBLIC["lab"].hint
        tree["dsseEnvelope"]["signatures"][0]["keyid"] = PUBLIC["lab"].hint

    report = look(tmp_path, release(key=STRANGER, edit_bundle=forge), rules())
    assert report.verdict == "FAIL"
    assert error_codes(report) == ["policy-role", "policy-threshold"]


REVOKED = {
    "keys": [{"fingerprint": PUBLIC["lab"].fingerprint, "from": "2026-11-22T11:00:00Z"}],
}


@pytest.mark.parametrize(
    ("stamps", "verdict"),
    [
        pytest.param([], "FAIL", id="none"),
        pytest.param([b"3601"], "PASS", id="a second before"),
        pytest.param([b"3600"], "FAIL", id="at the second"),
        pytest.param([b"1"], "FAIL", id="after"),
        pytest.param([b"3601", b"1"], "FAIL", id="one before, one after"),
    ],
)
def test_revoked_key_with_proven_times(tmp_path: Path, stamps: list[bytes], verdict: str) -> None:
    policy = replace(rules(revoked=REVOKED), timestamps=Witness())
    report = look(tmp_path, release(stamps=stamps), policy)
    assert report.verdict == verdict
    assert ("policy-revoked" in report.codes()) == (verdict == "FAIL")
    assert ("time-proven" in report.codes()) == bool(stamps)
    assert ("time-not-trusted" in report.codes()) == (not stamps)


def test_the_time_is_proven_by_trusted_authorities_only(tmp_path: Path) -> None:
    report = look(tmp_path, release(stamps=[b"3601"]), rules(revoked=REVOKED))
    assert "policy-revoked" in report.codes()
    assert "time-not-trusted" in report.codes()


def test_a_false_timestamp_is_an_invalid_signature(tmp_path: Path) -> None:
    policy = replace(rules(), timestamps=Witness())
    report = look(tmp_path, release(stamps=[b"false"]), policy)
    assert report.verdict == "FAIL"
    assert report.signer is not None
    assert report.signer.status == "invalid"


def test_the_report_says_when_it_was_signed(tmp_path: Path) -> None:
    policy = replace(rules(), timestamps=Witness(), timestamp_required=True)
    report = look(tmp_path, release(stamps=[b"60", b"120"]), policy)
    assert report.verdict == "PASS"
    assert report.signer is not None
    assert report.signer.signed_at == "2026-11-22T11:58:00Z"
    assert report.signer.signed_at_source == "timestamp-authority"


def test_what_a_policy_in_code_revokes_holds_for_plain_keys(tmp_path: Path) -> None:
    from provenance.trust import RevokedKey  # noqa: PLC0415 - this test alone

    policy = TrustPolicy(keys=(public_key(),), revoked_keys=(RevokedKey(public_key().fingerprint),))
    assert error_codes(look(tmp_path, release(), policy)) == ["policy-revoked"]
    in_openssh = public_key().ssh_fingerprint
    assert in_openssh is not None
    policy = TrustPolicy(keys=(public_key(),), revoked_keys=(RevokedKey(in_openssh),))
    assert error_codes(look(tmp_path, release(), policy)) == ["policy-revoked"]


@pytest.mark.parametrize(
    ("require", "verdict"),
    [
        ({"datasets[*].licenses": "declared"}, "PASS"),
        ({"evaluations": "matched"}, "PASS"),
        ({"training.segments[*].code": "matched"}, "PASS"),
        ({"datasets": "matched"}, "INCOMPLETE"),
        ({"compute.cost": "declared"}, "INCOMPLETE"),
        ({"model.baseModels[*].uri": "declared"}, "INCOMPLETE"),
    ],
    ids=str,
)
def test_required_rungs(tmp_path: Path, require: dict[str, str], verdict: str) -> None:
    report = look(tmp_path, release(), rules(require=require))
    assert report.verdict == verdict
    assert ("requirement-not-met" in report.codes()) == (verdict == "INCOMPLETE")
    if verdict == "INCOMPLETE":
        assert next(iter(require)) in report.summary


def test_ignored_files_and_digests_of_a_policy(tmp_path: Path) -> None:
    files = {**release(), ".gitattributes": b"* -text\n"}
    assert error_codes(look(tmp_path, files, rules())) == ["file-extra"]
    report = look(tmp_path, files, rules(ignore=["hub"], digests="all"))
    expect(report, "PASS", "file-ignored")
    assert set(report.algorithms) == {"blake3", "sha256"}


def certified(payload: bytes, *, signature: bytes = b"") -> tuple[Bundle, str]:
    """Return a bundle that a self-made certificate signed, and the key's fingerprint."""
    handle = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(handle.public_key())
        .serial_number(7)
        .not_valid_before(NOW - dt.timedelta(days=1))
        .not_valid_after(NOW + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.RFC822Name("open@digits.example")]), critical=True
        )
        .sign(handle, hashes.SHA256())
    )
    from provenance.signing import PublicKey  # noqa: PLC0415 - once

    made = handle.sign(pae(PAYLOAD_TYPE, payload), ec.ECDSA(hashes.SHA256()))
    envelope = Envelope(
        payload=payload,
        payload_type=PAYLOAD_TYPE,
        signatures=(Signature(sig=signature or made, keyid=""),),
    )
    bundle = Bundle(envelope=envelope, certificate=certificate.public_bytes(Encoding.DER))
    return bundle, PublicKey.from_handle(handle.public_key()).fingerprint


def test_first_contact_with_a_certificate(tmp_path: Path) -> None:
    bundle, fingerprint = certified(CraftedRelease().payload())
    files = {**release(), "training-provenance/manifest.sigstore.json": write_bundle(bundle)}
    report = look(tmp_path, files, TrustPolicy())
    expect(report, "INCOMPLETE", "signer-unknown")
    (said,) = [one.message for one in report.findings if one.code == "signer-unknown"]
    assert said.startswith("the signature is valid, and its signer is unknown to you: key ")
    assert fingerprint in said
    assert "open@digits.example" in said
    assert "not vouched for" in said


def test_first_contact_with_a_certificate_that_cannot_be_read(tmp_path: Path) -> None:
    bundle, _ = certified(CraftedRelease().payload())
    broken = replace(bundle, certificate=b"\x30\x03\x02\x01\x01")
    files = {**release(), "training-provenance/manifest.sigstore.json": write_bundle(broken)}
    report = look(tmp_path, files, TrustPolicy())
    expect(report, "INCOMPLETE", "signer-unknown")
    assert "the certificate in the bundle cannot be used" in report.summary


def test_a_name_in_a_certificate_is_said(tmp_path: Path) -> None:
    from support import certificates as made  # noqa: PLC0415 - this test alone

    root = made.authority(None, "root", start=NOW - made.DAY, end=NOW + made.DAY)
    leaf = made.signer(root, start=NOW - made.DAY, end=NOW + made.DAY)
    pem = root.certificate.public_bytes(Encoding.PEM).decode()
    named = {"authority": pem, "identity": "trainer@example.org", "kind": "email"}
    signer = CertificateSigner.of(
        PrivateKey.from_handle(leaf.key), leaf.certificate.public_bytes(Encoding.PEM), now=NOW
    )
    bundle = write_bundle(sign_payload(CraftedRelease().payload(), signer))
    files = {**release(), "training-provenance/manifest.sigstore.json": bundle}
    report = look(tmp_path, files, rules(signers={"lab": {"certificate": named}}))
    assert report.verdict == "PASS"
    assert report.summary.startswith('PASS: the files are exactly what "trainer@example.org" with')
    assert report.signer is not None
    assert report.signer.kind == "certificate"
    assert report.signer.identity == "trainer@example.org"
    assert report.signer.issuer is not None
    text = render_report(report)
    assert "Signer    trainer@example.org, vouched for by CN=root (SHA256:" in text
    assert report.signer.issuer_name == "CN=root"


def test_first_contact_with_a_signature_that_is_worthless(tmp_path: Path) -> None:
    bundle, _ = certified(CraftedRelease().payload(), signature=b"\x30\x06\x02\x01\x01\x02\x01\x01")
    files = {**release(), "training-provenance/manifest.sigstore.json": write_bundle(bundle)}
    report = look(tmp_path, files, TrustPolicy())
    assert (report.verdict, error_codes(report)) == ("FAIL", ["signature-invalid"])


def test_a_bare_key_in_a_policy_does_not_take_a_certificate(tmp_path: Path) -> None:
    bundle, _ = certified(CraftedRelease().payload())
    files = {**release(), "training-provenance/manifest.sigstore.json": write_bundle(bundle)}
    assert error_codes(look(tmp_path, files, rules())) == ["signature-unsupported"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, [], id="one signer"),
        pytest.param({"roles": TWO}, ["policy-threshold"], id="two signers"),
        pytest.param({"revoked": REVOKED}, ["policy-revoked", "policy-threshold"], id="revoked"),
        pytest.param({"expires": "2026-01-01T00:00:00Z"}, ["policy-expired"], id="expired"),
        pytest.param({"require": {"evaluations": "bound"}}, [], id="required digest"),
        pytest.param(
            {"require": {"compute.cost": "declared"}}, ["requirement-not-met"], id="required words"
        ),
    ],
)
def test_a_manifest_without_its_files_is_held_to_the_policy(
    changes: dict[str, Any], expected: list[str]
) -> None:
    options = make_options({}, policy=rules(**changes), clock=fixed_clock)
    read = read_signed_manifest(CraftedRelease().bundle(), options)
    assert [finding.code for finding in read.errors] == expected
