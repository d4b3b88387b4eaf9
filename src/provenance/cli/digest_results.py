"""What `provenance digest` is asked of a path, what it finds, and how that is printed."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance.cli.claims import print_claims
from provenance.cli.output import say
from provenance.errors import InputError, UsageError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from provenance.cli.executors import Hashing
    from provenance.digest import DigestCache, FileDigest

__all__ = [
    "Wanted",
    "check_excluded",
    "hash_cached",
    "hash_standard_input",
    "print_digest",
]

#: Sizes from here on are also shown in a larger unit.
FULL_COUNT_IS_ENOUGH = 1024
#: Bytes that are read at once from standard input.
CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The options that say what is computed of a path, and how."""

    output_format: str
    algorithms: tuple[str, ...]
    inventory: Path | None
    excluded: tuple[str, ...]
    full: bool
    quiet: bool
    tensor: str | None
    hashing: Hashing
    cache: Path | None

    @property
    def chosen(self) -> tuple[str, ...]:
        """The algorithms."""
        return self.algorithms or ("blake3", "sha256")


def check_excluded(path: Path, names: Sequence[str], *, is_folder: bool) -> None:
    """Refuse names that `--exclude` cannot leave out.

    A digest of everything would be taken for one without them.

    Raises:
        UsageError: There is no folder of this machine, or nothing of that name directly in it.
    """
    if names and not is_folder:
        raise UsageError(path="--exclude", problem="is for a folder of this machine")
    for name in names:
        if "/" in name or os.sep in name or name in {"", ".", ".."}:
            raise UsageError(
                path="--exclude", problem=f"{shown(name)} is not the name of one file or folder"
            )
        if not os.path.lexists(path / name):
            raise UsageError(path="--exclude", problem=f"there is no {shown(name)} in {path}")


def hash_cached(
    path: str,
    algorithms: Sequence[str],
    cache: DigestCache | None,
    progress: Callable[[int], None] | None,
) -> FileDigest:
    """Return the digests of one file, from a cache if one is given that knows it.

    Raises:
        InputError: It is a link or special file, or cannot be read.
    """
    from provenance.digest import DigestSet, FileDigest, hash_file, open_regular

    if cache is None:
        return hash_file(path, algorithms=algorithms, progress=progress)
    with open_regular(path) as descriptor:
        before = os.fstat(descriptor)
        known = cache.lookup(before, algorithms)
        if known is not None:
            return FileDigest(before.st_size, DigestSet(known), before.st_nlink)
        made = hash_file(path, algorithms=algorithms, progress=progress)
        # Only if the file that was read is the one that was looked at, unchanged until now.
        if _state(os.stat(path)) == _state(before) == _state(os.fstat(descriptor)):  # noqa: PTH116 - text path
            cache.store(before, made.digest)
    return made


def _state(info: os.stat_result) -> tuple[int, ...]:
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns


def hash_standard_input(
    algorithms: Sequence[str], progress: Callable[[int], None] | None
) -> dict[str, object]:
    """Read standard input to its end, and return what is printed of it.

    Raises:
        InputError: It cannot be read.
        UsageError: There is none.
    """
    from provenance.digest import new_hasher

    if sys.stdin is None:
        raise UsageError(problem="there is no standard input", remedy="name the file to read")
    hashers = {name: new_hasher(name) for name in algorithms}
    size = 0
    try:
        while data := sys.stdin.buffer.read(CHUNK_BYTES):
            size += len(data)
            for hasher in hashers.values():
                hasher.update(data)
            if progress is not None:
                progress(len(data))
    except OSError as error:
        raise InputError(
            path="standard input",
            problem=f"cannot be read: {error.strerror}",
            code="input-unreadable",
        ) from error
    digests = {name: hasher.hexdigest() for name, hasher in hashers.items()}
    return {"digest": digests, "path": "-", "size": size}


def print_digest(result: Mapping[str, object], *, after: bool, quiet: bool) -> None:
    """Print what was found of one path, as text.

    Args:
        result: The members of the JSON.
        after: Whether it comes after another one.
        quiet: Print no line for a claim that matches.
    """
    from provenance.render import escape, format_bytes, format_count

    if after:
        say("")
    size = result["size"]
    assert isinstance(size, int)  # noqa: S101 - made above
    say(f"path     {escape(str(result['path']))}")
    say(
        f"size     {format_count(size)} bytes"
        + (f" ({format_bytes(size)})" if size >= FULL_COUNT_IS_ENOUGH else "")
    )
    digests = result.get("digest")
    if isinstance(digests, dict):
        for algorithm, value in digests.items():
            say(f"{algorithm:<8} {value}")
    excluded = result.get("excluded")
    if isinstance(excluded, list):
        say(f"excluded {', '.join(map(escape, excluded))}")
    for name, label in (("files", "tree"), ("tensors", "tensors")):
        root = result.get(name)
        if isinstance(root, dict):
            say(f"{label:<8} {root['root']} ({format_count(root['size'])} {name})")
    _print_more(result)
    claims = result.get("claims")
    if isinstance(claims, dict):
        print_claims(claims, quiet=quiet)


def _print_more(result: Mapping[str, object]) -> None:
    from provenance.render import format_count

    cached = result.get("cached")
    if isinstance(cached, int):
        files = "file" if cached == 1 else "files"
        say(f"cached   {format_count(cached)} {files} by digests cached earlier, not read")
    storages = result.get("storages")
    if isinstance(storages, list):
        for item in storages:
            say(f"storage  {item['key']} {item['blake3']} ({format_count(item['size'])} bytes)")
