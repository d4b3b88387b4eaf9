"""What commands that sign say of what they have made, also where it is odd."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provenance.cli.signing_results import describe_signature
from provenance.envelope import write_bundle
from provenance.signing import generate_private_key, sign_payload
from provenance.signing.certificates import CertificateSigner

if TYPE_CHECKING:
    from pathlib import Path

KEY = generate_private_key("ed25519")
BUNDLE = sign_payload(b"{}", KEY)


def test_a_bare_key_has_no_witnesses(tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    path.write_bytes(write_bundle(BUNDLE))
    assert describe_signature(path, KEY) == {
        "bundle": str(path),
        "fingerprint": KEY.fingerprint,
        "identity": None,
        "issuer": None,
        "logEntries": [],
        "scheme": "ed25519",
        "sshFingerprint": None,
        "timestamps": [],
    }


def test_what_a_plug_in_made_is_described_as_far_as_it_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    signature = replace(BUNDLE.envelope.signatures[0], keyid="")
    odd = replace(
        BUNDLE,
        envelope=replace(BUNDLE.envelope, signatures=(signature,)),
        key_hint=None,
        certificate=b"no certificate",
        tlog_entries=({"logIndex": "x"},),
        timestamps=(b"no timestamp",),
    )
    path.write_bytes(write_bundle(odd))
    found = describe_signature(path, CertificateSigner(KEY, b"no certificate"))
    assert (found["identity"], found["issuer"]) == (None, None)
    assert (found["logEntries"], found["timestamps"]) == ([], [])
    assert found["fingerprint"] == KEY.fingerprint
