"""`provenance export`: the manifest in the form that another tool reads."""

from __future__ import annotations

import os
from pathlib import Path

import click

from provenance.cli.output import say_note
from provenance.cli.remote import LocalPath
from provenance.errors import ManifestError, UsageError

__all__ = ["export"]


@click.command(
    short_help="Write the signed envelope for other tools.",
    epilog="""
    \b
    Example:
      provenance export my-model --output manifest.intoto.json
    """,
)
@click.argument("source", type=LocalPath(path_type=Path), metavar="RELEASE|BUNDLE")
@click.option(
    "--to",
    "form",
    type=click.Choice(["dsse"]),
    default="dsse",
    show_default=True,
    help="dsse: the bare DSSE envelope, as in-toto and attestation tools read it.",
)
@click.option(
    "--output",
    "-o",
    type=LocalPath(path_type=Path),
    required=True,
    metavar="FILE",
    help="File to write.",
)
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
def export(*, source: Path, form: str, output: Path, overwrite: bool) -> None:
    """Write the signed envelope of a manifest without the bundle around it.

    The signed bytes and the signature are copied as they are. Nothing is verified here.
    """
    from provenance.cli.sources import load_statement
    from provenance.digest import write_atomic
    from provenance.envelope import write_envelope

    del form  # there is one form so far
    if not overwrite and os.path.lexists(output):
        raise UsageError(
            path=str(output),
            problem="the output exists",
            remedy="name another output, or replace it on purpose with --overwrite",
        )
    loaded = load_statement(source)
    if loaded.envelope is None:
        raise ManifestError(
            path=str(loaded.path),
            problem="this is an unsigned draft, and an envelope needs a signature",
            remedy="sign it with `provenance sign`",
            code="draft-unsigned",
        )
    write_atomic(output, write_envelope(loaded.envelope) + b"\n")
    say_note(f"Wrote {output} (the signature was not verified)")
