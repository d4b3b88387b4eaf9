"""Run a command as if nobody stood between it and its caller: same streams, signals and ending."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from provenance.capture import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

__all__ = ["Ended", "die_like", "run_child"]

#: Signals that are handed on, where the system has them.
FORWARDED: Final = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
    if hasattr(signal, name)
)

# What a terminal sends to everybody in its foreground: the child has had it already.
_OF_TERMINALS: Final = frozenset({"SIGINT", "SIGQUIT", "SIGHUP"})


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    """Its exit code, or minus the number of the signal that ended it."""

    usage: Usage
    """What it used, its own ended children included."""

    @property
    def words(self) -> str:
        """How it ended, for people."""
        if self.code >= 0:
            return f"the command ended with exit code {self.code}"
        return f"the command was ended by {signal.Signals(-self.code).name}"


class _Forwarding:
    """Hands signals on to a child; those that come before it is there wait for it."""

    def __init__(self) -> None:
        self._child: int | None = None
        self._waiting: list[int] = []
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in FORWARDED:
            # What the caller ignores (`nohup`), the child ignores too.
            if signal.getsignal(number) not in {signal.SIG_IGN, None}:
                self._previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        self._child = None
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def begin(self, child: int) -> None:
        self._child = child
        for number in self._waiting:
            os.kill(child, number)

    def end(self) -> None:
        self._child = None

    def _receive(self, number: int, _: FrameType | None) -> None:
        if signal.Signals(number).name in _OF_TERMINALS and _is_in_foreground():
            return
        if self._child is None:
            self._waiting.append(number)
        else:
            os.kill(self._child, number)


def run_child(
    words: Sequence[str], program: str, *, environment: Mapping[str, str] | None = None
) -> Ended:
    """Run a command to its end.

    Args:
        words: Its name and arguments.
        program: The file to start.
        environment: Its whole environment; by default that of this process.

    Raises:
        OSError: It cannot be started.
    """
    began = time.monotonic()
    with _Forwarding() as forwarding:
        child = subprocess.Popen(  # noqa: S603 - what the user asked for
            list(words), executable=program, env=environment
        )
        forwarding.begin(child.pid)
        if hasattr(os, "wait4"):
            _, status, used = os.wait4(child.pid, 0)
            forwarding.end()
            child.returncode = os.waitstatus_to_exitcode(status)
            cpu = used.ru_utime + used.ru_stime
            # Kibibytes on Linux and the BSDs, bytes on macOS.
            peak: int | None = used.ru_maxrss * (1 if os.uname().sysname == "Darwin" else 1024)
        else:
            child.wait()
            cpu, peak = 0.0, None
    usage = Usage(
        wall_seconds=round(time.monotonic() - began, 3),
        cpu_seconds=round(cpu, 3),
        peak_memory_bytes=peak,
    )
    return Ended(child.returncode, usage)


def die_like(code: int) -> int:
    """End this process by the signal that ended the child; an exit code is returned."""
    if code < 0:
        number = -code
        if number not in {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_DFL)
        try:
            import resource  # noqa: PLC0415 - POSIX only

            _, hard = resource.getrlimit(resource.RLIMIT_CORE)
            resource.setrlimit(resource.RLIMIT_CORE, (0, hard))  # the child has left its core
        except (ImportError, OSError, ValueError):
            pass
        os.kill(os.getpid(), number)
        return 128 + number
    return code


def _is_in_foreground() -> bool:
    """Return whether a terminal would send its signals to this process, and so to the child."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | getattr(os, "O_NOCTTY", 0))
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
