"""What a store says about its objects, where that is cryptographic: claimed, not computed.

Only SHA-256 over all bytes of an object counts: `ChecksumSHA256` of S3, the name of a Git LFS file
on Hugging Face. ETag, MD5, CRC and digests of digests never do. Source: `spec/digests.md`, section
"Reading files".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance.digest.algorithms import DigestSet
from provenance.digest.claims import Claim, ClaimedDigests
from provenance.digest.remote.fetching import Retries, Stop
from provenance.digest.remote.listing import list_objects
from provenance.digest.remote.opening import open_store
from provenance.digest.remote.s3_checksums import open_s3_checksums
from provenance.digest.remote.urls import parse_url

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from provenance.digest.remote.store import StoredObject

__all__ = ["read_store_claims"]


def read_store_claims(
    url: str,
    *,
    skip: Collection[str] = (),
    storage_options: Mapping[str, Any] | None = None,
    deadline: float | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ClaimedDigests:
    """Return the SHA-256 that a store holds of the objects below a URL, without reading them.

    They are claims, not an inventory: nobody here has read a byte, and whoever uses them trusts the
    store, and says so. An object that the store holds no SHA-256 of has no digest in its claim. S3
    is asked with boto3.

    Args:
        url: The folder.
        skip: Names directly below the URL that are left out.
        storage_options: Options of obstore or fsspec; see `hash_remote_tree`.
        deadline: Time of `time.monotonic` after which asking stops.
        cancelled: Asked before each object; once it is true, asking stops.

    Raises:
        DigestError: The store holds what no tree may hold.
        InputError: The store cannot be asked, or an object changed meanwhile.
        MissingExtraError: The library for this kind of store is not installed.
        UsageError: The URL or the options make no sense.
    """
    place = parse_url(url)
    stop, retries = Stop(deadline, cancelled), Retries()
    store = open_store(place, storage_options, deadline=deadline)
    is_s3 = place.scheme in {"s3", "s3a"}
    ask = open_s3_checksums(place, storage_options or {}) if is_s3 else store.sha256
    listed = list_objects(store, skip=skip, names=None, retries=retries, stop=stop)
    made = []
    for found in listed:
        stop.check(found.name)
        sha256 = _ask(ask, found, retries, stop)
        digests = DigestSet({} if sha256 is None else {"sha256": sha256})
        made.append(Claim(found.name, found.size, digests, str(place)))
    return ClaimedDigests(tuple(made), "store", str(place))


def _ask(
    ask: Callable[[StoredObject], str | None], found: StoredObject, retries: Retries, stop: Stop
) -> str | None:
    return retries.run(found.name, lambda: ask(found), lambda: 0, stop)
