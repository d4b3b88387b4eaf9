"""`provenance init`: a description to fill in, beside a model that is already trained."""

from __future__ import annotations

import os
from pathlib import Path

import click

from provenance.cli.output import format_option, say, say_json
from provenance.cli.remote import LocalPath
from provenance.errors import UsageError

__all__ = ["DESCRIPTION_SUFFIX", "init"]

#: What the name of a description adds to the name of the model's folder.
DESCRIPTION_SUFFIX = ".provenance.toml"


@click.command(
    short_help="Begin a description of a model that exists.",
    epilog="""
    \b
    Example:
      provenance init my-model
    """,
)
@click.argument("folder", type=LocalPath(path_type=Path))
@click.option(
    "--output",
    "-o",
    type=LocalPath(path_type=Path),
    metavar="FILE",
    help=f"File to write.  [default: FOLDER{DESCRIPTION_SUFFIX}, beside the folder]",
)
@format_option
def init(*, folder: Path, output: Path | None, output_format: str) -> None:
    """Begin a description of the model in FOLDER, which was trained without the recorder.

    It is a commented TOML file. What the files, the card and config.json say is filled in and
    marked; you add what only you know, and take out what does not apply. Nothing in FOLDER is
    changed, and no file is overwritten.
    """
    from provenance.digest import write_atomic
    from provenance.recording import describe_existing

    place = folder.absolute()
    target = output or place.with_name(place.name + DESCRIPTION_SUFFIX)
    if os.path.lexists(target):
        raise UsageError(
            path=str(target),
            problem="this name exists, and a description is never overwritten",
            remedy="name another one with --output, or move it away",
        )
    write_atomic(target, describe_existing(place).encode("utf-8"))
    if output_format == "json":
        say_json({"description": str(target)})
        return
    from provenance.render import escape

    shown = escape(str(target))
    say(f"Wrote {shown}: fill it in, then")
    say(f"  provenance release --existing {escape(str(folder))} --description {shown}")
