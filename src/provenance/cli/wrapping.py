"""`provenance run`: record a command that knows nothing of the recorder."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.output import flush, say_error, say_note, say_warning
from provenance.cli.remote import LocalPath

if TYPE_CHECKING:
    from provenance.recording.wrapped import WrappedRun

__all__ = ["run"]

#: What a shell says of a command that is not there, and of one that may not be started.
NOT_FOUND, NOT_STARTED = 127, 126


@click.command(
    short_help="Record a command that has no recorder in it.",
    context_settings={"allow_interspersed_args": False},
    epilog="""
    \b
    Examples:
      provenance run -- python train.py --lr 3e-4
      provenance run --name prepare --output runs -- python -m tools.prepare
      provenance run --watch checkpoints -- ./train.sh
      provenance run --checkpoint 'out/step-*.safetensors' -- python train.py
    """,
)
@click.argument(
    "command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARG]..."
)
@click.option("--name", metavar="NAME", help="What this is.  [default: the script's name]")
@click.option(
    "--output",
    "-o",
    type=LocalPath(path_type=Path),
    default=Path("runs"),
    show_default=True,
    metavar="FOLDER",
    help="The project folder, the same for all runs of a project.",
)
@click.option(
    "--watch",
    type=LocalPath(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Where the command writes: what is new or changed there is listed.  "
    "[default: the current folder]",
)
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    metavar="GLOB",
    help="Record as checkpoints what is new or changed in the watched folder and has such a name, "
    "e.g. 'out/checkpoint-*'; repeatable.",
)
@click.option("--no-digests", is_flag=True, help="List what was read and written without digests.")
@click.option("--strict", is_flag=True, help="Fail where something cannot be recorded.")
def run(
    *,
    command: tuple[str, ...],
    name: str | None,
    output: Path,
    watch: Path | None,
    checkpoints: tuple[str, ...],
    no_digests: bool,
    strict: bool,
) -> int:
    """Run COMMAND as it would run by itself, and record what can be seen of it from outside.

    That is the command without secrets, the code, the environment, times, peak memory, the exit
    code, which files it wrote in the watched folder (with --checkpoint: which of them are
    checkpoints), and, where it is a Python script or `-m module`, which files Python opened. What
    only the script knows (settings, metrics, what data is for) is a gap in the record. A script
    that uses provenance.record keeps its own record alone.

    Streams, signals and the exit code are the command's; nothing is printed but warnings, and on a
    terminal where the record is. 126 and 127 mean that the command could not be started.
    """
    from provenance.cli.callers_variables import callers_environment
    from provenance.errors import InputError, UsageError
    from provenance.recording.child_process import die_like
    from provenance.recording.wrapped import record_command
    from provenance.recording.wrapped_command import read_command

    if checkpoints and no_digests:
        raise UsageError(
            path="--checkpoint",
            problem="a checkpoint is bound by its digests",
            remedy="leave out --no-digests",
        )
    read = read_command(command)
    if read.program is None:
        say_error(f"{command[0]}: there is no such command")
        return NOT_FOUND
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: say_warning(str(message))
        try:
            done = record_command(
                read,
                name=name or (read.script.stem if read.script else Path(command[0]).name),
                output=output,
                watched=watch,
                strict=strict,
                hashing=not no_digests,
                checkpoints=checkpoints,
                environment=callers_environment(),
            )
        except InputError as error:
            if not isinstance(error.__cause__, OSError) or strict:
                raise
            say_error(str(error))
            return NOT_STARTED
    _say_where(done)
    flush()
    return die_like(done.code)


def _say_where(done: WrappedRun) -> None:
    # Whoever reads the command's messages from a file reads them alone.
    if sys.stderr.isatty() and done.folder is not None:
        whose = "the script's own record" if done.joined else "recorded"
        say_note(f"provenance: {whose}: {done.folder}")
