"""From MLflow's objects of a run to a `TrackedRun`. Imports nothing of MLflow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from provenance import canonical
from provenance.capture import redact_command, redact_mapping, redact_text, redact_url
from provenance.capture.remotes import public_remote
from provenance.digest.names import is_name
from provenance.errors import CanonicalError
from provenance.integrations.tracked_runs import Point, TrackedDataset, TrackedRun
from provenance.integrations.tracked_texts import public_line, read_value
from provenance.manifest.files import CodeReference

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["describe_run", "points_of"]

#: Largest description of a dataset's source that is read, in bytes.
MAX_SOURCE_BYTES: Final = 1024 * 1024

_STATUSES: Final = {"FINISHED": "completed", "FAILED": "failed", "KILLED": "interrupted"}

# How MLflow's `mlflow.data.context` of a dataset is called here.
_ROLES: Final = {
    "train": "train",
    "training": "train",
    "valid": "validation",
    "validation": "validation",
    "val": "validation",
    "eval": "validation",
    "evaluation": "test",
    "test": "test",
    "testing": "test",
}

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_URI = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+://[!-~]+")
_SECONDS: Final = 1_000.0


def describe_run(run: Any) -> TrackedRun:  # noqa: ANN401 - mlflow has no types here
    """Return what a finished run of MLflow says, without users and hosts.

    Args:
        run: An `mlflow.entities.Run`.
    """
    tags = {str(key): str(value) for key, value in run.data.tags.items()}
    cleaned = redact_mapping({str(key): str(value) for key, value in run.data.params.items()})
    settings = {key: read_value(value) for key, value in cleaned.value.items()}
    taken = [("configuration", f"{it.path}: {it.reason}") for it in cleaned.redactions]
    if getattr(run.info, "user_id", "") or "mlflow.user" in tags:
        taken.append(("user", "who ran it is in MLflow, and is left out"))
    inputs = getattr(run.inputs, "dataset_inputs", None) or ()
    gaps = [("code", "MLflow does not say whether files differed from the commit")]
    if "mlflow.source.git.commit" not in tags:
        gaps = [("code", "MLflow does not say which code ran")]
    if settings:
        gaps.append(
            ("configuration", "MLflow keeps settings as texts; numbers were read from them")
        )
    return TrackedRun(
        tracker="MLflow",
        id=str(run.info.run_id),
        name=run.info.run_name or tags.get("mlflow.runName") or "run",
        status=_STATUSES[run.info.status],  # type: ignore[arg-type]  # the caller refuses others
        status_word=run.info.status,
        started_at=_seconds(run.info.start_time),
        ended_at=_seconds(run.info.end_time),
        settings=settings,
        code=_code(tags),
        command=_command(tags),
        datasets=tuple(_dataset(it) for it in inputs),
        facts={
            "description": tags.get("mlflow.note.content"),
            "parentRun": tags.get("mlflow.parentRunId"),
            "tags": {key: value for key, value in tags.items() if not key.startswith("mlflow.")},
        },
        gaps=tuple(gaps),
        taken=tuple(taken),
    )


def points_of(client: Any, run: Any) -> Iterator[Point]:  # noqa: ANN401 - mlflow has no types here
    """Yield the whole history of all metrics, oldest first; what was logged together stays so.

    Args:
        client: An `mlflow.MlflowClient`.
        run: The run.
    """
    logged = [
        (item.timestamp or 0, item.step or 0, str(key), item.value)
        for key in sorted(run.data.metrics)
        for item in client.get_metric_history(run.info.run_id, key)
    ]
    logged.sort(key=lambda item: item[:2])  # stable: of one name, in MLflow's own order
    group: dict[str, object] = {}
    place: tuple[int, int] | None = None
    for at, step, key, value in logged:
        if place is not None and (place != (at, step) or key in group):
            yield _point(place, group)
            group = {}
        place = (at, step)
        group[key] = value
    if place is not None:
        yield _point(place, group)


def _point(place: tuple[int, int], values: dict[str, object]) -> Point:
    at, step = place
    return Point(at=_seconds(at), step=step, values=values)


def _seconds(milliseconds: int | None) -> float | None:
    return milliseconds / _SECONDS if milliseconds else None


def _code(tags: Mapping[str, str]) -> CodeReference | None:
    commit = tags.get("mlflow.source.git.commit", "")
    remote = public_remote(tags.get("mlflow.source.git.repoURL", "")).value
    # The script's own name: where it lay on that machine is nobody's business.
    script = redact_text(re.split(r"[/\\]", tags.get("mlflow.source.name", ""))[-1]).value
    fields: dict[str, Any] = {
        "commit": commit if _COMMIT.fullmatch(commit) else None,
        "repository": remote,
        "path": script if is_name(script) else None,
    }
    known = {key: value for key, value in fields.items() if value}
    return CodeReference(**known) if known else None


def _command(tags: Mapping[str, str]) -> tuple[str, ...]:
    text = tags.get("mlflow.project.entryPoint")
    return redact_command([public_line(text)]).value if text else ()


def _dataset(item: Any) -> TrackedDataset:  # noqa: ANN401 - mlflow has no types here
    dataset = item.dataset
    context = {it.key: it.value for it in item.tags}.get("mlflow.data.context", "")
    words = f"{public_line(str(dataset.source_type))} dataset in MLflow"
    if dataset.digest:
        foreign = public_line(str(dataset.digest))
        words += f"; foreign id (MLflow's digest, over a part of the data): {foreign}"
    source = {
        "name": public_line(str(dataset.name), max_characters=200) or "dataset",
        "description": words,
    }
    uri = _uri_of(dataset.source or "")
    if uri is not None:
        source["uri"] = uri
    role = _ROLES.get(str(context).lower(), "other")
    return TrackedDataset(name=str(dataset.name), roles=(role,), source=source)


def _uri_of(text: str) -> str | None:
    """Return the address in MLflow's description of a source, if others can use it."""
    data = text.encode("utf-8", "replace")
    try:
        tree = canonical.parse(data, foreign=True, max_bytes=MAX_SOURCE_BYTES)
    except CanonicalError:
        return None
    if not isinstance(tree, Mapping):
        return None
    for name in ("uri", "url", "path"):
        found = tree.get(name)
        if isinstance(found, str) and _URI.fullmatch(found):
            return redact_url(found).value
    return None
