"""One thread beside the training: what it does with faults, forks, limits and the end."""

from __future__ import annotations

import os
import subprocess
import sys
from threading import Event, Thread, active_count, current_thread

import pytest

from provenance.recording import background
from provenance.recording.background import Background


def test_what_a_job_raises_is_raised_once_where_somebody_waits() -> None:
    work = Background()

    def fail(text: str) -> None:
        raise ValueError(text)

    work.submit(lambda: fail("first"))
    work.submit(lambda: fail("second"))
    with pytest.raises(ValueError, match="first"):
        work.wait()
    assert work.wait()


def test_job_after_one_that_failed_is_done() -> None:
    work, done = Background(), list[int]()
    work.submit(lambda: done.append(1 // 0))
    work.submit(lambda: done.append(2))
    with pytest.raises(ZeroDivisionError):
        work.wait()
    assert done == [2]


def test_waiting_ends_in_time_and_what_has_not_begun_can_be_dropped() -> None:
    work, go, begun, done = Background(), Event(), Event(), list[int]()

    def block() -> None:
        begun.set()
        go.wait(30)
        done.append(1)

    work.submit(block)
    work.submit(lambda: done.append(2))
    assert begun.wait(30)
    assert not work.wait(timeout=0.01)
    assert work.busy
    work.drop()
    go.set()
    assert work.wait()
    assert done == [1]
    assert not work.busy


def test_more_than_may_wait_is_done_by_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "MAX_WAITING", 1)
    work, go, begun = Background(), Event(), Event()
    threads: list[Thread] = []

    def block() -> None:
        begun.set()
        go.wait(30)

    work.submit(block)
    assert begun.wait(30)
    for _ in range(3):
        work.submit(lambda: threads.append(current_thread()))
    assert threads == [current_thread()] * 2
    go.set()
    assert work.wait()
    assert len(threads) == 3
    assert threads[2] is not current_thread()


def test_without_threads_work_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(Thread, "start", refuse)
    work, done = Background(), list[int]()
    work.submit(lambda: done.append(1))
    assert done == [1]
    assert work.wait()


def test_jobs_are_done_in_their_order_and_leave_no_thread() -> None:
    before, work, done = active_count(), Background(), list[int]()
    for number in range(50):
        work.submit(lambda number=number: done.append(number))  # type: ignore[misc]  # a default binds it
    assert work.wait()
    assert done == list(range(50))
    for thread in [work._thread]:
        if thread is not None:
            thread.join(30)
    assert active_count() == before


def test_job_may_wait_without_waiting_for_itself() -> None:
    work, found = Background(), list[bool]()
    work.submit(lambda: found.append(work.wait()))
    assert work.wait()
    assert found == [True]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks on this system")
def test_fork_waits_for_nothing() -> None:
    text = """
import os, threading
from provenance.recording.background import Background
work, go, begun = Background(), threading.Event(), threading.Event()
work.submit(lambda: (begun.set(), go.wait(30)))
begun.wait(30)
child = os.fork()
if child == 0:
    os._exit(0 if work.wait() and not work.busy else 1)
go.set()
assert os.waitpid(child, 0)[1] == 0
assert work.wait()
print("done")
"""
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", text],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.stdout, ran.returncode) == ("done\n", 0), ran.stderr
