"""The changing part of a run: its record on disk, kept whole after every declared fact.

Facts are values; this holds the latest record, replaces it and writes it. A run folder that cannot
be written leaves the record in memory, so that the script goes on.
"""

from __future__ import annotations

import os
import re
import secrets
import time
import unicodedata
import warnings
from contextlib import suppress
from datetime import UTC, datetime
from functools import wraps
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, cast

from provenance.capture import Stopwatch, redact_mapping, redact_text, shorten_home
from provenance.digest import write_atomic
from provenance.errors import InputError, ProvenanceError, RecordingError, UsageError, shown
from provenance.manifest.compute import Compute, Gap
from provenance.manifest.fields import MAX_ID_LENGTH
from provenance.recording.background import Background
from provenance.recording.faults import ProvenanceWarning
from provenance.recording.ranks import Rank
from provenance.recording.records import RECORD_NAME, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from provenance.manifest.base import Document
    from provenance.recording.folder_locks import FolderLock

__all__ = [
    "RunState",
    "describe_error",
    "make_gap",
    "make_id",
    "new_run_folder",
    "now",
    "precise_now",
    "whole_second",
]

D = TypeVar("D", bound="Document")
Method = TypeVar("Method", bound="Callable[..., Any]")
GapKind = Literal["absent", "failed", "redacted", "crashed"]

#: Most gaps of one run; what fails at every step of a loop is one gap, and warns once.
MAX_GAPS: Final = 200

#: Longest name of a run that its folder bears, in characters.
MAX_FOLDER_NAME: Final = 64

#: Seconds by which the clock may be corrected during a run without being mentioned.
CLOCK_TOLERANCE: Final = 5.0

#: Longest text of a gap, in characters.
MAX_GAP_CHARACTERS: Final = 2_000

# Kinds of facts whose ids share one namespace, as they do in a manifest.
_IDENTIFIED = (
    "datasets",
    "processing",
    "segments",
    "checkpoints",
    "used_checkpoints",
    "evaluations",
    "documents",
)


def now() -> str:
    """Return the time by this machine's clock: RFC 3339, UTC, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def precise_now() -> str:
    """Return the time with microseconds, by which the runs of a project are put in order."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def whole_second(moment: str) -> str:
    """Return a time of a record as manifests hold it, without a fraction."""
    return moment[:19] + "Z"


def make_id(text: str, fallback: str = "item") -> str:
    """Return the id that a text suggests: ASCII letters, digits, points, dashes.

    >>> make_id("Test accuracy (held out)")
    'test-accuracy-held-out'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    joined = re.sub(r"[^A-Za-z0-9._]+", "-", plain).strip("-._").lower()
    return joined[: MAX_ID_LENGTH - 16].strip("-._") or fallback


def new_run_folder(project: Path, name: str) -> Path:
    """Make a folder for one process, unique by its name, time and four random digits.

    Raises:
        InputError: It cannot be made.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = project / f"{make_id(name, 'run')[:MAX_FOLDER_NAME]}-{stamp}-{secrets.token_hex(2)}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise InputError(
            path=str(folder),
            problem=f"the run folder cannot be made: {error.strerror}",
            remedy="name an output that you may write to",
        ) from error
    return folder


def _locked(method: Method) -> Method:
    """Make a method hold the state's lock: the script and its hashing thread both add facts."""

    @wraps(method)
    def call(self: RunState, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any method
        with self.lock:
            return method(self, *args, **kwargs)

    return cast("Method", call)


class RunState:
    """The record of a run in memory and on disk.

    Args:
        record: The record to begin with.
        folder: The run folder; nothing if it could not be made.
        strict: Whether failures are raised.
        rank: Which of many processes this is.
    """

    def __init__(
        self, record: Record, folder: Path | None, *, strict: bool, rank: Rank | None = None
    ) -> None:
        """Keep what the run begins with."""
        self.lock = RLock()
        self.record = record
        self.folder = folder
        self.strict = strict
        self.closed = False
        self.rank = rank or Rank()
        self.project: Path | None = folder.parent if folder is not None else None
        self.folder_lock: FolderLock | None = None
        self.signal: str | None = None  # the one that asked the process to end
        self.assumed_segment: str | None = None  # its checkpoint is a guess as yet
        self.earlier_compute: Compute | None = None
        self.stated_compute = Compute()  # what the script says of it
        self.average_watts: float | None = None  # for an estimate that the script asks for
        self._inherited = frozenset(_ids_of(record))
        self.stopwatch = Stopwatch()
        self._began = _both_clocks()
        self.last_step: int | None = None
        self.settings_changed = False  # since the last step of the open segment
        self.metric_names: dict[str, None] = dict.fromkeys(record.metric_names)
        self.postponed: dict[str, list[str | os.PathLike[str]]] = {}
        self.background = Background()
        self.seen: dict[object, str] = {}  # what datasets that are hashed later looked like
        self._process = os.getpid()
        self._warned: set[str] = set()

    @_locked
    def change(self, **fields: object) -> None:
        """Replace fields of the record, check it and write it.

        Raises:
            ManifestError: A field breaks a rule; the record stays as it was.
            InputError: It cannot be written; the record in memory is the new one.
        """
        changed = self.record.updated(**fields)
        changed.to_bytes()  # what cannot be written must not stand in the way of later facts
        self.record = changed
        self.write()

    @_locked
    def add(self, field: str, item: Document) -> None:
        """Append to a list of the record; raises what `change` raises."""
        self.change(**{field: (*getattr(self.record, field), item)})

    @_locked
    def replace(self, field: str, item: Document) -> None:
        """Replace the item of the same id in a list of the record; raises what `change` raises."""
        identifier = item.id  # type: ignore[attr-defined]  # only lists whose items have an id
        items = tuple(
            item if other.id == identifier else other for other in getattr(self.record, field)
        )
        self.change(**{field: items})

    def find(self, field: str, identifier: str) -> Any:  # noqa: ANN401 - one of several documents
        """Return the item of a list with this id, or nothing."""
        return next((it for it in getattr(self.record, field) if it.id == identifier), None)

    def unlock(self) -> None:
        """Give the run folder free for a process that goes on with it."""
        if self.folder_lock is not None:
            self.folder_lock.release()

    @_locked
    def write(self) -> None:
        """Write the record; what counts of the log is written with it.

        Raises:
            InputError: It cannot be written.
        """
        if self.folder is None or os.getpid() != self._process:
            return
        self.record = self.record.updated(
            last_step=self.last_step, metric_names=tuple(self.metric_names)
        )
        write_atomic(self.folder / RECORD_NAME, self.record.to_bytes())

    def is_own_process(self) -> bool:
        """Return whether this is the process that began the run, and no fork of it."""
        return os.getpid() == self._process

    @_locked
    def new_id(self, wanted: str, *, chosen: bool = False) -> str:
        """Return an unused id.

        Args:
            wanted: The id that the script chose, or a text that suggests one.
            chosen: The script chose it, so it is taken as it is or refused.

        Raises:
            UsageError: A chosen id is taken.
        """
        taken = _ids_of(self.record)
        if chosen:
            if wanted in self._inherited:
                return self._id_beside(wanted, taken)
            if wanted in taken:
                raise UsageError(
                    problem=f"the id {shown(wanted)} stands for something else in this run",
                    remedy="choose another id",
                )
            self.record = self.record.updated(chosen_ids=(*self.record.chosen_ids, wanted))
            return wanted
        base = make_id(wanted)
        numbered = (base if n == 1 else f"{base}-{n}" for n in range(1, len(taken) + 2))
        return next(identifier for identifier in numbered if identifier not in taken)

    def _id_beside(self, wanted: str, taken: set[str]) -> str:
        """Return an id for what bears the id of something that an earlier process recorded."""
        identifier = next(
            name for n in range(2, len(taken) + 3) if (name := f"{wanted}-{n}") not in taken
        )
        text = f"{wanted} is what an earlier process of this run recorded; {identifier} is new"
        self.add_gaps([make_gap("resume", "absent", text)])
        return identifier

    def clock_jump(self) -> float:
        """Return by how many seconds the clock was set since the run began; 0 within a few."""
        wall, steady = (now - then for now, then in zip(_both_clocks(), self._began, strict=True))
        return wall - steady if abs(wall - steady) > CLOCK_TOLERANCE else 0.0

    @_locked
    def locate(self, identifier: str, path: Path) -> None:
        """Remember where something lies, relative to the project where that is possible."""
        place = str(path)
        if not place.isprintable():
            return  # a name that JSON cannot hold; a release then asks for the files
        if self.folder is not None and path.is_relative_to(self.folder.parent.resolve()):
            place = str(path.relative_to(self.folder.parent.resolve()))
        self.record = self.record.updated(
            locations={**(self.record.locations or {}), identifier: place}
        )

    def made(self, kind: type[D], captured: Mapping[str, Any], authored: Mapping[str, Any]) -> D:
        """Return a part from what was captured and what the script says, secrets taken out.

        If the script's words break a rule, the part is made without them, and that is a gap.

        Raises:
            ProvenanceError: In strict mode, or if what was captured breaks a rule.
        """
        subject = make_id(kind.__name__)
        redacted = redact_mapping(authored)
        self.add_gaps(gap.updated(at=now()) for gap in redacted.gaps(subject))
        try:
            return kind(**{**redacted.value, **captured})
        except ProvenanceError as error:
            self.add_failure(subject, error)
            return kind(**captured)

    @_locked
    def add_gaps(self, gaps: Iterable[Gap]) -> None:
        """Keep gaps without writing; each once, and no more than `MAX_GAPS`."""
        known = list(self.record.gaps)
        for gap in gaps:
            if gap not in known and len(known) < MAX_GAPS:
                known.append(gap)
        self.record = self.record.updated(gaps=tuple(known))

    def add_failure(self, action: str, error: Exception) -> None:
        """Keep a failure of the recorder as a gap and warn, once; raise it in strict mode.

        Raises:
            ProvenanceError: In strict mode.
        """
        problem = describe_error(error)
        if self.strict:
            if isinstance(error, ProvenanceError):
                raise error
            raise RecordingError(problem=f"{action} was not recorded: {problem}") from error
        seen = f"{action}: {problem}"
        if seen in self._warned:
            return
        self._warned.add(seen)
        with self.lock:
            self.add_gaps([make_gap(action, "failed", problem)])
            # The disk that refused the fact refuses the gap too: it stays in memory, and the next
            # write takes it along.
            with suppress(Exception):
                self.write()
        self.warn(f"not recorded: {seen}")

    def warn(self, message: str) -> None:
        """Warn the user of the script, at the line that called the recorder."""
        warnings.warn(f"provenance: {message}", ProvenanceWarning, stacklevel=5)

    def warn_once(self, message: str) -> None:
        """Warn unless this run has warned so before."""
        if message not in self._warned:
            self._warned.add(message)
            self.warn(message)


def _ids_of(record: Record) -> set[str]:
    return {item.id for field in _IDENTIFIED for item in getattr(record, field)}


def _both_clocks() -> tuple[float, float]:
    """Return the clock that can be set, and one that cannot but runs on in sleep, in seconds."""
    steady = getattr(time, "CLOCK_BOOTTIME", None)
    return time.time(), time.monotonic() if steady is None else time.clock_gettime(steady)


def make_gap(subject: str, kind: GapKind, description: str) -> Gap:
    """Return a gap of now; its text is redacted and cut."""
    printable = description.encode("utf-8", "backslashreplace").decode("utf-8")
    text = shorten_home(redact_text(printable).value)[:MAX_GAP_CHARACTERS] or "no description"
    return Gap(subject=subject, kind=kind, description=text, at=now())


def describe_error(error: BaseException) -> str:
    """Return type and message of an exception on one line, redacted and without the home folder."""
    message = shorten_home(redact_text(str(error)).value)
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return " ".join(text.split())[:MAX_GAP_CHARACTERS]
