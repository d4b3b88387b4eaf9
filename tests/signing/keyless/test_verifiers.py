"""Every step of keyless verification: one defect a case, each refused for its own reason."""

from __future__ import annotations

import json
import sys

import pytest

from provenance.envelope import parse_bundle
from provenance.errors import ProvenanceError, SignatureError, UsageError
from provenance.signing import IdentityPattern, verify_bundle
from provenance.signing.artifacts import verify_artifact
from provenance.signing.keyless import KeylessVerifier, read_trusted_root
from support.keyless import ARTIFACT, IDENTITY, ISSUER, Instance
from support.keyless_cases import CASES


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    pytest.importorskip("rfc3161_client")
    return Instance(tmp_path_factory.mktemp("instance"))


def verifier(root: bytes, *, identity: str = IDENTITY, issuer: str = ISSUER) -> KeylessVerifier:
    return KeylessVerifier(IdentityPattern(identity), issuer, read_trusted_root(root))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.code])
def test_refuses(name: str, instance: Instance) -> None:
    bundle, root = CASES[name].build(instance)
    with pytest.raises(ProvenanceError) as caught:
        verify_artifact(bundle, ARTIFACT, verifier(root))
    assert caught.value.code == CASES[name].code, str(caught.value)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.code])
def test_accepts(name: str, instance: Instance) -> None:
    bundle, root = CASES[name].build(instance)
    signer = verify_artifact(bundle, ARTIFACT, verifier(root)).signer
    assert (signer.kind, signer.identity, signer.issuer) == ("keyless", IDENTITY, ISSUER)
    assert signer.times


def test_verifies_the_bundle_of_a_statement_among_other_signature_verifiers(
    instance: Instance,
) -> None:
    document, root = CASES["first_log_envelope"].build(instance)
    stranger = verifier(root, identity="somebody@example.org")
    verified = verify_bundle(parse_bundle(document), [stranger, verifier(root)])
    assert verified.signer.identity == IDENTITY
    with pytest.raises(SignatureError):
        verify_bundle(parse_bundle(document), [stranger])


@pytest.mark.parametrize("issuer", ["", " ", f"{ISSUER} "])
def test_refuses_to_trust_a_name_without_issuer(issuer: str, instance: Instance) -> None:
    root = json.dumps(instance.trusted_root()).encode()
    with pytest.raises(UsageError):
        verifier(root, issuer=issuer)


@pytest.mark.parametrize(
    "issuer", [ISSUER + "/", ISSUER.upper(), ISSUER[:-1]], ids=["longer", "capitals", "shorter"]
)
def test_compares_the_issuer_exactly(issuer: str, instance: Instance) -> None:
    bundle, root = CASES["first_log_file"].build(instance)
    with pytest.raises(SignatureError) as caught:
        verify_artifact(bundle, ARTIFACT, verifier(root, issuer=issuer))
    assert caught.value.code == "identity-mismatch"


def test_without_the_library_for_timestamps_says_which_extra(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, root = CASES["second_log_envelope"].build(instance)
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with pytest.raises(ProvenanceError, match=r"timestamps\]"):
        verify_artifact(bundle, ARTIFACT, verifier(root))
