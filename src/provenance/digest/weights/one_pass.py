"""A safetensors file and its tensors hashed in one reading: the same buffers serve both.

Source: `spec/digests.md`, sections "Reading files" and "Tensor digest".
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from blake3 import blake3

from provenance.digest.algorithms import COUNTED
from provenance.digest.engine.jobs import FileJob, Watch
from provenance.digest.engine.stream import hash_streamed
from provenance.digest.tensors import TensorDigest, malformed
from provenance.digest.weights.opening_weights import OTHER, detect_format
from provenance.digest.weights.safetensors_file import header_end, parse_header
from provenance.errors import DigestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provenance.digest.files import FileDigest
    from provenance.digest.opening import Folder
    from provenance.digest.tensors import TensorInfo

__all__ = ["TensorHasher", "hash_file_and_tensors"]

# Bytes by which a container is told apart from the others.
_HEAD_BYTES: Final = 16


class TensorHasher:
    """Hashes the tensors of a safetensors file out of its bytes: a consumer of a job.

    A file that is none is a file all the same: what is wrong with it is kept until it is asked for.
    """

    def __init__(self, path: str, *, strict: bool = False) -> None:
        """Take what errors call the file.

        Args:
            path: Its name.
            strict: Raise what is wrong while the file is read, not afterwards.
        """
        self._path = path
        self._strict = strict
        self.begin(0)
        self._begun = False

    def begin(self, size: int) -> None:
        """Begin with the first byte of a file of this length."""
        self._begun = True
        self._size = size
        self._header = bytearray()
        self._waiting: list[TensorInfo] | None = None  # the next one last; `None` in the header
        self._hasher = blake3()
        self._room = 0  # bytes that are still to come of the tensor that is hashed
        self._made: list[TensorDigest] = []
        self._fault: DigestError | None = None

    def update(self, data: memoryview) -> None:
        """Take the next bytes."""
        if self._fault is not None:
            return
        try:
            if self._waiting is None:
                data = self._take_header(data)
        except DigestError as error:
            if self._strict:
                raise
            self._fault = error
            return
        while data and self._waiting:
            part = data[: self._room]
            self._hasher.update(part)
            self._room -= len(part)
            data = data[len(part) :]
            if not self._room:
                self._end_tensor()
                self._next()

    def result(self) -> tuple[TensorDigest, ...] | None:
        """Return the tensors, sorted by the bytes of their names, after the last byte.

        Returns:
            Or `None` if the file was not read, as one that a cache knows.

        Raises:
            DigestError: The file breaks the format (code `tensors-malformed`).
        """
        if not self._begun:
            return None
        if self._fault is not None:
            raise self._fault
        if self._waiting is None:
            raise malformed(self._path, f"{self._size} bytes cannot hold a header")
        return tuple(sorted(self._made, key=lambda tensor: tensor.name))

    def _take_header(self, data: memoryview) -> memoryview:
        """Take what belongs to the header, and return the rest."""
        data = self._fill(data, min(_HEAD_BYTES, self._size))
        start = bytes(self._header[:_HEAD_BYTES])
        if len(start) < min(_HEAD_BYTES, self._size):
            return data
        kind = detect_format(start)
        if kind not in {"safetensors", OTHER}:
            raise malformed(self._path, f"its first bytes are those of {kind}")
        end = header_end(start, self._size, self._path)
        data = self._fill(data, end)
        if len(self._header) >= end:
            tensors = parse_header(bytes(self._header[:end]), self._size, self._path)
            self._waiting = list(reversed(tensors))
            self._header.clear()
            self._next()
        return data

    def _fill(self, data: memoryview, length: int) -> memoryview:
        part = data[: max(0, length - len(self._header))]
        self._header += part
        return data[len(part) :]

    def _next(self) -> None:
        """Go to the next tensor that has bytes; an empty one is hashed at once."""
        self._hasher = blake3()
        while self._waiting:
            self._room = self._waiting[-1].end - self._waiting[-1].start
            if self._room:
                return
            self._end_tensor()

    def _end_tensor(self) -> None:
        if self._waiting:
            done = self._waiting.pop()
            digest = self._hasher.hexdigest()
            self._made.append(TensorDigest(done.name, done.dtype, done.shape, digest))
            self._hasher = blake3()


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
    text = os.fspath(path)
    tensors = TensorHasher(text, strict=True)
    job = FileJob(text, None, tuple(algorithms), (tensors,))
    made, _ = hash_streamed(root, job, Watch(progress, deadline))
    return made, tensors.result() or ()
