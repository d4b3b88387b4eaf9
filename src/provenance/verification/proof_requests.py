"""What a caller asks a proof to prove; the proof file itself is untrusted and decides none of it.

Without another word a caller means a file of the release. Everything else that a manifest has a
root of (a tensor, a block, what is in a dataset) he asks for by name. No I/O.
Source: `spec/digests.md`, section "Proof files".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast, get_args

from provenance.digest import TreeKind
from provenance.errors import UsageError, shown
from provenance.findings import Finding
from provenance.verification.summary import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from provenance.digest import TypedRoot
    from provenance.manifest import Manifest

__all__ = ["NAMELESS", "ProofRequest", "make_proof_request"]

#: A block and a record bear no name of their own.
NAMELESS = frozenset({"block", "record"})


@dataclass(frozen=True, kw_only=True)
class ProofRequest:
    """One request, checked; made by `make_proof_request`."""

    kind: TreeKind
    """What the proof has to be of."""

    name: str | None
    """The path of the file, or the name of the tensor or shard; `None` asks for no name."""

    dataset: str | None
    """Id of the dataset that has it."""

    checkpoint: str | None
    """Id of the checkpoint that has it, instead of the release."""

    parts: tuple[str, ...] = ()
    """The names of the shards on the way to it, the topmost first."""

    index: int | None = None
    """Which block or record it is, from 0."""

    def pointers(self, manifest: Manifest) -> tuple[str, ...]:
        """Return the places of a manifest whose roots answer the request."""
        if self.dataset is not None:
            fields = {"file": ("files", "shards"), "record": ("recordTree", "shards")}
            places = _numbers((item.id for item in manifest.datasets), self.dataset)
            return tuple(
                f"/datasets/{number}/{field}"
                for number in places
                for field in fields.get(self.kind, ("shards",))
            )
        if self.kind == "block":
            places = _numbers((item.path for item in manifest.release.blocks), self.name)
            return tuple(f"/release/blocks/{number}/blocks" for number in places)
        if self.checkpoint is None:
            return (f"/release/{self.kind}s",)
        places = _numbers(_checkpoints(manifest), self.checkpoint)
        return tuple(f"/training/checkpoints/{number}/{self.kind}s" for number in places)

    def find_unknown(self, manifest: Manifest) -> Finding | None:
        """Return the finding that the manifest has nothing of the id that was asked for."""
        if self.pointers(manifest):
            return None
        if self.dataset is not None:
            what, known = f"dataset {quoted(self.dataset)}", [item.id for item in manifest.datasets]
        elif self.checkpoint is not None:
            what, known = f"checkpoint {quoted(self.checkpoint)}", [*_checkpoints(manifest)]
        else:
            what = f"block digests of {quoted(self.name or '')}"
            known = [item.path for item in manifest.release.blocks]
        message = f"the manifest has no {what}, but {shown(', '.join(known) or 'none at all')}"
        return Finding("evidence-unknown", "", message)

    def describe(self, *, in_manifest: bool) -> str:
        """Return what was asked for, in words; a root of the caller's own says of what it is."""
        if self.kind == "block":
            return "a block" if self.name is None else f"a block of the file {quoted(self.name)}"
        thing = f"a {self.kind}" if self.name is None else f"the {self.kind} {quoted(self.name)}"
        if self.dataset is not None:
            return f"{thing} of the dataset {quoted(self.dataset)}"
        if self.checkpoint is not None:
            return f"{thing} of the checkpoint {quoted(self.checkpoint)}"
        return f"{thing} of the release" if in_manifest else thing


def make_proof_request(
    *,
    root: TypedRoot | None = None,
    kind: str | None = None,
    name: str | None = None,
    tensor: str | None = None,
    dataset: str | None = None,
    checkpoint: str | None = None,
    parts: Iterable[str] = (),
    index: int | None = None,
) -> ProofRequest:
    """Return the checked request.

    Args:
        root: The root that the caller trusts instead of a manifest.
        kind: What has to be proved; a file, unless `tensor` or `root` says something else.
        name: The path of the file, or the name of the shard.
        tensor: The name of the tensor.
        dataset: Id of the dataset that has it.
        checkpoint: Id of the checkpoint that has it.
        parts: The names of the shards on the way to it, the topmost first.
        index: Which block or record it is, from 0.

    Raises:
        UsageError: The parts do not fit together.
    """
    made = kind or ("tensor" if tensor is not None else _kind_of(root))
    if made not in get_args(TreeKind) or made == "log":
        raise UsageError(
            path="--kind",
            problem=f"proof files are of files, tensors, blocks, records and shards, not of "
            f"{shown(made)}",
        )
    if tensor is not None and (made != "tensor" or name is not None):
        raise UsageError(
            path="--tensor", problem="a tensor has no other kind, and no other name; give it alone"
        )
    given = tensor if tensor is not None else name
    request = ProofRequest(
        kind=cast("TreeKind", made),
        name=given,
        dataset=dataset,
        checkpoint=checkpoint,
        parts=(parts,) if isinstance(parts, str) else tuple(parts),
        index=index,
    )
    _check_place(request, has_root=root is not None)
    _check_name(request, has_root=root is not None)
    _check_way(request, root)
    return request


def _kind_of(root: TypedRoot | None) -> TreeKind:
    """Return what is proved by default: a file, or what the tree of a trusted root is of."""
    return "file" if root is None or root.tree == "shard" else root.tree


def _check_place(request: ProofRequest, *, has_root: bool) -> None:
    chosen = [value for value in (request.dataset, request.checkpoint) if value is not None]
    if has_root and chosen:
        raise UsageError(
            path="--root",
            problem="a root of your own is that of one tree; datasets and checkpoints are of a "
            "manifest",
        )
    if len(chosen) > 1:
        raise UsageError(problem="expected one of --dataset and --checkpoint")
    if request.dataset is not None and request.kind in {"tensor", "block"}:
        raise UsageError(path="--dataset", problem=f"datasets have no {request.kind}s")
    if request.checkpoint is not None and request.kind not in {"file", "tensor"}:
        raise UsageError(path="--checkpoint", problem=f"checkpoints have no {request.kind}s")
    if request.kind in {"record", "shard"} and not has_root and request.dataset is None:
        raise UsageError(
            path="--kind",
            problem=f"a {request.kind} is of a dataset",
            remedy="name it with --dataset ID",
        )


def _check_name(request: ProofRequest, *, has_root: bool) -> None:
    if request.kind == "tensor" and request.name is None:
        raise UsageError(
            path="--kind", problem="a tensor has a name", remedy="name it with --tensor NAME"
        )
    if request.kind == "block" and (request.name is None) != has_root:
        raise UsageError(
            path="--kind",
            problem="a block is of a released file, or of the one file that --root is over",
            remedy="name the released file with --name PATH, and none beside --root",
        )
    if request.kind == "record" and request.name is not None:
        raise UsageError(path="--name", problem="a record has no name")


def _check_way(request: ProofRequest, root: TypedRoot | None) -> None:
    if request.index is not None and (request.kind not in NAMELESS or request.index < 0):
        raise UsageError(
            path="--index",
            problem="blocks and records have an index, from 0; everything else has a name",
        )
    has_shards = request.dataset is not None if root is None else root.tree == "shard"
    if request.parts and not has_shards:
        raise UsageError(
            path="--part",
            problem="parts are the shards of a dataset, or of a root over shards",
            remedy="name the dataset with --dataset ID",
        )


def _checkpoints(manifest: Manifest) -> Iterator[str]:
    if manifest.training is not None:
        yield from (item.id for item in manifest.training.checkpoints)


def _numbers(ids: Iterable[str], wanted: str | None) -> list[int]:
    return [number for number, item in enumerate(ids) if item == wanted]
