"""The guard that keeps tests off the network."""

from __future__ import annotations

import socket

import pytest

from support.network import NetworkUsedError


@pytest.mark.parametrize("host", ["192.0.2.1", "vectors.example"])
def test_connecting_elsewhere_is_refused(host: str) -> None:
    with pytest.raises(NetworkUsedError, match=host):
        socket.create_connection((host, 9), timeout=1)


def test_sending_elsewhere_is_refused() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        pytest.raises(NetworkUsedError),
    ):
        sender.sendto(b"", ("192.0.2.1", 9))


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()
