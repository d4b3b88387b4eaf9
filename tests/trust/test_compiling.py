"""Tests of compiling: every rule between the parts of a policy, and what comes out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization

from provenance.checks import PARTS, RUNGS
from provenance.errors import InputError, UsageError
from provenance.manifest import MANIFEST_V1
from provenance.signing import PublicKey, generate_private_key
from provenance.trust import TrustPolicy, compile_policy, load_policy, read_policy
from provenance.trust.compiling import PARTS_OF_TRAINING
from provenance.trust.documents import Rung
from support.policies import policy_bytes

if TYPE_CHECKING:
    from pathlib import Path

A = generate_private_key().public_key
B = generate_private_key("ed25519").public_key
FINGERPRINT = A.fingerprint


def compiled(**changes: Any) -> TrustPolicy:  # noqa: ANN401 - JSON
    return compile_policy(read_policy(policy_bytes({"a": A, "b": B}, **changes)))


def signers(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"a": {"key": A.to_pem().decode("ascii")}, **more}


PRIVATE = "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"
TRAINER = {"signers": ["a"]}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown signer": ({"roles": {"trainer": {"signers": ["c"]}}}, "/roles/trainer/signers/0"),
    "signer twice": ({"roles": {"trainer": {"signers": ["a", "a"]}}}, "/roles/trainer/signers/1"),
    "signer of another case": (
        {"roles": {"trainer": {"signers": ["A"]}}},
        "/roles/trainer/signers/0",
    ),
    "threshold above the signers": (
        {"roles": {"trainer": {"signers": ["a", "b"], "threshold": 3}}},
        "/roles/trainer/threshold",
    ),
    "threshold reached by a repetition": (
        {"roles": {"trainer": {"signers": ["a", "a"], "threshold": 2}}},
        "/roles/trainer/signers/1",
    ),
    "nobody signs the manifest": ({"roles": {"evaluator": TRAINER}}, "/roles"),
    "nobody has to sign the manifest": (
        {"roles": {"trainer": {"signers": ["a"], "required": False}}},
        "/roles",
    ),
    "unknown predicate type": (
        {"roles": {"trainer": {"signers": ["a"], "predicateTypes": ["https://slsa.dev/x"]}}},
        "/roles/trainer/predicateTypes",
    ),
    "no kind of signer": ({"signers": signers(b={})}, "/signers/b"),
    "two kinds of signer": (
        {"signers": signers(b={"key": "x", "ssh": "ssh-ed25519 AAAA"})},
        "/signers/b",
    ),
    "trusted root beside no key": (
        {"signers": signers(b={"ssh": "ssh-ed25519 AAAA", "trustedRoot": "r.json"})},
        "/signers/b/trustedRoot",
    ),
    "key file without a folder": ({"signers": signers(b={"key": "b.pub"})}, "/signers/b/key"),
    "SSH line as a key": ({"signers": signers(b={"key": "ssh-ed25519 AAAA"})}, "/signers/b/key"),
    "private key": (
        {"signers": signers(b={"key": PRIVATE})},
        "/signers/b/key",
    ),
    "no key": ({"signers": signers(b={"key": "-----BEGIN PUBLIC KEY-----\n"})}, "/signers/b/key"),
    "one key under two names": (
        {"signers": signers(b={"key": A.to_pem().decode("ascii")})},
        "/signers/b",
    ),
    "window that ends first": (
        {
            "signers": {
                "a": {
                    "key": A.to_pem().decode("ascii"),
                    "notBefore": "2026-01-02T00:00:00Z",
                    "notAfter": "2026-01-01T00:00:00Z",
                }
            }
        },
        "/signers/a/notAfter",
    ),
    "unknown algorithm": ({"algorithms": ["md5"]}, "/algorithms/0"),
    "unknown algorithm of a signer": (
        {"signers": signers(b={"key": B.to_pem().decode("ascii"), "algorithms": ["rsa"]})},
        "/signers/b/algorithms/0",
    ),
    "algorithm of a signer beyond the policy": (
        {
            "algorithms": ["ecdsa-p256-sha256"],
            "signers": signers(b={"key": B.to_pem().decode("ascii"), "algorithms": ["ed25519"]}),
        },
        "/signers/b/algorithms",
    ),
    "algorithm that the key does not have": (
        {"algorithms": ["ecdsa-p256-sha256"]},
        "/signers/b/key",
    ),
    "unknown preset": ({"ignore": ["everything"]}, "/ignore/0"),
    "unknown field in a requirement": (
        {"require": {"datasets[*].licences": "declared"}},
        "/require/datasets[*].licences",
    ),
    "list without a star": (
        {"require": {"datasets.licenses": "declared"}},
        "/require/datasets.licenses",
    ),
    "star without a list": ({"require": {"model[*]": "declared"}}, "/require/model[*]"),
    "field inside a digest": (
        {"require": {"datasets[*].files.root": "bound"}},
        "/require/datasets[*].files.root",
    ),
    "unknown part": ({"requireParts": {"weights": "bound"}}, "/requireParts/weights"),
    "unknown field of ancestors": (
        {"ancestors": {"require": {"nothing": "bound"}}},
        "/ancestors/require/nothing",
    ),
    "unknown signer of ancestors": ({"ancestors": {"signers": ["c"]}}, "/ancestors/signers/0"),
    "revoked key without a fingerprint": (
        {"revoked": {"keys": [{"fingerprint": "a"}]}},
        "/revoked/keys/0/fingerprint",
    ),
    "unknown signer of the policy": (
        {"policySigners": {"signers": ["c"]}},
        "/policySigners/signers/0",
    ),
    "threshold of the policy": (
        {"policySigners": {"signers": ["a"], "threshold": 2}},
        "/policySigners/threshold",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_place_of_the_fault(name: str) -> None:
    changes, place = REFUSED[name]
    with pytest.raises(UsageError) as caught:
        compiled(**changes)
    assert caught.value.path == place


@pytest.mark.parametrize(
    "kind",
    ["PEM", "DER", "compressed point", "explicit parameters of a point"],
)
def test_one_key_in_another_encoding_is_no_second_signer(kind: str, tmp_path: Path) -> None:
    handle = serialization.load_pem_public_key(A.to_pem())
    uncompressed = handle.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    compressed = handle.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
    )
    spki = A.spki
    if kind == "compressed point":
        head = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
        spki = head + compressed
    data = A.to_pem() if kind == "PEM" else spki
    assert uncompressed in A.spki
    (tmp_path / "b.pub").write_bytes(data)
    text = policy_bytes({"a": A}, signers=signers(b={"key": "b.pub"}))
    with pytest.raises(UsageError, match="is the same signer as a"):
        compile_policy(read_policy(text), base=tmp_path)


def test_files_are_found_beside_the_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "b.pub").write_bytes(B.to_pem())
    (folder / "policy.json").write_bytes(
        policy_bytes({"a": A}, signers=signers(b={"key": "b.pub"}))
    )
    monkeypatch.chdir(tmp_path)
    policy = load_policy("policies/policy.json")
    assert policy.fingerprints == (A.fingerprint, B.fingerprint)


def test_a_file_in_the_working_folder_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (tmp_path / "b.pub").write_bytes(B.to_pem())
    (folder / "policy.json").write_bytes(
        policy_bytes({"a": A}, signers=signers(b={"key": "b.pub"}))
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        load_policy("policies/policy.json")
    assert caught.value.path == "policies/policy.json#/signers/b/key"


def test_a_policy_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        load_policy(tmp_path / "policy.toml")


def test_a_key_beside_roles_is_refused() -> None:
    policy = compiled()
    with pytest.raises(UsageError, match="a key is named beside it"):
        TrustPolicy(keys=(A,), signers=policy.signers, roles=policy.roles)


def test_what_is_compiled() -> None:
    policy = compiled(
        version=3,
        expires="2027-01-01T00:00:00Z",
        roles={
            "auditor": {"signers": ["b"]},
            "trainer": {"signers": ["a"], "models": ["digits", "mnist-*"]},
        },
        maxAgeDays=90,
        clockSkewSeconds=0,
        digests="all",
        ignore=["hub"],
        require={"evaluations": "matched", "datasets[*].licenses": "declared"},
        requireParts={"training-log": "bound"},
        requireEmpty="met",
        requireNotApplicable="met",
        revoked={"keys": [{"fingerprint": FINGERPRINT, "from": "2026-06-01T00:00:00Z"}]},
        ancestors={"bound": True},
    )
    assert (policy.name, policy.version) == ("test", 3)
    assert policy.expires == datetime(2027, 1, 1, tzinfo=UTC)
    trainer, auditor = policy.roles
    assert (trainer.name, auditor.name) == ("trainer", "auditor")
    assert trainer.predicate_types == (MANIFEST_V1,)
    assert trainer.may_sign_for("digits")
    assert trainer.may_sign_for("mnist-")
    assert not trainer.may_sign_for("digits-mlp")
    assert not trainer.may_sign_for("Digits")
    assert auditor.may_sign_for("anything")
    assert policy.all_digests
    assert (policy.max_age_days, policy.clock_skew_seconds) == (90, 0)
    assert policy.presets == ("hub",)
    assert [item.pattern for item in policy.requirements] == ["datasets[*].licenses", "evaluations"]
    assert policy.empty_is_met
    assert policy.not_applicable_is_met
    assert policy.revoked_keys[0].fingerprint == FINGERPRINT
    assert policy.ancestors is not None
    assert policy.ancestors.bound


def test_a_scheme_that_is_no_default_is_used_where_it_is_named() -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 - this test alone

    handle = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    key = PublicKey.from_handle(handle)
    named = {"key": key.to_pem().decode("ascii"), "algorithms": ["rsa-pkcs1v15-sha256"]}
    policy = compiled(signers=signers(b=named), roles={"trainer": {"signers": ["a", "b"]}})
    assert [signer.verifier.scheme for signer in policy.signers] == [
        "ecdsa-p256-sha256",
        "rsa-pkcs1v15-sha256",
    ]


def test_the_lists_are_those_of_the_checks() -> None:
    from typing import get_args  # noqa: PLC0415 - this test alone

    assert tuple(part.id for part in PARTS) == PARTS_OF_TRAINING
    assert get_args(Rung) == RUNGS
