"""`provenance stream`: copy a released file from a stream, and let no wrong byte through."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.comparing import NOT_COMPARABLE, SAME
from provenance.cli.output import format_option, say_error, say_json, say_note
from provenance.cli.released_bytes import verified_chunks
from provenance.cli.remote import LocalPath, PathOrUrl, parse_options, storage_option
from provenance.cli.streams import (
    check_standard_output,
    clean_ends,
    write_out,
)
from provenance.cli.trust_options import trust_options
from provenance.errors import DigestError, UsageError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from provenance.signing import SignatureVerifier
    from provenance.trust import Pin, TrustPolicy
    from provenance.verification.streaming import SignedFile

__all__ = ["stream"]

# What cannot be read is no wrong option: the command itself says so.
_PATH = LocalPath(path_type=Path, readable=False)


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
@format_option
def stream(
    *,
    release: Path,
    name: str,
    source: Path | str | None,
    output: Path | None,
    resume: bool,
    keys: tuple[Path | SignatureVerifier, ...],
    model: str | None,
    policy: TrustPolicy | None,
    block_list: Path | None,
    storage_options: tuple[str, ...],
    output_format: str,
) -> int:
    """Copy the released file NAME from INPUT, or from standard input, and verify it on the way.

    INPUT is a path or a URL. With --resume, a file or URL is read from where the last copy ended;
    of standard input, which begins with the first byte again, the part that is here is skipped.

    RELEASE is the folder that holds `training-provenance/`, or the bundle alone. Each block is
    compared with the block digests that were signed before a byte of it is written. At the first
    wrong block the copy ends with exit code 1 and says which bytes are wrong; what is too short or
    too long is refused as well. A FILE that --resume finds complete is verified, and not fetched.

    A large file that was released without --blocks can be judged at its end only, so it needs -o.

    Exit codes: 0 all of it is as signed, 1 something contradicts, 2 a wrong option, 3 nothing was
    verified (no key was named, or there is no manifest), 4 something could not be read or written.
    """
    options = parse_options(storage_options)
    if output is None:
        check_standard_output()
        if output_format == "json":
            raise UsageError(
                path="--format json",
                problem="standard output is for the bytes of the file",
                remedy="name a file for them with -o",
            )
    try:
        signed = _find_file(
            release, name, keys=keys, model=model, policy=policy, block_list=block_list
        )
    except VerificationError as error:
        # The advice of `verify`, which has an option of this name.
        say_error(str(error).replace("name it with --manifest", "name it as RELEASE"))
        return error.report.exit_code
    if signed is None:
        return NOT_COMPARABLE
    _check_way(signed, output, resume=resume)
    with clean_ends(), _counted(signed) as count:

        def chunks(first_block: int = 0) -> Iterator[memoryview]:
            return count(verified_chunks(source, signed, options, first_block))

        kept = 0
        if output is None:
            write_out(chunks(), signed.size)
        elif resume and signed.blocks is not None:
            kept = _resume(output, signed, chunks)
        else:
            from provenance.digest.writing import write_chunks_atomic

            write_chunks_atomic(output, chunks())
    _say_done(signed, output, kept, output_format)
    return SAME


@contextmanager
def _counted(
    signed: SignedFile,
) -> Iterator[Callable[[Iterator[memoryview]], Iterator[memoryview]]]:
    """Give what draws the progress of chunks as they are written, if anybody watches."""
    from provenance.render import show_progress

    with show_progress("Copying", sys.stderr, total=lambda: signed.size) as progress:

        def count(chunks: Iterator[memoryview]) -> Iterator[memoryview]:
            for chunk in chunks:
                yield chunk
                if progress is not None:
                    progress(len(chunk))

        yield count


def _say_done(signed: SignedFile, output: Path | None, kept: int, output_format: str) -> None:
    """Say what was verified, and by whose signature; on standard error, as bytes go to the other.

    A reader of the JSON gets that line too: it is for people.
    """
    for finding in signed.not_checked:
        say_note(f"not checked: {finding.path}: {finding.message} → {finding.remedy}")
    whose = f'signed by {signed.signer} as "{signed.model}"'
    say_note(f"{signed.path}: verified {signed.size:,} bytes, {whose}")
    if output_format == "json":
        say_json(
            {
                "fetched": signed.size - kept,
                "model": signed.model,
                "output": str(output),
                "path": signed.path,
                "signer": signed.signer,
                "size": signed.size,
            }
        )


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
) -> int:
    """Go on with a copy; return how many bytes of it were here, and right, already."""
    from provenance.digest.resuming import PART_SUFFIX, is_complete, resume_copy

    assert signed.blocks is not None  # noqa: S101 - `_check_way` has looked
    if is_complete(output, signed.blocks):
        unneeded = Path(f"{output}{PART_SUFFIX}")
        more = f"; {unneeded} is not needed" if unneeded.exists() else ""
        say_note(f"{signed.path}: {output} is complete already, nothing is fetched{more}")
        return signed.size
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
    return start


def _find_file(
    release: Path,
    name: str,
    *,
    keys: tuple[Path | SignatureVerifier, ...],
    model: str | None,
    policy: TrustPolicy | None,
    block_list: Path | None,
) -> SignedFile | None:
    """Return what was signed; nothing if no one is trusted, which is said."""
    from provenance.cli.pinned import find_pins
    from provenance.verification.streaming import find_signed_file

    trusted: Sequence[Path | SignatureVerifier | Pin] = keys
    if not keys and (policy is None or not policy.roles):
        trusted, model = find_pins(release, None, model=model, layout="plain")
        if not trusted:
            say_error(
                "no key was named, so nobody is known to have signed this; "
                "name the publisher's key: --key publisher.pub"
            )
            return None
    return find_signed_file(
        release, name, keys=trusted, model=model, policy=policy, block_list=block_list
    )
