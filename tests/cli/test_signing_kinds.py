"""Every kind of key on the command line: a real tool makes it, we sign, time, co-sign and verify.

The table of `docs/reference/signing-kinds.md` names these tests, one for each of its cells.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from cli.small_release import BUNDLE
from provenance.cli.named_trust import gather_trust
from provenance.signing import generate_private_key, write_key_pair
from provenance.verification import inspect
from support.keyless import IDENTITY, ISSUER, Instance
from support.keyless_services import serve
from support.keyless_services import token as token_of
from support.ssh_keys import running_agent, ssh_program
from support.timestamps import make_authority, openssl, serve_stamps
from support.tokens import PIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cli.conftest import Command

pytestmark = pytest.mark.usefixtures("draft")

OPENSSL_KEYS = {
    "ecdsa-p256": ("EC", "ec_paramgen_curve:P-256"),
    "ecdsa-p384": ("EC", "ec_paramgen_curve:P-384"),
    "ecdsa-p521": ("EC", "ec_paramgen_curve:P-521"),
    "ed25519": ("ED25519", ""),
    "rsa": ("RSA", "rsa_keygen_bits:2048"),
}
SSH_KEYS = {"ed25519": (), "ecdsa": ("-b", "256"), "rsa": ("-b", "3072")}
NAME = ("--ca", "ca.pem", "--identity", "trainer@lab.example")
LEAF = """
[signer]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = codeSigning
subjectAltName = email:trainer@lab.example, URI:https://lab.example/ci/train
"""


def good(cli: Command, *arguments: object) -> str:
    done = cli(*arguments)
    assert done.code == 0, done.err + done.out
    return done.out


def verdict(cli: Command, *options: object) -> int:
    """Return the exit code of `verify`: 0 PASS, 1 FAIL."""
    return cli("verify", "model", *options).code


def openssl_key(kind: str, name: str = "me.key") -> None:
    algorithm, option = OPENSSL_KEYS[kind]
    options = ["-pkeyopt", option] if option else []
    openssl("genpkey", "-algorithm", algorithm, *options, "-out", name)
    openssl("pkey", "-in", name, "-pubout", "-out", f"{name}.pub")


def ssh_key(kind: str, name: str = "me") -> None:
    options = [*SSH_KEYS[kind], "-N", "", "-C", "me@lab", "-f", name]
    subprocess.run([ssh_program("ssh-keygen"), "-q", "-t", kind, *options], check=True)


@pytest.fixture
def stranger(work: Path) -> str:
    """Return the file of a public key that signed nothing."""
    write_key_pair(work / "stranger.key", generate_private_key("ed25519"))
    return "stranger.key.pub"


def export(work: Path, uri: str) -> None:
    """Write the public key of a token into `token.pub`."""
    from provenance.signing.tokens import TokenSigner  # noqa: PLC0415 - needs the extra

    key = TokenSigner.open(uri, PIN).public_key
    (work / "token.pub").write_bytes(key.to_pem())


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package that brings signers, as `pip` would lay it out."""
    site = tmp_path / "site"
    metadata = site / "house_kms-1.0.dist-info"
    metadata.mkdir(parents=True)
    code = (
        "from provenance.signing import load_private_key\n"
        "def open_key(reference):\n"
        "    return load_private_key(reference.removeprefix('house-kms:'))\n"
    )
    (site / "house_kms.py").write_text(code)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: house-kms\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[provenance.signers]\nhouse-kms = house_kms:open_key\n"
    )
    monkeypatch.syspath_prepend(str(site))


@pytest.fixture
def issued(work: Path) -> str:
    """Make an authority, and a certificate `me.pem` for `me.key`; return the latter's name."""
    (work / "ext").write_text(LEAF)
    openssl_key("ecdsa-p256", "ca.key")
    usage = ["-addext", "keyUsage=critical,keyCertSign"]
    openssl("req", "-x509", "-key", "ca.key", "-subj", "/CN=Lab CA", *usage, "-out", "ca.pem")
    openssl_key("ecdsa-p384", "me.key")
    openssl("req", "-new", "-key", "me.key", "-subj", "/CN=Trainer", "-out", "me.csr")
    issue = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", 9]
    extensions = ["-extfile", "ext", "-extensions", "signer"]
    openssl("x509", "-req", "-in", "me.csr", *issue, *extensions, "-out", "me.pem")
    return "me.pem"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """Return an authority, logs and a timestamp authority."""
    pytest.importorskip("sigstore", reason="the extra sigstore is not installed")
    return Instance(tmp_path_factory.mktemp("instance"))


class TestKeyFiles:
    """Keys in files, of every kind."""

    @pytest.mark.parametrize("kind", OPENSSL_KEYS)
    def test_key_of_openssl_signs_and_verifies(
        self, cli: Command, kind: str, stranger: str
    ) -> None:
        openssl_key(kind)
        assert f"({kind}" in good(cli, "sign", "model", "--key", "me.key")
        assert verdict(cli, "--key", "me.key.pub") == 0
        assert verdict(cli, "--key", stranger) == 1

    @pytest.mark.parametrize("kind", [*OPENSSL_KEYS, "ml-dsa-65"])
    def test_key_of_keygen_signs_and_verifies(self, cli: Command, kind: str, stranger: str) -> None:
        good(cli, "keygen", "me.key", "--kind", kind)
        good(cli, "sign", "model", "--key", "me.key")
        assert verdict(cli, "--key", "me.key.pub") == 0
        assert verdict(cli, "--key", stranger) == 1

    def test_rsa_signs_by_pkcs1_where_both_sides_name_it(self, cli: Command) -> None:
        openssl_key("rsa")
        scheme = ("--scheme", "rsa-pkcs1v15-sha256")
        good(cli, "sign", "model", "--key", "me.key", *scheme)
        assert verdict(cli, "--key", "me.key.pub") == 1
        assert verdict(cli, "--key", "me.key.pub", *scheme) == 0

    @pytest.mark.parametrize("kind", [*OPENSSL_KEYS, "ml-dsa-65"])
    def test_key_cosigns(self, cli: Command, kind: str) -> None:
        good(cli, "keygen", "first.key")
        good(cli, "keygen", "me.key", "--kind", kind)
        good(cli, "sign", "model", "--key", "first.key")
        good(cli, "cosign", "model", "--key", "me.key")
        assert verdict(cli, "--key", "first.key.pub", "--key", "me.key.pub") == 0

    def test_classical_and_post_quantum_keys_sign_the_same_manifest(self, cli: Command) -> None:
        good(cli, "keygen", "classical.key")
        good(cli, "keygen", "quantum.key", "--kind", "ml-dsa-65")
        good(cli, "sign", "model", "--key", "classical.key", "--key", "quantum.key")
        assert verdict(cli, "--key", "classical.key.pub", "--key", "quantum.key.pub") == 0


class TestSsh:
    """Keys of OpenSSH, in files, lists and a running agent."""

    @pytest.mark.parametrize("kind", SSH_KEYS)
    def test_key_of_ssh_keygen_signs_and_verifies(
        self, cli: Command, kind: str, stranger: str
    ) -> None:
        ssh_key(kind)
        good(cli, "sign", "model", "--key", "me")
        assert verdict(cli, "--key", "me.pub") == 0
        assert verdict(cli, "--key", stranger) == 1

    def test_allowed_signers_and_authorized_keys_verify(self, cli: Command, work: Path) -> None:
        ssh_key("ed25519")
        line = (work / "me.pub").read_text()
        (work / "signers").write_text(f'me@lab namespaces="training-provenance" {line}')
        (work / "git").write_text(f'me@lab namespaces="git" {line}')
        good(cli, "sign", "model", "--key", "me")
        assert verdict(cli, "--allowed-signers", "signers", "--principal", "me@lab") == 0
        assert verdict(cli, "--allowed-signers", "signers", "--principal", "you@lab") == 2
        assert verdict(cli, "--allowed-signers", "git") == 2
        assert verdict(cli, "--authorized-keys", "me.pub") == 0

    @pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
    def test_key_in_a_running_agent_signs_and_cosigns(
        self,
        cli: Command,
        work: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        kind: str,
    ) -> None:
        ssh_key(kind)
        with running_agent(tmp_path) as agent:
            monkeypatch.setenv("SSH_AUTH_SOCK", agent)
            subprocess.run([ssh_program("ssh-add"), "-q", "me"], check=True, env=dict(os.environ))
            (work / "me").unlink()  # the agent alone has it now
            good(cli, "sign", "model", "--key", "ssh-agent:me.pub")
            assert verdict(cli, "--key", "me.pub") == 0
            good(cli, "keygen", "other.key")
            good(cli, "sign", "model", "--key", "other.key", "--overwrite")
            good(cli, "cosign", "model", "--key", "ssh-agent:me.pub")
            assert verdict(cli, "--key", "me.pub", "--key", "other.key.pub") == 0


class TestTokens:
    """Keys in a PKCS#11 token: SoftHSM2."""

    @pytest.mark.parametrize("label", ["p256", "p384", "p521", "ed", "rsa"])
    def test_key_in_a_token_signs_and_its_exported_key_verifies(
        self, cli: Command, work: Path, token: str, label: str
    ) -> None:
        (work / "pin").write_text(f"{PIN}\n")
        uri = f"pkcs11:token=lab;object={label}?{token}"
        good(cli, "sign", "model", "--key", uri, "--password-file", "pin")
        export(work, uri)
        assert verdict(cli, "--key", "token.pub") == 0

    def test_key_in_a_token_cosigns(self, cli: Command, work: Path, token: str) -> None:
        (work / "pin").write_text(f"{PIN}\n")
        uri = f"pkcs11:token=lab;object=p256?{token}&pin-source={work / 'pin'}"
        good(cli, "keygen", "me.key")
        good(cli, "sign", "model", "--key", "me.key")
        good(cli, "cosign", "model", "--key", uri)
        export(work, uri)
        assert verdict(cli, "--key", "token.pub", "--key", "me.key.pub") == 0


class TestPlugIns:
    """Keys that another package brings."""

    @pytest.mark.usefixtures("plug_in")
    def test_key_of_a_plug_in_signs_and_cosigns(self, cli: Command) -> None:
        for name in ("me.key", "other.key"):
            good(cli, "keygen", name)
        good(cli, "sign", "model", "--key", "house-kms:me.key")
        good(cli, "cosign", "model", "--key", "house-kms:other.key")
        assert verdict(cli, "--key", "me.key.pub", "--key", "other.key.pub") == 0


class TestCertificates:
    """Keys with a certificate of a private authority, made by openssl."""

    def test_certificate_of_openssl_signs_and_verifies(self, cli: Command, issued: str) -> None:
        good(cli, "sign", "model", "--key", "me.key", "--certificate", issued)
        assert verdict(cli, *NAME) == 0
        assert verdict(cli, *NAME, "--identity-kind", "email") == 0
        pattern = "https://lab.example/ci/*"
        assert verdict(cli, "--ca", "ca.pem", "--identity", pattern) == 0

    def test_other_names_and_authorities_fail(self, cli: Command, issued: str) -> None:
        good(cli, "sign", "model", "--key", "me.key", "--certificate", issued)
        other = ("--ca", "ca.pem", "--identity", "Trainer@lab.example")
        assert verdict(cli, *other) == 1
        assert verdict(cli, *NAME, "--identity-kind", "dns") == 1
        assert verdict(cli, "--key", "me.key.pub") == 1  # a bare key was named
        openssl_key("ed25519", "x.key")
        openssl("req", "-x509", "-key", "x.key", "-subj", "/CN=Lab CA", "-out", "ca.pem")
        assert verdict(cli, *NAME) == 1

    def test_end_of_the_certificate_is_said_unless_a_time_is_witnessed(
        self, cli: Command, issued: str, tmp_path: Path
    ) -> None:
        arguments = ("sign", "model", "--key", "me.key", "--certificate", issued, "--overwrite")
        assert "ends with its certificate on 20" in cli(*arguments).err
        pytest.importorskip("rfc3161_client", reason="the extra timestamps is not installed")
        with serve_stamps(make_authority(tmp_path / "tsa").answer) as url:
            done = cli(*arguments, "--timestamp", url)
        assert "ends with its certificate" not in done.err
        assert "Identity:  trainer@lab.example" in done.out
        assert "Timestamp: 20" in done.out

    def test_authorities_that_stay_out_of_the_bundle_are_named(
        self, cli: Command, issued: str, work: Path
    ) -> None:
        middle, chain = work / "middle.pem", work / "chain.pem"
        openssl("req", "-new", "-key", "ca.key", "-subj", "/CN=Lab Middle", "-out", "m.csr")
        (work / "m.ext").write_text("basicConstraints = critical,CA:TRUE\n")
        openssl(
            *("x509", "-req", "-in", "m.csr", "-CA", "ca.pem", "-CAkey", "ca.key"),
            *("-CAcreateserial", "-extfile", "m.ext", "-out", middle),
        )
        chain.write_bytes((work / issued).read_bytes() + middle.read_bytes())
        done = cli("sign", "model", "--key", "me.key", "--certificate", "chain.pem")
        assert done.code == 0
        assert "needs these authorities in the file of --ca" in done.err
        assert "CN=Lab Middle" in done.err

    def test_certificate_cosigns(self, cli: Command, issued: str) -> None:
        good(cli, "keygen", "first.key")
        good(cli, "sign", "model", "--key", "first.key")
        good(cli, "cosign", "model", "--key", "me.key", "--certificate", issued)
        assert verdict(cli, "--key", "first.key.pub", *NAME) == 0

    def test_certificate_counts_wherever_a_signature_is_verified(
        self, cli: Command, issued: str
    ) -> None:
        good(cli, "sign", "model", "--key", "me.key", "--certificate", issued)
        stream = ("stream", "model", "README.md", "model/README.md", "-o")
        good(cli, *stream, "copy", *NAME)
        good(cli, "prove", "model", "README.md", "-o", "proof.json")
        check = ("check-proof", "proof.json", "model/README.md", "--manifest", f"model/{BUNDLE}")
        good(cli, *check, *NAME)
        other = (*NAME[:3], "x@lab.example")
        assert cli(*stream, "other", *other).code == 1
        assert cli(*check, *other).code == 1

    def test_certificate_of_another_key_is_refused(
        self, cli: Command, issued: str, work: Path
    ) -> None:
        good(cli, "keygen", "other.key")
        for more in ((), ("--key", "ca.key")):
            options = ("--key", "other.key", *more, "--certificate", issued)
            assert cli("sign", "model", *options).code == 1
        twice = ("--certificate", issued, "--certificate", issued)
        assert cli("sign", "model", "--key", "me.key", *twice).code == 2
        assert not (work / "model" / BUNDLE).exists()


class TestKeyless:
    """An identity of Sigstore, with services made here; the library `sigstore` asks them."""

    WHO = ("--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER)
    ROOT = ("--trusted-root", "root.json")

    @pytest.fixture
    def signs(self, instance: Instance, work: Path) -> Iterator[tuple[str, ...]]:
        """Yield the options by which the identity signs, while its services answer."""
        (work / "root.json").write_text(json.dumps(instance.trusted_root()))
        (work / "token").write_text(f"{token_of(instance)}\n")
        with serve(instance) as services:
            (work / "services.json").write_bytes(services)
            yield ("--identity-token", "token", "--signing-config", "services.json", *self.ROOT)

    def test_identity_signs_and_verifies_offline(
        self, cli: Command, signs: tuple[str, ...]
    ) -> None:
        said = good(cli, "sign", "model", *signs)
        assert "made for this signature alone" in said
        assert f"Identity:  {IDENTITY} (issuer {ISSUER})" in said
        assert "Log entry: " in said
        assert "Timestamp: 20" in said
        shown = good(cli, "verify", "model", *self.WHO, *self.ROOT)
        assert IDENTITY in shown
        assert "at the latest" in shown  # the services stamped it
        other = ("--certificate-identity", "x@example.org", *self.WHO[2:])
        assert verdict(cli, *other, *self.ROOT) == 1

    def test_identity_cosigns(self, cli: Command, signs: tuple[str, ...]) -> None:
        good(cli, "keygen", "me.key")
        good(cli, "sign", "model", "--key", "me.key")
        good(cli, "cosign", "model", *signs, "--name", "identity")
        assert verdict(cli, "--key", "me.key.pub", *self.WHO, *self.ROOT) == 0

    def test_key_and_identity_sign_at_once(self, cli: Command, signs: tuple[str, ...]) -> None:
        good(cli, "keygen", "me.key")
        good(cli, "sign", "model", "--key", "me.key", *signs)
        assert verdict(cli, "--key", "me.key.pub", *self.WHO, *self.ROOT) == 0

    def test_token_without_services_is_a_wrong_option(self, cli: Command, work: Path) -> None:
        (work / "token").write_text("x")
        for options in (("--identity-token", "token"), self.ROOT, ()):
            assert cli("sign", "model", *options).code == 2
        assert not (work / "model" / BUNDLE).exists()


class TestTimestamps:
    """RFC 3161 timestamps of `openssl ts`, over HTTP on this machine."""

    @pytest.fixture
    def tsa(self, tmp_path: Path) -> Iterator[str]:
        """Yield the address of an authority; its root is `tsa/ca.pem` beside the working folder."""
        pytest.importorskip("rfc3161_client", reason="the extra timestamps is not installed")
        with serve_stamps(make_authority(tmp_path / "tsa").answer) as url:
            yield url

    @pytest.mark.parametrize("kind", [*OPENSSL_KEYS, "ml-dsa-65"])
    def test_signature_is_timestamped_and_the_time_verified(
        self, cli: Command, tsa: str, kind: str
    ) -> None:
        good(cli, "keygen", "me.key", "--kind", kind)
        made = json.loads(
            good(cli, "sign", "model", "--key", "me.key", "--timestamp", tsa, "--format", "json")
        )
        (stamp,) = made["signatures"][0]["timestamps"]
        assert stamp["authority"] == "'CN=tsa'"
        shown = good(cli, "verify", "model", "--key", "me.key.pub", "--tsa", "../tsa/ca.pem")
        assert "at the latest" in shown
        assert "at the latest" not in good(cli, "verify", "model", "--key", "me.key.pub")

    def test_without_the_library_nothing_is_said_to_be_wrong(
        self, cli: Command, tsa: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        good(cli, "keygen", "me.key")
        good(cli, "sign", "model", "--key", "me.key", "--timestamp", tsa)
        monkeypatch.setitem(sys.modules, "rfc3161_client", None)
        done = cli("verify", "model", "--key", "me.key.pub", "--tsa", "../tsa/ca.pem")
        assert done.code == 4
        assert "training-provenance[timestamps]" in done.err
        assert verdict(cli, "--key", "me.key.pub") == 0

    def test_cosignature_is_timestamped(self, cli: Command, tsa: str) -> None:
        for name in ("me.key", "other.key"):
            good(cli, "keygen", name)
        good(cli, "sign", "model", "--key", "me.key")
        good(cli, "cosign", "model", "--key", "other.key", "--timestamp", tsa)
        keys = ("--key", "me.key.pub", "--key", "other.key.pub")
        assert verdict(cli, *keys, "--tsa", "../tsa/ca.pem") == 0

    def test_authority_that_does_not_answer_leaves_nothing(self, cli: Command, work: Path) -> None:
        pytest.importorskip("rfc3161_client", reason="the extra timestamps is not installed")
        good(cli, "keygen", "me.key")
        with serve_stamps(lambda _: b"no", code=500) as url:
            refused = cli("sign", "model", "--key", "me.key", "--timestamp", url)
        assert refused.code == 1
        assert "127.0.0.1" in refused.err
        assert not (work / "model" / BUNDLE).exists()

    def test_signature_of_an_ssh_key_is_timestamped(self, cli: Command, tsa: str) -> None:
        ssh_key("ed25519")
        self._check(cli, tsa, ("--key", "me"), ("--key", "me.pub"))

    def test_signature_of_an_agent_is_timestamped(
        self, cli: Command, tsa: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ssh_key("ed25519")
        with running_agent(tmp_path) as agent:
            monkeypatch.setenv("SSH_AUTH_SOCK", agent)
            subprocess.run([ssh_program("ssh-add"), "-q", "me"], check=True, env=dict(os.environ))
            self._check(cli, tsa, ("--key", "ssh-agent:me.pub"), ("--key", "me.pub"))

    def test_signature_of_a_token_is_timestamped(
        self, cli: Command, tsa: str, token: str, work: Path
    ) -> None:
        (work / "pin").write_text(f"{PIN}\n")
        uri = f"pkcs11:token=lab;object=p256?{token}&pin-source={work / 'pin'}"
        export(work, uri)
        self._check(cli, tsa, ("--key", uri), ("--key", "token.pub"))

    @pytest.mark.usefixtures("plug_in")
    def test_signature_of_a_plug_in_is_timestamped(self, cli: Command, tsa: str) -> None:
        good(cli, "keygen", "me.key")
        self._check(cli, tsa, ("--key", "house-kms:me.key"), ("--key", "me.key.pub"))

    def test_signature_with_a_certificate_is_timestamped(
        self, cli: Command, tsa: str, issued: str
    ) -> None:
        self._check(cli, tsa, ("--key", "me.key", "--certificate", issued), NAME)

    def test_certificate_that_ran_out_counts_by_its_timestamp_alone(
        self, cli: Command, tsa: str, issued: str, work: Path
    ) -> None:
        self._check(cli, tsa, ("--key", "me.key", "--certificate", issued), NAME)
        files = {"ca": work / "ca.pem", "identity": "trainer@lab.example"}
        keys, policy = gather_trust([], **files, tsa=[work / "../tsa/ca.pem"])  # type: ignore[arg-type]  # a table of options

        def later() -> datetime:
            return datetime.now(UTC) + timedelta(days=400)

        timed = inspect(work / "model", keys=keys, policy=policy, clock=later)
        untimed = inspect(work / "model", keys=keys, clock=later)
        assert (str(timed.verdict), str(untimed.verdict)) == ("PASS", "FAIL")
        assert "certificate-expired" in {it.code for it in untimed.findings}

    @staticmethod
    def _check(cli: Command, tsa: str, signs: Sequence[str], verifies: Sequence[str]) -> None:
        good(cli, "sign", "model", *signs, "--timestamp", tsa)
        shown = good(cli, "verify", "model", *verifies, "--tsa", "../tsa/ca.pem")
        assert "at the latest" in shown
