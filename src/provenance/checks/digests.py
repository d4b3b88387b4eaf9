"""Steps 11 and 12: sizes, then digests, of the files of the release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.digest import printable_name
from provenance.errors import shown
from provenance.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.checks.evidence import Evidence, ListedFile, Observed
    from provenance.trust import TrustPolicy

__all__ = ["check_digests", "check_recomputed", "check_sizes"]


def check_sizes(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 11: every file has the signed size; one that has not is not hashed.

    Codes: `size-mismatch`.
    """
    for entry, found in _pairs(evidence):
        if found.size is not None and found.size != entry.size:
            message = f"{shown(entry.path)} has {found.size} bytes, signed were {entry.size}"
            yield Finding("size-mismatch", printable_name(entry.path), message)


def check_digests(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 12: every digest that was computed or supplied is the signed one.

    Codes: `digest-mismatch`, `digest-not-supplied`, `hard-link`.
    """
    for entry, found in _pairs(evidence):
        for algorithm, digest in found.digest.items():
            signed = entry.digest.get(algorithm, digest)
            if digest != signed:
                message = f"{shown(entry.path)} has {algorithm} {digest}, signed was {signed}"
                yield Finding("digest-mismatch", printable_name(entry.path), message)
        if evidence.source == "digests" and not found.digest.keys() & entry.counted.keys():
            message = (
                f"no digest of {shown(entry.path)} by {' or '.join(entry.counted)} was supplied"
            )
            yield Finding("digest-not-supplied", printable_name(entry.path), message)
        if found.links > 1:
            message = f"{shown(entry.path)} has {found.links} names on this disk"
            yield Finding("hard-link", printable_name(entry.path), message)


def check_recomputed(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 12: say which recorded digests nobody recomputed.

    Codes: `digest-from-cache`, `sha256-not-recomputed`, `digest-not-recomputed`.
    """
    cached = sum(item.cached for item in (*evidence.found.values(), *evidence.companions.values()))
    if cached:
        files, come = (
            ("1 file was", "its digests come")
            if cached == 1
            else (f"{cached} files were", "their digests come")
        )
        message = f"{files} not read: {come} from the cache {evidence.cache}"
        yield Finding("digest-from-cache", "", message)
    hashed = [(entry, found) for entry, found in _pairs(evidence) if found.read or found.cached]
    sha256 = sum(
        "sha256" in entry.digest and "sha256" not in found.digest for entry, found in hashed
    )
    if sha256:
        how = "compared" if cached else "read"
        message = f"SHA-256 of {sha256} of {len(hashed)} files {how} is the signer's word"
        yield Finding("sha256-not-recomputed", "", message)
    others = {
        algorithm
        for entry, found in hashed
        for algorithm in entry.digest
        if algorithm not in found.digest and algorithm != "sha256"
    }
    if others:
        names = ", ".join(sorted(others))
        message = f"recorded digests by {names} were not recomputed; they prove nothing"
        yield Finding("digest-not-recomputed", "/release/inventory", message)


def _pairs(evidence: Evidence) -> Iterator[tuple[ListedFile, Observed]]:
    for entry in evidence.listed:
        found = evidence.found.get(entry.path)
        if found is not None and evidence.is_selected(entry.path):
            yield entry, found
