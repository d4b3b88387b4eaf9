"""`provenance import`: runs that a tracker has recorded, as recorded runs of a project."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from provenance.cli.output import format_option, say, say_json
from provenance.cli.remote import LocalPath
from provenance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from provenance.integrations.tracked_runs import ImportedRun

__all__ = ["import_"]


@click.group(
    "import",
    short_help="Import finished runs of a tracker.",
    epilog="""
    \b
    Examples:
      provenance import mlflow RUN_ID --tracking-uri http://mlflow.example:5000 --output runs
      provenance import wandb wandb/offline-run-20260301_101500-x1y2z3 --output runs
      provenance release runs --output model --description about.toml
    """,
)
def import_() -> None:
    """Write what a tracker says of a finished run into a project.

    The project is then released like one that was recorded. What was imported is marked as such:
    it is what the tracker says, and nobody saw it.
    """


def _output_option(command: Callable[..., Any]) -> Callable[..., Any]:
    option = click.option(
        "--output",
        "-o",
        type=LocalPath(path_type=Path),
        required=True,
        metavar="FOLDER",
        help="The project: a folder for this run is made in it.",
    )
    return option(command)


def _artifact_options(command: Callable[..., Any]) -> Callable[..., Any]:
    named = click.option(
        "--artifact",
        "artifacts",
        multiple=True,
        metavar="NAME[=STEP]",
        help="A file or folder of the run that holds weights, and the step at which it was saved. "
        "May be repeated.  [default: what looks like it]",
    )
    none = click.option("--no-artifacts", is_flag=True, help="Look at no file of the run.")
    return named(none(command))


@import_.command(
    "mlflow",
    short_help="Import a finished MLflow run.",
    epilog="""
    \b
    Examples:
      provenance import mlflow RUN_ID --tracking-uri mlruns --output runs
      provenance import mlflow RUN_ID --artifact checkpoints/step-500=500 --output runs
    """,
)
@click.argument("run_id")
@click.option(
    "--tracking-uri",
    metavar="URI",
    help="The store or server.  [default: MLflow's own setting]",
)
@_output_option
@_artifact_options
@format_option
def _mlflow(
    *,
    run_id: str,
    tracking_uri: str | None,
    output: Path,
    artifacts: tuple[str, ...],
    no_artifacts: bool,
    output_format: str,
) -> None:
    """Import the finished MLflow run RUN_ID.

    Parameters, the history of all metrics, tags, the commit, names of datasets, times and status
    are imported, and the files of its models are hashed. Users and hosts are left out. Nothing of a
    model is loaded or run.
    """
    # This process is ours: it sends no word of its use to others, and only reads old stores.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    from provenance.integrations.mlflow import import_mlflow_run

    named = _named(artifacts, no_artifacts=no_artifacts)
    with _gaps_are_shown():
        done = import_mlflow_run(run_id, tracking_uri=tracking_uri, output=output, artifacts=named)
    _say(done, output_format)


@import_.command(
    "wandb",
    short_help="Import the folder of a W&B run.",
    epilog="""
    \b
    Examples:
      provenance import wandb wandb/run-20260301_101500-x1y2z3 --status completed --output runs
      provenance import wandb export --history export/history.csv --output runs
    """,
)
@click.argument("folder", type=LocalPath(path_type=Path))
@click.option(
    "--history",
    type=LocalPath(path_type=Path),
    metavar="FILE",
    help="The exported history, JSON Lines or CSV.  [default: looked for in FOLDER]",
)
@click.option(
    "--status",
    type=click.Choice(["completed", "failed", "interrupted"]),
    help="How the run ended, which the files do not say.",
)
@_output_option
@_artifact_options
@format_option
def _wandb(
    *,
    folder: Path,
    history: Path | None,
    status: Literal["completed", "failed", "interrupted"] | None,
    output: Path,
    artifacts: tuple[str, ...],
    no_artifacts: bool,
    output_format: str,
) -> None:
    """Import FOLDER, the folder of a W&B run as it lies on disk or was exported.

    Its settings, summary, commit and exported history are imported, and its saved weights are
    hashed. The binary file of the run is not read. Users and hosts are left out.
    """
    from provenance.integrations.wandb_export import import_wandb_export

    named = _named(artifacts, no_artifacts=no_artifacts)
    with _gaps_are_shown():
        done = import_wandb_export(
            folder, output=output, history=history, status=status, artifacts=named
        )
    _say(done, output_format)


@contextmanager
def _gaps_are_shown() -> Iterator[None]:
    """Show no warnings of the recorder: each is a gap too, and gaps are printed."""
    from provenance.recording.faults import ProvenanceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ProvenanceWarning)
        yield


def _named(
    artifacts: tuple[str, ...], *, no_artifacts: bool
) -> dict[str, int | None] | tuple[str, ...] | None:
    if no_artifacts and artifacts:
        raise UsageError(problem="--artifact and --no-artifacts contradict each other")
    if no_artifacts:
        return ()
    if not artifacts:
        return None
    named: dict[str, int | None] = {}
    for text in artifacts:
        name, equals, step = text.rpartition("=")
        if equals and step.isascii() and step.isdecimal() and len(step) < 16:  # noqa: PLR2004 - steps are below 2^53
            named[name] = int(step)
        else:
            named[text] = None
    return named


def _say(done: ImportedRun, output_format: str) -> None:
    if output_format == "json":
        tree = {
            "folder": str(done.folder),
            "status": done.status,
            "checkpoints": list(done.checkpoints),
            "entries": done.entries,
            "gaps": [gap.to_tree() for gap in done.gaps],
        }
        say_json(tree)
        return
    from provenance.render import escape

    saved = ", ".join(done.checkpoints) or "none"
    say(escape(f"Imported into {done.folder}: {done.status}"))
    say(escape(f"  log: {done.entries} entries; checkpoints: {saved}"))
    for gap in done.gaps:
        say(escape(f"  {gap.subject}: {gap.description}"))
