"""The handler for SIGTERM, in this very process."""

from __future__ import annotations

import os
import signal
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
    yield events
    signal.signal(signal.SIGTERM, previous)


def test_record_is_closed_before_the_scripts_handler_is_called(handled: list[str]) -> None:
    termination = Termination(lambda: handled.append("closed"))
    termination.install()
    os.kill(os.getpid(), signal.SIGTERM)
    assert handled == ["closed", f"script {int(signal.SIGTERM)} True"]
    os.kill(os.getpid(), signal.SIGTERM)
    assert handled[2:] == [f"script {int(signal.SIGTERM)} True"]


def test_signal_waits_for_the_outermost_call(handled: list[str]) -> None:
    termination = Termination(lambda: handled.append("closed"))
    termination.install()
    termination.enter()
    termination.enter()
    os.kill(os.getpid(), signal.SIGTERM)
    termination.leave()
    assert handled == []
    termination.leave()
    assert handled == ["closed", f"script {int(signal.SIGTERM)} True"]


def test_handler_that_the_script_sets_later_stays(handled: list[str]) -> None:
    termination = Termination(lambda: handled.append("closed"))
    termination.install()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    termination.remove()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN


def test_removing_what_was_never_installed_does_nothing(handled: list[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    Termination(lambda: handled.append("closed")).remove()
    assert signal.getsignal(signal.SIGTERM) == before
