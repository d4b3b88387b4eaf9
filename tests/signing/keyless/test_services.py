"""Signing as an identity, by services made here: an authority, a log and a timestamp authority."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from provenance.envelope import parse_bundle, write_bundle
from provenance.errors import MissingExtraError, SigningError, UsageError
from provenance.signing import IdentityPattern, sign_payload, verify_bundle
from provenance.signing.keyless import KeylessSigner, KeylessVerifier, read_trusted_root
from support.keyless import IDENTITY, ISSUER, STATEMENT, Instance
from support.keyless_services import SERVICES, logged, serve, token

if TYPE_CHECKING:
    from support.keyless_services import Answer

models = pytest.importorskip("sigstore.models")
policies = pytest.importorskip("sigstore.verify.policy")
verifiers = pytest.importorskip("sigstore.verify.verifier")
trustroot = pytest.importorskip("sigstore_models.trustroot.v1")


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    return Instance(tmp_path_factory.mktemp("instance"))


def test_signs_and_the_bundle_verifies(instance: Instance) -> None:
    root = json.dumps(instance.trusted_root()).encode()
    with serve(instance, SERVICES) as services:
        bundle = sign_payload(STATEMENT, KeylessSigner(token(instance), services, root))
    verifier = KeylessVerifier(IdentityPattern(IDENTITY), ISSUER, read_trusted_root(root))
    verified = verify_bundle(bundle, [verifier])
    assert verified.payload == STATEMENT
    assert verified.signer.identity == IDENTITY
    assert [time.source for time in verified.signer.times] == ["timestamp-authority"]


def test_the_library_verifies_the_bundle_as_we_write_it(instance: Instance) -> None:
    root = json.dumps(instance.trusted_root()).encode()
    with serve(instance) as services:
        bundle = sign_payload(STATEMENT, KeylessSigner(token(instance), services, root))
    document = write_bundle(bundle)
    assert write_bundle(parse_bundle(document)) == document
    trusted = models.TrustedRoot(trustroot.TrustedRoot.from_json(root))
    who = policies.Identity(identity=IDENTITY, issuer=ISSUER)
    verifier = verifiers.Verifier(trusted_root=trusted)
    assert verifier.verify_dsse(models.Bundle.from_json(document), who)[1] == STATEMENT


@pytest.mark.parametrize("missing", list(SERVICES))
def test_a_service_that_refuses_makes_no_bundle(missing: str, instance: Instance) -> None:
    """The library overlooks a timestamp authority that does not answer; nobody would accept it."""
    root = json.dumps(instance.trusted_root()).encode()
    services = {path: service for path, service in SERVICES.items() if path != missing}
    with serve(instance, services) as config, pytest.raises(SigningError):
        sign_payload(STATEMENT, KeylessSigner(token(instance), config, root))


def test_an_answer_that_does_not_verify_makes_no_bundle(instance: Instance) -> None:
    root = json.dumps(instance.trusted_root()).encode()
    other = Instance(instance.folder)

    def elsewhere(_: Instance, body: bytes) -> Answer:
        return logged(other, body)

    services = {**SERVICES, "/api/v2/log/entries": elsewhere}
    with serve(instance, services) as config, pytest.raises(SigningError):
        sign_payload(STATEMENT, KeylessSigner(token(instance), config, root))


@pytest.mark.parametrize("text", ["", "a.b.c"], ids=["empty", "no token"])
def test_a_malformed_token(text: str, instance: Instance) -> None:
    root = json.dumps(instance.trusted_root()).encode()
    with serve(instance, SERVICES) as config, pytest.raises(SigningError):
        sign_payload(STATEMENT, KeylessSigner(text, config, root))


def test_an_expired_token(instance: Instance) -> None:
    root = json.dumps(instance.trusted_root()).encode()
    with serve(instance, SERVICES) as config, pytest.raises(SigningError):
        sign_payload(STATEMENT, KeylessSigner(token(instance, minutes=-5), config, root))


@pytest.mark.parametrize("config", [b"", b"{}", b"[]"], ids=["empty", "no services", "list"])
def test_a_configuration_that_cannot_be_used(config: bytes, instance: Instance) -> None:
    root = json.dumps(instance.trusted_root()).encode()
    with pytest.raises(UsageError):
        sign_payload(STATEMENT, KeylessSigner(token(instance), config, root))


def test_another_payload_type(instance: Instance) -> None:
    root = json.dumps(instance.trusted_root()).encode()
    with pytest.raises(SigningError, match="only"):
        KeylessSigner(token(instance), b"{}", root).sign_bundle(b"", "text/plain")


def test_without_the_library_says_which_extra(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = json.dumps(instance.trusted_root()).encode()
    monkeypatch.setitem(sys.modules, "sigstore.sign", None)
    with pytest.raises(MissingExtraError, match=r"sigstore\]"):
        sign_payload(STATEMENT, KeylessSigner(token(instance), b"{}", root))


def test_a_token_is_not_shown(instance: Instance) -> None:
    secret = token(instance)
    assert secret not in repr(KeylessSigner(secret, b"{}", b"{}"))
