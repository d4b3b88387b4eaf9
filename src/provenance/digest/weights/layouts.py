"""What a container of weights says it holds: tensors or storages, and where their bytes are."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Layout", "Storage", "StoredTensor"]


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor and where its elements lie."""

    name: str
    """Parameter name."""

    dtype: str
    """Name of the element type, a key of `DTYPE_BITS` or `GGML_BLOCKS`."""

    shape: tuple[int, ...]
    """Dimensions, outermost first."""

    file: str
    """The file that holds the elements, as `Sources` calls it."""

    start: int
    """Offset of the first byte in that file."""

    size: int
    """Length of the elements in bytes."""

    data: bytes | None = None
    """The elements themselves, where the file holds them in another form."""


@dataclass(frozen=True, slots=True)
class Storage:
    """One storage of a file that `torch.save` wrote: bytes whose meaning is in a pickle."""

    key: str
    """Its number in the pickle, e.g. `0`."""

    start: int
    """Offset of the first byte in the file."""

    size: int
    """Length in bytes."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What one container holds."""

    format: str
    """Name of the container, e.g. `GGUF`."""

    tensors: tuple[StoredTensor, ...] | None = None
    """Its tensors, or `None` if they cannot be known without executing something."""

    storages: tuple[Storage, ...] = ()
    """Its storages, of a `torch.save` file."""

    notes: tuple[str, ...] = ()
    """What a reader should know about what is not covered."""
