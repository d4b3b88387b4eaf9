"""Checkpoints of a command that does not record itself: files and folders of a given name.

They are looked for when the command has ended. The step is what a name says, and nobody saw how
they descend from each other; a gap of the record says both.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final

from provenance.digest import DigestSet
from provenance.errors import ProvenanceError, UsageError, shown
from provenance.manifest.training import Checkpoint, Segment
from provenance.recording.checkpoints import binding_fields, read_checkpoint
from provenance.recording.facts import without_nothing
from provenance.recording.state import make_gap, now, whole_second

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provenance.recording.state import RunState

__all__ = ["find_checkpoints", "keep_checkpoints", "read_patterns", "step_of"]

#: Most checkpoints of one command that are recorded.
MAX_FOUND: Final = 1_000

#: Most parts of a pattern, and of a name that is compared with it.
MAX_PARTS: Final = 64

FROM_NAMES: Final = (
    "recorded from outside: checkpoints were looked for when the command had ended, so that what "
    "was deleted or overwritten before is not here; their steps are the numbers in their names, "
    "the first step is said to be 0, and how they descend from each other was not seen"
)
NO_STEP: Final = "no number in its name says at which step it was saved: it counts as the last one"

# A number that a name calls a step, and one that ends it.
_STEP = re.compile(
    r"(?:step|iter|iteration|checkpoint|ckpt)s?[-_=.]?(\d{1,15})(?!\d)", re.IGNORECASE
)
_LAST = re.compile(r"(?:^|[-_=])(\d{1,15})$")


def read_patterns(patterns: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return patterns by their parts: `*`, `?` and `[…]` within a name, `**` any number of names.

    Raises:
        UsageError: One is empty, absolute, or leads out of the folder.
    """
    read = []
    for pattern in patterns:
        place = PurePath(pattern)
        parts = place.parts
        if not parts or place.is_absolute() or ".." in parts or len(parts) > MAX_PARTS:
            raise UsageError(
                problem=f"{shown(pattern)} is no pattern of names below the watched folder",
                remedy="write it relative to that folder, e.g. `checkpoints/step-*.safetensors`",
            )
        read.append(parts)
    return tuple(read)


def find_checkpoints(
    patterns: Sequence[Sequence[str]], changed: Iterable[str], folder: Path
) -> tuple[Path, ...]:
    """Return the files and folders that match a pattern, by step and name.

    Args:
        patterns: What `read_patterns` returned.
        changed: Absolute paths of files that are new or changed; links are resolved.
        folder: The folder that patterns are relative to; links are resolved.

    Returns:
        A folder as a whole if something changed in it, and then nothing inside of it.
    """
    found: dict[Path, None] = {}
    for text in changed:
        path = Path(text)
        if not path.is_relative_to(folder):
            continue
        parts = path.relative_to(folder).parts[:MAX_PARTS]
        for length in range(1, len(parts) + 1):
            if any(_matches(pattern, parts[:length]) for pattern in patterns):
                found[folder.joinpath(*parts[:length])] = None
                break
    unnumbered = 10**15  # more than any number of 15 digits
    return tuple(
        sorted(found, key=lambda it: (unnumbered if (n := step_of(it.name)) is None else n, it))
    )


def step_of(name: str) -> int | None:
    """Return the step that a name states: `checkpoint-500`, `epoch=3-step=1200.ckpt`, `7.pt`.

    >>> step_of("resnet50.safetensors") is None
    True
    """
    stated = _STEP.findall(name)
    if stated:
        return int(stated[-1])
    last = _LAST.search(name.partition(".")[0])
    return None if last is None else int(last[1])


def keep_checkpoints(
    state: RunState,
    patterns: Sequence[Sequence[str]],
    changed: Iterable[str],
    folder: Path,
) -> dict[str, DigestSet]:
    """Record what matches as checkpoints, and the stretch of training that saved them.

    Returns:
        The digests of their files, by absolute path.
    """
    if not patterns:
        return {}
    folder = folder.resolve()
    found = find_checkpoints(patterns, changed, folder)
    if not found:
        text = "no file that is new or changed has the name of a checkpoint"
        state.add_gaps([make_gap("checkpoints", "absent", text)])
        state.warn_once(f"not recorded: checkpoints: {text}")
        return {}
    if len(found) > MAX_FOUND:
        text = f"of {len(found)} checkpoints only the last {MAX_FOUND} were recorded"
        state.add_gaps([make_gap("checkpoints", "absent", text)])
    state.add_gaps([make_gap("checkpoints", "absent", FROM_NAMES)])
    last = max((step for it in found if (step := step_of(it.name)) is not None), default=0)
    segment = _add_segment(state, last)
    digests: dict[str, DigestSet] = {}
    for path in found[-MAX_FOUND:]:
        try:
            digests |= _add(state, path, segment, last)
        except ProvenanceError as error:
            state.add_failure("checkpoint", error)
    return digests


def _add_segment(state: RunState, to_step: int) -> str:
    record = state.record
    segment = Segment(
        id=state.new_id(f"{record.name}-1"),
        from_step=0,
        to_step=to_step,
        started_at=whole_second(record.started_at),
        ended_at=now(),
    )
    state.add("segments", segment)
    return segment.id


def _add(state: RunState, path: Path, segment: str, last: int) -> dict[str, DigestSet]:
    """Record one checkpoint and return the digests of its files."""
    content, tensors = read_checkpoint(state, path)
    step = step_of(path.name)
    identifier = state.new_id(path.name.partition(".")[0] if step is None else f"step-{step}")
    if step is None:
        state.add_gaps([make_gap(identifier, "absent", NO_STEP)])
    fields = {
        "id": identifier,
        "step": last if step is None else step,
        "segment": segment,
        **binding_fields(state, identifier, content, tensors),
    }
    state.locate(identifier, path)
    state.add("checkpoints", Checkpoint(**without_nothing(fields)))
    place = path if path.is_dir() else path.parent
    return {
        str(place / entry.path): DigestSet({"blake3": entry.digest.blake3})
        for entry in content.inventory.entries
    }


def _matches(pattern: Sequence[str], parts: Sequence[str]) -> bool:
    """Return whether the names of a path match; one row of a table a part of the pattern."""
    reached = [True, *(False for _ in parts)]
    for wanted in pattern:
        if wanted == "**":
            first = reached.index(True) if True in reached else len(reached)
            reached = [index >= first for index in range(len(reached))]
            continue
        steps = zip(reached, parts, strict=False)
        reached = [False, *(before and fnmatchcase(name, wanted) for before, name in steps)]
    return reached[-1]
