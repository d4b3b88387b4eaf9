"""The program of the expendable process that hashes large files by mapping them.

A mapped file that somebody shortens kills whoever reads it (SIGBUS), and Python cannot catch that.
So only a process that may die does it. Like `worker`, this module imports nothing but the standard
library and blake3. Source: `spec/digests.md`, section "Reading files".
"""

from __future__ import annotations

import mmap
import os

from blake3 import blake3

__all__ = ["DIGEST", "FILE", "SLICE", "SLICE_BYTES", "map_files"]

#: Where this program is; a bare process is told.
FILE = __file__

#: What is written after each slice, and before the 32 bytes of a digest.
SLICE, DIGEST = b".", b"="

#: Bytes of one slice.
SLICE_BYTES = 64 * 1024 * 1024


def map_files(*files: int) -> None:
    """Hash open files and write to stdout one byte a slice, and each digest.

    Args:
        files: Descriptor and size of one file after the other; none is empty.
    """
    for descriptor, size in zip(files[::2], files[1::2], strict=True):
        hasher = blake3(max_threads=blake3.AUTO)
        with mmap.mmap(descriptor, size, prot=mmap.PROT_READ) as mapped, memoryview(mapped) as view:
            for start in range(0, size, SLICE_BYTES):
                with view[start : start + SLICE_BYTES] as part:
                    hasher.update(part)
                os.write(1, SLICE)
        os.write(1, DIGEST + hasher.digest())
