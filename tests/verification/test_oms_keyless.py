"""OMS bundles of the Sigstore method: an identity with its issuer, and a log entry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from provenance.cli.program import run
from provenance.signing import IdentityPattern, generate_private_key
from provenance.signing.keyless import KeylessVerifier, read_trusted_root
from provenance.verification import inspect_oms
from support import keyless
from support.keyless import IDENTITY, ISSUER, Instance
from support.oms import payload_of, statement, write_model

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.verification import Report


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    pytest.importorskip("rfc3161_client")
    return Instance(tmp_path_factory.mktemp("instance"))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model")


@pytest.fixture
def bundle(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return a bundle over the statement about the model."""
    monkeypatch.setattr(keyless, "STATEMENT", payload_of(statement()))
    return instance.bundle(instance.sign())


def check(
    model: Path, bundle: dict[str, Any], instance: Instance, identity: str = IDENTITY
) -> Report:
    signature = model.parent / "s.sig"
    signature.write_text(json.dumps(bundle), encoding="utf-8")
    root = read_trusted_root(json.dumps(instance.trusted_root()).encode())
    return inspect_oms(
        model, signature, keys=KeylessVerifier(IdentityPattern(identity), ISSUER, root)
    )


def test_a_sigstore_signature_verifies(
    model: Path, bundle: dict[str, Any], instance: Instance
) -> None:
    report = check(model, bundle, instance)
    assert report.verdict == "PASS"
    assert report.signer is not None
    assert (report.signer.kind, report.signer.identity) == ("keyless", IDENTITY)
    (model / "a/x").write_bytes(b"")
    assert check(model, bundle, instance).verdict == "FAIL"


def test_another_identity_is_refused(
    model: Path, bundle: dict[str, Any], instance: Instance
) -> None:
    assert check(model, bundle, instance, "mallory@example.org").verdict == "FAIL"


def test_a_bundle_without_log_entry_is_no_method(
    model: Path, bundle: dict[str, Any], instance: Instance
) -> None:
    bundle["verificationMaterial"]["tlogEntries"] = []
    assert "oms-method" in check(model, bundle, instance).codes()


def test_the_field_has_to_be_that_of_the_method(
    model: Path, bundle: dict[str, Any], instance: Instance
) -> None:
    material = bundle["verificationMaterial"]
    material["x509CertificateChain"] = {"certificates": [material.pop("certificate")]}
    report = check(model, bundle, instance)
    assert report.verdict == "FAIL"
    assert report.files is None


def test_a_key_verifies_no_sigstore_bundle(model: Path, bundle: dict[str, Any]) -> None:
    signature = model.parent / "s.sig"
    signature.write_text(json.dumps(bundle), encoding="utf-8")
    report = inspect_oms(model, signature, keys=generate_private_key().public_key)
    assert "signature-unsupported" in report.codes()


def test_the_command_takes_a_trusted_root(
    model: Path, bundle: dict[str, Any], instance: Instance, capsys: pytest.CaptureFixture[str]
) -> None:
    signature, root = model.parent / "s.sig", model.parent / "root.json"
    signature.write_text(json.dumps(bundle), encoding="utf-8")
    root.write_text(json.dumps(instance.trusted_root()), encoding="utf-8")
    arguments = ["verify-oms", str(model), "--signature", str(signature)]
    arguments += ["--trusted-root", str(root), "--issuer", ISSUER, "--identity"]
    assert run([*arguments, IDENTITY]) == 0
    assert capsys.readouterr().out.startswith("PASS")
    assert run([*arguments, "mallory@example.org"]) == 1
    assert capsys.readouterr().out.startswith("FAIL")
