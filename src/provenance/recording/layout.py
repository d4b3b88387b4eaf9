"""The released folder on disk: staged beside its place, complete, then renamed into it.

Whatever happens before the last rename, nothing has appeared under the release's name; a kill
leaves a folder whose name begins with `.tmp-`, which may be deleted.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from provenance.checks import LISTING_FILE, MANIFEST_FOLDER
from provenance.digest import check_name, open_regular, write_atomic
from provenance.errors import DigestError, InputError, RecordingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "MANIFEST_NAME",
    "Staging",
    "place_file",
    "place_tree",
    "refuse_occupied",
    "stage",
    "swap_in",
    "write_into",
]

#: The signed manifest.
MANIFEST_NAME: Final = "manifest.sigstore.json"

# One of these names in a folder says that it is a release, a manifest folder or a draft.
_OURS: Final = frozenset({MANIFEST_FOLDER, LISTING_FILE, "statement.json", "private.json"})

_CHUNK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Staging:
    """A folder that becomes `target` when everything in it is done."""

    folder: Path
    """Where it is built: beside the target, on the same file system."""

    target: Path
    """What it becomes."""


@contextmanager
def stage(target: Path) -> Iterator[Staging]:
    """Make a folder beside `target` to build it in; whatever is left of it at the end is removed.

    Raises:
        InputError: It cannot be made.
    """
    folder = target.parent / f".tmp-{secrets.token_hex(8)}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        yield Staging(folder, target)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def refuse_occupied(target: Path, *, overwrite: bool) -> None:
    """Refuse a name that is taken; `overwrite` allows only a release or draft of ours.

    Raises:
        UsageError: Something is there that would be lost.
    """
    if not os.path.lexists(target):
        return
    if target.is_symlink() or not target.is_dir():
        raise UsageError(
            path=str(target),
            problem="the output exists and is no folder",
            remedy="name another output",
        )
    names = set(os.listdir(target))  # noqa: PTH208 - names are what is asked for
    if not names:
        return
    ours = not names.isdisjoint(_OURS)
    if not (overwrite and ours):
        remedy = "name another output"
        if ours:
            remedy += ", or replace it on purpose (overwrite; `--overwrite`)"
        raise UsageError(
            path=str(target), problem="the output exists and is not empty", remedy=remedy
        )


def place_file(source: Path, target: Path, *, link: bool = False) -> None:
    """Copy one regular file to a new name, or give it a second name on the same file system.

    Args:
        source: The file; a link is refused.
        target: The new name; its folder is made.
        link: Make a hard link, where the file system can; later changes of the source would then
            change the release, and `verify` finds them.

    Raises:
        InputError: The source cannot be read, or is no regular file.
        OSError: The target cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with open_regular(source) as descriptor:
        if link:
            with suppress(OSError):  # another file system, or one without hard links: copied
                os.link(source, target, follow_symlinks=False)
                return
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        output = os.open(target, flags, 0o644)
        try:
            while chunk := os.read(descriptor, _CHUNK_BYTES):
                view = memoryview(chunk)
                while view:
                    view = view[os.write(output, view) :]
            os.fsync(output)
        finally:
            os.close(output)


def place_tree(source: Path, names: tuple[str, ...], target: Path, *, link: bool = False) -> None:
    """Copy the named files of a folder, as `place_file` does each."""
    for name in names:
        check_name(name)
        place_file(source / name, target / name, link=link)


def write_into(folder: Path, name: str, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file of a staged folder.

    Raises:
        RecordingError: The name is none that a release may hold.
        InputError: It cannot be written.
    """
    try:
        check_name(name)
    except DigestError as error:
        raise RecordingError(path=name, problem=error.problem, code=error.code) from error
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, data, mode=mode)


def swap_in(*stagings: Staging) -> None:
    """Rename staged folders to their targets; what stood there goes only after all are in place.

    Raises:
        OSError: A rename failed; every target is then as it was before.
    """
    done: list[tuple[Staging, Path | None]] = []
    try:
        for staging in stagings:
            old = None
            if os.path.lexists(staging.target):
                old = staging.target.with_name(f".tmp-{secrets.token_hex(8)}")
                staging.target.rename(old)
            done.append((staging, old))
            staging.folder.rename(staging.target)
            _sync(staging.target.parent)
    except BaseException:
        for staging, old in reversed(done):
            with suppress(OSError):
                if os.path.lexists(staging.target):
                    staging.target.rename(staging.folder)
                if old is not None:
                    old.rename(staging.target)
        raise
    for _, old in done:
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)


def _sync(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without fsync for folders
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(target: Path, error: OSError) -> InputError:
    return InputError(
        path=str(target),
        problem=f"cannot be written: {error.strerror}",
        remedy="check permissions and free space; what was there before is unchanged",
    )
