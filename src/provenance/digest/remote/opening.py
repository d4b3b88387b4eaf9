"""Which library speaks to the store of a URL."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from provenance.digest.remote.fsspec_adapter import open_fsspec
from provenance.digest.remote.obstore_adapter import open_obstore
from provenance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.digest.remote.store import ObjectStore
    from provenance.digest.remote.urls import RemoteUrl

__all__ = ["open_store"]

#: Schemes that obstore speaks, with conditional reads; fsspec is asked for all others.
OBSTORE_SCHEMES: Final = frozenset(
    {"abfs", "abfss", "az", "azure", "gs", "http", "https", "s3", "s3a"}
)


#: Schemes that fsspec knows, of servers to which one logs in; nothing here was made for them.
LOGIN_SCHEMES: Final = frozenset({"ftp", "sftp", "smb", "ssh"})


def open_store(
    url: RemoteUrl, options: Mapping[str, Any] | None, *, deadline: float | None = None
) -> ObjectStore:
    """Open a folder of a store; nothing is asked of it yet.

    Args:
        url: The folder.
        options: Options of the library that speaks to it.
        deadline: Time of `time.monotonic` after which no request is worth waiting for.

    Raises:
        MissingExtraError: The library is not installed.
        UsageError: It does not know the scheme, or refuses the options.
    """
    if url.scheme in LOGIN_SCHEMES:
        raise UsageError(
            path=str(url),
            problem=f"{url.scheme}:// is not read",
            remedy="download it first, or pipe it: `… | provenance digest -`",
        )
    if url.scheme in OBSTORE_SCHEMES:
        seconds = None if deadline is None else deadline - time.monotonic()
        return open_obstore(url, options or {}, seconds=seconds)
    return open_fsspec(url, options or {})
