"""An object as a stream: the right bytes from any byte on, or an error."""

from __future__ import annotations

import pytest

from digest.remote.faulty_server import serve
from provenance.digest.remote import fetching, reading
from provenance.digest.remote.reading import open_remote_file
from provenance.errors import InputError, UsageError

pytest.importorskip("obstore", reason="needs the extra `remote`")

DATA = bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def _small_pieces_and_quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PIECE_BYTES", 1000)
    monkeypatch.setattr(reading, "Retries", lambda: fetching.Retries(first_wait=0.001))


def read_all(url: str, start: int = 0, size: int = 999) -> bytes:
    parts = []
    with open_remote_file(url, start=start) as reader:
        while part := reader.read(size):
            parts.append(part)
        assert reader.read(size) == b""
    return b"".join(parts)


def test_folder_and_what_is_no_url_are_refused() -> None:
    for url in ("http://127.0.0.1/folder/", "file:///etc/hosts", "nothing"):
        with pytest.raises(UsageError), open_remote_file(url):
            pass


def test_object_that_is_not_there_is_told() -> None:
    with serve(DATA) as server:
        server.always = "404"
        url = server.url
        with pytest.raises(InputError):
            read_all(url)


def test_object_that_changes_midway_is_refused() -> None:
    with serve(DATA) as server:
        server.faults = ["", "change"]
        with pytest.raises(InputError) as caught:
            read_all(server.url)
    assert caught.value.code == "file-changed"


@pytest.mark.parametrize("start", [0, 1, 999, 1000, 5555, len(DATA) - 1, len(DATA), len(DATA) + 9])
def test_right_bytes_from_any_byte_on(start: int) -> None:
    with serve(DATA) as server:
        server.faults = ["truncate", "503", "reset"]
        assert read_all(server.url, start) == DATA[start:]
        ranges = [it for it in server.requests if it.startswith("bytes=")]
    assert all(int(it.removeprefix("bytes=").split("-")[0]) >= start for it in ranges)


@pytest.mark.parametrize("data", [b"", b"x"], ids=["empty", "one"])
def test_small_object(data: bytes) -> None:
    with serve(data) as server:
        assert read_all(server.url) == data


def test_first_ranges_are_small_and_grow_with_what_arrived(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "FIRST_PIECE_BYTES", 100)
    monkeypatch.setattr(reading, "PIECE_BYTES", 400)
    monkeypatch.setattr(reading, "CONNECTIONS", 1)
    with serve(DATA) as server:
        assert read_all(server.url) == DATA
        bounds = [it.removeprefix("bytes=").split("-") for it in server.requests if "=" in it]
    sizes = [int(last) - int(first) + 1 for first, last in bounds]
    assert sum(sizes) == len(DATA)
    assert sizes[0] == 100
    assert sizes[:-1] == sorted(sizes[:-1])
    assert max(sizes) == 400
