"""Pieces of many objects, fetched ahead by several connections, handed on in order.

What is in flight or waits to be hashed is bounded in bytes and in number: neither a large object
nor a million small ones fill the memory.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final

from provenance.digest.remote.fetching import Piece, Retries, Stop, fetch_piece

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from provenance.digest.remote.store import ObjectStore, StoredObject

__all__ = ["PIECE_BYTES", "cut", "fetch_in_order"]

#: Bytes that one request asks for at most.
PIECE_BYTES: Final = 8 * 1024 * 1024

#: Pieces in the window for each connection, if they are small.
PIECES_AHEAD: Final = 16


def cut(objects: Iterable[StoredObject], piece_bytes: int = PIECE_BYTES) -> Iterator[Piece]:
    """Yield the pieces of objects, in order; an empty object has one, which is empty."""
    for found in objects:
        for start in range(0, found.size or 1, piece_bytes):
            yield Piece(found, start, min(start + piece_bytes, found.size))


def fetch_in_order(
    store: ObjectStore,
    pieces: Iterable[Piece],
    *,
    connections: int,
    stop: Stop,
    retries: Retries,
    piece_bytes: int = PIECE_BYTES,
) -> Generator[tuple[Piece, bytearray]]:
    """Yield each piece with its bytes, in the order given, holding few of them at a time.

    Args:
        store: Where they lie.
        pieces: What to fetch; taken lazily.
        connections: Requests at a time.
        stop: When to give up; closed when this ends, however it ends.
        retries: How a broken read goes on.
        piece_bytes: Bytes of the largest piece; `connections` times that are held at most.

    Raises:
        InputError: See `fetch_piece`.
    """
    waiting: deque[tuple[Piece, Future[bytearray]]] = deque()
    held = 0
    pool = ThreadPoolExecutor(connections, thread_name_prefix="provenance-remote")
    try:
        source = iter(pieces)
        piece = next(source, None)
        while piece is not None or waiting:
            while (
                piece is not None
                and len(waiting) < connections * PIECES_AHEAD
                and (held + piece.size <= connections * piece_bytes or not waiting)
            ):
                waiting.append((piece, pool.submit(fetch_piece, store, piece, retries, stop)))
                held += piece.size
                piece = next(source, None)
            first, future = waiting.popleft()
            yield first, _result(first, future, stop)
            held -= first.size
    finally:
        # Not waited for: a request to a silent server ends by its own timeout.
        stop.close()
        pool.shutdown(wait=False, cancel_futures=True)


def _result(piece: Piece, future: Future[bytearray], stop: Stop) -> bytearray:
    """Wait for a piece, asking now and then whether it is still wanted."""
    while True:
        stop.check(piece.found.name)
        if wait([future], timeout=Stop.INTERVAL).done:
            return future.result()
