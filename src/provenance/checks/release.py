"""Step 21: the released weights are the checkpoint that they are said to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.digest.weights.choosing import describe_uncovered
from provenance.errors import shown
from provenance.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.checks.evidence import Evidence
    from provenance.manifest import Checkpoint
    from provenance.trust import TrustPolicy

__all__ = ["check_released_tensors", "check_released_weights"]


def check_released_weights(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 21: what is signed about the weights and about the checkpoint agrees.

    Tied are weights whose tensor digest is the checkpoint's, or which are files of the checkpoint.

    Codes: `release-checkpoint-mismatch`, `release-checkpoint-unlinked`.
    """
    release = evidence.manifest.release
    if release.checkpoint is None:
        if not evidence.manifest.training or not evidence.manifest.training.checkpoints:
            message = "the manifest names no checkpoint that the release is made from"
        else:
            message = "the manifest does not say which recorded checkpoint is released"
        yield Finding("release-checkpoint-unlinked", "/release", message)
        return
    saved = _checkpoint(evidence)
    if saved is None:
        return  # step 14 says that the reference is dangling
    if release.tensors is not None and saved.tensors is not None:
        if release.tensors != saved.tensors and release.conversion is None:
            message = (
                f"the released tensors have the root {release.tensors.root} over "
                f"{release.tensors.size}, those of {shown(saved.id)} {saved.tensors.root} over "
                f"{saved.tensors.size}, and no conversion is stated"
            )
            yield Finding("release-checkpoint-mismatch", "/release/tensors", message)
    elif not _has_its_files(evidence, saved):
        message = f"no digest ties the released weights to {shown(saved.id)}"
        yield Finding("release-checkpoint-unlinked", "/release/checkpoint", message)


def check_released_tensors(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 21: the tensors of the released files are the signed ones.

    Codes: `release-checkpoint-mismatch`, `release-checkpoint-matched`,
    `release-checkpoint-not-checked`, `tensors-not-covered`.
    """
    signed = evidence.manifest.release.tensors
    if signed is None:
        return
    uncovered = describe_uncovered(evidence.listed_names)
    if uncovered:
        yield Finding("tensors-not-covered", "/release/tensors", uncovered)
    if evidence.source == "draft":
        return
    made = evidence.release_tensors
    saved = _checkpoint(evidence)
    if made is None and saved is not None and _holds_its_files(evidence, saved):
        message = f"the released files are, byte for byte, those of {shown(saved.id)}"
        yield Finding("release-checkpoint-matched", "/release/checkpoint", message)
    elif made is None:
        message = "the tensors of the released files were not hashed; --all-digests does"
        yield Finding("release-checkpoint-not-checked", "/release/tensors", message)
    elif made != signed:
        message = (
            f"the released files hold tensors with the root {made.root} over {made.size}, "
            f"signed is {signed.root} over {signed.size}"
        )
        yield Finding("release-checkpoint-mismatch", "/release/tensors", message)
    elif saved is not None and saved.tensors == made:
        message = f"the released files hold the {made.size} tensors of {shown(saved.id)}"
        yield Finding("release-checkpoint-matched", "/release/checkpoint", message)


def _checkpoint(evidence: Evidence) -> Checkpoint | None:
    training = evidence.manifest.training
    name = evidence.manifest.release.checkpoint
    saved = training.checkpoints if training is not None else ()
    return next((item for item in saved if item.id == name), None)


def _has_its_files(evidence: Evidence, saved: Checkpoint) -> bool:
    """Return whether every weights file of the checkpoint is a released file, by its BLAKE3."""
    released = {entry.digest.get("blake3") for entry in evidence.listed}
    return bool(saved.inventory) and all(
        entry.digest.get("blake3") in released for entry in saved.inventory
    )


def _holds_its_files(evidence: Evidence, saved: Checkpoint) -> bool:
    """Return whether files with the BLAKE3 of every file of the checkpoint were read just now."""
    read = {item.digest.get("blake3") for item in evidence.found.values() if item.read}
    return bool(saved.inventory) and all(
        entry.digest.get("blake3") in read for entry in saved.inventory
    )
