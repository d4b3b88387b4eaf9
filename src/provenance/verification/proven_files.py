"""Whether what the caller holds is the thing that the entry of a proof describes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from provenance.canonical import MAX_INVENTORY_BYTES
from provenance.digest import (
    Inventory,
    ShardIndex,
    hash_file,
    hash_tensor,
    printable_name,
    read_file,
)
from provenance.errors import DigestError, ProvenanceError, shown
from provenance.findings import CODES, Finding
from provenance.verification.loading import finding_of

if TYPE_CHECKING:
    from provenance.digest import ProofFile
    from provenance.verification.options import Options, PathLike

__all__ = ["compare_file", "unreadable_finding"]


def compare_file(proof: ProofFile, file: PathLike | None, options: Options) -> Finding:
    """Return the finding about a file that is said to be the entry of a proof.

    A file is compared by size and BLAKE3, a block or record by BLAKE3; a tensor is looked for in a
    file of weights; a shard is the inventory, or index, over what is in it.
    """
    if file is None:
        return Finding("evidence-not-supplied", "", "no file was compared with the entry")
    path = printable_name(os.fspath(file))
    try:
        # The caller named this file, so a link to it is followed.
        said = _difference(proof, os.path.realpath(file), options)
    except DigestError as error:
        return finding_of(error, "digest-mismatch", path=path)
    except (ProvenanceError, ValueError) as error:
        return unreadable_finding(error, path)
    if said is None:
        message = f"a {proof.kind} of this kind cannot be compared with a file"
        return Finding("evidence-unbound", path, message)
    if said:
        return Finding("digest-mismatch", path, said)
    thing = "the tensor in it" if proof.kind == "tensor" else "the file"
    return Finding("evidence-matched", path, f"{thing} is what the entry describes")


def unreadable_finding(error: ProvenanceError | ValueError, path: str) -> Finding:
    """Return the finding that an input could not be read: our work is not done, whatever it is.

    Args:
        error: Why; its own code stays where it says that our work could not be done.
        path: The input, as the caller named it.
    """
    if isinstance(error, ValueError):  # a name with U+0000 in it
        return Finding("input-unreadable", path, "it is no path")
    info = CODES.get(error.code)
    code = error.code if info is not None and info.fault else "input-unreadable"
    return Finding(code, path, error.problem)


def _difference(proof: ProofFile, path: str, options: Options) -> str | None:
    """Return what differs; nothing if it is the same, `None` if that cannot be said."""
    if proof.kind == "tensor":
        return _tensor_difference(proof, path)
    if proof.kind == "shard":
        return _shard_difference(proof, path)
    size = proof.entry.get("size")
    made = hash_file(
        path,
        algorithms=("blake3",),
        expected_size=size if isinstance(size, int) else None,
        progress=options.progress,
        deadline=options.deadline,
    ).digest["blake3"]
    expected = proof.entry["blake3"]
    return (
        "" if made == expected else f"the file has the BLAKE3 digest {made}, proved is {expected}"
    )


def _tensor_difference(proof: ProofFile, path: str) -> str:
    try:
        found = hash_tensor(path, proof.name)  # its bytes alone, however large the file
    except DigestError as error:  # no such tensor, or no file of tensors
        return f"the file {error.problem}"
    made = (found.blake3, found.dtype, tuple(found.shape))
    if made == tuple(proof.entry[name] for name in ("blake3", "dtype", "shape")):
        return ""
    return f"the tensor {shown(proof.name)} of the file is another one than the proved one"


def _shard_difference(proof: ProofFile, path: str) -> str | None:
    kind = proof.entry["tree"]
    if kind not in {"file", "shard"}:
        return None
    data = read_file(path, max_bytes=MAX_INVENTORY_BYTES)
    tree = Inventory.from_bytes(data) if kind == "file" else ShardIndex.from_bytes(data)
    same = {"name": proof.name, **tree.root.to_tree()} == dict(proof.entry)
    return (
        "" if same else f"the file has the root {tree.root.root}, proved is {proof.entry['root']}"
    )
