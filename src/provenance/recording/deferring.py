"""Facts whose digests come later: declared at once, bound when their bytes were read.

What is small is read at once, so that a script may overwrite it the next moment. Of the rest it is
remembered what the files looked like when they were declared: digests of other bytes would be
digests of another state. Until they are there, a gap says that they are not, so that a kill leaves
an honest record.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from provenance.errors import RecordingError
from provenance.recording.state import make_gap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from provenance.manifest.compute import Gap
    from provenance.recording.state import RunState

__all__ = ["NOT_HASHED", "Sight", "bind_later", "look", "look_at_large"]

#: What the gap says of what was declared and is not hashed yet.
NOT_HASHED: Final = "declared, and not hashed before the process ended"

#: Most bytes that are hashed at once: a few milliseconds, less than it took to write them.
AT_ONCE_BYTES: Final = 4 * 1024 * 1024

#: Most files whose state is remembered; of a larger folder, it is hashed as it then is.
MAX_SEEN_FILES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Sight:
    """What a file or folder looked like at one moment."""

    path: Path
    """Where it lies, links in its own name resolved."""

    files: frozenset[tuple[str, int, int, int]] | None
    """Path, size, time of change (ns) and inode of each; nothing if there are too many."""

    @property
    def bytes_(self) -> int | None:
        """The sum of the sizes, if they are known."""
        return None if self.files is None else sum(size for _, size, _, _ in self.files)

    @property
    def is_large(self) -> bool:
        """Whether hashing it takes so long that it is done later."""
        size = self.bytes_
        return size is None or size > AT_ONCE_BYTES

    def require_same(self) -> None:
        """Check that it still looks so.

        Raises:
            RecordingError: It is gone, or was changed.
        """
        if self.files is None and self.path.is_dir():
            return
        found = look(self.path)
        if found == self:
            return
        gone = found is None or not found.files
        known = ""
        if self.files is not None:
            files = "1 file" if len(self.files) == 1 else f"{len(self.files)} files"
            known = f"; it had {self.bytes_} bytes in {files}"
        raise RecordingError(
            path=str(self.path),
            problem=f"was {'deleted' if gone else 'changed'} before it was hashed{known}",
            remedy="let `wait=True` hash it before the call returns, or call `run.wait()` before",
        )


def look(path: str | os.PathLike[str]) -> Sight | None:
    """Return what a file or folder looks like now; nothing if it cannot be read, or is empty."""
    files: set[tuple[str, int, int, int]] = set()
    try:
        place = Path(os.path.realpath(path))
        if not place.is_dir():
            info = place.stat()
            found = frozenset({("", info.st_size, info.st_mtime_ns, info.st_ino)})
            return Sight(place, found if place.is_file() else frozenset())
        for item in _walk(str(place), ""):
            if len(files) >= MAX_SEEN_FILES:
                return Sight(place, None)
            files.add(item)
    except (OSError, ValueError, RecursionError):
        return None
    return Sight(place, frozenset(files))


def look_at_large(path: str | os.PathLike[str]) -> Sight | None:
    """Return what a file or folder looks like if it is better hashed later, else nothing."""
    sight = look(path)
    return sight if sight is not None and sight.is_large else None


def _walk(folder: str, prefix: str) -> Iterator[tuple[str, int, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = f"{prefix}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, name)
            else:
                info = entry.stat(follow_symlinks=False)
                yield name, info.st_size, info.st_mtime_ns, info.st_ino


def bind_later(
    state: RunState,
    field: str,
    identifier: str,
    read: Callable[[], Mapping[str, Any]],
    *,
    sight: Sight | None = None,
    after: Callable[[Mapping[str, Any]], None] | None = None,
) -> None:
    """Add fields to an item of the record when they have been worked out, in the background.

    Args:
        state: The run, whose lock the caller does not hold.
        field: The list of the record that the item is in.
        identifier: The item's id.
        read: Returns the fields; whatever it raises becomes a gap.
        sight: What the files looked like that it reads; they must still look so afterwards.
        after: Called with the fields, or with none of them if they could not be worked out.
    """
    gap = make_gap(identifier, "absent", NOT_HASHED)
    with state.lock:
        state.add_gaps([gap])
        state.write()

    def job() -> None:
        fields: Mapping[str, Any] = {}
        failure: Exception | None = None
        try:
            if sight is not None:
                sight.require_same()
            fields = read()
            if sight is not None:
                sight.require_same()
        except Exception as error:  # noqa: BLE001 - whatever it is, training goes on
            fields, failure = {}, error
        with state.lock:
            if state.closed:  # nobody waited, and the gap stands
                return
            _settle(state, field, identifier, fields, gap)
        try:
            if after is not None:
                after(fields)
        finally:
            if failure is not None:
                state.add_failure(identifier, failure)

    state.background.submit(job)


def _settle(
    state: RunState, field: str, identifier: str, fields: Mapping[str, Any], gap: Gap
) -> None:
    rest = tuple(known for known in state.record.gaps if known != gap)
    item = state.find(field, identifier)
    if item is None or not fields:
        state.change(gaps=rest)
        return
    items = tuple(
        item.updated(**fields) if other.id == identifier else other
        for other in getattr(state.record, field)
    )
    state.change(gaps=rest, **{field: items})
