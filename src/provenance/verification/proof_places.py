"""Where in a signed manifest the root of a proof stands. No I/O.

Source: `spec/digests.md`, section "Proof files".
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provenance.canonical import join_pointer, resolve_pointer, write
from provenance.envelope import manifest_digest
from provenance.errors import CanonicalError, shown
from provenance.findings import Finding
from provenance.verification.summary import quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from provenance.digest import ProofFile, TypedRoot
    from provenance.manifest import Manifest
    from provenance.verification.loading import Loaded

__all__ = ["Place", "describe_place", "find_root", "listed_paths", "quoted_option"]

# Where the format says what a root is over. Elsewhere (settings, extensions, what others signed)
# an object that looks like a root is only text that the signer copied.
_ROOTS = re.compile(
    r"/release/(files|tensors|blocks/\d+/blocks)"
    r"|/datasets/\d+/(files|recordTree|shards)"
    r"|/training/checkpoints/\d+/(files|tensors)"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A place of a manifest that holds a typed root."""

    pointer: str
    """JSON Pointer of the root."""

    words: str
    """What the tree is the tree of, e.g. `the dataset "train"`."""

    options: tuple[str, ...] = ()
    """The options that ask for what is in this tree; none for the release itself."""


def find_root(
    loaded: Loaded, proof: ProofFile, asked: Sequence[str], findings: list[Finding]
) -> str | None:
    """Return where the manifest holds the root that the proof leads to; say so if nowhere.

    Args:
        loaded: The manifest.
        proof: The proof; what it says of its place must be true, and decides nothing.
        asked: The places that the caller asks for: one that holds the root comes before all others.
        findings: Gets what is wrong.
    """
    assert loaded.parsed is not None  # noqa: S101 - the caller has checked both
    assert loaded.statement is not None  # noqa: S101
    tree = loaded.parsed.tree
    if proof.pointer is None:
        places = [*filter(_ROOTS.fullmatch, _places(tree, proof.root))]
        message = "the manifest holds no such root; the proof is for another tree or version"
    else:
        made = manifest_digest(loaded.statement.payload)
        if proof.manifest != made:
            message = f"the proof is for the manifest {proof.manifest}, and this one is {made}"
            findings.append(Finding("digest-mismatch", "", message))
            return None
        places = [proof.pointer] if _holds(tree, proof.pointer, proof.root) else []
        message = "the manifest does not hold the root that the proof leads to at this place"
    if not places:
        findings.append(Finding("digest-mismatch", proof.pointer or "", message))
        return None
    meant = next((place for place in asked if _holds(tree, place, proof.root)), None)
    return min(places, key=_rank) if meant is None else meant


def describe_place(manifest: Manifest, pointer: str) -> Place:
    """Return what a place that `find_root` found is, in words and in options."""
    _, part, *rest = pointer.split("/")
    if part == "datasets":
        dataset = manifest.datasets[int(rest[0])].id
        return Place(
            pointer, f"the dataset {quoted(dataset)}", (quoted_option("--dataset", dataset),)
        )
    if part == "training" and manifest.training is not None:
        checkpoint = manifest.training.checkpoints[int(rest[1])].id
        option = quoted_option("--checkpoint", checkpoint)
        return Place(pointer, f"the checkpoint {quoted(checkpoint)}", (option,))
    if rest[0] == "blocks":
        path = manifest.release.blocks[int(rest[1])].path
        return Place(
            pointer, f"the file {quoted(path)} of the release", (quoted_option("--name", path),)
        )
    return Place(pointer, "the release" if rest[0] == "files" else "the released weights")


def listed_paths(
    manifest: Manifest, pointer: str | None, proof: ProofFile
) -> Collection[str] | None:
    """Return all paths of the tree that an entry stands in, if the manifest lists them."""
    if pointer is None or len(proof.levels) > 1:
        return None
    _, part, *rest = pointer.split("/")
    if part == "datasets":
        listed = [entry.path for entry in manifest.datasets[int(rest[0])].inventory]
    elif part == "release":
        listed = [entry.path for entry in manifest.release.inventory]
    else:
        return None
    return listed or None


def quoted_option(option: str, value: str) -> str:
    """Return an option as it can be typed: no foreign value becomes a command of the shell."""
    text = shown(value)[1:-1]  # ASCII, cut; the same as the value, if that is nothing special
    return f"{option} {shlex.quote(value if value.isascii() and value in text else text)}"


def _holds(tree: Mapping[str, Any], pointer: str, root: TypedRoot) -> bool:
    """Return whether a place is one of roots, and holds exactly this one."""
    if not _ROOTS.fullmatch(pointer):
        return False
    try:
        found = resolve_pointer(tree, pointer)  # type: ignore[arg-type]  # parsed JSON
        return write(found) == write(root.to_tree())
    except CanonicalError:
        return False


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
