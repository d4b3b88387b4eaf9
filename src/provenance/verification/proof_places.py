"""Where in a signed manifest the root of a proof stands. No I/O.

Source: `spec/digests.md`, section "Proof files".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from provenance.canonical import join_pointer, resolve_pointer, write
from provenance.envelope import manifest_digest
from provenance.errors import CanonicalError
from provenance.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provenance.digest import ProofFile, TypedRoot
    from provenance.verification.loading import Loaded

__all__ = ["dataset_at", "find_root"]

# Where the format says what a root is over. Elsewhere (settings, extensions, what others signed)
# an object that looks like a root is only text that the signer copied.
_ROOTS = re.compile(
    r"/release/(files|tensors|blocks/\d+/blocks)"
    r"|/datasets/\d+/(files|recordTree|shards)"
    r"|/training/checkpoints/\d+/(files|tensors)"
)


def find_root(loaded: Loaded, proof: ProofFile, findings: list[Finding]) -> str | None:
    """Return where the manifest holds the root that the proof leads to; say so if nowhere."""
    assert loaded.parsed is not None  # noqa: S101 - the caller has checked both
    assert loaded.statement is not None  # noqa: S101
    wanted = write(proof.root.to_tree())
    tree = loaded.parsed.tree
    if proof.pointer is None:
        places = filter(_ROOTS.fullmatch, _places(tree, proof.root))
        pointer = min(places, key=_rank, default=None)
        if pointer is None:
            message = "the manifest holds no such root; the proof is for another tree or version"
            findings.append(Finding("digest-mismatch", "", message))
        return pointer
    made = manifest_digest(loaded.statement.payload)
    if proof.manifest != made:
        message = f"the proof is for the manifest {proof.manifest}, and this one is {made}"
        findings.append(Finding("digest-mismatch", "", message))
        return None
    try:
        found = resolve_pointer(tree, proof.pointer)  # type: ignore[arg-type]  # parsed JSON
        same = write(found) == wanted
    except CanonicalError:
        same = False
    if not same or not _ROOTS.fullmatch(proof.pointer):
        message = "the manifest does not hold the root that the proof leads to at this place"
        findings.append(Finding("digest-mismatch", proof.pointer, message))
        return None
    return proof.pointer


def _places(tree: Mapping[str, Any], root: TypedRoot) -> Iterator[str]:
    """Yield the pointers of all places that hold this typed root."""
    wanted = write(root.to_tree())
    names = set(root.to_tree())
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), tree)]
    while waiting:
        tokens, value = waiting.pop()
        if hasattr(value, "items"):
            if set(value) == names and write(dict(value)) == wanted:
                yield join_pointer(*tokens)
            waiting.extend(((*tokens, name), item) for name, item in value.items())
        elif isinstance(value, tuple | list):
            waiting.extend(((*tokens, number), item) for number, item in enumerate(value))


def _rank(pointer: str) -> tuple[bool, bool, str]:
    return (not pointer.startswith("/release/"), not pointer.startswith("/datasets/"), pointer)


def dataset_at(loaded: Loaded, pointer: str | None) -> str | None:
    """Return the id of the dataset that a pointer leads into."""
    parts = (pointer or "").split("/")
    if loaded.parsed is None or parts[1:2] != ["datasets"]:
        return None
    return loaded.parsed.document.datasets[int(parts[2])].id
