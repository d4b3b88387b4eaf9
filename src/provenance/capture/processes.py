"""Run a trusted program on hostile input: own environment, no input, bounded time and output."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Output", "run_program"]

#: Bytes read at once from a pipe.
CHUNK_BYTES = 1 << 16

#: Most bytes of standard error that are kept.
MAX_ERROR_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Output:
    """How a program ended."""

    code: int | None
    """Its exit code, or nothing: it could not be started, or was stopped."""

    stdout: bytes = b""
    """What it wrote, at most as much as was asked for."""

    stderr: bytes = b""
    """Its messages, cut."""

    problem: str = ""
    """Why there is no exit code."""


def run_program(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    deadline: float,
    max_bytes: int,
) -> Output:
    """Run a program and return what it wrote; never raise, never wait beyond the deadline.

    Args:
        command: Absolute path of the program and its arguments; no shell.
        folder: Where it runs.
        environment: Its whole environment; nothing is inherited.
        deadline: On the clock of `time.monotonic`.
        max_bytes: Most bytes of standard output; with more, the program is stopped.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - an absolute path from a fixed list, no shell
            list(command),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that its children can be stopped with it
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in the folder's name
        return Output(None, problem=f"could not be started ({type(error).__name__})")
    with process:
        try:
            return _collect(process, deadline, max_bytes)
        finally:
            _stop(process)


def _collect(process: subprocess.Popen[bytes], deadline: float, max_bytes: int) -> Output:
    written = {process.stdout: bytearray(), process.stderr: bytearray()}
    with selectors.DefaultSelector() as selector:
        for stream in written:
            selector.register(stream, selectors.EVENT_READ)  # type: ignore[arg-type]  # both are pipes
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                return Output(None, problem="took too long and was stopped")
            for key, _ in ready:
                chunk = os.read(key.fd, CHUNK_BYTES)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif (
                    key.fileobj is process.stdout or len(written[process.stderr]) < MAX_ERROR_BYTES
                ):
                    written[key.fileobj] += chunk  # type: ignore[index]  # one of the two pipes
            if len(written[process.stdout]) > max_bytes:
                return Output(None, problem=f"wrote more than {max_bytes} bytes and was stopped")
    try:
        code = process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return Output(None, problem="took too long and was stopped")
    return Output(code, bytes(written[process.stdout]), bytes(written[process.stderr]))


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the program with everything that it started; harmless once all have ended."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (OSError, AttributeError):  # no such group any more; no groups on Windows
        process.kill()
