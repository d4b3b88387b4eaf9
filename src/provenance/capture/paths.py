"""Paths as they may become public: inside the project, below `~`, without the user's name.

Reads the home folder's place, nothing else.
"""

from __future__ import annotations

import os
from pathlib import Path

from provenance.errors import CaptureError, shown

__all__ = ["manifest_path", "printable_text", "public_path", "real_path", "shorten_home"]

#: What stands for the user's name in a path outside the home folder.
USER = "[user]"

#: Longest path that a document takes, in characters.
MAX_PATH_CHARACTERS = 4_096

# Names that say nothing about a person.
_IMPERSONAL = frozenset({"", "app", "home", "nobody", "root", "ubuntu", "user", "users", "work"})


def public_path(
    path: str | os.PathLike[str], *, project: Path | None = None, home: Path | None = None
) -> str:
    """Return a path with `/` as it may stand in a manifest.

    Args:
        path: The path; relative ones stay relative.
        project: Paths inside this folder become relative to it.
        home: The home folder; by default that of the user.

    Returns:
        The path relative to `project`, else below `~`, else absolute with the user's name hidden.
        Bytes that are not UTF-8 show as backslash escapes.
    """
    pure = Path(path)
    home = home or _home()
    for folder, prefix in ((project, None), (home, "~")):
        if folder is None or folder == Path(folder.anchor) or not pure.is_relative_to(folder):
            continue
        rest = pure.relative_to(folder).as_posix()
        return printable_text(
            rest if prefix is None else f"{prefix}/{rest}" if rest != "." else prefix
        )
    parts = pure.as_posix().split("/")
    name = home.name if home and home.name not in _IMPERSONAL else None
    return printable_text("/".join(USER if part == name else part for part in parts))


def real_path(path: str | os.PathLike[str]) -> Path:
    """Return the absolute path of something that may not exist, with links followed.

    Raises:
        CaptureError: The text can be no path, because it holds U+0000.
    """
    try:
        return Path(os.path.realpath(path))
    except ValueError as error:
        raise CaptureError(problem=f"{shown(os.fspath(path))} is no path") from error


def printable_text(text: str) -> str:
    """Return text of the file system as JSON can hold it: bytes that are not UTF-8 are escaped."""
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        data = text.encode("utf-8", "backslashreplace")
    return data.decode("utf-8", "backslashreplace")


def manifest_path(path: str) -> str:
    """Return the name of a file as a field for paths takes it: printable, and cut to a length."""
    text = printable_text(path)
    return text if len(text) <= MAX_PATH_CHARACTERS else text[: MAX_PATH_CHARACTERS - 1] + "…"


def shorten_home(text: str, *, home: Path | None = None) -> str:
    """Return text with the home folder written as `~` wherever a path below it stands."""
    folder = home or _home()
    if folder is None or folder == Path(folder.anchor):
        return text
    place = str(folder)
    pieces = text.split(place)
    for index, after in enumerate(pieces[1:], start=1):
        # `/home/al` is no part of `/home/alice`.
        whole = not after[:1].isalnum() and after[:1] not in {"_", "-", "."}
        pieces[index] = ("~" if whole else place) + after
    return "".join(pieces)


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # neither HOME nor an entry in the user database
        return None
