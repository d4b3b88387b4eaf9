"""Hugging Face `datasets`: `declare(splits)` binds every split and says where it came from.

`run.dataset(data)` binds the content of any dataset by itself; this adds what the library knows of
its origin, and the roles that the names of splits stand for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from provenance.checks.licences import licence_fault
from provenance.errors import MissingExtraError
from provenance.integrations.observer import TrainingObserver, observed

try:
    import datasets
except ModuleNotFoundError as _error:
    raise MissingExtraError(
        problem="datasets is not installed", remedy="install it: pip install datasets"
    ) from _error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.recording.run import Run

__all__ = ["declare", "origin"]

#: Roles by the usual names of splits.
ROLES: Final = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "dev": "validation",
    "test": "test",
}

#: What the library writes where nobody named a version.
NO_VERSION: Final = "0.0.0"

# `hf://datasets/owner/name@revision/file`, as the Hub's files are called.
_HUB: Final = re.compile(r"hf://datasets/([^@]+)@([0-9a-f]{40})/(.+)")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def declare(
    dataset: Any,  # noqa: ANN401 - of `datasets`
    *,
    run: Run | None = None,
    role: str | None = None,
    **authored: Any,  # noqa: ANN401 - any field of a dataset
) -> Any:  # noqa: ANN401 - an id, or ids by split
    """Declare a dataset, or each split of a dictionary of them, in the run that is open.

    Args:
        dataset: A `Dataset`, `DatasetDict` or, not bound to its content, an iterable one.
        run: The run, which the caller finishes; otherwise the one that is open in this process.
        role: Its role; otherwise what the name of the split stands for.
        **authored: What `run.dataset` takes; it wins over what the library says.

    Returns:
        The id of the dataset, or a mapping from the names of splits to ids; nothing where no run
        is open.
    """
    declaring = _Declaring(run)
    found = declaring.declare(dataset, role, authored)
    declaring.observer.end()
    return found


def origin(dataset: Any) -> dict[str, Any]:  # noqa: ANN401 - of `datasets`
    """Return what the library says of a dataset, as arguments of `run.dataset`.

    Digests are those that the library took of what it downloaded (SHA-256), and stand with their
    sources; its fingerprint is the key of a cache, not a digest, and is left out.
    """
    info = dataset.info
    files = [_source(str(place), facts) for place, facts in (info.download_checksums or {}).items()]
    pages = [{"uri": info.homepage, "kind": "public"}] if _is_uri(info.homepage) else []
    spoken, spdx = _licence((info.license or "").strip())
    words = [text for text in ((info.citation or "").strip(), spoken) if text]
    version = str(info.version) if info.version else ""
    said = {
        "name": info.dataset_name,
        "description": (info.description or "").strip(),
        "version": "" if version == NO_VERSION else version,
        "license": spdx,
        "source": (*pages, *(it for it in files if it), *words),
    }
    return {name: value for name, value in said.items() if value}


class _Declaring:
    """One declaration; whatever breaks in it becomes a gap."""

    def __init__(self, run: Run | None) -> None:
        self.observer = TrainingObserver("datasets", run=run)

    @observed
    def declare(self, dataset: Any, role: str | None, authored: Mapping[str, Any]) -> Any:  # noqa: ANN401 - see above
        run = self.observer.begin()
        if run is None:
            return None
        if not isinstance(dataset, dict):  # `DatasetDict` and `IterableDatasetDict` are
            return self._one(run, dataset, role, authored)
        return {
            name: self._one(run, part, role or ROLES.get(name), {"id": name, **authored})
            for name, part in dataset.items()
        }

    def _one(self, run: Run, part: Any, role: str | None, authored: Mapping[str, Any]) -> str:  # noqa: ANN401 - as above
        split = None if part.split is None else str(part.split)
        role = role or ROLES.get(split or "")
        said = {**origin(part), "role": role, "attributes": {"datasets": datasets.__version__}}
        return run.dataset(part, **{**said, **authored})


def _source(place: str, facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return one downloaded file; nothing for a path of this machine, which is nobody's source."""
    found: dict[str, Any] = {"uri": place, "kind": "public"}
    if on_hub := _HUB.fullmatch(place):
        name, revision, path = on_hub.groups()
        found["uri"] = f"https://huggingface.co/datasets/{name}/resolve/{revision}/{path}"
        found["revision"] = revision
    elif not _is_uri(place):
        return None
    if isinstance(facts.get("num_bytes"), int):
        found["size"] = facts["num_bytes"]
    if _SHA256.fullmatch(str(facts.get("checksum"))):
        found["digest"] = {"sha256": facts["checksum"]}
    return found


def _licence(text: str) -> tuple[str, str]:
    """Return the licence as words or as an SPDX expression; the library takes any text."""
    if not text or not licence_fault(text):
        return "", text
    return f"Licence, in the dataset's own words: {text}", ""


def _is_uri(text: str | None) -> bool:
    return bool(text) and re.fullmatch(r"https?://[!-~]+", str(text)) is not None
