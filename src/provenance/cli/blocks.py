"""`provenance stream`: copy a released file from a stream, and let no wrong byte through."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

import click

from provenance.cli.output import drop_output, say_note
from provenance.errors import DigestError, InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.verification.streaming import SignedFile

__all__ = ["stream"]

# What cannot be read is no wrong option: the command itself says so.
_PATH = click.Path(path_type=Path, readable=False)

#: Bytes that are read at once where a file has no blocks.
_CHUNK_BYTES = 1024 * 1024


@click.command(
    short_help="Copy a file as it downloads, and stop at the first wrong block.",
    epilog="""
    \b
    Examples:
      curl -s https://models.example/digits/model.safetensors |
        provenance stream digits-mlp model.safetensors -o model.safetensors --key publisher.pub
      provenance stream digits-mlp model.safetensors part.bin --key publisher.pub | load-model
    """,
)
@click.argument("release", type=_PATH)
@click.argument("name")
@click.argument("source", metavar="[INPUT]", type=_PATH, required=False)
@click.option(
    "--output",
    "-o",
    type=_PATH,
    metavar="FILE",
    help="Where to write; the file appears when all of it was verified.  [default: standard "
    "output]",
)
@click.option(
    "--key",
    "keys",
    type=_PATH,
    multiple=True,
    metavar="FILE",
    help="Public key, any of which may have signed. May be repeated. Without it, the keys that "
    "you have pinned count.",
)
@click.option("--model", metavar="NAME", help="The name that the model must have.")
@click.option(
    "--blocks",
    "block_list",
    type=_PATH,
    metavar="FILE",
    help="The list of block digests, if it is not in the folder RELEASE.",
)
def stream(
    *,
    release: Path,
    name: str,
    source: Path | None,
    output: Path | None,
    keys: tuple[Path, ...],
    model: str | None,
    block_list: Path | None,
) -> None:
    """Copy the released file NAME from INPUT, or from standard input, and verify it on the way.

    RELEASE is the folder that holds `training-provenance/`, or the bundle alone. Each block is
    compared with the block digests that were signed before a byte of it is written. At the first
    wrong block the copy ends with exit code 1 and says which bytes are wrong; what is too short or
    too long is refused as well.

    A large file that was released without --blocks can be judged at its end only, so it needs -o.
    """
    signed = _find_file(release, name, keys=keys, model=model, block_list=block_list)
    if signed.blocks is None and output is None:
        raise UsageError(
            path=name,
            problem="was signed without block digests, so that it can be judged at its end only",
            remedy="name a file with -o; it appears when all of it was verified",
        )
    with _opened(source) as (raw, label):
        chunks = _verified_chunks(raw, signed, label)
        if output is None:
            _write_out(chunks, name)
        else:
            from provenance.digest.writing import write_chunks_atomic

            write_chunks_atomic(output, chunks)


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


@contextmanager
def _opened(source: Path | None) -> Iterator[tuple[BinaryIO, str]]:
    """Give the stream to read from, and what to call it."""
    if source is None:
        if sys.stdin is None:
            raise UsageError(problem="there is no standard input", remedy="name the file to read")
        _widen(sys.stdin)
        yield sys.stdin.buffer, "standard input"
        return
    try:
        # Unbuffered: whole blocks are read. A pipe that the user names is as good as a file.
        file = open(source, "rb", buffering=0)  # noqa: PTH123, SIM115 - closed below
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        raise InputError(
            path=str(source), problem=f"cannot be read: {reason}", code="input-unreadable"
        ) from error
    with file:
        yield file, str(source)


def _verified_chunks(raw: BinaryIO, signed: SignedFile, label: str) -> Iterator[memoryview]:
    from provenance.digest import VerifyingReader

    if signed.blocks is None:
        yield from _checked_at_the_end(raw, signed, label)
        return
    reader = VerifyingReader(raw, signed.blocks, source=label)
    while block := reader.read_block():
        yield block


def _checked_at_the_end(raw: BinaryIO, signed: SignedFile, label: str) -> Iterator[memoryview]:
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


def _read(raw: BinaryIO, label: str) -> bytes:
    try:
        return raw.read(_CHUNK_BYTES)
    except OSError as error:
        raise InputError(
            path=label, problem=f"cannot be read: {error.strerror}", code="input-unreadable"
        ) from error


def _widen(pipe: TextIO) -> None:
    """Let a pipe hold what is read at once, so that the other side works meanwhile (Linux)."""
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):  # it is no pipe, or the system allows no more
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _CHUNK_BYTES)


def _write_out(chunks: Iterator[memoryview], name: str) -> None:
    """Write to standard output without a buffer, so that what was written is what was verified."""
    descriptor = sys.stdout.fileno()
    _widen(sys.stdout)
    written = 0
    try:
        for chunk in chunks:
            remaining = chunk
            while remaining:
                count = os.write(descriptor, remaining)
                written += count
                remaining = remaining[count:]
    except BrokenPipeError:
        # Whoever reads has enough; all that it got was verified.
        drop_output(sys.stdout)
        say_note(f"{name}: the reader closed the pipe after {written:,} verified bytes")
