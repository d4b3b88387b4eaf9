"""The differences of a work tree from its commit as a patch that `git apply` takes.

Git's own `diff` would run filters and other programs that the repository names, so the patch is
made here, of blobs that Git holds and of files that are read without following a link. Source:
`docs/explanation/capture.md`, section "The code".
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import os
import zlib
from typing import TYPE_CHECKING, Final

from provenance.capture.git_commands import GitError
from provenance.capture.redaction import redact_text
from provenance.digest import open_folder
from provenance.digest.files import check_unchanged, read_chunks
from provenance.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from provenance.capture.git_commands import Git
    from provenance.capture.git_tree import TreeEntry
    from provenance.digest import Folder

__all__ = ["PatchError", "SecretFoundError", "make_patch"]

#: Most files of a patch.
MAX_PATCHED_FILES: Final = 200

#: Largest patch, and largest file that is put into one, in bytes.
MAX_PATCH_BYTES: Final = 4 * 1024 * 1024

#: Most lines that are searched for the smallest difference; more are replaced as a whole.
MAX_DIFFED_LINES: Final = 2_000

_CONTEXT: Final = 3
_BINARY_HEAD: Final = 8_000
_LINE_BYTES: Final = 52
_PLAIN: Final = frozenset(range(0x20, 0x7F)) - frozenset(b'"\\')


class PatchError(Exception):
    """No patch can be made; the text says why. It never leaves this room."""


class SecretFoundError(PatchError):
    """A file that differs, or its former version, holds what looks like a secret."""


def make_patch(
    git: Git, root: Path, entries: Mapping[str, TreeEntry], paths: Sequence[str]
) -> bytes:
    """Return the differences of some tracked files from the commit.

    Args:
        git: Git in the repository.
        root: The top folder of the work tree.
        entries: The commit's tree, by path.
        paths: The files that differ.

    Raises:
        SecretFoundError: One of the files, before or after, holds what looks like a secret. Whole
            files are searched: a patch shows a line of a key, or a file in an encoding of its own.
        PatchError: There are too many, they are too large, or one is no regular file any more.
    """
    if len(paths) > MAX_PATCHED_FILES:
        message = f"{len(paths)} files differ, more than {MAX_PATCHED_FILES}"
        raise PatchError(message)
    parts: list[bytes] = []
    size = 0
    for path in paths:
        entry = entries.get(path)
        if entry is None or entry.is_submodule or entry.is_link:
            message = "a link or submodule differs"
            raise PatchError(message)
        old, new = _old(git, entry), _new(root, path, git.deadline)
        if any(map(_holds_secret, (path.encode("utf-8", "replace"), old, new or b""))):
            raise SecretFoundError
        part = b"".join(_file_patch(entry, old, new))
        parts.append(part)
        size += len(part)
        if size > MAX_PATCH_BYTES:
            message = f"the differences are larger than {MAX_PATCH_BYTES} bytes"
            raise PatchError(message)
    return b"".join(parts)


def _holds_secret(data: bytes) -> bool:
    """Return whether bytes hold what looks like a secret, also in UTF-16 or a binary file."""
    encodings = ("utf-8", "utf-16-le", "utf-16-be") if b"\0" in data else ("utf-8",)
    return any(redact_text(data.decode(it, "replace")).redactions for it in encodings)


def _old(git: Git, entry: TreeEntry) -> bytes:
    try:
        output = git.run("cat-file", "blob", entry.id)
    except GitError as error:
        raise PatchError(str(error)) from error
    if output.code != 0:
        message = "a file of the commit could not be read; objects may be missing"
        raise PatchError(message)
    return output.stdout


def _new(root: Path, path: str, deadline: float) -> bytes | None:
    """Return the bytes of a file of the work tree, or nothing if it is not there."""
    *folders, name = path.split("/")
    try:
        place = open_folder(root)
        try:
            for segment in folders:
                if not _has(place, segment):
                    return None
                inner = place.enter(segment)
                place.close()
                place = inner
            if not _has(place, name):
                return None
            descriptor = place.open_file(name)
        finally:
            place.close()
        try:
            info = os.fstat(descriptor)
            if info.st_size > MAX_PATCH_BYTES:
                message = f"a file that differs is larger than {MAX_PATCH_BYTES} bytes"
                raise PatchError(message)
            chunks = read_chunks(descriptor, info.st_size, path=name, deadline=deadline)
            data = b"".join(map(bytes, chunks))
            check_unchanged(descriptor, info, path=name)
        finally:
            os.close(descriptor)
    except (InputError, OSError) as error:
        message = "a file that differs is no regular file any more, or cannot be read"
        raise PatchError(message) from error
    return data


def _has(folder: Folder, name: str) -> bool:
    return any(found.name == name for found in folder.scan())


def _file_patch(entry: TreeEntry, old: bytes, new: bytes | None) -> Iterator[bytes]:
    before, after = _quoted("a", entry.path), _quoted("b", entry.path)
    yield b"diff --git %s %s\n" % (before, after)
    old_id = entry.id.encode("ascii")
    if new is None:
        yield b"deleted file mode %s\nindex %s..%s\n" % (entry.mode, old_id, b"0" * len(old_id))
    else:
        yield b"index %s..%s %s\n" % (old_id, _blob_id(new, len(old_id)), entry.mode)
    content = b"" if new is None else new
    if b"\0" in old[:_BINARY_HEAD] or b"\0" in content[:_BINARY_HEAD]:
        yield b"GIT binary patch\n"
        yield from _literal(content)
        yield from _literal(old)
    elif old != content:
        mark = b"\t" if b" " in before else b""
        yield b"--- %s%s\n" % (before, mark)
        yield b"+++ /dev/null\n" if new is None else b"+++ %s%s\n" % (after, mark)
        yield from _hunks(_lines(old), _lines(content))


def _blob_id(data: bytes, length: int) -> bytes:
    algorithm = "sha1" if length == 40 else "sha256"  # noqa: PLR2004 - hex of SHA-1
    hasher = hashlib.new(algorithm, b"blob %d\0" % len(data), usedforsecurity=False)
    hasher.update(data)
    return hasher.hexdigest().encode("ascii")


def _quoted(side: str, path: str) -> bytes:
    """Return a name as Git writes it: in quotes, with escapes, if it has unusual bytes."""
    name = side.encode("ascii") + b"/" + os.fsencode(path)
    if _PLAIN.issuperset(name):
        return name
    escaped = (
        b"%c" % byte if byte in _PLAIN else b"\\%c" % byte if byte in b'"\\' else b"\\%03o" % byte
        for byte in name
    )
    return b'"' + b"".join(escaped) + b'"'


def _literal(data: bytes) -> Iterator[bytes]:
    """Yield bytes in the form of a binary patch: deflated, in lines of base 85."""
    yield b"literal %d\n" % len(data)
    packed = zlib.compress(data, 9)
    for start in range(0, len(packed), _LINE_BYTES):
        line = packed[start : start + _LINE_BYTES]
        count = len(line)
        yield bytes([count + 64 if count <= 26 else count + 70])  # noqa: PLR2004 - A-Z, then a-z
        yield base64.b85encode(line, pad=True) + b"\n"
    yield b"\n"


def _lines(data: bytes) -> list[str]:
    """Return lines with their line feeds; each byte is one character."""
    return [line + "\n" for line in data.decode("latin-1").split("\n")[:-1]] + (
        [tail] if (tail := data.decode("latin-1").rpartition("\n")[2]) else []
    )


def _hunks(old: list[str], new: list[str]) -> Iterator[bytes]:
    if max(len(old), len(new)) <= MAX_DIFFED_LINES:
        lines = list(difflib.unified_diff(old, new, n=_CONTEXT))[2:]
    else:
        lines = _replacement(old, new)
    for line in lines:
        data = line.encode("latin-1")
        yield data
        if not data.endswith(b"\n"):
            yield b"\n\\ No newline at end of file\n"


def _replacement(old: list[str], new: list[str]) -> list[str]:
    """Return one hunk that replaces everything between what both files begin and end with."""
    least = min(len(old), len(new))
    head = next((i for i in range(least) if old[i] != new[i]), least)
    most = least - head
    tail = next((i for i in range(most) if old[-1 - i] != new[-1 - i]), most)
    first = max(0, head - _CONTEXT)
    after = min(_CONTEXT, tail)
    ends = len(old) - tail, len(new) - tail
    counts = (ends[0] + after - first, ends[1] + after - first)
    begins = [first + 1 if count else first for count in counts]
    return [
        f"@@ -{begins[0]},{counts[0]} +{begins[1]},{counts[1]} @@\n",
        *(f" {line}" for line in old[first:head]),
        *(f"-{line}" for line in old[head : ends[0]]),
        *(f"+{line}" for line in new[head : ends[1]]),
        *(f" {line}" for line in old[ends[0] : ends[0] + after]),
    ]
