"""One object as a stream: fetched ahead in ranges from any byte on, and taken up if it breaks off.

Source: `spec/digests.md`, section "Reading files".
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from provenance.digest.names import check_name
from provenance.digest.remote.fetching import Piece, Retries, Stop
from provenance.digest.remote.listing import find_object
from provenance.digest.remote.opening import open_store
from provenance.digest.remote.store import unreadable_object
from provenance.digest.remote.urls import parse_url
from provenance.digest.remote.window import PIECE_BYTES, fetch_in_order
from provenance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from provenance.digest.remote.store import StoredObject

__all__ = ["ObjectReader", "open_remote_file"]

#: Requests at a time, each for one piece that is held in memory.
CONNECTIONS = 4

#: Bytes that the first requests ask for. Over a slow line a long range is a long wait for its first
#: byte, and lost as a whole if the process ends meanwhile.
FIRST_PIECE_BYTES = 256 * 1024


class ObjectReader:
    """Gives the bytes of an object in order; made by `open_remote_file`."""

    def __init__(self, pieces: Iterator[tuple[Piece, bytearray]], arrived: _Arrived) -> None:
        """Take the pieces, in order, and where to count what came."""
        self._pieces = pieces
        self._arrived = arrived
        self._rest = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end.

        Raises:
            InputError: The object changed, or cannot be read.
        """
        while not self._rest:
            _, data = next(self._pieces, (None, None))
            if data is None:
                return b""
            self._arrived.size += len(data)
            self._rest = memoryview(data)
        part = self._rest[:size]
        self._rest = self._rest[len(part) :]
        return bytes(part)


@contextmanager
def open_remote_file(
    url: str, *, start: int = 0, storage_options: Mapping[str, Any] | None = None
) -> Iterator[ObjectReader]:
    """Read one object in order; what lies before `start` is not fetched.

    Args:
        url: The object.
        start: Its first byte to read; none is left if the object is shorter.
        storage_options: Options of obstore or fsspec.

    Raises:
        InputError: It is not there, cannot be read, or changed meanwhile.
        MissingExtraError: The library for this kind of store is not installed.
        UsageError: The URL or the options make no sense.
    """
    place = parse_url(url)
    if place.is_folder:
        raise UsageError(path=str(place), problem="this is the URL of a folder, not of a file")
    check_name(place.name)
    stop, retries = Stop(None), Retries()
    store = open_store(place.parent, storage_options, deadline=None)
    found = find_object(store, place.name, retries=retries, stop=stop)
    if found is None:
        raise unreadable_object(place.name, "is not in the store")
    arrived = _Arrived()
    pieces = fetch_in_order(
        store,
        _pieces_from(found, start, arrived),
        connections=CONNECTIONS,
        stop=stop,
        retries=retries,
        piece_bytes=PIECE_BYTES,
    )
    try:
        yield ObjectReader(pieces, arrived)
    finally:
        pieces.close()


class _Arrived:
    """How many bytes were handed on."""

    size = 0


def _pieces_from(found: StoredObject, start: int, arrived: _Arrived) -> Iterator[Piece]:
    """Yield ranges that grow with what has arrived: what is under way is never more than that.

    They are asked for one by one, as room becomes free.
    """
    while start < found.size:
        grown = max(FIRST_PIECE_BYTES, arrived.size // CONNECTIONS)
        end = min(start + min(grown, PIECE_BYTES), found.size)
        yield Piece(found, start, end)
        start = end
