"""Text compressed by gzip, read as the text that it holds; nothing is written to disk.

Only as much is decompressed as is asked for, and readers ask for bounded lines: a small file that
expands to a huge one costs time and no memory. Source: RFC 1952; `spec/digests.md`, section "Record
encodings".
"""

from __future__ import annotations

import gzip
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

from provenance.digest.records.encoding import malformed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

__all__ = ["SUFFIX", "decompressed", "is_compressed"]

#: What the name of a compressed file ends with.
SUFFIX: Final = ".gz"
_MAGIC: Final = b"\x1f\x8b"


def is_compressed(file: BinaryIO) -> bool:
    """Return whether a file, open at its start, begins as gzip data does, and no UTF-8 text."""
    start = file.read(len(_MAGIC))
    file.seek(0)
    return start == _MAGIC


@contextmanager
def decompressed(file: BinaryIO, path: str) -> Iterator[BinaryIO]:
    """Give the text in a file that is open at its start.

    Args:
        file: The compressed file.
        path: What errors call it.

    Raises:
        DigestError: It is no gzip, damaged, cut off, or goes on with something else
            (`records-malformed`); raised while it is read.
    """
    if not is_compressed(file):  # an empty file among them, which Python takes for no data
        raise malformed("is no gzip data", path=path)
    try:
        with gzip.GzipFile(fileobj=file, mode="rb") as text:
            yield cast("BinaryIO", text)
    except EOFError:
        raise malformed("the gzip data is cut off", path=path, remedy="fetch it again") from None
    except (gzip.BadGzipFile, zlib.error):
        raise malformed("the gzip data is damaged", path=path) from None
