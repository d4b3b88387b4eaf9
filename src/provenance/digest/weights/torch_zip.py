"""Zip files that `torch.save` wrote, without unpickling: their storages as raw bytes.

Names, types and shapes of the tensors stand in a pickle, which is a program: it is never run, so
such a file has no tensor digest. The directory is read strictly: members are stored, not
compressed, follow one another without a hole, and no name stands twice. Source: `spec/digests.md`,
section "Containers of weights".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from provenance.digest.tensors import malformed
from provenance.digest.weights.layouts import Layout, Storage
from provenance.digest.weights.zip_directory import Member, read_directory
from provenance.errors import shown

if TYPE_CHECKING:
    from provenance.digest.weights.sources import Sources

__all__ = ["UNKNOWN_NAMES", "read_torch_zip"]

#: What is said of every file whose tensors stand in a pickle.
UNKNOWN_NAMES: Final = "tensor names are not known: reading them needs unpickling"

_STORAGE = re.compile(r"([^/]+)/data/([0-9]{1,18})")
_MAX_BYTE_ORDER: Final = 16
_PICKLE_NAME: Final = b"/data.pkl"
# Bytes of the start and of the end in which its name is looked for.
_LOOKED_AT: Final = 1024 * 1024


def read_torch_zip(sources: Sources, name: str) -> Layout | None:
    """Return the storages of a zip file that `torch.save` wrote, or nothing if it is another zip.

    Raises:
        DigestError: It breaks the format (code `tensors-malformed`).
    """
    if not _mentions_pickle(sources, name):
        return None
    members = {member.name: member for member in read_directory(sources, name)}
    prefixes = {member.partition("/")[0] for member in members}
    pickled = [item for item in members if item.endswith("/data.pkl") and item.count("/") == 1]
    if not pickled:
        return None
    if len(prefixes) != 1 or len(pickled) != 1:
        raise malformed(name, "its members do not lie in one folder")
    prefix = pickled[0].partition("/")[0]
    storages = []
    for member in members.values():
        found = _STORAGE.fullmatch(member.name)
        if found:
            storages.append(Storage(found[2], member.start, member.size))
        elif member.name.startswith(f"{prefix}/data/"):
            raise malformed(name, f"the storage {shown(member.name)} has no number")
    storages.sort(key=lambda storage: int(storage.key))
    notes = [UNKNOWN_NAMES]
    order = members.get(f"{prefix}/byteorder")
    if order is not None:
        notes += _byte_order(sources, name, order)
    return Layout("torch.save", None, tuple(storages), tuple(notes))


def _byte_order(sources: Sources, path: str, member: Member) -> list[str]:
    if member.size <= _MAX_BYTE_ORDER:
        order = sources.read(path, member.start, member.size)
        if order == b"little":
            return []
        if order == b"big":
            return ["the storages are big-endian: those of a little-endian file differ"]
    raise malformed(path, "the byte order is neither little nor big")


def _mentions_pickle(sources: Sources, name: str) -> bool:
    """Return whether the first member or the directory may be a pickle of `torch.save`.

    Other zip files are compressed, or break other rules; nothing is said about them.
    """
    size = sources.size(name)
    length = min(size, _LOOKED_AT)
    places = (0, size - length)
    return any(_PICKLE_NAME in sources.read(name, start, length) for start in places)
