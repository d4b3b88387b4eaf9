"""SSH keys for tests: lines of OpenSSH, and a running ssh-agent."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from provenance.signing import PublicKey

__all__ = ["public_line", "running_agent", "ssh_program"]


def public_line(key: PublicKey) -> str:
    """Return a key as the one line that OpenSSH writes."""
    handle = serialization.load_der_public_key(key.spki)
    return handle.public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    ).decode()


def ssh_program(name: str) -> str:
    """Return the path of a program of OpenSSH; skip if it is not here."""
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"there is no {name} program here")
    return program


@contextmanager
def running_agent(folder: Path) -> Iterator[str]:
    """Run an ssh-agent in the foreground and yield the path of its socket."""
    path = folder / "agent"
    agent = subprocess.Popen(
        [ssh_program("ssh-agent"), "-D", "-a", str(path)], stdout=subprocess.DEVNULL
    )
    try:
        for _ in range(500):
            if path.exists():
                break
            time.sleep(0.01)
        yield str(path)
    finally:
        agent.terminate()
        agent.wait(10)
