"""`verified_open`: the very bytes that were verified, and not what the file holds a moment later.

Between verifying a path and loading it, whoever may write there can change the file. So the bytes
are copied out once, hashed on the way, and only the copy is handed on: memory that nobody can write
any more, or a file that has no name.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from provenance.digest.algorithms import new_hasher
from provenance.digest.files import check_size, check_unchanged, read_chunks
from provenance.digest.opening import open_folder, open_regular
from provenance.errors import DigestError, InputError, UsageError, shown
from provenance.trust import TrustPolicy
from provenance.verification.streaming import find_signed_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from provenance.verification.options import Clock, KeyLike, PathLike
    from provenance.verification.streaming import SignedFile

__all__ = ["MAX_IN_MEMORY_BYTES", "verified_open"]

#: Largest file that is copied to memory; a larger one goes to a file without a name.
MAX_IN_MEMORY_BYTES = 1024 * 1024 * 1024


@contextmanager
def verified_open(
    release: PathLike,
    name: str,
    *,
    keys: Iterable[KeyLike] | KeyLike = (),
    model: str | None = None,
    policy: TrustPolicy | None = None,
    manifest: PathLike | None = None,
    all_digests: bool = False,
    max_in_memory: int = MAX_IN_MEMORY_BYTES,
    scratch: PathLike | None = None,
    clock: Clock | None = None,
) -> Iterator[IO[bytes]]:
    """Open one released file for reading; every byte is verified before the first is handed out.

    The signature and the manifest are checked as by `verify`; of the files, only this one. What is
    read is a private copy: changes of the file after it was opened are not seen. The file has a
    descriptor (`fileno()`), which loaders that map memory can use.

    Args:
        release: The released folder.
        name: The file, by its name in the release.
        keys: Whom to trust, as for `verify`; at least one.
        model: The name that the model must have.
        policy: Whom to trust and what to require.
        manifest: The bundle, if it does not lie in the folder.
        all_digests: Compare every signed digest, not BLAKE3 alone.
        max_in_memory: Largest file, in bytes, that is copied to memory.
        scratch: The folder for larger copies; the system's for temporary files by default.
        clock: Returns the present time with its time zone.

    Yields:
        The copy, opened for reading at its beginning.

    Raises:
        VerificationError: The manifest is not there, not signed by a named key, or contradicts
            itself; `report` tells why.
        DigestError: The file is not in the signed inventory (`file-extra`), or its bytes or size
            are not the signed ones (`digest-mismatch`, `size-mismatch`).
        InputError: The file cannot be read, is a link or special, or changes while it is read.
        UsageError: An argument makes no sense, or no key was named.
    """
    if max_in_memory < 0:
        raise UsageError(path="max_in_memory", problem="expected a number of bytes from 0")
    signed = find_signed_file(
        release if manifest is None else manifest,
        name,
        keys=keys,
        model=model,
        policy=policy,
        clock=clock,
        whole=True,
    )
    rules = TrustPolicy() if policy is None else policy
    algorithms = _compared(signed, rules, all_digests=all_digests)
    revoked = frozenset(item.sha256 for item in rules.revoked_artifacts)
    with _private_copy(name, signed.size, max_in_memory, scratch) as copy:
        with _copying(name):
            _copy_verified(release, signed, algorithms, copy, revoked)
            copy.seek(0)
        with _read_only(copy) as handed:
            yield handed


def _compared(signed: SignedFile, policy: TrustPolicy, *, all_digests: bool) -> tuple[str, ...]:
    known = [it for it in ("blake3", "sha256") if it in signed.digest]
    if not known:
        raise UsageError(
            path=signed.path,
            problem="the inventory with its digest is not here",
            remedy="name the folder that holds the whole manifest folder",
        )
    if all_digests or policy.all_digests:
        return tuple(known)
    # Revoked files are named by SHA-256, whether or not the manifest records it.
    return tuple(dict.fromkeys((known[0], *(("sha256",) if policy.needs_sha256 else ()))))


def _copy_verified(
    release: PathLike,
    signed: SignedFile,
    algorithms: tuple[str, ...],
    copy: IO[bytes],
    revoked: frozenset[str],
) -> None:
    """Copy a file, hash what was copied, and compare.

    Raises:
        DigestError: It is not what was signed.
        InputError: It cannot be read, or changes meanwhile.
    """
    hashers = {algorithm: new_hasher(algorithm) for algorithm in algorithms}
    with open_folder(release) as root, open_regular(signed.path, root=root) as descriptor:
        before = os.fstat(descriptor)
        check_size(before, signed.size, path=signed.path)
        for chunk in read_chunks(descriptor, signed.size, path=signed.path):
            for hasher in hashers.values():
                hasher.update(chunk)
            copy.write(chunk)
        check_unchanged(descriptor, before, path=signed.path)
    copy.flush()
    for algorithm, hasher in hashers.items():
        if hasher.hexdigest() != signed.digest.get(algorithm, hasher.hexdigest()):
            raise DigestError(
                path=signed.path,
                problem=f"its {algorithm} is not the signed one",
                remedy="download the file again; do not load it",
                code="digest-mismatch",
            )
    if "sha256" in hashers and hashers["sha256"].hexdigest() in revoked:
        raise DigestError(
            path=signed.path,
            problem="the policy has revoked a file of these bytes",
            remedy="do not load it",
            code="policy-artifact-revoked",
        )


@contextmanager
def _private_copy(
    name: str, size: int, max_in_memory: int, scratch: PathLike | None
) -> Iterator[IO[bytes]]:
    """Give an empty file that nobody else can open: of memory, or without a name."""
    memory = getattr(os, "memfd_create", None)
    try:
        if memory is not None and size <= max_in_memory:
            descriptor = memory("verified", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            copy: IO[bytes] = os.fdopen(descriptor, "w+b")
        else:
            folder = None if scratch is None else os.fspath(scratch)
            copy = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed below
    except OSError as error:
        where = "a scratch file" if scratch is None else shown(os.fspath(scratch))
        raise InputError(
            path=name, problem=f"cannot be copied to {where}: {error.strerror}"
        ) from error
    try:
        yield copy
    finally:
        with suppress(OSError):  # what could not be written was said already
            copy.close()


@contextmanager
def _copying(name: str) -> Iterator[None]:
    """Say what went wrong while the copy was made; later errors are the caller's own."""
    try:
        yield
    except OSError as error:
        raise InputError(
            path=name,
            problem=f"cannot be copied: {error.strerror}",
            remedy="free some room, or name another scratch folder",
        ) from error


@contextmanager
def _read_only(copy: IO[bytes]) -> Iterator[IO[bytes]]:
    """Give the copy for reading alone; one of memory is sealed, so that not even we change it."""
    _seal(copy.fileno())
    descriptor = _reopened(copy.fileno())
    copy.close()  # what is handed out is the only way to it
    with os.fdopen(descriptor, "rb") as handed:
        yield handed


def _reopened(descriptor: int) -> int:
    """Return a descriptor of the same file that cannot be written to, where the system has one."""
    try:
        os.fchmod(descriptor, 0o400)
        return os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, AttributeError):  # not on this system; the file still has no name
        return os.dup(descriptor)


def _seal(descriptor: int) -> None:
    try:
        import fcntl  # noqa: PLC0415 - not on Windows

        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    except (ImportError, AttributeError, OSError):
        # A file without a name takes no seals, and needs none: nobody else can open it.
        return
