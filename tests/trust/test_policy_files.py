"""Files that a policy names: which are missing, and a policy that holds them itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from provenance.errors import UsageError
from provenance.signing import generate_private_key
from provenance.trust import compile_policy, read_policy
from provenance.trust.policy_files import embed_files, find_gaps
from support import certificates

if TYPE_CHECKING:
    from pathlib import Path

LAB = generate_private_key("ed25519").public_key


def document(**signers: Any) -> bytes:  # noqa: ANN401 - JSON
    named = signers or {"lab": {"key": "lab.pub"}}
    tree = {
        "policyVersion": "1.0",
        "name": "p",
        "signers": named,
        "roles": {"trainer": {"signers": list(named)}},
    }
    return json.dumps(tree).encode()


@pytest.mark.parametrize(
    ("name", "data"),
    [("none.pub", None), ("lab.pub", b"\xff\xfe"), ("lab.pub", b"words"), ("a\x00b", None)],
    ids=["missing", "no text", "no document", "no name"],
)
def test_what_cannot_be_written_into_a_policy(
    tmp_path: Path, name: str, data: bytes | None
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError) as caught:
        embed_files(document(lab={"key": name}), path="p", base=tmp_path)
    assert caught.value.path.startswith("p#/signers/lab/key") or name == "a\x00b"


def test_a_policy_without_files_stays_as_it_is(tmp_path: Path) -> None:
    data = document(lab={"key": LAB.to_pem().decode()})
    assert embed_files(data, path="p", base=tmp_path) == (data, ())
    assert find_gaps(data, path="p", base=tmp_path) == ()


@pytest.mark.parametrize("form", ["pem", "der"])
def test_a_key_is_written_into_the_policy(tmp_path: Path, form: str) -> None:
    (tmp_path / "lab.pub").write_bytes(LAB.to_pem() if form == "pem" else LAB.spki)
    data, names = embed_files(document(), path="p", base=tmp_path)
    assert names == ("lab.pub",)
    (signer,) = compile_policy(read_policy(data)).signers
    assert signer.verifier.fingerprint == LAB.fingerprint
    assert embed_files(data, path="p", base=tmp_path) == (data, ())


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER], ids=["pem", "der"])
def test_certificates_are_written_into_the_policy(tmp_path: Path, encoding: Encoding) -> None:
    pytest.importorskip("rfc3161_client")
    root = certificates.authority(None, "root").certificate.public_bytes(encoding)
    (tmp_path / "ca").write_bytes(root)
    named = {"certificate": {"authority": "ca", "identity": "release@example.org"}}
    tree = {**json.loads(document(lab=named)), "timestamps": {"authorities": ["ca"]}}
    data, names = embed_files(json.dumps(tree).encode(), path="p", base=tmp_path)
    assert names == ("ca",)
    policy = compile_policy(read_policy(data))
    assert policy.timestamps is not None
    assert policy.signers[0].verifier.fingerprint.startswith("release@example.org (issuer SHA256:")


def test_gaps_of_what_is_no_policy_are_left_to_whoever_reads_it(tmp_path: Path) -> None:
    assert find_gaps(b"]", path="p", base=tmp_path) == ()
    odd = b'{"signers": {"a": 1, "b": {"certificate": 2}}, "timestamps": {"authorities": 3}}'
    assert find_gaps(odd, path="p", base=tmp_path) == ()
