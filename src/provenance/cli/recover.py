"""`provenance recover`: close what killed processes left, and say what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provenance.cli.output import format_option, say, say_json
from provenance.cli.remote import LocalPath

if TYPE_CHECKING:
    from provenance.recording.recovery import Recovered

__all__ = ["recover"]

#: What a line says of each outcome.
WORDS = {
    "recovered": "recovered",
    "ended": "had ended by itself; nothing to do",
    "running": "a process records into it; left alone",
    "failed": "not recovered",
}


@click.command(
    short_help="Close the records of killed runs.",
    epilog="""
    \b
    Examples:
      provenance recover runs
      provenance recover runs/train-20261122T091000Z-5f2a
      provenance recover runs --format json
    """,
)
@click.argument("folder", type=LocalPath(path_type=Path, exists=True, file_okay=False))
@format_option
def recover(*, folder: Path, output_format: str) -> int:
    """Close the records that killed processes left open in FOLDER: a run folder, or a project.

    The log is kept up to its last whole line, and the record says what is missing and is called
    interrupted. What cannot be read is set aside beside it; nothing is deleted. A run that a
    process still records into is left alone, and one that has ended is not changed. A recovered
    run is released with `provenance release --unfinished`.

    The exit code is 0 if nothing is left to recover, 1 if something could not be recovered.
    """
    from provenance.recording.recovery import recover as recover_runs

    done = recover_runs(folder)
    if output_format == "json":
        say_json({"runs": [_tree(it) for it in done]})
    else:
        _say(done)
    return 1 if any(it.outcome == "failed" for it in done) else 0


def _tree(run: Recovered) -> dict[str, Any]:
    tree: dict[str, Any] = {"folder": str(run.folder), "outcome": run.outcome}
    if run.problem:
        tree["problem"] = run.problem
    if run.gaps:
        tree["gaps"] = [it.to_tree() for it in run.gaps]
    return tree


def _say(done: tuple[Recovered, ...]) -> None:
    from provenance.render import escape

    for run in done:
        problem = f": {run.problem}" if run.problem else ""
        say(escape(f"{run.folder.name}: {WORDS[run.outcome]}{problem}"))
        for gap in run.gaps:
            say(escape(f"  {gap.subject}: {gap.description}"))
