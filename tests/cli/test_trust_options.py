"""The options that say whom to trust: the same everywhere, and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from provenance.cli.blocks import stream
from provenance.cli.named_trust import gather_trust
from provenance.cli.proofs import check_proof
from provenance.cli.signing_options import RSA_SCHEMES
from provenance.cli.trust_options import trust_options
from provenance.cli.verify import verify
from provenance.errors import UsageError
from provenance.signing import DEFAULT_SCHEMES, SCHEMES, PublicKey, generate_private_key
from provenance.signing.certificates import CertificateVerifier
from provenance.signing.ssh import SshKey
from support import certificates as made
from support.ssh_keys import public_line

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command
    from provenance.signing import PrivateKey

SHARED = (
    "keys",
    "model",
    "scheme",
    "allowed_signers",
    "principal",
    "authorized_keys",
    "ca",
    "identity",
    "identity_kind",
    "certificate_identity",
    "certificate_oidc_issuer",
    "trusted_root",
    "tsa",
)


def shared(command: click.Command) -> dict[str, dict[str, object]]:
    """Return what a command says of the shared options, in its order."""
    told = {str(item.name): item.to_info_dict() for item in command.params}
    return {name: told[name] for name in told if name in SHARED}


@pytest.mark.parametrize("command", [verify, stream, check_proof], ids=lambda item: item.name)
def test_commands_that_verify_have_the_shared_options(command: click.Command) -> None:
    @click.command
    @trust_options
    def alone(keys: object, model: object, policy: object) -> None:
        """Take the options and do nothing."""

    assert set(SHARED) <= set(shared(alone))
    assert shared(command) == shared(alone)


def test_schemes_are_those_of_the_table() -> None:
    assert {name for name, row in SCHEMES.items() if row.key == "rsa"} == set(RSA_SCHEMES)
    assert DEFAULT_SCHEMES["rsa"].scheme == RSA_SCHEMES[0]


class TestGathering:
    """`gather_trust`: from files to verifiers."""

    def test_key_files_stay_files_where_nothing_is_said_of_them(self, tmp_path: Path) -> None:
        assert gather_trust([tmp_path / "a"]) == ((tmp_path / "a",), None)

    def test_scheme_is_for_rsa_alone(self, tmp_path: Path) -> None:
        keys = [generate_private_key("rsa"), generate_private_key("ed25519")]
        files = [tmp_path / key.kind for key in keys]
        for file, key in zip(files, keys, strict=True):
            file.write_bytes(key.public_key.to_pem())
        found, _ = gather_trust(files, scheme="rsa-pkcs1v15-sha256")
        schemes = [key.scheme for key in found if isinstance(key, PublicKey)]
        assert schemes == ["rsa-pkcs1v15-sha256", "ed25519"]

    def test_allowed_signers_of_one_principal(self, tmp_path: Path) -> None:
        ours, other = generate_private_key("ed25519"), generate_private_key("ecdsa-p256")
        lines = [f"me@lab {public_line(ours.public_key)}", f"you {public_line(other.public_key)}"]
        (tmp_path / "list").write_text("\n".join(lines), encoding="utf-8")
        (key,), policy = gather_trust([], allowed_signers=tmp_path / "list", principal="me@lab")
        assert isinstance(key, SshKey)
        assert key.fingerprint == ours.fingerprint
        assert policy is None

    def test_authorized_keys(self, tmp_path: Path) -> None:
        ours = generate_private_key("ed25519")
        (tmp_path / "keys").write_text(public_line(ours.public_key), encoding="utf-8")
        (key,), _ = gather_trust([], authorized_keys=tmp_path / "keys")
        assert isinstance(key, SshKey)
        assert key.fingerprint == ours.fingerprint

    def test_rsa_key_of_a_list_takes_the_scheme(self, tmp_path: Path) -> None:
        rsa = generate_private_key("rsa")
        (tmp_path / "keys").write_text(public_line(rsa.public_key), encoding="utf-8")
        (key,), _ = gather_trust(
            [], authorized_keys=tmp_path / "keys", scheme="rsa-pkcs1v15-sha256"
        )
        assert isinstance(key, SshKey)
        assert key.scheme == "rsa-pkcs1v15-sha256"

    def test_authority_and_name_make_one_identity(self, tmp_path: Path) -> None:
        root = made.authority(None, "root")
        pem = root.certificate.public_bytes(Encoding.PEM)
        (tmp_path / "ca.pem").write_bytes(pem)
        (found,), _ = gather_trust([], ca=tmp_path / "ca.pem", identity="me@lab.example")
        assert isinstance(found, CertificateVerifier)
        assert found.pool.anchors == (root.certificate,)

    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            ({"ca": "ca"}, "one of them was given"),
            ({"identity": "me@lab.example"}, "one of them was given"),
            ({"identity_kind": "email"}, "one of them was given"),
            ({"principal": "me"}, "goes with --allowed-signers"),
            ({"ca": "ca", "identity": "*"}, "the domain may hold no wildcard"),
            ({"ca": "ca", "identity": "me@lab.example"}, "ca"),
            ({"allowed_signers": "nowhere"}, "nowhere"),
            ({"authorized_keys": "ca"}, "ca"),
            ({"certificate_identity": "me@lab.example"}, "who vouches for it"),
            ({"certificate_oidc_issuer": "https://lab.example"}, "who vouches for it"),
            ({"trusted_root": "ca"}, "who vouches for it"),
            ({"certificate_identity": "a", "certificate_oidc_issuer": "b"}, "nothing is fetched"),
            ({"tsa": ["ca"]}, "ca"),
            ({"policy": "nowhere"}, "nowhere"),
        ],
        ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
    )
    def test_what_makes_no_sense_is_a_wrong_option(
        self, tmp_path: Path, options: dict[str, object], problem: str
    ) -> None:
        (tmp_path / "ca").write_bytes(b"no certificate\n")
        files = {"ca", "allowed_signers", "authorized_keys", "policy"}
        named = {
            name: tmp_path / str(value) if name in files else value
            for name, value in options.items()
        }
        if "tsa" in named:
            pytest.importorskip("rfc3161_client", reason="the extra timestamps is not installed")
            named["tsa"] = [tmp_path / "ca"]
        with pytest.raises(UsageError, match=problem):
            gather_trust([], **named)  # type: ignore[arg-type]  # the options of each row


def test_a_fingerprint_is_no_key(cli: Command, signed: Path, key: PrivateKey) -> None:
    assert signed.is_dir()
    refused = cli("verify", "model", "--key", key.fingerprint)
    assert refused.code == 2
    assert "is a fingerprint" in refused.err
    assert "`provenance trust add FILE --model NAME --fingerprint SHA256:…`" in refused.err


def test_keys_of_a_list_that_do_not_count_are_warned_of(
    cli: Command, signed: Path, key: PrivateKey, work: Path
) -> None:
    assert signed.is_dir()
    line = public_line(key.public_key)
    (work / "me.keys").write_text(f"sk-ssh-ed25519@openssh.com AAAA phone\n{line} me\n")
    done = cli("verify", "model", "--authorized-keys", "me.keys")
    assert done.code == 0
    assert "warning: me.keys:1: this key does not count: a key of a security key" in done.err
    (work / "allowed").write_text(f"me@lab,you@lab {line}\n")
    done = cli("verify", "model", "--allowed-signers", "allowed", "--principal", "me@lab")
    assert done.code == 0, done.err
    assert "which your list calls 'me@lab, you@lab'" in done.out
