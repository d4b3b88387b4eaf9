"""The tensor digest of a model in any container, one tensor of it, or a file and its tensors.

Source: `spec/digests.md`, sections "Tensor digest" and "Containers of weights".
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from blake3 import blake3

from provenance.canonical import MAX_NAME_BYTES
from provenance.digest.merkle import TypedRoot, typed_root
from provenance.digest.tensors import TensorDigest, check_count, malformed
from provenance.digest.weights.opening_weights import read_layout
from provenance.digest.weights.sources import Sources
from provenance.errors import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import Buffer

    from provenance.digest.opening import Folder
    from provenance.digest.weights.layouts import Layout, StoredTensor
    from provenance.errors import DigestError

__all__ = [
    "StorageDigest",
    "WeightsDigest",
    "hash_tensor",
    "hash_tensors",
    "hash_weights",
    "join_tensors",
    "list_tensors",
]

#: Names among which one is sought that is like a name that is not there.
MAX_COMPARED_NAMES: Final = 10_000


@dataclass(frozen=True, slots=True)
class StorageDigest:
    """One storage of a `torch.save` file: bytes whose names and shapes are in a pickle."""

    key: str
    """Its number in the pickle, e.g. `0`."""

    size: int
    """Length in bytes."""

    blake3: str
    """BLAKE3 of its bytes."""


@dataclass(frozen=True, slots=True)
class WeightsDigest:
    """What is known of the content of a model's files."""

    root: TypedRoot | None
    """Typed root over the tensors, or `None` if their names cannot be known."""

    tensors: tuple[TensorDigest, ...]
    """The tensors, sorted by the bytes of their names."""

    storages: tuple[StorageDigest, ...]
    """The storages of `torch.save` files, by number."""

    formats: tuple[str, ...]
    """The containers of the files, in their order, e.g. `GGUF`."""

    notes: tuple[str, ...]
    """What is not covered, and why."""


def hash_weights(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    root: Folder | None = None,
    progress: Callable[[int], None] | None = None,
    deadline: float | None = None,
) -> WeightsDigest:
    """Return what can be known of weights without executing anything, by content, not by name.

    safetensors, an index of safetensors, GGUF and ONNX have a tensor digest; zip files that
    `torch.save` wrote have a list of storages; of other formats only a note is returned.

    Args:
        paths: The file, or all files of one model.
        root: The folder below which no link is followed.
        progress: Called with numbers of bytes as they are done.
        deadline: Time of `time.monotonic` after which reading stops.

    Raises:
        DigestError: A file breaks its format, or a name stands in two files (code
            `tensors-malformed`).
        InputError: A file cannot be read, or changed meanwhile.
    """
    tensors: dict[str, TensorDigest] = {}
    storages: list[StorageDigest] = []
    layouts: list[Layout] = []
    for path in _listed(paths):
        with Sources(path, root) as sources:
            layout = read_layout(sources)
            layouts.append(layout)
            check_count(len(tensors) + len(layout.tensors or ()), sources.main)
            _add(tensors, _hash_all(sources, layout, progress, deadline), os.fspath(path))
            storages += _hash_storages(sources, layout, progress, deadline)
    is_known = bool(layouts) and all(layout.tensors is not None for layout in layouts)
    ordered = _ordered(tensors)
    return WeightsDigest(
        root=_root(ordered) if is_known else None,
        tensors=ordered,
        storages=tuple(storages),
        formats=tuple(layout.format for layout in layouts),
        notes=tuple(dict.fromkeys(note for layout in layouts for note in layout.notes)),
    )


def hash_tensors(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    root: Folder | None = None,
    progress: Callable[[int], None] | None = None,
    deadline: float | None = None,
) -> tuple[TypedRoot, tuple[TensorDigest, ...]]:
    """Return the tensor digest of a model in one or several files.

    Args:
        paths: A safetensors file, all shards in any order, or their index; a GGUF or ONNX file.
        root: The folder below which no link is followed.
        progress: Called with numbers of bytes as they are done.
        deadline: Time of `time.monotonic` after which reading stops.

    Returns:
        The typed root, and the tensors sorted by the bytes of their names.

    Raises:
        DigestError: A file breaks its format, has no tensors that can be read without executing
            something, or a name stands in two files (code `tensors-malformed`).
        InputError: A file cannot be read, or changed meanwhile.
    """
    tensors: dict[str, TensorDigest] = {}
    for path in _listed(paths):
        with Sources(path, root) as sources:
            layout = _known(sources)
            check_count(len(tensors) + len(layout.tensors or ()), sources.main)
            _add(tensors, _hash_all(sources, layout, progress, deadline), os.fspath(path))
    ordered = _ordered(tensors)
    return _root(ordered), ordered


def hash_tensor(
    path: str | os.PathLike[str], name: str, *, root: Folder | None = None
) -> TensorDigest:
    """Return the digest of one tensor; of the file, only the header and its bytes are read.

    Args:
        path: The file, or the index of its shards.
        name: Parameter name.
        root: The folder below which no link is followed.

    Raises:
        DigestError: The file breaks its format, or has no such tensor (code `tensors-malformed`).
        InputError: It cannot be read, or changed meanwhile.
    """
    with Sources(path, root) as sources:
        tensors = _known(sources).tensors or ()
        for tensor in tensors:
            if tensor.name == name:
                return _hash_one(sources, tensor, None, None)
    raise malformed(os.fspath(path), f"has no tensor {shown(name)}{_hint(name, tensors)}")


def join_tensors(
    files: Iterable[tuple[str, Iterable[TensorDigest]]],
) -> tuple[TypedRoot, tuple[TensorDigest, ...]]:
    """Return the tensor digest of a model whose files were hashed already, as `hash_tensors` does.

    Args:
        files: Name and tensors of each file.

    Raises:
        DigestError: A name stands in two files (code `tensors-malformed`).
    """
    tensors: dict[str, TensorDigest] = {}
    for path, found in files:
        _add(tensors, found, path)
    ordered = _ordered(tensors)
    return _root(ordered), ordered


def list_tensors(
    paths: Iterable[str | os.PathLike[str]], *, root: Folder | None = None
) -> tuple[StoredTensor, ...]:
    """Return what the headers say of the tensors of a model; their bytes are not read.

    Args:
        paths: As for `hash_tensors`.
        root: The folder below which no link is followed.

    Returns:
        The tensors, sorted by the bytes of their names.

    Raises:
        DigestError: As for `hash_tensors`.
        InputError: As for `hash_tensors`.
    """
    tensors: dict[str, StoredTensor] = {}
    for path in paths:
        with Sources(path, root) as sources:
            found = _known(sources).tensors or ()
            check_count(len(tensors) + len(found), sources.main)
            for tensor in found:
                if tensor.name in tensors:
                    raise _twice(path, tensor.name)
                tensors[tensor.name] = tensor
    return tuple(tensors[name] for name in sorted(tensors))


def _hint(name: str, tensors: tuple[StoredTensor, ...]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - slow to import, for a refusal only

    names = [tensor.name for tensor in tensors[:MAX_COMPARED_NAMES]]
    close = ", ".join(map(shown, get_close_matches(name[:MAX_NAME_BYTES], names)))
    return f", perhaps {close} is meant" if close else f" among its {len(tensors)}"


def _listed(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> list[str | os.PathLike[str]]:
    return [paths] if isinstance(paths, str | os.PathLike) else list(paths)


def _known(sources: Sources) -> Layout:
    """Return a layout whose tensors are known."""
    layout = read_layout(sources, default="safetensors")
    if layout.tensors is None:
        raise malformed(sources.main, f"{layout.format}: {layout.notes[0]}")
    return layout


def _add(tensors: dict[str, TensorDigest], found: Iterable[TensorDigest], path: str) -> None:
    for tensor in found:
        if tensor.name in tensors:
            raise _twice(path, tensor.name)
        tensors[tensor.name] = tensor
    check_count(len(tensors), path)


def _twice(path: str | os.PathLike[str], name: str) -> DigestError:
    return malformed(os.fspath(path), f"the tensor {shown(name)} also stands in another file")


def _ordered(tensors: dict[str, TensorDigest]) -> tuple[TensorDigest, ...]:
    # Code points order as their UTF-8 bytes do.
    return tuple(tensors[name] for name in sorted(tensors))


def _root(tensors: tuple[TensorDigest, ...]) -> TypedRoot:
    return typed_root("tensor", (tensor.entry for tensor in tensors))


def _hash_all(
    sources: Sources,
    layout: Layout,
    progress: Callable[[int], None] | None,
    deadline: float | None,
) -> list[TensorDigest]:
    # File by file and in the order of their bytes: disks like that.
    ordered = sorted(layout.tensors or (), key=lambda tensor: (tensor.file, tensor.start))
    return [_hash_one(sources, tensor, progress, deadline) for tensor in ordered]


def _hash_one(
    sources: Sources,
    tensor: StoredTensor,
    progress: Callable[[int], None] | None,
    deadline: float | None,
) -> TensorDigest:
    if not tensor.size:
        chunks: Iterable[Buffer] = ()
    elif tensor.data is None:
        chunks = sources.chunks(tensor.file, tensor.start, tensor.size, deadline)
    else:
        chunks = (tensor.data,)
    made = _hash_chunks(chunks, progress)
    return TensorDigest(tensor.name, tensor.dtype, tensor.shape, made)


def _hash_storages(
    sources: Sources,
    layout: Layout,
    progress: Callable[[int], None] | None,
    deadline: float | None,
) -> list[StorageDigest]:
    result = []
    for storage in layout.storages:
        chunks = sources.chunks(sources.main, storage.start, storage.size, deadline)
        made = _hash_chunks(chunks, progress)
        result.append(StorageDigest(storage.key, storage.size, made))
    return result


def _hash_chunks(chunks: Iterable[Buffer], progress: Callable[[int], None] | None) -> str:
    hasher = blake3()
    for chunk in chunks:
        hasher.update(chunk)
        if progress is not None:
            progress(memoryview(chunk).nbytes)
    return hasher.hexdigest()
