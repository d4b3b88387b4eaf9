"""Objects of a store to digests: the same digests that the files would have here.

Source: `spec/digests.md`, section "Reading files".
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from provenance.digest.algorithms import COUNTED, DigestSet, new_hasher
from provenance.digest.files import FileDigest
from provenance.digest.inventory import Inventory, InventoryDigest, InventoryEntry
from provenance.digest.names import check_name
from provenance.digest.remote.fetching import Retries, Stop
from provenance.digest.remote.listing import find_object, list_objects
from provenance.digest.remote.opening import open_store
from provenance.digest.remote.store import unreadable_object
from provenance.digest.remote.urls import RemoteUrl, parse_url
from provenance.digest.remote.window import cut, fetch_in_order
from provenance.errors import DigestError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from provenance.digest.algorithms import Hasher
    from provenance.digest.remote.store import ObjectStore, StoredObject

__all__ = ["hash_remote_file", "hash_remote_tree", "is_remote_file"]

#: Most requests at a time; stores answer more with 503.
MAX_CONNECTIONS: Final = 64


@dataclass(frozen=True, slots=True)
class _Job:
    """How the bytes are fetched."""

    store: ObjectStore
    connections: int
    progress: Callable[[int], None] | None
    stop: Stop
    retries: Retries

    def __post_init__(self) -> None:
        if not 1 <= self.connections <= MAX_CONNECTIONS:
            raise UsageError(
                problem=f"connections are 1 to {MAX_CONNECTIONS}, not {self.connections}"
            )


def hash_remote_tree(
    url: str,
    *,
    algorithms: Sequence[str] = ("blake3",),
    skip: Collection[str] = (),
    names: Sequence[str] | None = None,
    storage_options: Mapping[str, Any] | None = None,
    connections: int = 4,
    progress: Callable[[int], None] | None = None,
    deadline: float | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Inventory:
    """Read every object below a URL once and return the inventory: that of the same files here.

    Nothing is written, and at most `connections` times 8 MiB are held. A connection that breaks is
    taken up again at the byte where it broke. An object that changes meanwhile is an error: each
    request is bound to what was listed, by ETag where the store has one.

    Args:
        url: `s3://`, `gs://`, `az://` (by obstore, and `https://` with `names`); `hf://` and others
            (by fsspec).
        algorithms: `blake3`, and `sha256` if wanted.
        skip: Names directly below the URL that are left out.
        names: The files, relative to the URL, where the store cannot list them (web servers).
        storage_options: Options of obstore or fsspec by their names: endpoint, region, keys. This
            library looks nowhere else; those libraries also read their own environment variables.
        connections: Requests at a time, 1 to 64.
        progress: Called with numbers of bytes as they are done.
        deadline: Time of `time.monotonic` after which reading stops.
        cancelled: Asked ten times a second; once it is true, reading stops.

    Raises:
        DigestError: The store holds what no tree may hold (`name-unsafe`, `name-duplicate`,
            `name-collision`, `tree-limit`), or the algorithms are not those of an inventory.
        InputError: Something could not be read (`file-unreadable`), changed while it was read
            (`file-changed`), or took too long (`deadline`).
        MissingExtraError: The library for this kind of store is not installed.
        UsageError: The URL or the options make no sense.
    """
    if "blake3" not in algorithms or not set(algorithms) <= set(COUNTED):
        raise DigestError(
            problem=f"an inventory records blake3, and sha256 on request, not {algorithms!r}",
            code="digest-algorithm",
        )
    stop, retries = Stop(deadline, cancelled), Retries()
    store = open_store(parse_url(url), storage_options, deadline=deadline)
    job = _Job(store, connections, progress, stop, retries)
    listed = list_objects(store, skip=skip, names=names, retries=retries, stop=stop)
    hashed = _hash_objects(job, listed, algorithms)
    return Inventory(
        tuple(
            InventoryEntry(digest=InventoryDigest(**digests), path=found.name, size=found.size)
            for found, digests in hashed
        )
    )


def hash_remote_file(
    url: str,
    *,
    algorithms: Sequence[str] = COUNTED,
    expected_size: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
    connections: int = 4,
    progress: Callable[[int], None] | None = None,
    deadline: float | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> FileDigest:
    """Read one object once and return its digests; see `hash_remote_tree`.

    Args:
        url: The object.
        algorithms: Names of digest algorithms.
        expected_size: If given, an object of another size is refused before a byte is read.
        storage_options: Options of obstore or fsspec.
        connections: Requests at a time, 1 to 64.
        progress: Called with numbers of bytes as they are done.
        deadline: Time of `time.monotonic` after which reading stops.
        cancelled: Asked ten times a second; once it is true, reading stops.

    Raises:
        DigestError: The size is not the expected one (`size-mismatch`), an algorithm is unknown, or
            the name is refused (`name-unsafe`).
        InputError: It is not there or cannot be read, changed, or took too long.
        MissingExtraError: The library for this kind of store is not installed.
        UsageError: The URL or the options make no sense.
    """
    _new_hashers(algorithms)  # an unknown algorithm is refused before anything is fetched
    stop, retries = Stop(deadline, cancelled), Retries()
    place, name = _place_of_file(url)
    store = open_store(place, storage_options, deadline=deadline)
    job = _Job(store, connections, progress, stop, retries)
    found = find_object(store, name, retries=retries, stop=stop)
    if found is None:
        raise unreadable_object(name, "is not in the store")
    if expected_size is not None and found.size != expected_size:
        raise DigestError(
            path=name,
            problem=f"has {found.size} bytes, expected {expected_size}",
            code="size-mismatch",
        )
    hashed = _hash_objects(job, (found,), algorithms)
    [(_, digests)] = hashed
    return FileDigest(found.size, DigestSet(digests), links=1)


def is_remote_file(
    url: str,
    *,
    storage_options: Mapping[str, Any] | None = None,
    deadline: float | None = None,
) -> bool:
    """Return whether a URL is that of one object; one that ends in a slash never is.

    Raises:
        InputError: The store cannot be asked.
        MissingExtraError: The library for this kind of store is not installed.
        UsageError: The URL or the options make no sense.
    """
    place = parse_url(url)
    if place.is_folder:
        return False
    store = open_store(place.parent, storage_options, deadline=deadline)
    check_name(place.name)
    found = find_object(store, place.name, retries=Retries(), stop=Stop(deadline))
    return found is not None


def _place_of_file(url: str) -> tuple[RemoteUrl, str]:
    place = parse_url(url)
    if place.is_folder:
        raise UsageError(path=str(place), problem="this is the URL of a folder, not of a file")
    check_name(place.name)
    return place.parent, place.name


def _hash_objects(
    job: _Job, listed: Sequence[StoredObject], algorithms: Sequence[str]
) -> Iterator[tuple[StoredObject, dict[str, str]]]:
    """Yield each object with its digests, in order."""
    pieces = fetch_in_order(
        job.store,
        cut(listed),
        connections=job.connections,
        stop=job.stop,
        retries=job.retries,
    )
    with closing(pieces):
        hashers = _new_hashers(algorithms)
        for piece, data in pieces:
            for hasher in hashers.values():
                hasher.update(data)
            if job.progress is not None:
                job.progress(piece.size)
            if piece.end == piece.found.size:
                yield piece.found, {name: made.hexdigest() for name, made in hashers.items()}
                hashers = _new_hashers(algorithms)


def _new_hashers(algorithms: Sequence[str]) -> dict[str, Hasher]:
    """Return one new hasher for each algorithm."""
    return {algorithm: new_hasher(algorithm) for algorithm in algorithms}
