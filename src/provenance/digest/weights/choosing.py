"""Which file of a folder stands for the model that lies in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from provenance.digest.opening import open_folder
from provenance.digest.tensors import malformed

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["INDEX_SUFFIX", "choose_weights"]

#: The end of the name of an index of safetensors shards.
INDEX_SUFFIX = ".safetensors.index.json"
# The kinds of files that may stand for a folder, the best first.
_SUFFIXES = (INDEX_SUFFIX, ".safetensors", ".gguf", ".onnx")


def choose_weights(folder: Path) -> Path:
    """Return the one file that holds the weights of a folder, or the index of its shards.

    Raises:
        DigestError: There is none, or more than one could be meant (code `tensors-malformed`).
        InputError: The folder cannot be read.
    """
    with open_folder(folder) as opened:
        names = sorted(entry.name for entry in opened.scan())
    for suffix in _SUFFIXES:
        found = [name for name in names if name.endswith(suffix)]
        if len(found) == 1:
            return folder / found[0]
        if found:
            problem = f"{len(found)} files end with {suffix}, so that one has to be named"
            raise malformed(os.fspath(folder), problem)
    raise malformed(os.fspath(folder), "holds no weights whose tensors can be read")
