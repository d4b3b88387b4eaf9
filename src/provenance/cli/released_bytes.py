"""The bytes of a released file, compared with what was signed before `stream` hands them on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.cli.streams import CHUNK_BYTES, opened_input
from provenance.errors import DigestError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from provenance.digest.verified_reading import ReadableBytes
    from provenance.verification.streaming import SignedFile

__all__ = ["verified_chunks"]


def verified_chunks(
    source: Path | str | None,
    signed: SignedFile,
    storage_options: Mapping[str, str],
    first_block: int = 0,
) -> Iterator[memoryview]:
    """Yield the verified bytes of a released file, from a block on.

    Args:
        source: A path, the text of a URL, or `None` for standard input.
        signed: The file, as it was signed.
        storage_options: Options for the library that reads a URL.
        first_block: The first block to yield; the ones before it are verified already.

    Raises:
        DigestError: The bytes are not those that were signed.
        InputError: They cannot be read.
    """
    from provenance.digest import VerifyingReader

    blocks = signed.blocks
    start = blocks.span(first_block - 1)[1] if blocks is not None and first_block else 0
    with opened_input(source, start, storage_options) as (raw, label):
        if blocks is None:
            yield from _checked_at_the_end(raw, signed, label)
            return
        reader = VerifyingReader(raw, blocks, source=label, first_block=first_block)
        while block := reader.read_block():
            yield block


def _checked_at_the_end(raw: ReadableBytes, signed: SignedFile, label: str) -> Iterator[memoryview]:
    """Yield bytes that are believed only if this ends without an exception."""
    from provenance.digest import new_hasher

    hashers = {name: new_hasher(name) for name in signed.digest if name in {"blake3", "sha256"}}
    size = 0
    while data := _read(raw, label):
        size += len(data)
        if size > signed.size:
            break
        for hasher in hashers.values():
            hasher.update(data)
        yield memoryview(data)
    if size != signed.size:
        found = f"has more than {signed.size:,}" if size > signed.size else f"ends after {size:,}"
        raise DigestError(
            path=label,
            problem=f"{found} bytes, signed were {signed.size:,}",
            remedy="fetch it again",
            code="size-mismatch",
        )
    for name, hasher in hashers.items():
        if hasher.hexdigest() != signed.digest[name]:
            raise DigestError(
                path=label,
                problem=f"has {name} {hasher.hexdigest()}, signed was {signed.digest[name]}",
                remedy="fetch it again; do not use it",
                code="digest-mismatch",
            )


def _read(raw: ReadableBytes, label: str) -> bytes | None:
    try:
        return raw.read(CHUNK_BYTES)
    except OSError as error:
        raise InputError(
            path=label, problem=f"cannot be read: {error.strerror}", code="input-unreadable"
        ) from error
