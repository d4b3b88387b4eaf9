"""A manifest without its files: who signed it, and whether it contradicts itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provenance.envelope import parse_bundle, write_bundle
from provenance.signing import generate_private_key, sign_payload
from provenance.trust import compile_policy, read_policy
from provenance.verification import check_proof, prove_file
from provenance.verification.options import make_options
from provenance.verification.signed_manifest import SignedManifest, read_signed_manifest
from support.policies import policy_bytes
from support.releases import make_release

if TYPE_CHECKING:
    from pathlib import Path

    from support.releases import SmallRelease

KEY = generate_private_key("ed25519")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> SmallRelease:
    """Return a signed release; no test changes it."""
    return make_release(tmp_path_factory.mktemp("project"), key=KEY)


def read(data: bytes, **options: Any) -> SignedManifest:  # noqa: ANN401 - as `make_options`
    return read_signed_manifest(data, make_options({}, **options))


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff"], ids=["empty", "object", "binary"])
def test_what_is_no_bundle_has_no_document(data: bytes) -> None:
    found = read(data, keys=KEY.public_key)
    assert (found.document, found.signer, found.evidence) == (None, None, None)
    assert found.errors == found.findings
    assert found.errors


def test_bundle_of_another_key_is_not_read(release: SmallRelease) -> None:
    other = generate_private_key("ed25519").public_key
    found = read(release.manifest.read_bytes(), keys=other)
    assert (found.document, found.signer) == (None, None)
    assert [finding.code for finding in found.errors] == ["signature-invalid"]


def test_without_a_key_nobody_signed_it(release: SmallRelease) -> None:
    found = read(release.manifest.read_bytes())
    assert found.document is not None
    assert (found.signer, found.errors) == (None, ())


def test_another_name_is_an_error(release: SmallRelease) -> None:
    found = read(release.manifest.read_bytes(), keys=KEY.public_key, model="another")
    assert [finding.code for finding in found.errors] == ["model-name-mismatch"]


def test_signed_manifest_needs_none_of_its_files(release: SmallRelease) -> None:
    found = read(release.manifest.read_bytes(), keys=KEY.public_key, model="digits-mlp")
    assert (found.signer, found.errors) == (KEY.fingerprint, ())
    assert found.document is not None
    assert found.document.model.name == "digits-mlp"


def test_co_signatures_beside_it_count_for_a_threshold(tmp_path: Path) -> None:
    signed = make_release(tmp_path, key=KEY)
    second = generate_private_key()
    keys = {"a": KEY.public_key, "b": second.public_key}
    data = policy_bytes(keys, roles={"trainer": {"signers": ["a", "b"], "threshold": 2}})
    policy = compile_policy(read_policy(data))
    proof = prove_file(signed.folder, "README.md")

    def check(manifest: Path) -> str:
        options = {"file": signed.folder / "README.md", "manifest": manifest, "policy": policy}
        return check_proof(proof, name="README.md", **options).verdict  # type: ignore[arg-type]  # mixed values

    assert check(signed.folder) == "FAIL"
    payload = parse_bundle(signed.manifest.read_bytes()).envelope.payload
    attestations = signed.manifest.parent / "attestations"
    attestations.mkdir()
    beside = attestations / "second.sigstore.json"
    beside.write_bytes(write_bundle(sign_payload(payload, second)))
    assert check(signed.folder) == "PASS"
    assert check(signed.manifest) == "PASS"
    copy = tmp_path / "elsewhere.sigstore.json"
    copy.write_bytes(signed.manifest.read_bytes())
    assert check(copy) == "FAIL"
    beside.rename(tmp_path / "second.sigstore.json")
    beside.symlink_to(tmp_path / "second.sigstore.json")
    assert check(signed.folder) == "FAIL"
