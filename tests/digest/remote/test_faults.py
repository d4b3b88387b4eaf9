"""Servers that break off, lie, change or hang: the right digest or an error, never another one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from digest.remote.faulty_server import FaultyServer, serve
from provenance.digest import hash_bytes
from provenance.digest.remote import hash_remote_file, hash_remote_tree
from provenance.errors import DigestError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("obstore", reason="needs the extra `remote`")

#: More than two requests' worth.
DATA = bytes(range(256)) * (17 * 4096)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    """Return a server of `DATA`."""
    with serve(DATA) as running:
        yield running


def digest_of(server: FaultyServer) -> str:
    return hash_remote_file(server.url, algorithms=("blake3",), connections=2).digest["blake3"]


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("file-changed", "change"),
        ("file-changed", "416"),
        ("file-unreadable", "whole"),
        ("file-unreadable", "401"),
        ("file-unreadable", "403"),
        ("file-unreadable", "400"),
        ("file-changed", "404"),
    ],
)
def test_answer_that_no_retry_mends_is_an_error_at_once(
    server: FaultyServer, code: str, fault: str
) -> None:
    server.faults = [fault]
    with pytest.raises(InputError) as caught:
        digest_of(server)
    assert caught.value.code == code


@pytest.mark.parametrize("fault", ["long", "shift", "endless"])
def test_bytes_that_were_not_asked_for_are_never_hashed(server: FaultyServer, fault: str) -> None:
    server.always = fault
    try:
        found = digest_of(server)
    except InputError as error:
        assert error.code in {"file-changed", "file-unreadable"}  # noqa: PT017 - either is right
    else:
        assert found == hash_bytes(DATA, "blake3")


@pytest.mark.parametrize("etag", ['"1"', None], ids=["etag", "no-etag"])
def test_object_that_shrinks_or_grows_midway_is_an_error(
    server: FaultyServer, etag: str | None
) -> None:
    server.etag = etag
    server.heeds_conditions = False
    server.faults = ["reset"]

    def grow(count: int) -> None:
        assert count
        server.data += b"!"

    with pytest.raises(InputError) as caught:
        hash_remote_file(server.url, connections=1, progress=grow)
    assert caught.value.code == "file-changed"


def test_change_is_noticed_where_the_server_heeds_no_conditions(server: FaultyServer) -> None:
    server.heeds_conditions = False
    server.faults = ["", "change"]
    with pytest.raises(InputError) as caught:
        digest_of(server)
    assert caught.value.code == "file-changed"


def test_weak_etag_is_compared_and_not_asked_for(server: FaultyServer) -> None:
    server.etag = 'W/"1"'
    server.heeds_conditions = True
    assert digest_of(server) == hash_bytes(DATA, "blake3")


@pytest.mark.parametrize("status", ["500", "503", "429"])
def test_server_that_stays_busy_is_given_up(server: FaultyServer, status: str) -> None:
    server.always = status
    with pytest.raises(InputError, match=f"gave up after 6 tries: status {status}") as caught:
        digest_of(server)
    assert caught.value.code == "file-unreadable"
    assert len(server.requests) <= 2 * 6


@pytest.mark.parametrize("fault", ["truncate", "reset"])
def test_server_that_always_breaks_off_is_given_up(server: FaultyServer, fault: str) -> None:
    server.always = fault
    with pytest.raises(InputError, match="gave up"):
        digest_of(server)


@pytest.mark.parametrize(
    "faults",
    [["503"], ["503", "503", "429", "500"], ["truncate"], ["reset"], ["truncate", "503", "reset"]],
    ids="-".join,
)
def test_broken_read_is_taken_up_again(server: FaultyServer, faults: list[str]) -> None:
    server.faults = list(faults)
    assert digest_of(server) == hash_bytes(DATA, "blake3")
    assert not server.faults


def test_read_goes_on_at_the_byte_where_it_broke(server: FaultyServer) -> None:
    server.faults = ["truncate"]
    digest = hash_remote_file(server.url, connections=1).digest
    assert dict(digest) == {name: hash_bytes(DATA, name) for name in ("blake3", "sha256")}
    first, second, *_ = server.requests
    assert first == "bytes=0-8388607 truncate"
    assert int(second.removeprefix("bytes=").partition("-")[0]) > 8388608 // 4
    assert second.endswith("-8388607")


def test_deadline_ends_a_silent_server(server: FaultyServer) -> None:
    server.always = "hang"
    with pytest.raises(InputError) as caught:
        hash_remote_file(server.url, deadline=time.monotonic() + 0.4)
    assert caught.value.code == "deadline"


def test_cancelling_ends_a_silent_server(server: FaultyServer) -> None:
    server.always = "hang"
    with pytest.raises(InputError, match="cancelled") as caught:
        hash_remote_file(server.url, cancelled=lambda: bool(server.requests))
    assert caught.value.code == "deadline"


def test_other_size_is_refused_before_a_byte_is_read(server: FaultyServer) -> None:
    with pytest.raises(DigestError) as caught:
        hash_remote_file(server.url, expected_size=1)
    assert caught.value.code == "size-mismatch"
    assert not server.requests


def test_web_server_has_no_listing_and_takes_names(server: FaultyServer) -> None:
    folder = server.url.removesuffix("object.bin")
    with pytest.raises(InputError, match="lists no files"):
        hash_remote_tree(folder)
    found = hash_remote_tree(folder, names=["a b%20é.bin", "sub/c"])
    assert [entry.path for entry in found] == ["a b%20é.bin", "sub/c"]
    assert {entry.digest.blake3 for entry in found} == {hash_bytes(DATA, "blake3")}


def test_no_server_at_all_is_given_up() -> None:
    with serve(b"") as gone:
        url = gone.url
    with pytest.raises(InputError, match="gave up") as caught:
        hash_remote_file(url)
    assert caught.value.code == "file-unreadable"
