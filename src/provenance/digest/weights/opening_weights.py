"""Which container a file of weights is, by its content, and what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from provenance.canonical import MAX_SAFETENSORS_HEADER_BYTES
from provenance.digest.tensors import check_count
from provenance.digest.weights.gguf_file import read_gguf
from provenance.digest.weights.index import read_index, read_single
from provenance.digest.weights.layouts import Layout
from provenance.digest.weights.onnx_file import read_onnx
from provenance.digest.weights.sources import Sources
from provenance.digest.weights.torch_zip import UNKNOWN_NAMES, read_torch_zip

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from provenance.digest.opening import Folder

__all__ = ["OTHER", "detect_format", "find_format", "read_layout"]

#: What a file is called that is none of the known containers.
OTHER: Final = "other"

# Bytes at the start of containers that are known by them.
_MAGIC: Final = (
    (b"GGUF", "GGUF"),
    (b"PK\3\4", "zip"),
    (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"\x93NUMPY", "NumPy"),
)
# Protocols of pickles that begin with their number; older ones do not.
_PICKLES: Final = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))
# ModelProto: the version, then another field of the model.
_VERSION_TAG: Final = 0x08
_VERSIONS: Final = range(1, 32)
_NEXT_TAGS: Final = frozenset({0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72})
_HEAD: Final = 16
# What reads a container that its first bytes name; of a zip file it may say that it is another one.
_READERS: Final[Mapping[str, Callable[[Sources, str], Layout | None]]] = {
    "GGUF": read_gguf,
    "ONNX": read_onnx,
    "safetensors": read_single,
    "zip": read_torch_zip,
}
_SAFETENSORS_BRACE: Final = 8


def detect_format(head: bytes) -> str:
    """Return the container whose first bytes these are, or `OTHER`.

    Args:
        head: The first 16 bytes, or the whole of a shorter file.
    """
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head.startswith(_PICKLES):
        return "pickle"
    # A header of safetensors that begins with a brace is longer than any file, read as JSON.
    if head[_SAFETENSORS_BRACE : _SAFETENSORS_BRACE + 1] == b"{" and b"\0" in head[:8]:
        return "safetensors"
    if head.lstrip()[:1] == b"{":
        return "JSON"
    if (
        len(head) > 2  # noqa: PLR2004 - a tag, the version, a tag
        and head[0] == _VERSION_TAG
        and head[1] in _VERSIONS
        and head[2] in _NEXT_TAGS
    ):
        return "ONNX"
    return OTHER


def find_format(path: str | os.PathLike[str], *, root: Folder | None = None) -> str:
    """Return the container that a file is by its content: `GGUF`, `safetensors index`, `other`.

    Raises:
        InputError: It cannot be read, or is a link or special file.
    """
    with Sources(path, root) as sources:
        name = sources.main
        kind = detect_format(sources.read(name, 0, min(_HEAD, sources.size(name))))
        if kind == "JSON":
            return "safetensors index" if _is_index(sources, name) else OTHER
    return kind


def read_layout(sources: Sources, *, default: str = OTHER) -> Layout:
    """Return what the model's file holds, and the files that it names.

    Args:
        sources: The file.
        default: The container that a file is taken for whose content says nothing.

    Raises:
        DigestError: It breaks the format of its container (code `tensors-malformed`).
        InputError: A file cannot be read, or is a link or special file.
    """
    name = sources.main
    head = sources.read(name, 0, min(_HEAD, sources.size(name)))
    kind = detect_format(head)
    kind = default if kind == OTHER else kind
    layout: Layout | None = None
    if kind in _READERS:
        layout = _READERS[kind](sources, name)
    elif kind == "JSON" and _is_index(sources, name):
        layout = read_index(sources, name)
    if layout is None:
        note = UNKNOWN_NAMES if kind == "pickle" else "the tensors of this format are not read"
        layout = Layout(kind, None, (), (note,))
    check_count(len(layout.tensors or ()), name)
    return layout


def _is_index(sources: Sources, name: str) -> bool:
    """Return whether a JSON file means to be an index; one that is too large is refused later."""
    size = sources.size(name)
    return size > MAX_SAFETENSORS_HEADER_BYTES or b'"weight_map"' in sources.read(name, 0, size)
