"""The handlers for SIGTERM and SIGUSR1, in this very process."""

from __future__ import annotations

import faulthandler
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from provenance.recording.signals import Termination

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


@pytest.fixture
def handled() -> Iterator[list[str]]:
    """Return the order of events; a handler of the script's own keeps this process alive."""
    events: list[str] = []

    def handler(number: int, frame: FrameType | None) -> None:
        events.append(f"script {number} {frame is not None}")

    previous = signal.signal(signal.SIGTERM, handler)
    other = signal.signal(signal.SIGUSR1, signal.SIG_DFL)  # a run that was left open may have it
    yield events
    signal.signal(signal.SIGTERM, previous)
    signal.signal(signal.SIGUSR1, other)


def test_record_is_closed_before_the_scripts_handler_is_called(handled: list[str]) -> None:
    termination = Termination(lambda *_: handled.append("closed"))
    termination.install()
    os.kill(os.getpid(), signal.SIGTERM)
    assert handled == ["closed", f"script {int(signal.SIGTERM)} True"]
    os.kill(os.getpid(), signal.SIGTERM)
    assert handled[2:] == [f"script {int(signal.SIGTERM)} True"]


def test_signal_waits_for_the_outermost_call(handled: list[str]) -> None:
    termination = Termination(lambda *_: handled.append("closed"))
    termination.install()
    termination.enter()
    termination.enter()
    os.kill(os.getpid(), signal.SIGTERM)
    termination.leave()
    assert handled == []
    termination.leave()
    assert handled == ["closed", f"script {int(signal.SIGTERM)} True"]


def test_handler_that_the_script_sets_later_stays(handled: list[str]) -> None:
    termination = Termination(lambda *_: handled.append("closed"))
    termination.install()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    termination.remove()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN


def test_removing_what_was_never_installed_does_nothing(handled: list[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    Termination(lambda *_: handled.append("closed")).remove()
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells")
def test_signal_that_faulthandler_answers_is_left_alone(handled: list[str]) -> None:
    faulthandler.register(signal.SIGUSR1, file=2)
    termination = Termination(lambda *_: handled.append("closed"))
    try:
        termination.install()
        assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
        assert callable(signal.getsignal(signal.SIGTERM))
    finally:
        termination.remove()
        faulthandler.unregister(signal.SIGUSR1)


def test_each_signal_is_handled_once_and_named() -> None:
    told: list[tuple[str, bool]] = []
    events: list[int] = []
    numbers = (signal.SIGUSR1, signal.SIGTERM)
    previous = [signal.signal(it, lambda number, _: events.append(number)) for it in numbers]
    termination = Termination(lambda name, goes_on: told.append((name, goes_on)))
    termination.install()
    try:
        for number in (*numbers, *numbers):
            os.kill(os.getpid(), number)
    finally:
        termination.remove()
        for number, handler in zip(numbers, previous, strict=True):
            signal.signal(number, handler)
    assert told == [("SIGUSR1", True), ("SIGTERM", True)]
    assert events == [*numbers, *numbers]


@pytest.mark.usefixtures("handled")
def test_another_run_of_ours_is_no_handler_of_the_script() -> None:
    told: list[tuple[str, bool]] = []
    first = Termination(lambda *_: None)
    second = Termination(lambda name, goes_on: told.append((name, goes_on)))
    first.install()
    second.install()
    try:
        assert second.goes_on(signal.SIGUSR1) is False
    finally:
        second.remove()
        first.remove()
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
