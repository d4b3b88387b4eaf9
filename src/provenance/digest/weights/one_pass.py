"""A safetensors file and its tensors hashed in one reading: the same buffers serve both.

Source: `spec/digests.md`, sections "Reading files" and "Tensor digest".
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from blake3 import blake3

from provenance.digest.algorithms import COUNTED, DigestSet, new_hasher
from provenance.digest.files import FileDigest, check_unchanged, read_chunks
from provenance.digest.opening import open_regular
from provenance.digest.tensors import TensorDigest
from provenance.digest.weights.safetensors_file import parse_header, read_header_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provenance.digest.opening import Folder

__all__ = ["hash_file_and_tensors"]


def hash_file_and_tensors(
    path: str | os.PathLike[str],
    *,
    root: Folder | None = None,
    algorithms: Sequence[str] = COUNTED,
    progress: Callable[[int], None] | None = None,
    deadline: float | None = None,
) -> tuple[FileDigest, tuple[TensorDigest, ...]]:
    """Read a safetensors file once and return its digests and those of its tensors.

    Args:
        path: The file; below `root`, a checked name.
        root: The folder below which no link is followed.
        algorithms: Names of digest algorithms for the whole file.
        progress: Called with numbers of bytes as they are done.
        deadline: Time of `time.monotonic` after which reading stops.

    Returns:
        What `hash_file` returns, and the tensors sorted by the bytes of their names.

    Raises:
        DigestError: It breaks the format (code `tensors-malformed`).
        InputError: It is a link or special file, cannot be read, or changed meanwhile.
    """
    hashers = {algorithm: new_hasher(algorithm) for algorithm in algorithms}
    text = os.fspath(path)
    tensors = []
    with open_regular(path, root=root) as descriptor:
        info = os.fstat(descriptor)
        header = read_header_bytes(descriptor, info.st_size, text)
        for hasher in hashers.values():
            hasher.update(header)
        # The tensors come in the order of their bytes and without holes: no seek is needed.
        for tensor in parse_header(header, info.st_size, text):
            made = blake3()
            size = tensor.end - tensor.start
            for chunk in read_chunks(descriptor, size, path=text, deadline=deadline):
                made.update(chunk)
                for hasher in hashers.values():
                    hasher.update(chunk)
                if progress is not None:
                    progress(len(chunk))
            tensors.append(TensorDigest(tensor.name, tensor.dtype, tensor.shape, made.hexdigest()))
        check_unchanged(descriptor, info, path=text)
    digests = DigestSet({name: hasher.hexdigest() for name, hasher in hashers.items()})
    ordered = tuple(sorted(tensors, key=lambda tensor: tensor.name))
    return FileDigest(info.st_size, digests, info.st_nlink), ordered
