"""Lock files near the code: the exact dependencies, as files bound by their digests."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from provenance.capture.captured import Captured, make_gap
from provenance.capture.paths import real_path
from provenance.digest import digest_bytes, hash_file
from provenance.errors import InputError
from provenance.manifest import FileReference

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from provenance.manifest import Gap

__all__ = ["CONDA_LISTING", "capture_conda", "capture_lockfiles"]

#: Kinds of lock files, the most exact first: whole pins with digests, then pins, then wishes.
LOCKFILE_PATTERNS = (
    re.compile(r"uv\.lock"),
    re.compile(r"pylock(?:\.[A-Za-z0-9_-]+)?\.toml"),
    re.compile(r"poetry\.lock"),
    re.compile(r"pdm\.lock"),
    re.compile(r"Pipfile\.lock"),
    re.compile(r"pixi\.lock"),
    re.compile(r"conda-lock\.ya?ml"),
    re.compile(r"constraints[A-Za-z0-9._-]*\.txt"),
    re.compile(r"requirements[A-Za-z0-9._-]*\.txt"),
    re.compile(r"environment\.ya?ml"),
)

#: What the listing of the packages that conda installed is called.
CONDA_LISTING = "conda-meta.sha256sums"

#: Most packages of conda that are listed.
MAX_CONDA_PACKAGES = 10_000

#: Most lock files of one folder.
MAX_LOCKFILES = 20

#: Most entries of a folder that are looked at.
MAX_ENTRIES = 10_000

#: Largest lock file that is read, in bytes.
MAX_LOCKFILE_BYTES = 256 * 1024 * 1024

#: Folders above the code that are looked into, at most up to its repository.
MAX_PARENTS = 16


def capture_lockfiles(
    folder: str | os.PathLike[str],
) -> Captured[tuple[FileReference, ...]]:
    """Return the lock files of the code, the most exact first.

    Args:
        folder: A folder of the code. It is searched first, then the folders above it, up to the one
            that holds `.git`; where none does, it is searched alone.

    Returns:
        The lock files of the nearest folder that has any, with size and digests.

    Raises:
        CaptureError: `folder` can be no path.
    """
    gaps: list[Gap] = []
    for place in _folders(real_path(folder)):
        names = _lockfile_names(place)
        found = [one for name in names[:MAX_LOCKFILES] if (one := _bind(place / name, gaps))]
        if found:
            return Captured(tuple(found), tuple(gaps))
    return Captured((), (*gaps, make_gap("lock file", "absent", "none lies near the code")))


def capture_conda(prefix: str | os.PathLike[str]) -> Captured[FileReference | None]:
    """Return the packages that conda installed, as one digest; nothing outside of conda.

    Args:
        prefix: The folder of the environment, as in `sys.prefix`.

    Returns:
        Size and digests of the listing that `sha256sum` writes of `conda-meta/*.json`, by name.
        Conda writes one such file a package, with its version, its build and its files.
    """
    place = os.path.join(prefix, "conda-meta")  # noqa: PTH118 - text, no object
    try:
        names = sorted(name for name in os.listdir(place) if name.endswith(".json"))  # noqa: PTH208 - as above
    except OSError:  # no environment of conda
        return Captured(None)
    try:
        lines = [f"{_sha256(place, name)}  {name}\n" for name in names[:MAX_CONDA_PACKAGES]]
    except InputError as error:
        gap = make_gap("lock file", "failed", f"a file of conda-meta {error.problem}")
        return Captured(None, (gap,))
    data = "".join(lines).encode("utf-8", "surrogateescape")
    reference = FileReference(name=CONDA_LISTING, size=len(data), digest=digest_bytes(data))
    return Captured(reference if lines else None)


def _sha256(folder: str, name: str) -> str:
    path = os.path.join(folder, name)  # noqa: PTH118 - text, no object
    return hash_file(path, algorithms=("sha256",)).digest["sha256"]


def _folders(folder: Path) -> Iterator[Path]:
    above = (folder, *folder.parents)[:MAX_PARENTS]
    end = next((i for i, place in enumerate(above) if os.path.lexists(place / ".git")), 0)
    yield from above[: end + 1]


def _lockfile_names(folder: Path) -> list[str]:
    ranked: list[tuple[int, str]] = []
    try:
        with os.scandir(folder) as entries:
            for _, entry in zip(range(MAX_ENTRIES), entries, strict=False):
                rank = _rank(entry.name)
                if rank is not None:
                    ranked.append((rank, entry.name))
    except OSError:  # no such folder: nothing is there
        return []
    return [name for _, name in sorted(ranked)]


def _rank(name: str) -> int | None:
    matches = (rank for rank, kind in enumerate(LOCKFILE_PATTERNS) if kind.fullmatch(name))
    return next(matches, None)


def _bind(path: Path, gaps: list[Gap]) -> FileReference | None:
    try:
        if path.stat(follow_symlinks=False).st_size > MAX_LOCKFILE_BYTES:
            gaps.append(make_gap("lock file", "failed", f"{path.name} is too large"))
            return None
        found = hash_file(path)
    except (InputError, OSError) as error:
        problem = error.problem if isinstance(error, InputError) else "cannot be read"
        gaps.append(make_gap("lock file", "failed", f"{path.name} {problem}"))
        return None
    return FileReference(name=path.name, size=found.size, digest=found.digest)
