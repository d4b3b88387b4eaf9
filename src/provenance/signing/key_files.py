"""Writing a new pair of keys: the private one 0600, neither over anything that exists."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from provenance.digest.names import printable_name
from provenance.errors import InputError, UsageError

if TYPE_CHECKING:
    from os import PathLike

    from provenance.signing.containers import Password
    from provenance.signing.private_keys import PrivateKey

__all__ = ["PUBLIC_SUFFIX", "write_key_pair"]

#: What the name of the public key's file adds to the private one's.
PUBLIC_SUFFIX = ".pub"

_PRIVATE_MODE = 0o600
_PUBLIC_MODE = 0o644
# Windows cannot open a folder, let alone sync it.
_CAN_SYNC_FOLDERS = os.name != "nt"


def write_key_pair(
    path: str | PathLike[str], key: PrivateKey, password: Password = None
) -> tuple[Path, Path]:
    """Write a private key to `path` and its public half to `path` with `.pub` behind it.

    The private file is PKCS#8 in PEM, with mode 0600 even if the umask allows more; encrypted if
    there is a password. A file that exists, even a dangling link, is never overwritten or followed.
    After a crash each name holds a whole key or nothing.

    Returns:
        The two paths, private first.

    Raises:
        InputError: The folder cannot be written.
        UsageError: One of the names exists, or the password is empty.
    """
    secret = key.to_pem(password)
    try:
        private = Path(path)
        public = private.with_name(private.name + PUBLIC_SUFFIX)
        _refuse_existing(private, public)
        _write_new(private, secret, _PRIVATE_MODE)
        try:
            _write_new(public, key.public_key.to_pem(), _PUBLIC_MODE)
        except BaseException:
            # Nobody has seen this key yet; without its public half it would only be in the way.
            private.unlink()
            raise
        _sync_folder(private.parent)
    except FileExistsError as error:
        raise UsageError(
            path=printable_name(os.fspath(path)),
            problem=f"the pair of keys cannot be written: {error.strerror}",
            remedy="a key file is never overwritten; choose another name or folder",
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a name with U+0000 in it, or none at all
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        raise InputError(
            path=printable_name(os.fspath(path)),
            problem=f"the pair of keys cannot be written: {reason}",
            remedy="choose another name or folder",
        ) from error
    return private, public


def _refuse_existing(*targets: Path) -> None:
    # Looked up first, so that neither file is made. That none is overwritten is up to `_publish`.
    for target in targets:
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, f"{target.name!a} exists")


def _write_new(target: Path, data: bytes, mode: int) -> None:
    draft = target.with_name(f".tmp-{token_hex(8)}")
    # O_EXCL follows no link and opens nothing that exists; the mode holds from the first moment on.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    handle = os.open(draft, flags, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _publish(draft, target)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _publish(draft: Path, target: Path) -> None:
    # A hard link, unlike a rename, fails if the name exists: no race overwrites anything.
    try:
        target.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:
        # No hard links here (FAT, some network folders): take the name first, then fill it at once.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_MODE))
        draft.replace(target)


def _sync_folder(folder: Path) -> None:
    if not _CAN_SYNC_FOLDERS:
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
