"""`provenance verify` of a release that an identity signed, with the options of every command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cli.small_release import BUNDLE
from provenance.envelope import parse_bundle, write_bundle
from provenance.recording import cosign_release
from provenance.signing import (
    IdentityPattern,
    KeylessSigner,
    KeylessVerifier,
    read_trusted_root,
    sign_payload,
    verify_bundle,
)
from support.keyless import IDENTITY, ISSUER, Instance
from support.keyless_services import serve, token

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command
    from provenance.signing import PrivateKey

pytest.importorskip("sigstore")

WHO = ("--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER)


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    return Instance(tmp_path_factory.mktemp("instance"))


@pytest.fixture
def by_identity(draft: Path, instance: Instance) -> Path:
    """Return a release that an identity signed, beside the trusted root."""
    payload = (draft.with_name("model.draft") / "statement.json").read_bytes()
    root = json.dumps(instance.trusted_root()).encode()
    (draft.parent / "root.json").write_bytes(root)
    with serve(instance) as services:
        bundle = sign_payload(payload, KeylessSigner(token(instance), services, root))
    (draft / BUNDLE).write_bytes(write_bundle(bundle))
    return draft


def test_passes_and_names_the_identity(cli: Command, by_identity: Path) -> None:
    done = cli("verify", by_identity, *WHO, "--trusted-root", "root.json")
    assert done.code == 0, done.out + done.err
    assert IDENTITY in done.out


def test_cosigns_what_a_key_signed(
    cli: Command, signed: Path, key: PrivateKey, instance: Instance
) -> None:
    root = json.dumps(instance.trusted_root()).encode()
    with serve(instance) as services:
        (path,) = cosign_release(signed, KeylessSigner(token(instance), services, root))
    verifier = KeylessVerifier(IdentityPattern(IDENTITY), ISSUER, read_trusted_root(root))
    assert verify_bundle(parse_bundle(path.read_bytes()), [verifier]).signer.identity == IDENTITY
    assert key.fingerprint in cli("verify", signed, "--key", "me.key.pub").out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--certificate-identity", "x@example.org", *WHO[2:]), "identity-mismatch"),
        ((*WHO[:3], "https://accounts.example.com"), "identity-mismatch"),
    ],
    ids=["other identity", "other issuer"],
)
def test_fails_for_somebody_else(
    cli: Command, by_identity: Path, arguments: tuple[str, ...], code: str
) -> None:
    options = ("--trusted-root", "root.json", "--format", "json")
    done = cli("verify", by_identity, *arguments, *options)
    assert done.code == 1
    assert code in {finding["code"] for finding in json.loads(done.out)["findings"]}


@pytest.mark.parametrize(
    "arguments",
    [WHO, WHO[:2], WHO[2:], ("--trusted-root", "root.json"), (*WHO, "--trusted-root", "none")],
    ids=["no root", "identity alone", "issuer alone", "root alone", "no such root"],
)
def test_half_of_the_options_is_a_wrong_option(
    cli: Command, by_identity: Path, arguments: tuple[str, ...]
) -> None:
    done = cli("verify", by_identity, *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
