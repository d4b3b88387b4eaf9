"""Bare processes: Python with one module of ours and blake3, and nothing of this process.

Never a fork: a training process has threads and device contexts that do not survive one. A bare
process gets no environment but the search path and the locale, the folder `/`, and only the
descriptors that are named. Source: `spec/digests.md`, section "Reading files".
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import blake3

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from subprocess import Popen

__all__ = ["HAS_PROCESSES", "receive", "start_bare"]

#: Whether this system has what bare processes need.
HAS_PROCESSES: Final = (
    os.name == "posix"
    and hasattr(os, "memfd_create")
    and hasattr(os, "readv")
    and os.open in os.supports_dir_fd
)

_BOOT = (
    "import sys\n"
    "file, folder, name = sys.argv[1:4]\n"
    "sys.path.append(folder)\n"
    "module = {'__name__': 'bare', '__file__': file}\n"
    "exec(compile(open(file, encoding='utf-8').read(), file, 'exec'), module)\n"
    "module[name](*map(int, sys.argv[4:]))\n"
)

_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE")

# Bytes that are taken from a process at once.
_READ_BYTES = 1024 * 1024


@contextmanager
def start_bare(
    module: str, function: str, arguments: Sequence[int], descriptors: Sequence[int]
) -> Iterator[Popen[bytes] | None]:
    """Run a function of a self-contained module in a bare process, and kill it at the end.

    Args:
        module: Its file.
        function: Its name there.
        arguments: What it is called with.
        descriptors: What it inherits, under the same numbers.

    Yields:
        The process with its output as a pipe, or `None` if it cannot be started here.
    """
    import subprocess  # noqa: PLC0415 - 11 ms that only large trees pay

    process = None
    if _can_start(module):
        folder = os.path.dirname(os.path.dirname(blake3.__file__))  # noqa: PTH120 - text in, text out
        command = [sys.executable, "-I", "-S", "-c", _BOOT, module, folder, function]
        try:
            process = subprocess.Popen(  # noqa: S603 - this interpreter, our module, numbers
                [*command, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={name: os.environ[name] for name in _KEPT if name in os.environ},
                close_fds=True,
                pass_fds=tuple(descriptors),
            )
        except OSError:  # no memory, no more processes: then without
            process = None
    try:
        yield process
    finally:
        if process is not None:
            process.kill()
            if process.stdout is not None:
                process.stdout.close()
            process.wait()


def receive(process: Popen[bytes], wait: float) -> bytes | None:
    """Return what a process has written: `None` if nothing came in time, empty at its end.

    Args:
        process: One from `start_bare`.
        wait: Seconds to wait for something.
    """
    import select  # noqa: PLC0415 - not on every system

    if process.stdout is None:
        raise AssertionError("its output is a pipe")
    poll = select.poll()
    poll.register(process.stdout.fileno(), select.POLLIN)
    if not poll.poll(int(wait * 1000)):
        return None
    return os.read(process.stdout.fileno(), _READ_BYTES)


def _can_start(module: str) -> bool:
    """Return whether the interpreter is one that runs what it is told, and the module is a file."""
    # A frozen program would start itself again.
    return (
        not getattr(sys, "frozen", False)
        and os.path.basename(sys.executable or "").startswith(("python", "pypy"))  # noqa: PTH119 - text
        and os.path.isfile(module)  # noqa: PTH113 - text
    )
