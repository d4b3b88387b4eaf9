"""Programs of others verify what we sign, and refuse it once it is changed.

For every scheme both ways are tested: whoever the table of schemes names verifies it, and whoever
it does not name refuses it, so that the table promises neither too much nor too little.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

from provenance.digest import DigestSet
from provenance.envelope import Subject, pae, write_bundle, write_envelope, write_statement
from provenance.signing import SCHEMES, PrivateKey, generate_private_key, sign_payload
from provenance.signing.certificates import CertificateSigner
from support import certificates as made
from support.timestamps import make_authority

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provenance.envelope import Bundle

PAYLOAD = write_statement(
    [Subject(name="tiny", digest=DigestSet({"sha256": "a" * 64}))], "https://model.example/v1", {}
)
#: Runs with Node.js 18 and newer.
SIGSTORE_JS = "@sigstore/verify@3.1.1"
#: Reads a bundle and whom to trust, prints `verified`, or why not.
SCRIPT = """
const { bundleFromJSON } = require("@sigstore/bundle");
const { Verifier, toSignedEntity, toTrustMaterial } = require("@sigstore/verify");
const { TrustedRoot } = require("@sigstore/protobuf-specs");
const given = JSON.parse(require("fs").readFileSync(0));
const keys = {};
for (const [hint, spki] of Object.entries(given.keys)) {
  const pem = `-----BEGIN PUBLIC KEY-----\\n${spki}\\n-----END PUBLIC KEY-----\\n`;
  keys[hint] = { rawBytes: pem };
}
try {
  const root = toTrustMaterial(TrustedRoot.fromJSON(given.root), keys);
  const options = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: given.timestamps };
  const entity = toSignedEntity(bundleFromJSON(given.bundle));
  const signer = new Verifier(root, options).verify(entity);
  console.log("verified", signer.identity?.subjectAlternativeName ?? "");
} catch (error) {
  console.log(`refused: ${error.code} ${error.message}`);
}
"""


@pytest.fixture(scope="module")
def key() -> Callable[[str], PrivateKey]:
    """Return a function that makes a key that signs by a scheme."""

    def make(scheme: str) -> PrivateKey:
        pem = generate_private_key(SCHEMES[scheme].key).to_pem()
        return PrivateKey.from_pem(pem, scheme=scheme)

    return make


def changed(bundle: Bundle) -> Bundle:
    """Return a bundle whose payload is another one."""
    payload = bundle.envelope.payload.replace(b"tiny", b"huge")
    return replace(bundle, envelope=replace(bundle.envelope, payload=payload))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_securesystemslib_verifies_what_the_table_says(
    key: Callable[[str], PrivateKey], scheme: str
) -> None:
    library = pytest.importorskip("securesystemslib.dsse", reason="securesystemslib is not here")
    keys = pytest.importorskip("securesystemslib.signer", reason="securesystemslib is not here")
    signer = key(scheme)
    handle = load_der_public_key(signer.public_key.spki)
    trusted = keys.SSlibKey.from_crypto(handle, keyid=signer.hint)
    bundle = sign_payload(PAYLOAD, signer)

    def verifies(one: Bundle) -> bool:
        envelope = library.Envelope.from_dict(json.loads(write_envelope(one.envelope)))
        try:
            envelope.verify([trusted], threshold=1)
        except library.exceptions.VerificationError:
            return False
        return True

    assert verifies(bundle) == ("securesystemslib" in SCHEMES[scheme].others)
    assert not verifies(changed(bundle))


def test_the_openssl_program_verifies_ed25519(
    openssl: Callable[..., bytes], key: Callable[[str], PrivateKey], tmp_path: Path
) -> None:
    signer = key("ed25519")
    bundle = sign_payload(PAYLOAD, signer)
    envelope = bundle.envelope
    message = pae(envelope.payload_type, envelope.payload)
    for name, data in {"sig": envelope.signatures[0].sig, "m": message}.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "pub").write_bytes(signer.public_key.to_pem())
    files = ("-inkey", tmp_path / "pub", "-sigfile", tmp_path / "sig", "-in", tmp_path / "m")
    told = openssl("pkeyutl", "-verify", "-pubin", "-rawin", *files)
    assert b"Verified Successfully" in told


@pytest.fixture(scope="module")
def sigstore_js(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Install sigstore-js into a folder of its own and return a function that verifies with it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("there is no Node.js with npm here")
    folder = tmp_path_factory.mktemp("sigstore-js")
    (folder / "verify.js").write_text(SCRIPT, encoding="utf-8")
    quiet = ["--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--loglevel=error"]
    done = subprocess.run(
        [npm, "install", *quiet, "--prefix", str(folder), SIGSTORE_JS],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode:
        pytest.skip(f"npm cannot install {SIGSTORE_JS}: {done.stderr.strip()[-200:]}")

    def verify(bundle: Bundle, *, keys: dict[str, str] | None = None, **more: object) -> str:
        given = {
            "bundle": json.loads(write_bundle(bundle)),
            "keys": keys or {},
            "root": more.pop("root", {}),
            "timestamps": more.pop("timestamps", 0),
        }
        return subprocess.run(
            [node, "verify.js"],
            cwd=folder,
            input=json.dumps(given),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.strip()

    return verify


def spki(signer: PrivateKey) -> dict[str, str]:
    return {signer.hint: b64encode(signer.public_key.spki).decode()}


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
def test_sigstore_js_verifies_what_the_table_says(
    sigstore_js: Callable[..., str], key: Callable[[str], PrivateKey], scheme: str
) -> None:
    signer = key(scheme)
    bundle = sign_payload(PAYLOAD, signer)
    said = sigstore_js(bundle, keys=spki(signer))
    assert (said == "verified") == ("sigstore-js" in SCHEMES[scheme].others), said
    assert sigstore_js(changed(bundle), keys=spki(signer)).startswith("refused: ")


def authority(*chain: bytes) -> dict[str, object]:
    """Return an authority of a trusted root, whose leaf comes first."""
    start = (datetime.now(UTC) - timedelta(days=99)).isoformat()
    certificates = [{"rawBytes": b64encode(der).decode()} for der in chain]
    return {"certChain": {"certificates": certificates}, "validFor": {"start": start}}


@pytest.mark.slow
def test_sigstore_js_verifies_timestamps_and_certificates(
    sigstore_js: Callable[..., str], tmp_path: Path
) -> None:
    pytest.importorskip("rfc3161_client", reason="the extra timestamps is not installed")
    tsa = make_authority(tmp_path / "tsa")
    start = datetime.now(UTC) - timedelta(days=2)
    root = made.authority(None, "root", start=start, end=start + timedelta(days=9))
    issued = made.signer(root, start=start, end=start + timedelta(days=9))
    ca, leaf, tsa_root, tsa_leaf = (
        one.public_bytes(Encoding.DER)
        for one in (root.certificate, issued.certificate, tsa.root, tsa.certificate)
    )
    trusted = {
        "certificateAuthorities": [authority(ca)],
        "timestampAuthorities": [authority(tsa_leaf, tsa_root)],
    }
    signer = CertificateSigner.of(PrivateKey.from_handle(issued.key), leaf)
    bundle = sign_payload(PAYLOAD, signer, timestamps=[tsa])
    said = sigstore_js(bundle, root=trusted, timestamps=1)
    assert said == "verified trainer@example.org"
    assert sigstore_js(changed(bundle), root=trusted, timestamps=1).startswith("refused: ")
    other = {**trusted, "certificateAuthorities": [authority(tsa_root)]}
    assert sigstore_js(bundle, root=other, timestamps=1).startswith("refused: CERTIFICATE_ERROR")
    bare = generate_private_key()
    timed = sign_payload(PAYLOAD, bare, timestamps=[tsa])
    assert sigstore_js(timed, keys=spki(bare), root=trusted, timestamps=1) == "verified"
    assert sigstore_js(timed, keys=spki(bare)).startswith("refused: TIMESTAMP_ERROR")
