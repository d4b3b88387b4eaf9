"""Hashing on any executor: one result whatever it does, and nothing it answers is believed."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.digest import FoundFile, Inventory, executing, hash_tree, walk_tree
from provenance.digest.executing import hash_batch, hash_on_executor
from provenance.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BOTH = ("blake3", "sha256")

#: What goes to a worker and comes back: nothing that a type could promise.
Value: TypeAlias = Any


class Immediate(Executor):
    """Runs each call at once; `change` may falsify what it answers."""

    def __init__(self, change: Callable[[int, Any], Any] | None = None) -> None:  # noqa: D107 - see the class
        self.calls: list[tuple[Any, ...]] = []
        self._change = change

    def submit(self, fn: Callable[..., Any], /, *args: Value, **kwargs: Value) -> Future[Any]:  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        future: Future[Any] = Future()
        self.calls.append(args)
        try:
            answer = fn(*args, **kwargs)
            if self._change is not None:
                answer = self._change(len(self.calls), answer)
            future.set_result(answer)
        except BaseException as error:  # noqa: BLE001 - as executors do
            future.set_exception(error)
        return future


class Reversing(Executor):
    """Answers only when nothing more is asked, the last call first."""

    def __init__(self, expected: int) -> None:  # noqa: D107 - see the class
        self._waiting: list[tuple[Future[Any], Callable[[], Any]]] = []
        self._expected = expected

    def submit(self, fn: Callable[..., Any], /, *args: Value, **_: Value) -> Future[Any]:  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        future: Future[Any] = Future()
        self._waiting.append((future, lambda: fn(*args)))
        if len(self._waiting) == self._expected:
            for other, call in reversed(self._waiting):
                other.set_result(call())
        return future


class Silent(Executor):
    """Takes calls and never answers."""

    def __init__(self) -> None:  # noqa: D107 - see the class
        self.futures: list[Future[Any]] = []

    def submit(self, *_: Value, **__: Value) -> Future[Any]:  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        self.futures.append(Future())
        return self.futures[-1]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    for number in range(20):
        file = folder / f"{number % 3}" / f"{number:03}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(range(256)) * number)
    return folder


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executing, "BATCH_FILES", 4)


def run(executor: Executor, root: Path, **options: Value) -> Inventory:
    files = walk_tree(root).files
    return Inventory(tuple(hash_on_executor(executor, root, files, BOTH, **options)))


def replaced(answer: Value, row: int, part: int, value: object) -> Value:
    rows = list(answer[1])
    changed = list(rows[row])
    changed[part] = value
    rows[row] = tuple(changed)
    return answer[0], rows


ERROR_PARTS = {"problem": "p", "remedy": "r", "code": "file-unreadable"}

#: What a worker may answer instead of the truth, and what is said of it.
NONSENSE: dict[str, tuple[Callable[[Any], Any], str]] = {
    "nothing": (lambda _: None, "NoneType"),
    "text": (lambda _: "done", "str"),
    "one part": (lambda answer: (answer[0],), "tuple"),
    "another nonce": (lambda answer: ("0" * 32, answer[1]), "another question"),
    "no rows": (lambda answer: (answer[0], []), "another number"),
    "rows that are a number": (lambda answer: (answer[0], 4), "another number"),
    "a row less": (lambda answer: (answer[0], answer[1][:-1]), "another number"),
    "a row twice": (lambda answer: (answer[0], [*answer[1], answer[1][0]]), "another number"),
    "shuffled rows": (lambda answer: (answer[0], answer[1][::-1]), "answered for"),
    "doubled row": (lambda answer: (answer[0], [answer[1][0]] * len(answer[1])), "answered for"),
    "a short row": (lambda answer: (answer[0], [("x",)] * len(answer[1])), "than rows"),
    "a path above": (lambda answer: replaced(answer, 0, 0, "../secret"), "answered for"),
    "a path that is no text": (lambda answer: replaced(answer, 0, 0, 7), "answered for"),
    "another size": (lambda answer: replaced(answer, 0, 1, 7), "read 7 bytes"),
    "a size that is a truth": (
        lambda answer: replaced(answer, 0, 1, value=False),
        "read False bytes",
    ),
    "a size that is a real": (lambda answer: replaced(answer, 0, 1, 0.0), "read 0.0 bytes"),
    "no digests": (lambda answer: replaced(answer, 0, 2, {}), "other digests"),
    "digests in a list": (lambda answer: replaced(answer, 0, 2, ["a" * 64]), "than digests"),
    "one digest": (lambda answer: replaced(answer, 0, 2, {"blake3": "a" * 64}), "other digests"),
    "a digest more": (
        lambda answer: replaced(answer, 0, 2, dict.fromkeys((*BOTH, "md5"), "a" * 64)),
        "other digests",
    ),
    "upper case": (
        lambda answer: replaced(answer, 0, 2, dict.fromkeys(BOTH, "A" * 64)),
        "lower-case",
    ),
    "a short digest": (
        lambda answer: replaced(answer, 0, 2, dict.fromkeys(BOTH, "a" * 63)),
        "64 lower-case",
    ),
    "a digest of bytes": (
        lambda answer: replaced(answer, 0, 2, dict.fromkeys(BOTH, b"a" * 64)),
        "than digests",
    ),
    "an error without code": (
        lambda answer: replaced(replaced(answer, 0, 1, None), 0, 2, {"problem": "p"}),
        "an error that no file has",
    ),
    "an error with a foreign code": (
        lambda answer: replaced(
            replaced(answer, 0, 1, None), 0, 2, {**ERROR_PARTS, "code": "signature-verified"}
        ),
        "an error that no file has",
    ),
}


@pytest.mark.parametrize("case", sorted(NONSENSE.keys() - {"shuffled rows", "doubled row"}))
def test_nonsense_is_asked_for_again_and_then_refused(case: str, root: Path) -> None:
    falsify, said = NONSENSE[case]
    hostile = Immediate(lambda _, answer: falsify(answer))
    with pytest.raises(InputError, match=said) as caught:
        run(hostile, root)
    assert caught.value.code == "file-unreadable"
    assert len(hostile.calls) <= 5 * 3 * (1 + 2 + 4)  # each batch, its halves, its files: 3 times


@pytest.mark.parametrize("case", NONSENSE)
def test_nonsense_now_and_then_changes_nothing(case: str, root: Path) -> None:
    falsify, _ = NONSENSE[case]
    hostile = Immediate(lambda call, answer: falsify(answer) if call % 3 == 1 else answer)
    assert run(hostile, root) == hash_tree(root)


@pytest.mark.parametrize("case", ["shuffled rows", "doubled row"])
def test_rows_of_another_order_are_asked_for_one_by_one(case: str, root: Path) -> None:
    executor = Immediate(lambda _, answer: NONSENSE[case][0](answer))
    assert run(executor, root) == hash_tree(root)
    assert sum(len(call[1]) == 1 for call in executor.calls) == 20


def test_a_remembered_answer_is_no_answer(root: Path) -> None:
    remembered: list[Any] = []

    def remember(_: int, answer: Value) -> Value:
        remembered.append(answer)
        return remembered[0]

    with pytest.raises(InputError, match="another question"):
        run(Immediate(remember), root)


def test_every_call_has_arguments_of_its_own(root: Path) -> None:
    executor = Immediate()
    run(executor, root)
    run(executor, root)
    assert len({call[-1] for call in executor.calls}) == len(executor.calls) == 10


@pytest.mark.parametrize("kind", ["exception", "cancelled", "exit"])
def test_a_task_that_fails_is_done_again(kind: str, root: Path) -> None:
    def fail(call: int, answer: Value) -> Value:
        if call % 2:
            return answer
        raise {"exception": OSError("lost"), "exit": SystemExit(1)}.get(kind, MemoryError())

    class Flaky(Immediate):
        def submit(self, fn: Callable[..., Any], /, *args: Value, **kwargs: Value) -> Future[Any]:  # type: ignore[explicit-override]  # typing.override came with Python 3.12
            if kind == "cancelled" and len(self.calls) % 2:
                self.calls.append(())
                future: Future[Any] = Future()
                future.cancel()
                future.set_running_or_notify_cancel()
                return future
            return super().submit(fn, *args, **kwargs)

    executor = Flaky(fail if kind != "cancelled" else None)
    assert run(executor, root) == hash_tree(root)
    assert len(executor.calls) > 5


def test_a_file_that_kills_every_worker_is_found_and_named(root: Path) -> None:
    culprit = "1/007"

    def fail(_: int, answer: Value) -> Value:
        if any(row[0] == culprit for row in answer[1]):
            raise RuntimeError("the worker\ndied \x1b[31m")
        return answer

    executor = Immediate(fail)
    with pytest.raises(
        InputError, match="no worker could hash it: RuntimeError: 'the worker'"
    ) as e:
        run(executor, root)
    assert (e.value.path, e.value.code) == (culprit, "file-unreadable")
    assert len(executor.calls[-1][1]) == 1


@pytest.mark.parametrize("error", [BrokenExecutor("a child died"), RuntimeError("shutdown")])
def test_an_executor_that_takes_no_work_is_said(error: Exception, root: Path) -> None:
    class Refusing(Executor):
        def submit(self, *_: Value, **__: Value) -> Future[Any]:  # type: ignore[explicit-override]  # typing.override came with Python 3.12
            raise error

    with pytest.raises(InputError, match="takes no more work") as caught:
        run(Refusing(), root)
    assert caught.value.code == "file-unreadable"


def test_a_file_that_changed_is_not_tried_again(root: Path) -> None:
    files = walk_tree(root).files
    (root / files[3].path).write_bytes(b"longer than before" * 1000)
    executor = Immediate()
    with pytest.raises(InputError, match="changed between") as caught:
        hash_on_executor(executor, root, files, BOTH)
    assert (caught.value.path, caught.value.code) == (files[3].path, "file-changed")


def test_a_file_that_one_worker_cannot_read_is_read_by_another(root: Path) -> None:
    failures = [0]

    def unreadable(_: int, answer: Value) -> Value:
        if answer[1][0][0] == "0/000" and failures[0] < 2:
            failures[0] += 1
            return replaced(replaced(answer, 0, 1, None), 0, 2, ERROR_PARTS)
        return answer

    executor = Immediate(unreadable)
    assert run(executor, root) == hash_tree(root)
    assert [len(call[1]) for call in executor.calls].count(1) == 2


def test_a_folder_that_no_worker_has_is_said(root: Path) -> None:
    files = walk_tree(root).files
    with pytest.raises(InputError, match="cannot be read") as caught:
        hash_on_executor(Immediate(), root / "elsewhere", files, BOTH)
    assert caught.value.code == "file-unreadable"


def test_a_link_is_refused_on_the_worker_too(root: Path) -> None:
    files = (*walk_tree(root).files, FoundFile("link", 0))
    (root / "link").symlink_to("0/000")
    with pytest.raises(InputError) as caught:
        hash_on_executor(Immediate(), root, files, BOTH)
    assert (caught.value.path, caught.value.code) == ("link", "link-found")


@pytest.mark.parametrize("name", ["../root/0/000", "/etc/passwd", "a/../b"])
def test_a_worker_checks_names_itself(name: str, root: Path) -> None:
    _, rows = hash_batch(str(root), [(name, 1)], BOTH, None, "n")
    assert rows[0][1] is None
    assert rows[0][2]["code"] == "name-unsafe"


def test_results_stand_in_order_whatever_order_they_come_in(root: Path) -> None:
    seen: list[int] = []
    found = run(Reversing(expected=5), root, progress=seen.append)
    assert found == hash_tree(root)
    assert sum(seen) == found.total_bytes


def test_batches_are_bounded_in_files_and_bytes(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executing, "BATCH_BYTES", 2000)
    executor = Immediate()
    assert run(executor, root) == hash_tree(root)
    for call in executor.calls:
        assert len(call[1]) <= 4
        assert len(call[1]) == 1 or sum(size for _, size in call[1]) <= 2000


def test_no_more_batches_are_out_than_asked_for(root: Path) -> None:
    silent = Silent()
    with pytest.raises(InputError) as caught:
        run(silent, root, in_flight=2, deadline=time.monotonic() + 0.05)
    assert caught.value.code == "deadline"
    assert len(silent.futures) == 2
    assert all(future.cancelled() for future in silent.futures)


def test_time_that_is_up_hands_out_nothing(root: Path) -> None:
    executor = Immediate()
    with pytest.raises(InputError) as caught:
        run(executor, root, deadline=time.monotonic() - 1)
    assert (caught.value.code, executor.calls) == ("deadline", [])


def test_a_worker_is_told_the_time_that_is_left_not_the_time(root: Path) -> None:
    executor = Immediate()
    run(executor, root, deadline=time.monotonic() + 1000)
    assert all(900 < call[3] <= 1000 for call in executor.calls)
    _, rows = hash_batch(str(root), [("0/003", 768)], BOTH, 0.0, "n")
    assert rows[0][2]["code"] == "deadline"


def test_giving_up_cancels_what_is_out(root: Path) -> None:
    silent, given_up = Silent(), threading.Event()
    timer = threading.Timer(0.05, given_up.set)
    timer.start()
    with pytest.raises(InputError, match="cancelled"):
        run(silent, root, cancelled=given_up.is_set)
    timer.join()
    assert all(future.cancelled() for future in silent.futures)


def test_an_error_of_the_caller_cancels_what_is_out(root: Path) -> None:
    def fail(_: int) -> None:
        raise KeyError("display")

    with ThreadPoolExecutor(1) as threads, pytest.raises(KeyError):
        run(threads, root, progress=fail)


def test_nothing_to_hash_needs_no_worker(tmp_path: Path) -> None:
    assert hash_on_executor(Silent(), tmp_path, (), BOTH) == []


def test_threads_and_processes_find_what_one_process_finds(root: Path) -> None:
    expected = hash_tree(root)
    with ThreadPoolExecutor(2) as threads:
        assert run(threads, root) == expected
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        assert run(processes, root) == expected
        (root / "0/003").write_bytes(b"\1" * 768)
        assert run(processes, root) == hash_tree(root) != expected


def test_a_killed_child_breaks_a_process_pool_and_is_said(root: Path) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        child = processes.submit(os.getpid).result()
        os.kill(child, signal.SIGKILL)
        with pytest.raises(InputError, match="BrokenProcessPool"):
            run(processes, root)


@pytest.mark.property
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    files=st.integers(1, 7),
    size=st.integers(1, 20_000),
    in_flight=st.integers(1, 9),
    seed=st.integers(0, 9),
)
def test_the_inventory_depends_on_no_batch_and_no_order(
    root: Path, files: int, size: int, in_flight: int, seed: int
) -> None:
    failing = random.Random(seed)  # noqa: S311 - no secret

    def fail(_: int, answer: Value) -> Value:
        if failing.random() < 0.05:
            raise OSError("lost")
        return answer

    expected = hash_tree(root)
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as threads:
        patch.setattr(executing, "BATCH_FILES", files)
        patch.setattr(executing, "BATCH_BYTES", size)
        assert run(threads, root, in_flight=in_flight) == expected
        patch.setattr(executing, "MAX_ATTEMPTS", 9)
        assert run(Immediate(fail), root, in_flight=in_flight) == expected
