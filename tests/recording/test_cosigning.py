"""Several signatures of one manifest: at once, later, and what is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

import provenance
from provenance.envelope import Subject, parse_bundle, write_bundle, write_statement
from provenance.errors import ProvenanceError, RecordingError, SigningError, UsageError
from provenance.manifest import DATASET_V1
from provenance.recording import cosign_manifest, cosign_release, load_draft, sign_release
from provenance.signing import SCHEMES, generate_private_key, sign_payload
from provenance.signing.certificates import CertificateSigner
from provenance.verification.attestations import MAX_ALL_ATTESTATIONS_BYTES, MAX_ATTESTATIONS
from support import certificates as made
from support.releases import DESCRIPTION, SmallRelease, make_release

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provenance.signing import PrivateKey


class Broken:
    """A signer that cannot sign."""

    fingerprint = "SHA256:" + "A" * 43
    hint = "A" * 43 + "="
    scheme = "ed25519"

    def sign(self, message: bytes) -> bytes:
        raise SigningError(problem=f"no power for {len(message)} bytes")


class Clock:
    """An authority that answers with its name and counts."""

    def __init__(self) -> None:
        """Begin with nobody asked."""
        self.asked: list[bytes] = []

    def stamp(self, signature: bytes) -> bytes:
        self.asked.append(signature)
        return b"stamp %d" % len(self.asked)


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> SmallRelease:
    """Return a signed release that no test changes."""
    return make_release(tmp_path_factory.mktemp("pattern"))


@pytest.fixture
def release(pattern: SmallRelease, tmp_path: Path) -> SmallRelease:
    """Return a copy of it: recording one takes longer."""
    shutil.copytree(pattern.project.parent, tmp_path, dirs_exist_ok=True)
    draft = replace(pattern.draft, folder=tmp_path / "model.draft", release=tmp_path / "model")
    return replace(pattern, folder=draft.release, draft=draft, project=tmp_path / "runs")


@pytest.fixture
def unsigned(release: SmallRelease) -> SmallRelease:
    """Return the same before anybody signed it."""
    release.manifest.unlink()
    return release


@pytest.fixture
def auditor() -> PrivateKey:
    return generate_private_key("ed25519")


def attestations(release: SmallRelease) -> list[Path]:
    return sorted((release.folder / "training-provenance" / "attestations").glob("*"))


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class TestSigningWithSeveralKeys:
    """`sign_release` with several signers: all or none."""

    def test_one_that_fails_leaves_nothing(self, unsigned: SmallRelease) -> None:
        before = everything(unsigned.folder)
        with pytest.raises(SigningError, match="no power"):
            sign_release(unsigned.draft, [unsigned.key, Broken()])
        assert everything(unsigned.folder) == before

    def test_one_key_twice_is_refused(self, unsigned: SmallRelease) -> None:
        with pytest.raises(UsageError, match="given twice"):
            sign_release(unsigned.draft, [unsigned.key, unsigned.key])
        assert not unsigned.manifest.exists()

    def test_every_signature_gets_its_time(
        self, unsigned: SmallRelease, auditor: PrivateKey
    ) -> None:
        clock = Clock()
        sign_release(unsigned.draft, [unsigned.key, auditor], timestamps=[clock])
        (second,) = attestations(unsigned)
        first = parse_bundle(unsigned.manifest.read_bytes())
        other = parse_bundle(second.read_bytes())
        assert (first.timestamps, other.timestamps) == ((b"stamp 1",), (b"stamp 2",))
        sigs = [bundle.envelope.signatures[0].sig for bundle in (first, other)]
        assert clock.asked == sigs


def test_cosignature_touches_nothing_else(release: SmallRelease, auditor: PrivateKey) -> None:
    before = everything(release.folder)
    (path,) = cosign_release(release.folder, auditor)
    after = everything(release.folder)
    assert after.pop(str(path)) == path.read_bytes()
    assert after == before
    first = parse_bundle(release.manifest.read_bytes())
    assert parse_bundle(path.read_bytes()).envelope.payload == first.envelope.payload
    assert path.name.startswith("signature-")
    for key in (release.key, auditor):
        report = provenance.inspect(release.folder, keys=[release.key.public_key, key.public_key])
        assert str(report.verdict) == "PASS"


def test_hybrid_is_two_bundles_over_the_same_bytes(release: SmallRelease, tmp_path: Path) -> None:
    post_quantum = generate_private_key("ml-dsa-65")
    (path,) = cosign_release(release.folder, post_quantum, name="post-quantum")
    assert path.name == "post-quantum.sigstore.json"
    first, second = (parse_bundle(item.read_bytes()) for item in (release.manifest, path))
    assert first.envelope.payload == second.envelope.payload
    schemes = {
        key.public_key.verify(bundle).scheme
        for key, bundle in ((release.key, first), (post_quantum, second))
    }
    assert schemes == {"ecdsa-p256-sha256", "ml-dsa-65"} <= set(SCHEMES)
    policy = tmp_path / "policy.toml"
    for name, key in (("classical", release.key), ("post-quantum", post_quantum)):
        (tmp_path / f"{name}.pub").write_bytes(key.public_key.to_pem())
    policy.write_text(
        'policyVersion = "1.0"\nname = "both"\nversion = 1\n'
        '[signers.classical]\nkey = "classical.pub"\n'
        '[signers.post-quantum]\nkey = "post-quantum.pub"\n'
        '[roles.trainer]\nsigners = ["classical", "post-quantum"]\nthreshold = 2\n',
        encoding="utf-8",
    )
    from provenance.trust import load_policy  # noqa: PLC0415 - this test alone

    both = load_policy(policy)
    assert str(provenance.inspect(release.folder, policy=both).verdict) == "PASS"
    path.unlink()
    report = provenance.inspect(release.folder, policy=both)
    assert str(report.verdict) != "PASS"


def test_key_that_signed_already_is_refused(release: SmallRelease, auditor: PrivateKey) -> None:
    with pytest.raises(UsageError, match="has signed this manifest already"):
        cosign_release(release.folder, release.key)
    cosign_release(release.folder, auditor)
    with pytest.raises(UsageError, match="has signed this manifest already"):
        cosign_release(release.folder, auditor, name="again")
    assert len(attestations(release)) == 1


def test_key_of_a_bundle_without_a_hint_is_known_by_its_signature(
    release: SmallRelease, auditor: PrivateKey
) -> None:
    bundle = sign_payload(release.draft.payload, auditor)
    text = write_bundle(bundle).replace(auditor.hint.encode(), b"")
    assert parse_bundle(text).key_hint == ""
    folder = release.folder / "training-provenance" / "attestations"
    folder.mkdir()
    (folder / "foreign.sigstore.json").write_bytes(text)
    with pytest.raises(UsageError, match="has signed this manifest already"):
        cosign_release(release.folder, auditor)


def test_key_of_a_certificate_is_the_same_key(release: SmallRelease, tmp_path: Path) -> None:
    root = made.authority(None, "root")
    issued = made.signer(root)
    key = provenance.PrivateKey.from_handle(issued.key)
    der = issued.certificate.public_bytes(Encoding.DER)
    cosign_release(release.folder, CertificateSigner.of(key, der, now=made.NOW))
    (path,) = attestations(release)
    assert parse_bundle(path.read_bytes()).certificate == der
    with pytest.raises(UsageError, match="has signed this manifest already"):
        cosign_release(release.folder, key)
    shutil.copy(path, tmp_path / "certified.json")
    with pytest.raises(UsageError, match="has signed this manifest already"):
        cosign_manifest(tmp_path / "certified.json", key, tmp_path / "out.json")


def test_broken_neighbour_is_no_obstacle(release: SmallRelease, auditor: PrivateKey) -> None:
    folder = release.folder / "training-provenance" / "attestations"
    folder.mkdir()
    (folder / "broken.sigstore.json").write_bytes(b"{")
    (path,) = cosign_release(release.folder, auditor)
    assert path.exists()


def test_more_attestations_than_verifiers_read_are_refused(
    release: SmallRelease, auditor: PrivateKey
) -> None:
    folder = release.folder / "training-provenance" / "attestations"
    folder.mkdir()
    with (folder / "large.sigstore.json").open("wb") as file:
        file.truncate(MAX_ALL_ATTESTATIONS_BYTES + 1)
    with pytest.raises(RecordingError, match="bytes of attestations"):
        cosign_release(release.folder, auditor)
    (folder / "large.sigstore.json").unlink()
    for number in range(MAX_ATTESTATIONS):
        (folder / f"{number}.sigstore.json").touch()
    with pytest.raises(RecordingError, match="1000 attestations"):
        cosign_release(release.folder, auditor)


def test_signer_that_fails_leaves_nothing(release: SmallRelease, auditor: PrivateKey) -> None:
    before = everything(release.folder)
    with pytest.raises(SigningError, match="no power"):
        cosign_release(release.folder, [auditor, Broken()])
    assert everything(release.folder) == before


@pytest.mark.parametrize("name", ["", ".hidden", "../out", "a/b", "a b", "é", "x" * 101])
def test_name_that_is_none_is_refused(
    release: SmallRelease, auditor: PrivateKey, name: str
) -> None:
    with pytest.raises(UsageError, match="expected letters"):
        cosign_release(release.folder, auditor, name=name)


def test_one_name_is_for_one_signature(release: SmallRelease, auditor: PrivateKey) -> None:
    with pytest.raises(UsageError, match="several signatures"):
        cosign_release(release.folder, [auditor, generate_private_key()], name="x")


def test_name_that_is_taken_is_refused(release: SmallRelease, auditor: PrivateKey) -> None:
    (path,) = cosign_release(release.folder, auditor, name="x")
    before = path.read_bytes()
    with pytest.raises(UsageError, match="is there already"):
        cosign_release(release.folder, generate_private_key(), name="x")
    assert path.read_bytes() == before


def test_folder_of_attestations_that_is_a_link_is_not_followed(
    release: SmallRelease, auditor: PrivateKey, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    away.mkdir()
    (release.folder / "training-provenance" / "attestations").symlink_to(away)
    with pytest.raises(ProvenanceError):
        cosign_release(release.folder, auditor)
    assert not list(away.iterdir())


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file more": (lambda folder: (folder / "x.txt").touch(), "file-extra"),
    "a file less": (lambda folder: (folder / "README.md").unlink(), "file-missing"),
    "another listing": (
        lambda folder: (folder / "training-provenance" / "SHA256SUMS").write_bytes(b""),
        "listing-mismatch",
    ),
}


@pytest.mark.parametrize(("change", "code"), CHANGES.values(), ids=CHANGES.keys())
def test_folder_that_is_not_the_manifests_is_not_cosigned(
    release: SmallRelease, auditor: PrivateKey, change: Callable[[Path], object], code: str
) -> None:
    change(release.folder)
    with pytest.raises(RecordingError) as caught:
        cosign_release(release.folder, auditor)
    assert caught.value.code == code
    assert not attestations(release)


class TestBundleAlone:
    """`cosign_manifest`: the bundle travels to the key."""

    def test_what_comes_out_belongs_into_the_release(
        self, release: SmallRelease, auditor: PrivateKey, tmp_path: Path
    ) -> None:
        out = cosign_manifest(release.manifest, auditor, tmp_path / "audit.sigstore.json")
        folder = release.folder / "training-provenance" / "attestations"
        folder.mkdir()
        shutil.copy(out, folder)
        keys = [release.key.public_key, auditor.public_key]
        assert str(provenance.inspect(release.folder, keys=keys).verdict) == "PASS"

    def test_output_that_exists_is_kept(
        self, release: SmallRelease, auditor: PrivateKey, tmp_path: Path
    ) -> None:
        (tmp_path / "out").write_text("mine", encoding="utf-8")
        with pytest.raises(UsageError, match="is there already"):
            cosign_manifest(release.manifest, auditor, tmp_path / "out")
        assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"

    def test_key_that_signed_it_is_refused(self, release: SmallRelease, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="has signed this manifest already"):
            cosign_manifest(release.manifest, release.key, tmp_path / "out")

    def test_bundle_about_something_else_is_refused(
        self, release: SmallRelease, auditor: PrivateKey, tmp_path: Path
    ) -> None:
        statement, _ = load_draft(release.draft.statement_path)
        subject = Subject(name="x", digest=statement.subjects[0].digest)
        payload = write_statement([subject], DATASET_V1, {})
        (tmp_path / "b.json").write_bytes(write_bundle(sign_payload(payload, release.key)))
        with pytest.raises(RecordingError) as caught:
            cosign_manifest(tmp_path / "b.json", auditor, tmp_path / "out")
        assert caught.value.code == "predicate-type"

    @pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"a":1,"a":2}'])
    def test_what_is_no_bundle_is_refused(
        self, auditor: PrivateKey, tmp_path: Path, data: bytes
    ) -> None:
        (tmp_path / "b.json").write_bytes(data)
        with pytest.raises(ProvenanceError) as caught:
            cosign_manifest(tmp_path / "b.json", auditor, tmp_path / "out")
        assert "b.json" in caught.value.path
        assert not (tmp_path / "out").exists()

    def test_manifest_that_contradicts_itself_is_not_cosigned(
        self, auditor: PrivateKey, tmp_path: Path
    ) -> None:
        contradiction = {
            **DESCRIPTION,
            "evaluations": [{"id": "e", "task": "t", "checkpoint": "nobody"}],
        }
        unsigned = make_release(tmp_path, signed=False, description=contradiction)
        bundle = write_bundle(sign_payload(unsigned.draft.payload, unsigned.key))
        (tmp_path / "b.json").write_bytes(bundle)
        with pytest.raises(RecordingError, match="contradicts itself"):
            cosign_manifest(tmp_path / "b.json", auditor, tmp_path / "out")
