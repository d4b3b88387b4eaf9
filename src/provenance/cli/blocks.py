"""`provenance stream`: copy a released file from a stream, and let no wrong byte through."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.output import say_note
from provenance.cli.remote import PathOrUrl, parse_options, storage_option
from provenance.cli.streams import (
    CHUNK_BYTES,
    check_standard_output,
    clean_ends,
    opened_input,
    write_out,
)
from provenance.cli.trust_options import trust_options
from provenance.errors import DigestError, InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from provenance.digest.verified_reading import ReadableBytes
    from provenance.verification.streaming import SignedFile

__all__ = ["stream"]

# What cannot be read is no wrong option: the command itself says so.
_PATH = click.Path(path_type=Path, readable=False)


@click.command(
    short_help="Copy a file as it downloads, and stop at the first wrong block.",
    epilog="""
    \b
    Examples:
      curl -s https://models.example/digits/model.safetensors |
        provenance stream digits-mlp model.safetensors -o model.safetensors --key publisher.pub
      provenance stream digits-mlp model.safetensors part.bin --key publisher.pub | load-model
      provenance stream digits-mlp model.safetensors https://models.example/model.safetensors
        -o model.safetensors --resume --key publisher.pub
    """,
)
@click.argument("release", type=_PATH)
@click.argument("name")
@click.argument(
    "source", metavar="[INPUT]", type=PathOrUrl(path_type=Path, readable=False), required=False
)
@click.option(
    "--output",
    "-o",
    type=_PATH,
    metavar="FILE",
    help="Where to write; the file appears when all of it was verified.  [default: standard "
    "output]",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Keep what was verified in FILE.part if the copy breaks off, and go on from there: its "
    "whole blocks are verified again first.",
)
@trust_options
@click.option(
    "--blocks",
    "block_list",
    type=_PATH,
    metavar="FILE",
    help="The list of block digests, if it is not in the folder RELEASE.",
)
@storage_option
def stream(
    *,
    release: Path,
    name: str,
    source: Path | str | None,
    output: Path | None,
    resume: bool,
    keys: tuple[Path, ...],
    model: str | None,
    block_list: Path | None,
    storage_options: tuple[str, ...],
) -> None:
    """Copy the released file NAME from INPUT, or from standard input, and verify it on the way.

    INPUT is a path or a URL. With --resume, a file or URL is read from where the last copy ended;
    of standard input, which begins with the first byte again, the part that is here is skipped.

    RELEASE is the folder that holds `training-provenance/`, or the bundle alone. Each block is
    compared with the block digests that were signed before a byte of it is written. At the first
    wrong block the copy ends with exit code 1 and says which bytes are wrong; what is too short or
    too long is refused as well.

    A large file that was released without --blocks can be judged at its end only, so it needs -o.
    """
    options = parse_options(storage_options)
    if output is None:
        check_standard_output()
    signed = _find_file(release, name, keys=keys, model=model, block_list=block_list)
    _check_way(signed, output, resume=resume)
    with clean_ends():
        if output is None:
            write_out(_chunks(source, signed, options), signed.size)
        elif resume and signed.blocks is not None:
            _resume(output, signed, lambda first: _chunks(source, signed, options, first))
        else:
            from provenance.digest.writing import write_chunks_atomic

            write_chunks_atomic(output, _chunks(source, signed, options))
    for finding in signed.not_checked:
        say_note(f"not checked: {finding.path}: {finding.message} → {finding.remedy}")


def _check_way(signed: SignedFile, output: Path | None, *, resume: bool) -> None:
    """Refuse what cannot be judged in time."""
    if resume and output is None:
        raise UsageError(path="--resume", problem="needs a file to go on with, named with -o")
    if signed.blocks is not None:
        return
    if output is None:
        raise UsageError(
            path=signed.path,
            problem="was signed without block digests, so that it can be judged at its end only",
            remedy="name a file with -o; it appears when all of it was verified",
        )
    if resume:
        raise UsageError(
            path=signed.path,
            problem="was signed without block digests, so that a part of it cannot be verified",
            remedy="leave out --resume",
        )


def _resume(
    output: Path, signed: SignedFile, chunks_from: Callable[[int], Iterator[memoryview]]
) -> None:
    from provenance.digest.resuming import PART_SUFFIX, resume_copy

    assert signed.blocks is not None  # noqa: S101 - `_check_way` has looked
    try:
        start = resume_copy(output, signed.blocks, chunks_from)
    except DigestError as error:
        remedy = error.remedy
        if Path(f"{output}{PART_SUFFIX}").exists():
            remedy += f"; what was verified is kept in {output}{PART_SUFFIX}"
        raise DigestError(
            path=error.path, problem=error.problem, remedy=remedy, code=error.code
        ) from error
    if start:
        say_note(f"{signed.path}: {start:,} of {signed.size:,} bytes were here already")


def _find_file(
    release: Path,
    name: str,
    *,
    keys: tuple[Path, ...],
    model: str | None,
    block_list: Path | None,
) -> SignedFile:
    from provenance.cli.pinned import find_pins
    from provenance.verification.streaming import find_signed_file

    if keys:
        return find_signed_file(release, name, keys=keys, model=model, block_list=block_list)
    pins, model = find_pins(release, None, model=model, layout="plain")
    return find_signed_file(release, name, keys=pins, model=model, block_list=block_list)


def _chunks(
    source: Path | str | None,
    signed: SignedFile,
    storage_options: Mapping[str, str],
    first_block: int = 0,
) -> Iterator[memoryview]:
    """Yield the verified bytes of a file, from a block on."""
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
