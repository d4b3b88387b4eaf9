"""MLflow: a finished run as a recorded one, and a signed bundle as an artifact of its run.

What MLflow says of the run is imported, marked as such (`tracked_runs`). Nothing of a model is
loaded: its files are hashed where they lie, or downloaded and hashed.

Source: MLflow 3.17, `mlflow.MlflowClient`.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from provenance.canonical import MAX_BUNDLE_BYTES
from provenance.digest import read_file
from provenance.envelope import manifest_digest, parse_bundle
from provenance.errors import InputError, MissingExtraError, UsageError, shown
from provenance.integrations.mlflow_artifacts import SavedStates
from provenance.integrations.mlflow_facts import describe_run, points_of
from provenance.integrations.tracked_artifacts import local_place
from provenance.integrations.tracked_runs import ImportedRun
from provenance.integrations.tracked_writing import write_run

try:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
except ModuleNotFoundError as error:
    raise MissingExtraError(
        problem="MLflow is not installed",
        remedy="install it: pip install 'training-provenance[mlflow]'",
    ) from error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["ImportedRun", "import_mlflow_run", "log_bundle"]

#: The folder of a run's artifacts that bundles are attached to.
BUNDLE_FOLDER: Final = "training-provenance"

#: The tag that names the manifest of the signed release.
MANIFEST_TAG: Final = "provenance.manifest"

#: Longest text of MLflow that a message repeats, in characters.
MAX_PROBLEM_CHARACTERS: Final = 300

# Kinds of tracking stores that lie on this machine.
_LOCAL: Final = frozenset({"", "file", "sqlite"})


def import_mlflow_run(
    run_id: str,
    *,
    tracking_uri: str | None = None,
    output: str | os.PathLike[str],
    artifacts: Sequence[str] | Mapping[str, int | None] | None = None,
) -> ImportedRun:
    """Write what MLflow says of a finished run into a project, for `provenance.release`.

    Imported are parameters, the whole history of every metric, tags, the commit, the names of
    datasets, times and status, and the files of its models. Users and hosts are left out.

    Args:
        run_id: The run's id.
        tracking_uri: The store or server; otherwise MLflow's own setting.
        output: The project folder; a run folder is made in it.
        artifacts: Names of the artifacts that hold weights, or these with the steps at which they
            were saved; otherwise those that look like it, and the run's logged models.

    Returns:
        Where the run folder is, and what is not known.

    Raises:
        UsageError: The run goes on, or was deleted.
        InputError: MLflow cannot read it, or a file cannot be read.
        DigestError: The name of an artifact is no safe name.
        RecordingError: A named artifact is not there.
    """
    client = _client(tracking_uri)
    with _what_mlflow_says(run_id):
        run = client.get_run(run_id)
        _check_finished(run)
        is_local = _scheme(client.tracking_uri) in _LOCAL
        saved = SavedStates(client, run, artifacts, is_local=is_local)
        return write_run(describe_run(run), output, points_of(client, run), saved)


def log_bundle(
    run_id: str,
    bundle_path: str | os.PathLike[str],
    *,
    tracking_uri: str | None = None,
    report: str | os.PathLike[str] | None = None,
) -> str:
    """Attach a signed bundle to a run, and name its manifest in the tag `provenance.manifest`.

    Args:
        run_id: The run's id.
        bundle_path: The bundle; it is read strictly, and not verified.
        tracking_uri: The store or server; otherwise MLflow's own setting.
        report: A report of a verification, attached beside it.

    Returns:
        The manifest digest, as it stands in the tag: `sha256:…`.

    Raises:
        InputError: A file cannot be read, or MLflow cannot write to the run.
        EnvelopeError: It is no bundle.
    """
    bundle = parse_bundle(read_file(bundle_path, max_bytes=MAX_BUNDLE_BYTES))
    digest = f"sha256:{manifest_digest(bundle.envelope.payload)}"
    if report is not None and not Path(report).is_file():
        raise InputError(path=str(report), problem="there is no such file", remedy="check the path")
    client = _client(tracking_uri)
    with _what_mlflow_says(run_id):
        for path in (bundle_path, report):
            if path is not None:
                client.log_artifact(run_id, os.fspath(path), BUNDLE_FOLDER)
        client.set_tag(run_id, MANIFEST_TAG, digest)
    return digest


def _client(tracking_uri: str | None) -> Any:  # noqa: ANN401 - mlflow has no types here
    """Return a client; MLflow would make a store that is not there."""
    place = local_place((tracking_uri or "").replace("sqlite:///", "", 1))
    if (
        tracking_uri
        and _scheme(tracking_uri) in _LOCAL
        and place is not None
        and not place.exists()
    ):
        raise InputError(
            path=str(place),
            problem="there is no tracking store here",
            remedy="name the folder or database that the run was logged to",
        )
    with _what_mlflow_says(""):
        return MlflowClient(tracking_uri=tracking_uri)


def _scheme(uri: str) -> str:
    """Return the kind of a tracking URI; of a plain path it is empty."""
    if uri.startswith("databricks"):
        return "databricks"
    return uri.partition(":")[0] if ":" in uri else ""


def _check_finished(run: Any) -> None:  # noqa: ANN401 - as above
    if run.info.lifecycle_stage == "deleted":
        raise UsageError(problem="the run was deleted", remedy="restore it in MLflow first")
    if run.info.status not in {"FINISHED", "FAILED", "KILLED"}:
        raise UsageError(
            problem=f"the run is {shown(run.info.status)}; only runs that have ended are imported",
            remedy="end it first; one that is still called so after a crash is ended by "
            "`MlflowClient().set_terminated(run_id, 'KILLED')`",
        )


@contextmanager
def _what_mlflow_says(run_id: str) -> Iterator[None]:
    """Turn what MLflow and the clients of its stores raise into one line."""
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(
            problem=f"MLflow needs {shown(error.name or 'another library')} to read this store",
            remedy="install it, or the whole of `mlflow`",
        ) from error
    except (MlflowException, OSError) as error:
        text = " ".join(str(error).split())[:MAX_PROBLEM_CHARACTERS]
        raise InputError(
            path=shown(run_id)[1:-1],
            problem=f"MLflow says: {text}",
            remedy="check the id of the run and the tracking URI",
        ) from error
