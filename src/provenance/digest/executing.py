"""Hashing a tree on somebody else's workers: any `concurrent.futures.Executor`.

Threads, processes, Dask and Ray all speak this interface. A worker is handed names and sizes, opens
the root by its path with the same care as here, and answers with plain tuples; nothing it answers
is believed before it was compared with what was asked. Source: `spec/digests.md`, section
"Hashing on workers".
"""

from __future__ import annotations

import os
import time
import uuid
from collections import deque
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, TypeAlias

from provenance.digest.algorithms import check_digest
from provenance.digest.engine.hashing import hash_files
from provenance.digest.engine.jobs import FileJob
from provenance.digest.inventory import InventoryDigest, InventoryEntry
from provenance.digest.names import printable_name
from provenance.digest.opening import open_folder
from provenance.errors import DigestError, InputError, ProvenanceError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from provenance.digest.files import FileDigest
    from provenance.digest.walking import FoundFile

__all__ = ["hash_batch", "hash_on_executor"]

#: Bytes that one task hashes, unless a single file has more.
BATCH_BYTES: Final = 256 * 1024 * 1024

#: Files that one task hashes: enough that 2 ms for a task is little beside its work.
BATCH_FILES: Final = 512

#: Tasks that are submitted and not yet answered.
MAX_IN_FLIGHT: Final = 512

#: How often the same files are handed out, before fewer of them are.
MAX_ATTEMPTS: Final = 3

#: Seconds between two looks at whether the caller gave up.
POLL_SECONDS: Final = 0.1

# What a worker says of one file: name, size and digests, or name, nothing and the parts of an
# error. Plain types only, so that every executor can carry it and nothing has to be unpickled.
_Row: TypeAlias = "tuple[str, int | None, dict[str, str]]"
_Answer: TypeAlias = "tuple[str, list[_Row]]"

# Faults that another worker may not have: its disk, its mount, its permissions.
_RETRIED: Final = frozenset({"file-unreadable", "input-unreadable"})


def hash_batch(
    root: str,
    files: Sequence[tuple[str, int]],
    algorithms: Sequence[str],
    seconds: float | None,
    nonce: str,
) -> _Answer:
    """Hash some files below a root, on a worker.

    It may run twice, anywhere: it keeps and changes nothing. A file that fails does not stop the
    others.

    Args:
        root: The path of the root, the same on every machine.
        files: Names below it, with the sizes that the walk has found.
        algorithms: Names of digest algorithms.
        seconds: The time that is left. Clocks of machines differ, spans do not.
        nonce: A text of this call alone. An engine that remembers calls by their arguments, as Dask
            does unless told otherwise, would answer with the digests of yesterday's bytes.

    Returns:
        The nonce and a row for each file, in order.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    try:
        jobs = [FileJob(path, size, tuple(algorithms)) for path, size in files]
        with open_folder(root) as folder:
            # One processor: how many tasks a machine runs at once is the executor's business.
            found = hash_files(folder, jobs, workers=1, deadline=deadline)
    except InputError as error:  # the root itself: this worker may lack the mount
        return nonce, [(path, None, _parts(error)) for path, _ in files]
    return nonce, [_row(path, result) for (path, _), result in zip(files, found, strict=True)]


def hash_on_executor(
    executor: Executor,
    root: str | os.PathLike[str],
    files: Sequence[FoundFile],
    algorithms: Sequence[str],
    *,
    progress: Callable[[int], None] | None = None,
    deadline: float | None = None,
    cancelled: Callable[[], bool] | None = None,
    in_flight: int = MAX_IN_FLIGHT,
) -> list[InventoryEntry]:
    """Hash the files of a tree in batches on an executor; the result does not depend on it.

    Args:
        executor: Threads, processes, `dask_executor`, `RayExecutor`, or any other. Its workers need
            this library, and the root at the same path.
        root: The folder.
        files: What `walk_tree` found below it.
        algorithms: `blake3`, and `sha256` if wanted.
        progress: Called here with numbers of bytes as batches are done.
        deadline: Time of `time.monotonic` of this process after which nothing is waited for.
        cancelled: Asked now and then; once it is true, nothing more is handed out or waited for.
        in_flight: Batches that are out at once.

    Returns:
        An entry for each file, in the order of `files`.

    Raises:
        InputError: A file failed (its code), also after it was handed out again; the executor broke
            or its workers answer nonsense (`file-unreadable`); time is up (`deadline`) or the
            caller gave up (`cancelled`). What is still waiting is cancelled.
    """
    place = os.path.abspath(root)  # noqa: PTH100 - as text; a link in it stays as it is
    job = _Job(executor, place, files, tuple(algorithms), in_flight)
    return job.run(progress, deadline, cancelled)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Files from `start` up to `stop`, and how often they were handed out before."""

    start: int
    stop: int
    attempts: int = 0


class _Job:
    """The state of one call of `hash_on_executor`."""

    def __init__(
        self,
        executor: Executor,
        root: str,
        files: Sequence[FoundFile],
        algorithms: tuple[str, ...],
        in_flight: int,
    ) -> None:
        self._executor = executor
        self._root = root
        self._files = files
        self._algorithms = algorithms
        self._in_flight = max(1, in_flight)
        self._found: dict[int, InventoryEntry] = {}
        self._waiting = _batches(files)
        self._again: deque[_Batch] = deque()
        self._out: dict[Future[_Answer], tuple[_Batch, str]] = {}
        # Futures come here by themselves: `wait` would look at all of them for each that is done.
        self._done: SimpleQueue[Future[_Answer]] = SimpleQueue()

    def run(
        self,
        progress: Callable[[int], None] | None,
        deadline: float | None,
        cancelled: Callable[[], bool] | None,
    ) -> list[InventoryEntry]:
        try:
            while True:
                self._hand_out(deadline)
                if not self._out:
                    break
                future = self._next_done(deadline, cancelled)
                batch, nonce = self._out.pop(future)
                done = self._take(batch, nonce, future)
                if progress is not None and done:
                    progress(done)
        finally:
            for future in self._out:
                future.cancel()
        return [self._found[index] for index in range(len(self._files))]

    def _hand_out(self, deadline: float | None) -> None:
        """Submit batches until enough are out, those that failed first."""
        while len(self._out) < self._in_flight:
            batch = self._again.popleft() if self._again else next(self._waiting, None)
            if batch is None:
                return
            seconds = None if deadline is None else deadline - time.monotonic()
            if seconds is not None and seconds <= 0:
                raise _out_of_time()
            nonce = uuid.uuid4().hex
            files = [(file.path, file.size) for file in self._files[batch.start : batch.stop]]
            arguments = (self._root, files, self._algorithms, seconds, nonce)
            try:
                future = self._executor.submit(hash_batch, *arguments)
            except Exception as error:
                raise self._broken(error) from error
            self._out[future] = (batch, nonce)
            future.add_done_callback(self._done.put)

    def _next_done(
        self, deadline: float | None, cancelled: Callable[[], bool] | None
    ) -> Future[_Answer]:
        while True:
            if cancelled is not None and cancelled():
                raise InputError(problem="hashing was cancelled", code="cancelled")
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise _out_of_time()
            pause = left if cancelled is None else min(POLL_SECONDS, left or POLL_SECONDS)
            try:
                future = self._done.get(timeout=pause)
            except Empty:
                continue
            if future in self._out:
                return future

    def _take(self, batch: _Batch, nonce: str, future: Future[_Answer]) -> int:
        """Take in what a worker has answered; return the number of bytes that are done."""
        if future.cancelled():
            self._retry(batch, "its task was cancelled by somebody else")
            return 0
        error = future.exception()
        if isinstance(error, BrokenExecutor):
            raise self._broken(error) from error
        if error is not None:
            self._retry(batch, _said(error))
            return 0
        try:
            rows = self._check_answer(future.result(), nonce, batch)
        except _NonsenseError as nonsense:
            self._retry(batch, str(nonsense))
            return 0
        done = 0
        failed: list[int] = []
        for index, row in enumerate(rows, start=batch.start):
            if isinstance(row, InventoryEntry):
                self._found[index] = row
                done += row.size
            elif row.code in _RETRIED and batch.attempts + 1 < MAX_ATTEMPTS:
                failed.append(index)
            else:
                raise row
        self._again.extend(_Batch(*run, batch.attempts + 1) for run in _runs(failed))
        return done

    def _retry(self, batch: _Batch, reason: str) -> None:
        """Hand a batch out again; after some attempts in halves, until one file is to blame."""
        if batch.attempts + 1 < MAX_ATTEMPTS:
            self._again.appendleft(_Batch(batch.start, batch.stop, batch.attempts + 1))
        elif batch.stop - batch.start > 1:
            middle = (batch.start + batch.stop) // 2
            halves = (_Batch(batch.start, middle), _Batch(middle, batch.stop))
            self._again.extendleft(reversed(halves))
        else:
            raise InputError(
                path=printable_name(self._files[batch.start].path),
                problem=f"no worker could hash it: {reason}",
                remedy="see the log of the workers; they need this library and the same folder",
                code="file-unreadable",
            )

    def _check_answer(
        self, answer: object, nonce: str, batch: _Batch
    ) -> list[InventoryEntry | InputError]:
        """Return what a worker said of each file, if it is an answer to what was asked."""
        if not isinstance(answer, list | tuple) or len(answer) != 2:  # noqa: PLR2004 - nonce, rows
            raise _NonsenseError(f"a worker answered {shown(type(answer).__name__)}")
        said, rows = answer
        if said != nonce:
            raise _NonsenseError("a worker gave the answer to another question")
        if not isinstance(rows, list | tuple) or len(rows) != batch.stop - batch.start:
            raise _NonsenseError("a worker answered for another number of files")
        files = self._files[batch.start : batch.stop]
        return [
            _check_row(row, file, self._algorithms) for row, file in zip(rows, files, strict=True)
        ]

    def _broken(self, error: BaseException) -> InputError:
        return InputError(
            path=printable_name(self._root),
            problem=f"the executor takes no more work: {_said(error)}",
            remedy="a worker may have been killed, as for want of memory; start it again",
            code="file-unreadable",
        )


class _NonsenseError(Exception):
    """A worker's answer does not fit the question; never leaves this module."""


def _batches(files: Sequence[FoundFile]) -> Iterator[_Batch]:
    """Cut the files into batches of bounded number and, but for single files, bounded size."""
    start = total = 0
    for index, file in enumerate(files):
        too_large = index > start and total + file.size > BATCH_BYTES
        if too_large or index - start == BATCH_FILES:
            yield _Batch(start, index)
            start, total = index, 0
        total += file.size
    if start < len(files):
        yield _Batch(start, len(files))


def _runs(indexes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the runs of successive indexes, each by its start and stop."""
    start = 0
    for position in range(1, len(indexes) + 1):
        if position == len(indexes) or indexes[position] != indexes[position - 1] + 1:
            yield indexes[start], indexes[position - 1] + 1
            start = position


def _row(path: str, found: FileDigest | ProvenanceError) -> _Row:
    if isinstance(found, ProvenanceError):
        return path, None, _parts(found)
    return path, found.size, dict(found.digest)


def _parts(error: ProvenanceError) -> dict[str, str]:
    if error.code == "size-mismatch":
        return {
            "problem": "changed between the walk and the reading of the tree",
            "remedy": "let nothing write to it, then try again",
            "code": "file-changed",
        }
    return {"problem": error.problem, "remedy": error.remedy, "code": error.code}


#: What a worker may say that went wrong with a file.
_CODES: Final = frozenset(
    {"deadline", "file-changed", "file-type", "file-unreadable", "link-found", "name-unsafe"}
    | {"special-file", "digest-algorithm"}
)


def _check_row(
    row: object, file: FoundFile, algorithms: tuple[str, ...]
) -> InventoryEntry | InputError:
    if not isinstance(row, list | tuple) or len(row) != 3:  # noqa: PLR2004 - name, size, digests
        raise _NonsenseError("a worker answered something else than rows")
    path, size, details = row
    if path != file.path:
        raise _NonsenseError(f"a worker answered for {shown(path)}, not {shown(file.path)}")
    if not isinstance(details, dict) or not all(
        isinstance(part, str) for item in details.items() for part in item
    ):
        raise _NonsenseError("a worker answered something else than digests")
    if size is None:
        return _check_error(details, file)
    if type(size) is not int or size != file.size:
        raise _NonsenseError(f"a worker read {shown(size)} bytes, not {file.size}")
    if set(details) != set(algorithms):
        raise _NonsenseError("a worker answered with other digests than were asked for")
    try:
        for algorithm, value in details.items():
            check_digest(algorithm, value)
    except DigestError as error:
        raise _NonsenseError(error.problem) from error
    return InventoryEntry(digest=InventoryDigest(**details), path=file.path, size=size)


def _check_error(details: dict[str, str], file: FoundFile) -> InputError:
    if set(details) != {"problem", "remedy", "code"} or details["code"] not in _CODES:
        raise _NonsenseError("a worker answered with an error that no file has")
    return InputError(
        path=printable_name(file.path),
        problem=printable_name(details["problem"][:200]),
        remedy=printable_name(details["remedy"][:200]),
        code=details["code"],
    )


def _said(error: BaseException) -> str:
    """Return what an error of a foreign engine says, on one short line."""
    return f"{type(error).__name__}: {shown(str(error).strip().partition(chr(10))[0])}"


def _out_of_time() -> InputError:
    return InputError(problem="the time allowed is up", remedy="allow more time", code="deadline")
