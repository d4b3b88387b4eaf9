"""Fixtures of the signing room: real keys, and the openssl program where there is one."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from typing import TYPE_CHECKING

import pytest

from provenance.signing import PrivateKey, generate_private_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from provenance.signing import KeyKind

KINDS: tuple[KeyKind, ...] = (
    "ecdsa-p256",
    "ecdsa-p384",
    "ecdsa-p521",
    "ed25519",
    "rsa",
    "ml-dsa-65",
)


@pytest.fixture(params=KINDS)
def key(request: pytest.FixtureRequest) -> PrivateKey:
    """Return a key of every kind; a new one, but for RSA, where making one takes half a second."""
    return _rsa_key() if request.param == "rsa" else generate_private_key(request.param)


@cache
def _rsa_key() -> PrivateKey:
    return generate_private_key("rsa")


@pytest.fixture
def openssl() -> Callable[..., bytes]:
    """Return a function that runs the openssl program; skip if there is none."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("there is no openssl program here")

    def run(*arguments: object) -> bytes:
        command = [program, *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True).stdout

    return run
