"""Step 24 in motion: bundles of others beside the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provenance import canonical
from provenance.envelope import STATEMENT_TYPE, manifest_digest
from provenance.manifest import DATASET_V1, EVALUATION_V1, REPRODUCTION_V1
from support.crafted import STRANGER, CraftedRelease, public_key, sign_bundle
from support.reports import errors_of, expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provenance.verification import Report

    Look = Callable[..., Report]

NAME = "attestations/theirs.sigstore.json"


def attestation(release: CraftedRelease, kind: str, **changes: Any) -> bytes:  # noqa: ANN401 - JSON
    """Return an evaluation or reproduction of a release, signed by a stranger."""
    predicate: dict[str, Any] = {
        "manifestVersion": "1.0",
        "createdAt": "2026-11-22T11:30:00Z",
        "producer": {"name": "Somebody"},
        "manifest": {"digest": {"sha256": manifest_digest(release.payload())}},
    }
    if kind == EVALUATION_V1:
        predicate["evaluations"] = [{"id": "e1", "task": "accuracy"}]
    else:
        predicate["reproduced"] = [
            {"kind": "evaluation", "id": "e1", "comparison": "bitwise", "outcome": "equal"}
        ]
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": release.statement()["subject"],
        "predicateType": kind,
        "predicate": {**predicate, **changes},
    }
    return canonical.write(statement)


@pytest.mark.parametrize("kind", [EVALUATION_V1, REPRODUCTION_V1])
def test_attestation_is_listed_and_has_no_effect_unless_its_signer_is_named(
    tmp_path: Path, look: Look, kind: str
) -> None:
    release = CraftedRelease()
    release.companions[NAME] = sign_bundle(attestation(release, kind), key=STRANGER)
    folder = release.write(tmp_path)
    report = look(folder)
    expect(report, "PASS", "attestation-unverified")
    assert report.parts == look(folder, keys=[public_key(), public_key(STRANGER)]).parts
    expect(look(folder, keys=[public_key(), public_key(STRANGER)]), "PASS", "attestation-verified")


def test_attestation_with_a_forged_hint_stays_unverified(tmp_path: Path, look: Look) -> None:
    def edit(tree: dict[str, Any]) -> None:
        tree["verificationMaterial"]["publicKey"]["hint"] = public_key().hint
        tree["dsseEnvelope"]["signatures"][0]["keyid"] = public_key().hint

    release = CraftedRelease()
    payload = attestation(release, EVALUATION_V1)
    release.companions[NAME] = sign_bundle(payload, key=STRANGER, edit=edit)
    expect(look(release.write(tmp_path)), "PASS", "attestation-unverified")


def malformed(release: CraftedRelease) -> dict[str, bytes]:
    other = CraftedRelease(edit_manifest=lambda tree: tree["model"].update(version="2.0"))
    files = {**release.files, "README.md": b"x"}
    return {
        "no bundle": b"hello",
        "about another manifest": sign_bundle(attestation(other, EVALUATION_V1)),
        "another manifest": sign_bundle(other.payload()),
        "another release": sign_bundle(
            attestation(release, EVALUATION_V1).replace(
                release.statement()["subject"][0]["digest"]["sha256"].encode(), b"0" * 64
            )
        ),
        "no statement": sign_bundle(b"{}"),
        "a foreign predicate": sign_bundle(
            attestation(release, EVALUATION_V1).replace(
                EVALUATION_V1.encode(), b"https://slsa.dev/provenance/v1"
            )
        ),
        "a broken predicate": sign_bundle(attestation(release, EVALUATION_V1, evaluations=7)),
        "a dataset": sign_bundle(
            attestation(release, EVALUATION_V1).replace(EVALUATION_V1.encode(), DATASET_V1.encode())
        ),
        "files of another release": sign_bundle(CraftedRelease(files=files).payload()),
    }


@pytest.mark.parametrize("name", malformed(CraftedRelease()))
def test_what_is_not_about_this_manifest_is_refused(tmp_path: Path, look: Look, name: str) -> None:
    release = CraftedRelease()
    release.companions[NAME] = malformed(release)[name]
    report = look(release.write(tmp_path))
    assert errors_of(report) == [("attestation-malformed", f"training-provenance/{NAME}")]


def test_too_many_and_too_large_attestations_are_refused(
    tmp_path: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provenance.verification.attestations.MAX_ATTESTATIONS", 1)
    release = CraftedRelease()
    for number in range(2):
        release.companions[f"attestations/{number}.sigstore.json"] = sign_bundle(
            release.payload(), key=STRANGER
        )
    folder = release.write(tmp_path)
    expect(look(folder), "FAIL", "attestation-malformed")
    monkeypatch.undo()
    expect(look(folder), "PASS", "attestation-unverified")
    monkeypatch.setattr("provenance.verification.attestations.MAX_ATTESTATION_BYTES", 1)
    expect(look(folder), "FAIL", "json-size")


def test_attestations_that_are_too_large_together_are_not_read(
    folder: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provenance.verification.attestations.MAX_ALL_ATTESTATIONS_BYTES", 3)
    attestations = folder / "training-provenance/attestations"
    attestations.mkdir()
    for name in ("a", "b"):
        (attestations / f"{name}.sigstore.json").write_bytes(b"{}")
    report = look(folder)
    assert errors_of(report) == [("attestation-malformed", "training-provenance/attestations")]
