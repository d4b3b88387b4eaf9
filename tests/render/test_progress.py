"""Progress: nothing in a pipe, nothing for short work, bytes and rate on a terminal."""

from __future__ import annotations

import io

import pytest
from typing_extensions import override

from provenance.render import ByteProgress, show_progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    @override
    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_shown_in_a_pipe() -> None:
    stream = io.StringIO()
    with show_progress("Hashing", stream) as progress:
        assert progress is None
    assert stream.getvalue() == ""


def test_short_work_shows_nothing_on_a_terminal() -> None:
    stream = Terminal()
    with show_progress("Hashing", stream) as progress:
        assert progress is not None
        progress(1024)
    assert stream.getvalue() == ""


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    return Terminal()


def test_long_work_shows_bytes_done_and_to_do(terminal: Terminal) -> None:
    clock = Clock()
    progress = ByteProgress("Hashing", terminal, total=lambda: 4 << 20, clock=clock)
    clock.now += 0.9
    progress(1 << 20)
    assert terminal.getvalue() == ""
    clock.now += 0.2
    progress(1 << 20)
    progress(1 << 20)
    progress.close()
    progress.close()
    shown = terminal.getvalue()
    assert "Hashing" in shown
    assert "3.0/4.0 MiB" in shown


def test_long_work_without_a_total_shows_bytes(terminal: Terminal) -> None:
    clock = Clock()
    progress = ByteProgress("Reading", terminal, clock=clock)
    clock.now += 2
    progress(2048)
    progress.close()
    assert "2.0/? KiB" in terminal.getvalue()
