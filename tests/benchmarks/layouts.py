"""The trees that are hashed: a few big files, many small ones; warm or cold."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["drop_caches", "make_shards", "make_small_files", "warm"]

#: Files of one folder.
FILES_PER_FOLDER = 1_000

_DROP = Path("/proc/sys/vm/drop_caches")


def make_shards(folder: Path, *, count: int, size: int) -> Path:
    """Make safetensors files of `size` bytes of random data each, one tensor to 16 MiB."""
    folder.mkdir(parents=True)
    piece = 16 * 1024 * 1024
    for shard in range(count):
        tensors = {}
        for start in range(0, size, piece):
            end = min(size, start + piece)
            tensors[f"layers.{shard}.{start // piece}.weight"] = {
                "dtype": "BF16",
                "shape": [(end - start) // 2],
                "data_offsets": [start, end],
            }
        header = json.dumps(tensors).encode()
        header += b" " * (-len(header) % 8)
        with (folder / f"model-{shard + 1:05}-of-{count:05}.safetensors").open("wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)
            for start in range(0, size, piece):
                file.write(os.urandom(min(piece, size - start)))
    return folder


def make_small_files(folder: Path, *, count: int, size: int) -> Path:
    """Make `count` files of `size` random bytes, a thousand to a folder."""
    for number in range(count):
        if number % FILES_PER_FOLDER == 0:
            (folder / f"{number // FILES_PER_FOLDER:04}").mkdir(parents=True)
        path = folder / f"{number // FILES_PER_FOLDER:04}" / f"{number:07}.bin"
        path.write_bytes(os.urandom(size))
    return folder


def warm(folder: Path) -> Callable[[], None]:
    """Return a function that reads every file, because page caches are reclaimed unseen."""
    paths = [os.path.join(top, name) for top, _, names in os.walk(folder) for name in names]  # noqa: PTH118 - text

    def read() -> None:
        buffer = memoryview(bytearray(1024 * 1024))
        for path in paths:
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - text
                while file.readinto(buffer):
                    pass

    return read


def drop_caches() -> Callable[[], None] | None:
    """Return a function that empties the page cache; `None` where that is not allowed."""
    if not os.access(_DROP, os.W_OK):
        return None

    def drop() -> None:
        os.sync()
        _DROP.write_text("3", encoding="ascii")

    return drop
