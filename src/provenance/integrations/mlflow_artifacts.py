"""The weights that a run of MLflow saved: artifacts that hold some, and logged models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from provenance.digest.names import check_name
from provenance.errors import RecordingError, UsageError, shown
from provenance.integrations.tracked_artifacts import (
    check_count,
    choose_weights,
    list_files,
    local_place,
    place_inside,
    step_of,
)
from provenance.integrations.tracked_runs import SavedState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["SavedStates"]


class SavedStates:
    """Finds the weights of a run; called with a folder for downloads.

    Args:
        client: The `MlflowClient`.
        run: The run, as the client returned it.
        artifacts: See `import_mlflow_run`.
        is_local: Whether the tracking store lies on this machine. A server may not name files of
            this machine: whoever runs it could have any of them released.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - mlflow has no types here
        run: Any,  # noqa: ANN401 - the same
        artifacts: Sequence[str] | Mapping[str, int | None] | None,
        *,
        is_local: bool,
    ) -> None:
        """Look at nothing yet."""
        if isinstance(artifacts, str):
            raise UsageError(problem="artifacts are a list of names, not one text")
        self._client = client
        self._run = run
        self._artifacts = artifacts
        self._is_local = is_local

    def __call__(self, downloads: Path) -> tuple[SavedState, ...]:
        """Return the saved weights, oldest first; what is not here is downloaded.

        Args:
            downloads: The folder for what must be downloaded, not there yet.

        Raises:
            ProvenanceError: A name is unsafe, or files cannot be read.
        """
        found = [*self._from_artifacts(downloads), *self._from_models(downloads)]
        known = [it for it in found if it.step is not None]
        return (
            *sorted(known, key=lambda it: it.step or 0),
            *(it for it in found if it not in known),
        )

    def _from_artifacts(self, downloads: Path) -> Iterator[SavedState]:
        root = self._place_of(self._run.info.artifact_uri or "")
        names = self._artifacts
        if names is None:
            names = choose_weights(self._listed() if root is None else list_files(root))
        for name in names:
            check_name(name)
            step = names[name] if isinstance(names, Mapping) else None
            step = step_of(name) if step is None else step
            if root is None:
                place = self._download(downloads, run_id=self._run.info.run_id, artifact_path=name)
            else:
                place = place_inside(root, name)
            yield SavedState(name, place, step)

    def _from_models(self, downloads: Path) -> Iterator[SavedState]:
        if self._artifacts is not None:
            return
        outputs = getattr(self._run.outputs, "model_outputs", None) or ()
        for output in outputs:
            model = self._client.get_logged_model(output.model_id)
            place = self._place_of(model.artifact_location or "")
            if place is None:
                place = self._download(downloads, artifact_uri=f"models:/{output.model_id}")
            if list_files(place):
                # MLflow has no "no step": 0 is what it writes for a model without one.
                yield SavedState(model.name or "model", place, output.step or None)

    def _place_of(self, uri: str) -> Path | None:
        place = local_place(uri)
        # MLflow reads `file://HOST/…` of any host here, and asks the server again what the other
        # two stand for.
        kind = uri.partition(":")[0].lower()
        if not self._is_local and (place is not None or kind in {"file", "runs", "models"}):
            raise RecordingError(
                problem="the server says that the artifacts are files of this machine",
                remedy="name the tracking store itself, or import with `artifacts=()`",
            )
        return place

    def _listed(self) -> list[str]:
        """Return the names of all files among the artifacts of a store elsewhere."""
        names: list[str] = []
        folders: list[str | None] = [None]
        seen: set[str] = set()
        while folders:
            for item in self._client.list_artifacts(self._run.info.run_id, folders.pop()):
                check_name(item.path)
                if item.path in seen:
                    raise RecordingError(problem=f"the artifact {shown(item.path)} is listed twice")
                seen.add(item.path)
                check_count(len(seen))
                (folders if item.is_dir else names).append(item.path)
        return names

    def _download(self, downloads: Path, **what: str) -> Path:
        """Download one artifact; MLflow decides on names, so they are looked at once more."""
        from mlflow.artifacts import download_artifacts  # noqa: PLC0415 - only for stores elsewhere

        folder = downloads / f"artifact-{len(list(downloads.glob('*'))) + 1}"
        folder.mkdir(parents=True)
        download_artifacts(dst_path=str(folder), tracking_uri=self._client.tracking_uri, **what)
        list_files(folder)  # refuses links
        name = what.get("artifact_path")
        place = folder if name is None else place_inside(folder, name)
        if not place.exists():
            raise RecordingError(
                path=name or "", problem="MLflow did not download it", remedy="check its name"
            )
        return place
