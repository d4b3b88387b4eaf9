"""No test talks to the network: connecting anywhere but to this machine is an error."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

__all__ = ["NetworkUsedError", "block_network"]

#: Calls of a socket whose last argument is the address to talk to.
CALLS_WITH_ADDRESS = ("connect", "connect_ex", "sendto")


class NetworkUsedError(AssertionError):
    """A test tried to reach another machine."""


def block_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make sockets refuse every address outside this machine, until the patch is undone."""
    for name in CALLS_WITH_ADDRESS:
        monkeypatch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    monkeypatch.setattr(socket, "getaddrinfo", _guarded_lookup(socket.getaddrinfo))


def _guarded(call: Any) -> Any:  # noqa: ANN401 - whatever the socket module has
    def guarded(self: socket.socket, *arguments: Any) -> object:  # noqa: ANN401 - passed on
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            _require_local(str(arguments[-1][0]))
        return call(self, *arguments)

    return guarded


def _guarded_lookup(call: Any) -> Any:  # noqa: ANN401 - whatever the socket module has
    def guarded(host: str | bytes | None, *arguments: Any, **options: Any) -> object:  # noqa: ANN401 - passed on
        _require_local(host.decode() if isinstance(host, bytes) else host or "localhost")
        return call(host, *arguments, **options)

    return guarded


def _require_local(host: str) -> None:
    try:
        local = ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        local = host in {"", "localhost"}
    if not local:
        raise NetworkUsedError(f"a test tried to reach {host!r}")
