"""The submodules of a commit, read from its tree and `.gitmodules`, never by `git submodule`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.capture.git_commands import is_object_id
from provenance.capture.paths import manifest_path
from provenance.capture.remotes import public_remote
from provenance.digest import read_file
from provenance.errors import InputError
from provenance.manifest import Submodule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provenance.capture.git_tree import TreeEntry

__all__ = ["describe_submodules", "parse_gitmodules", "submodule_head"]

#: Largest `.gitmodules` that is read, in bytes.
MAX_GITMODULES_BYTES = 1024 * 1024

#: Largest file inside a `.git` folder that is read, in bytes.
MAX_HEAD_BYTES = 4096

_SECTION = re.compile(r'\s*\[\s*submodule\s+"([^"\n]*)"\s*\]')
_SETTING = re.compile(r"\s*(path|url)\s*=(.*)", re.IGNORECASE)


def parse_gitmodules(data: bytes) -> dict[str, str]:
    """Return path -> URL of a `.gitmodules` file; lines that say neither are passed over."""
    found: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in data[:MAX_GITMODULES_BYTES].decode("utf-8", "replace").splitlines():
        if line.lstrip().startswith("["):
            name = _SECTION.match(line)
            section = found.setdefault(name[1], {}) if name else {}
        elif setting := _SETTING.match(line):
            section[setting[1].lower()] = setting[2].strip().strip('"')
    return {one["path"]: one["url"] for one in found.values() if {"path", "url"} <= one.keys()}


def describe_submodules(
    entries: Iterable[TreeEntry], gitmodules: bytes | None
) -> tuple[Submodule, ...]:
    """Return the submodules of a tree with the commit that each stands at, and its public URL."""
    urls = parse_gitmodules(gitmodules or b"")
    return tuple(
        Submodule(
            path=manifest_path(entry.path),
            repository=public_remote(urls.get(entry.path, "")).value,
            commit=entry.id,
        )
        for entry in entries
        if entry.is_submodule
    )


def submodule_head(folder: Path, git_folder: Path) -> str | None:
    """Return the commit that a checked-out submodule is detached at, or nothing.

    Only the simple case is read: `.git` is a file that leads into `modules/` of the repository's
    own Git folder, and `HEAD` there is a commit id. Nothing else is followed.
    """
    try:
        link = read_file(folder / ".git", max_bytes=MAX_HEAD_BYTES)
        if not link.startswith(b"gitdir: "):
            return None
        target = folder / os.fsdecode(link.removeprefix(b"gitdir: ").rstrip(b"\r\n"))
        place = Path(os.path.realpath(target))
        if not place.is_relative_to(Path(os.path.realpath(git_folder)) / "modules"):
            return None
        head = read_file(place / "HEAD", max_bytes=MAX_HEAD_BYTES).strip()
    except (InputError, ValueError):  # ValueError: a NUL in the name
        return None
    return head.decode("ascii") if is_object_id(head) else None
