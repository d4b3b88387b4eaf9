"""An OMS signature beside a manifest: the installed `model_signing` accepts it, and so do we."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from provenance.envelope import parse_bundle, parse_statement
from provenance.envelope.oms import parse_oms_bundle, parse_oms_statement
from provenance.errors import RecordingError, SigningError, UsageError
from provenance.recording import check_oms_draft, sign_oms, sign_release
from provenance.signing import generate_private_key
from provenance.verification import inspect, inspect_oms
from support.oms import FILES, write_model
from support.releases import make_release

if TYPE_CHECKING:
    from provenance.signing import KeyKind, PrivateKey

PROGRAM = Path(sys.executable).with_name("model_signing")


def reference_accepts(model: Path, signature: Path, key: PrivateKey) -> bool:
    public = model.parent / "public.pem"
    public.write_bytes(key.public_key.to_pem())
    command = [PROGRAM, "verify", "key", model, "--signature", signature, "--public_key", public]
    return subprocess.run([*map(str, command)], check=False, capture_output=True).returncode == 0


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model")


def test_the_reference_accepts_what_is_signed_beside_a_manifest(tmp_path: Path) -> None:
    pytest.importorskip("model_signing")
    made = make_release(tmp_path, oms=True)
    (made.folder / "training-provenance/attestations").mkdir(exist_ok=True)
    signature = sign_oms(made.folder, made.key)
    assert signature == made.folder / "model.sig"
    assert reference_accepts(made.folder, signature, made.key)
    assert inspect_oms(made.folder, signature, keys=made.key.public_key).verdict == "PASS"
    # What comes into the manifest folder later changes nothing.
    (made.folder / "training-provenance/attestations/later").write_bytes(b"")
    assert reference_accepts(made.folder, signature, made.key)
    (made.folder / "evil.py").write_bytes(b"")
    assert not reference_accepts(made.folder, signature, made.key)


def test_manifest_and_signature_name_each_other(tmp_path: Path) -> None:
    made = make_release(tmp_path, oms=True)
    oms = parse_oms_bundle(sign_oms(made.folder, made.key).read_bytes())
    root = parse_oms_statement(oms.bundle.envelope.payload).root
    manifest = parse_statement(parse_bundle(made.manifest.read_bytes()).envelope.payload)
    assert [subject.digest["sha256"] for subject in manifest.subjects][1:] == [root]
    report = inspect(made.folder, keys=made.key.public_key)
    assert report.verdict == "PASS"
    assert "oms-present" in report.codes()


@pytest.mark.parametrize("kind", ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521"])
def test_the_reference_accepts_every_curve(model: Path, kind: KeyKind) -> None:
    verifying = pytest.importorskip("model_signing.verifying")
    key = generate_private_key(kind)
    (model / ".gitattributes").write_bytes(b"x")
    (model / ".github").mkdir()
    signature = sign_oms(model, key)
    public = model.parent / "public.pem"
    public.write_bytes(key.public_key.to_pem())
    verifying.Config().use_elliptic_key_verifier(public_key=public).verify(model, signature)
    (model / "empty").write_bytes(b"x")
    with pytest.raises(ValueError, match="mismatch"):
        verifying.Config().use_elliptic_key_verifier(public_key=public).verify(model, signature)


def test_every_field_is_the_published_one(model: Path) -> None:
    key = generate_private_key()
    (model / ".git").mkdir()
    tree = json.loads(sign_oms(model, key).read_bytes())
    assert set(tree) == {"mediaType", "verificationMaterial", "dsseEnvelope"}
    statement: dict[str, Any] = json.loads(b64decode(tree["dsseEnvelope"]["payload"]))
    assert statement["subject"][0]["name"] == "model"
    predicate = statement["predicate"]
    assert predicate["serialization"] == {
        "method": "files",
        "hash_type": "sha256",
        "allow_symlinks": False,
        "ignore_paths": [".git", "model.sig"],
    }
    assert [item["name"] for item in predicate["resources"]] == sorted(FILES)


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ml-dsa-65"])
def test_other_kinds_of_keys_are_refused(model: Path, kind: KeyKind) -> None:
    with pytest.raises(SigningError, match="ECDSA on P-256, P-384 or P-521"):
        sign_oms(model, generate_private_key(kind))
    assert not (model / "model.sig").exists()


def test_a_manifest_that_does_not_name_the_root_is_refused(tmp_path: Path) -> None:
    made = make_release(tmp_path)
    with pytest.raises(RecordingError, match="does not name the root"):
        sign_oms(made.folder, made.key)
    with pytest.raises(RecordingError, match="does not name the root"):
        check_oms_draft(made.folder, made.key)


def test_a_draft_is_looked_at_before_it_is_signed(tmp_path: Path) -> None:
    made = make_release(tmp_path, oms=True, signed=False)
    check_oms_draft(made.folder, made.key)
    with pytest.raises(SigningError):
        check_oms_draft(made.folder, generate_private_key("ed25519"))
    sign_oms(made.folder, made.key)
    sign_release(made.draft, made.key)
    assert inspect(made.folder, keys=made.key.public_key).verdict == "PASS"


@pytest.mark.parametrize("change", ["extra", "missing", "listing"])
def test_a_folder_that_is_not_the_release_is_refused(tmp_path: Path, change: str) -> None:
    made = make_release(tmp_path, oms=True)
    if change == "extra":
        (made.folder / "more").write_bytes(b"")
    elif change == "missing":
        (made.folder / "README.md").unlink()
    else:
        listing = made.folder / "training-provenance/SHA256SUMS"
        first, *others = listing.read_bytes().splitlines(keepends=True)
        listing.write_bytes(b"".join((b"0" * 64 + first[64:], *others)))
    with pytest.raises(RecordingError):
        sign_oms(made.folder, made.key)


def test_an_empty_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").write_bytes(b"x")
    with pytest.raises(RecordingError, match="no file to sign"):
        sign_oms(tmp_path, generate_private_key())


def test_a_signature_is_replaced_only_on_purpose(model: Path) -> None:
    key = generate_private_key()
    sign_oms(model, key)
    with pytest.raises(UsageError, match="there already"):
        sign_oms(model, key)
    sign_oms(model, key, overwrite=True)
