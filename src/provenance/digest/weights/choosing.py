"""Which file of a folder stands for the model that lies in it, and which files have its tensors."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from provenance.digest.opening import open_folder
from provenance.digest.tensors import malformed
from provenance.errors import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = ["INDEX_SUFFIX", "choose_weights", "describe_uncovered", "tensor_files"]

#: The end of the name of an index of safetensors shards.
INDEX_SUFFIX = ".safetensors.index.json"
# The kinds of files that may stand for a folder, the best first.
_SUFFIXES = (INDEX_SUFFIX, ".safetensors", ".gguf", ".onnx")
# A part of a GGUF model that was split: the model, the number of the part, and how many there are.
_GGUF_PART: Final = re.compile(r"(.*)-([0-9]{5})-of-([0-9]{5})\.gguf", re.DOTALL)
# A shard of a safetensors model, by the names that its index gives.
_SHARD: Final = re.compile(r"(.*)-([0-9]{5})-of-([0-9]{5})\.safetensors", re.DOTALL)
#: Names that one message shows.
MAX_NAMES_SHOWN: Final = 3


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


def tensor_files(names: Iterable[str]) -> tuple[str, ...]:
    """Return the files of a release whose tensors are those of the model; none if that is open.

    All safetensors files together are one model. Where there is none: the one GGUF file, or all
    parts of the one that was split; then the one ONNX file. Several GGUF or ONNX files are several
    models, as by other quantisations, in which the same tensor has the same name.

    Source: `spec/verification.md`, [R-VER-15].

    Args:
        names: The names of all files.
    """
    ordered = sorted(names)
    for suffix in (".safetensors", ".gguf", ".onnx"):
        found = tuple(name for name in ordered if name.endswith(suffix))
        if found:
            is_one = suffix == ".safetensors" or len(found) == 1 or _is_split(found)
            return found if is_one else ()
    return ()


def describe_uncovered(names: Iterable[str]) -> str:
    """Return what the tensor digest of a release is not over, in words; empty if that is nothing.

    Args:
        names: The names of all files, of which `tensor_files` chooses some.
    """
    ordered = sorted(names)
    chosen = tensor_files(ordered)
    if not chosen:
        return ""
    known = frozenset(chosen)
    others = [name for name in ordered if name.endswith(_SUFFIXES[1:]) and name not in known]
    parts = []
    if others:
        parts.append(f"not over {_some(others)}")
    if absent := _find_absent(ordered):
        parts.append(f"without the shards that are not here of {_some(absent)}")
    return f"the tensor digest is over {_some(chosen)}, and {', '.join(parts)}" if parts else ""


def _find_absent(names: Iterable[str]) -> list[str]:
    """Return the models of which some shards are here and others not, or an index and no shard."""
    found: dict[tuple[str, str], set[int]] = {}
    indexed = []
    for name in names:
        if shard := _SHARD.fullmatch(name):
            found.setdefault((shard[1], shard[3]), set()).add(int(shard[2]))
        elif name.endswith(INDEX_SUFFIX):
            indexed.append(name.removesuffix(INDEX_SUFFIX))
    some = {model for (model, total), numbers in found.items() if len(numbers) < int(total)}
    whole = {model for model, _ in found}
    return sorted(some.union(model for model in indexed if model not in whole))


def _some(names: Sequence[str]) -> str:
    some = ", ".join(shown(name) for name in names[:MAX_NAMES_SHOWN])
    more = len(names) - MAX_NAMES_SHOWN
    return f"{some} and {more} more" if more > 0 else some


def _is_split(names: Sequence[str]) -> bool:
    """Return whether these are all the parts of one GGUF model."""
    parts = [found.groups() for name in names if (found := _GGUF_PART.fullmatch(name))]
    numbers = [int(number) for _, number, _ in parts]
    is_same = len({(model, total) for model, _, total in parts}) == 1
    return is_same and len(parts) == len(names) == int(parts[0][2]) == len(set(numbers)) == max(
        numbers
    )
