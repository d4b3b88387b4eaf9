"""From the plain files of a W&B run to a `TrackedRun`. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from provenance.capture import Captured, capture_command, redact_text
from provenance.capture.remotes import public_remote
from provenance.digest.names import is_name
from provenance.integrations.tracked_runs import Point, TrackedRun
from provenance.integrations.tracked_texts import public_text
from provenance.manifest.files import CodeReference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.integrations.tracked_runs import Status

__all__ = ["Said", "describe_run", "last_values"]

# What the metadata says of machines and people, and what of it is kept.
_PERSONAL: Final = ("host", "username", "email")
_KEPT: Final = ("os", "python", "cpu_count", "gpu", "gpu_count", "cudaVersion")

_FOLDER = re.compile(r"(?:offline-)?run-\d{8}_\d{6}-([A-Za-z0-9_-]{1,128})")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Said:
    """What the plain files of a run say."""

    metadata: Mapping[str, Any]
    """Of `wandb-metadata.json`."""

    summary: Mapping[str, Any]
    """Of `wandb-summary.json`."""

    settings: Mapping[str, Any]
    """Of `config.yaml`."""


def describe_run(
    folder: str,
    said: Said,
    points: Sequence[Point],
    status: Status | None,
    gaps: Sequence[tuple[str, str]],
) -> TrackedRun:
    """Return what a run of W&B says, without users and hosts.

    Args:
        folder: The name of the run's folder, which tells its id.
        said: What its files say.
        points: Its metrics.
        status: How it ended, if somebody knows.
        gaps: What was not imported.
    """
    metadata = said.metadata
    named = _FOLDER.fullmatch(folder)
    identifier = named[1] if named else ""
    times = [it.at for it in points if it.at is not None]
    started = _time(metadata.get("startedAt")) or min(times, default=None)
    taken = [
        (name, f"the {name} stands in W&B's metadata, and is left out")
        for name in _PERSONAL
        if metadata.get(name)
    ]
    command = _command(metadata)
    taken += [(gap.subject, gap.description) for gap in command.gaps]
    shown = {key: value for key, value in said.summary.items() if not key.startswith("_")}
    return TrackedRun(
        tracker="W&B",
        id=identifier,
        name=f"wandb-{identifier}" if named else "wandb",
        status=status or "interrupted",
        status_word=f"{status}, as whoever imported it says" if status else "not known",
        started_at=started,
        ended_at=max(times, default=None),
        settings=said.settings,
        code=_code(metadata),
        command=command.value,
        facts={
            "machine": {key: metadata[key] for key in _KEPT if key in metadata},
            "summary": shown,
        },
        gaps=(("code", "W&B does not say whether files differed from the commit"), *gaps),
        taken=tuple(taken),
    )


def last_values(summary: Mapping[str, Any]) -> tuple[Point, ...]:
    """Return the last value of each metric, as one entry; nothing where there is none."""
    values = {
        key: value
        for key, value in summary.items()
        if not key.startswith("_") and isinstance(value, int | float)
    }
    step, at = summary.get("_step"), summary.get("_timestamp")
    if not values:
        return ()
    return (
        Point(
            at=float(at) if isinstance(at, int | float) else None,
            step=step if isinstance(step, int) and step >= 0 else None,
            values=values,
        ),
    )


def _time(text: object) -> float | None:
    """Return the seconds since 1970 of a time as W&B writes it: UTC, with or without its Z."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


def _code(metadata: Mapping[str, Any]) -> CodeReference | None:
    git = metadata.get("git")
    git = git if isinstance(git, Mapping) else {}
    commit = str(git.get("commit") or "")
    path = _script(metadata)
    fields: dict[str, Any] = {
        "commit": commit if _COMMIT.fullmatch(commit) else None,
        "repository": public_remote(str(git.get("remote") or "")).value,
        "path": path or None,
    }
    known = {key: value for key, value in fields.items() if value}
    return CodeReference(**known) if known else None


def _script(metadata: Mapping[str, Any]) -> str:
    """Return the script below its repository, or its name alone."""
    path = str(metadata.get("codePath") or metadata.get("program") or "").replace("\\", "/")
    name = path if is_name(path) else path.rpartition("/")[2]
    return redact_text(name).value if is_name(name) else ""


def _command(metadata: Mapping[str, Any]) -> Captured[tuple[str, ...]]:
    arguments = metadata.get("args")
    script = _script(metadata)
    if not script or not isinstance(arguments, list | tuple):
        return Captured(())
    return capture_command([script, *(public_text(str(it)) for it in arguments)])
