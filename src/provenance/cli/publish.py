"""`provenance release`: from recorded runs, or a model that exists, to a folder to sign."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.byte_sizes import BLOCK_BOUNDS, BLOCK_SIZE
from provenance.cli.output import format_option, say, say_json, say_warning
from provenance.cli.remote import LocalPath, refuse_url
from provenance.errors import UsageError, shown

if TYPE_CHECKING:
    from provenance.recording import Draft

__all__ = ["release"]

_PATH = LocalPath(path_type=Path)

# Options that choose among what was recorded, which is nothing for a model that exists already.
_FOR_PROJECTS = ("output", "checkpoint", "metric", "files", "runs", "unfinished", "link")


@click.command(
    short_help="Lay out the folder that is published, and draft its manifest.",
    epilog="""
    \b
    Examples:
      provenance release runs/digits --output digits-mlp --description model.toml
      provenance release runs/digits -o digits-mlp --checkpoint best --metric accuracy
      provenance release runs/digits -o digits-mlp --blocks 1MiB
      provenance release --existing my-model --description my-model.provenance.toml
    """,
)
@click.argument("project", type=_PATH, required=False)
@click.option(
    "--existing",
    type=_PATH,
    metavar="FOLDER",
    help="A model that was trained without the recorder, to be described where it lies.",
)
@click.option("--output", "-o", type=_PATH, metavar="DIR", help="Folder to make.")
@click.option(
    "--checkpoint", metavar="last|best|ID", help="Checkpoint to release.  [default: last]"
)
@click.option("--metric", metavar="NAME", help="Metric that says which checkpoint is best.")
@click.option(
    "--description",
    type=_PATH,
    metavar="FILE",
    help="What you have to say, in TOML. `provenance init` begins one.",
)
@click.option(
    "--file",
    "files",
    multiple=True,
    metavar="[NAME=]PATH",
    help="One more file or folder to release, under a name of its own. May be repeated.",
)
@click.option(
    "--run", "runs", multiple=True, metavar="NAME", help="Use these runs only. May be repeated."
)
@click.option("--unfinished", is_flag=True, help="Use runs that failed or were interrupted, too.")
@click.option("--link", is_flag=True, help="Make hard links instead of copies, where possible.")
@click.option(
    "--blocks",
    type=BLOCK_SIZE,
    metavar="SIZE",
    help="Record digests of blocks of this size of every larger file, e.g. 1MiB: a download can "
    f"then be verified as it arrives, and a damaged part found. The size is {BLOCK_BOUNDS}.",
)
@click.option(
    "--oms",
    is_flag=True,
    help="Name the root of an OpenSSF Model Signing signature, which `sign --oms` then adds.",
)
@click.option(
    "--public",
    type=_PATH,
    metavar="FILE",
    help="Rules (TOML) that withhold, seal or forbid facts, applied before the draft is written. "
    "`provenance review --public` shows what they would do.",
)
@click.option("--overwrite", is_flag=True, help="Replace a release or draft that is there.")
@format_option
def release(
    *,
    project: Path | None,
    existing: Path | None,
    overwrite: bool,
    description: Path | None,
    blocks: int | None,
    oms: bool,
    public: Path | None,
    output_format: str,
    **choices: object,
) -> None:
    """Lay out the folder that is published from the runs in PROJECT, and draft its manifest.

    The runs that lead to the released checkpoint are joined by digest. The unsigned draft lies
    beside the folder, in DIR.draft: look at it with `provenance show`, then sign it.
    """
    if (project is None) == (existing is None):
        raise UsageError(problem="expected a project folder or --existing, and not both")
    if existing is not None:
        draft = _release_existing(
            existing,
            description,
            choices,
            overwrite=overwrite,
            blocks=blocks,
            oms=oms,
            public=public,
        )
    else:
        assert project is not None  # noqa: S101 - checked above
        draft = _release_project(
            project,
            description,
            choices,
            overwrite=overwrite,
            blocks=blocks,
            oms=oms,
            public=public,
        )
    _print(draft, output_format)


def _release_existing(
    folder: Path,
    description: Path | None,
    choices: dict[str, object],
    *,
    overwrite: bool,
    blocks: int | None,
    oms: bool,
    public: Path | None,
) -> Draft:
    from provenance.recording import release_existing

    for name in _FOR_PROJECTS:
        if choices[name]:
            raise UsageError(path=f"--{name}", problem="does not go with --existing")
    if description is None:
        raise UsageError(
            problem="--existing needs --description", remedy="`provenance init` begins one"
        )
    return release_existing(
        folder, description, overwrite=overwrite, blocks=blocks, oms=oms, public=public
    )


def _release_project(
    project: Path,
    description: Path | None,
    choices: dict[str, object],
    *,
    overwrite: bool,
    blocks: int | None,
    oms: bool,
    public: Path | None,
) -> Draft:
    from provenance.recording import release as release_project

    output, files, runs = choices["output"], choices["files"], choices["runs"]
    if not isinstance(output, Path):
        raise UsageError(problem="expected --output, the folder to make")
    assert isinstance(files, tuple)  # noqa: S101 - click makes tuples of repeated options
    assert isinstance(runs, tuple)  # noqa: S101 - the same
    metric = choices["metric"]
    return release_project(
        project,
        output,
        checkpoint=str(choices["checkpoint"] or "last"),
        metric=None if metric is None else str(metric),
        files=_named(files),
        description=description,
        runs=runs or None,
        unfinished=bool(choices["unfinished"]),
        link=bool(choices["link"]),
        overwrite=overwrite,
        blocks=blocks,
        oms=oms,
        public=public,
    )


def _named(values: tuple[str, ...]) -> dict[str, Path]:
    """Return paths by their names in the release; a path that exists may hold `=` itself."""
    found: dict[str, Path] = {}
    for value in values:
        name, separator, path = value.partition("=")
        refuse_url(path)
        refuse_url(value)
        if not separator or Path(value).exists():
            name, path = Path(value).absolute().name, value
        if not name or not path or name in found:
            raise UsageError(
                path="--file",
                problem=f"expected PATH or NAME=PATH, each name once, found {shown(value)}",
            )
        found[name] = Path(path)
    return found


def _print(draft: Draft, output_format: str) -> None:
    files = draft.manifest.release.files.size
    for warning in draft.warnings:
        say_warning(warning)
    if output_format == "json":
        say_json(
            {
                "checkpoint": draft.manifest.release.checkpoint,
                "draft": str(draft.statement_path),
                "files": files,
                "manifestDigest": draft.digest,
                "release": str(draft.release),
                "warnings": list(draft.warnings),
            }
        )
        return
    from provenance.render import escape, format_count

    place = escape(str(draft.release))
    say(f"Release:     {place} ({format_count(files)} files)")
    say(f"Checkpoint:  {escape(draft.manifest.release.checkpoint or 'none')}")
    say(f"Draft:       {escape(str(draft.statement_path))} (not signed)")
    say(f"Next:        provenance show {place}, then provenance sign {place} --key KEY")
