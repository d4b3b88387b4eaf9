"""Runs that were imported after the fact: what a tracker says of them was not seen by us. No I/O.

A gap marks such a run. What the manifest says of it is then its author's word like any other, but
for the digests of files, which were taken when it was imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["IMPORTED", "imported_origins"]

#: What the gap says of a run that was imported.
IMPORTED: Final = (
    "imported after the fact: settings, metrics, steps, times and status are what the tracker "
    "says, and were not seen by a recorder; not known are the environment, and files that it read"
)

# Parts that stand once for all runs.
_SHARED: Final = ("/training/log", "/training/logFiles", "/training/metricNames")

# What binds a checkpoint to its bytes, which were read when it was imported.
_READ: Final = ("files", "inventory", "inventoryFile", "tensors")


def imported_origins(tree: Mapping[str, Any], recorded: Mapping[str, Any]) -> dict[str, str]:
    """Return the origins of what came from imported runs, by pointers into a manifest's tree.

    Args:
        tree: The whole manifest.
        recorded: The parts that came from records, before anything was withheld.
    """
    marks = [gap for gap in recorded.get("gaps", ()) if gap.get("description") == IMPORTED]
    if not marks:
        return {}
    # One gap without a run stands for all runs (`merging`).
    runs = None if any("run" not in gap for gap in marks) else {gap["run"] for gap in marks}
    training = recorded.get("training", {})
    segments = {
        it["id"] for it in training.get("segments", ()) if runs is None or it.get("run") in runs
    }
    origins = {pointer: "authored" for pointer in _SHARED if _is_stated(tree, pointer)}
    for pointer, item in _training_items(tree):
        if item.get("id") in segments or item.get("segment") in segments:
            origins[pointer] = "authored"
            origins |= {f"{pointer}/{name}": "captured" for name in _READ if name in item}
    return origins


def _training_items(tree: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield segments and checkpoints with their pointers."""
    training = tree.get("training") or {}
    for part in ("segments", "checkpoints"):
        for index, item in enumerate(training.get(part) or ()):
            yield f"/training/{part}/{index}", item


def _is_stated(tree: Mapping[str, Any], pointer: str) -> bool:
    part: Any = tree
    for name in pointer.strip("/").split("/"):
        part = part.get(name) if hasattr(part, "get") else None
    return part is not None
