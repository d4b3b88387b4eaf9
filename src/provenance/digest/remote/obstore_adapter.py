"""S3, Google Cloud Storage, Azure and web servers, spoken to by obstore.

Retries are ours (`fetching`), so obstore's own are turned off: one bound holds, not a product.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from provenance.digest.remote.store import (
    BrokenReadError,
    StoredObject,
    changed_object,
    unreadable_object,
)
from provenance.errors import DigestError, MissingExtraError, ProvenanceError, UsageError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from obstore import GetOptions

    from provenance.digest.remote.urls import RemoteUrl

__all__ = ["ObstoreFolder", "open_obstore"]

#: Options that belong to the HTTP client, not to the store.
CLIENT_OPTIONS: Final = frozenset(
    {
        "allow_http",
        "allow_invalid_certificates",
        "connect_timeout",
        "proxy_ca_certificate",
        "proxy_excludes",
        "proxy_url",
        "read_timeout",
        "root_certificate",
        "timeout",
        "user_agent",
    }
)

#: Longest silence of a server, and longest time of one request.
DEFAULT_CLIENT: Final = {"connect_timeout": "10s", "read_timeout": "30s", "timeout": "120s"}

#: Bytes that are collected before they are handed on; what a broken connection costs at most.
STREAM_BYTES: Final = 256 * 1024

# Where obstore writes the status of an answer.
_STATUS = re.compile(r"status code: (\d{3})\b")

# Words in messages of the HTTP client, and what they mean.
_REASONS: Final = (
    ("connection refused", "the server refuses the connection"),
    ("dns error", "the name of the server is not known"),
    ("failed to lookup", "the name of the server is not known"),
    ("certificate", "the certificate of the server is not accepted"),
    ("timed out", "the server is silent"),
)

#: Answers that may be another one a moment later; other 4xx will not.
RETRIED_STATUSES: Final = frozenset({"408", "425", "429"})


def open_obstore(
    url: RemoteUrl, options: Mapping[str, Any], *, seconds: float | None = None
) -> ObstoreFolder:
    """Open a folder of a store.

    Args:
        url: The folder.
        options: Options of obstore's store and of its HTTP client, by their names.
        seconds: Time left; no request is allowed longer.

    Raises:
        MissingExtraError: obstore is not installed.
        UsageError: It refuses the options.
    """
    try:
        from obstore import store as stores  # noqa: PLC0415 - an optional extra
        from obstore.exceptions import BaseError  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise MissingExtraError(
            problem=f"{url.scheme}:// needs the package `obstore`, which is not installed",
            remedy="pip install 'training-provenance[remote]'",
        ) from error
    store_options = {key: value for key, value in options.items() if key not in CLIENT_OPTIONS}
    client = {**DEFAULT_CLIENT, "allow_http": _is_plain(url, options)}
    if seconds is not None:
        client["timeout"] = client["read_timeout"] = f"{max(1, min(120, int(seconds) + 1))}s"
    client |= {key: options[key] for key in CLIENT_OPTIONS & set(options)}
    try:
        make: Any = stores.from_url  # its overloads list the options of every store
        store = make(
            f"{url.scheme}://{url.host}",
            client_options=client,
            retry_config={"max_retries": 0},
            **store_options,
        )
    except (BaseError, TypeError, ValueError) as error:
        # Its message may repeat the value of an option.
        raise UsageError(
            path=str(url),
            problem=f"the storage options are refused ({type(error).__name__}): "
            f"{shown(', '.join(sorted(map(str, options))))}",
            remedy="use the names of obstore's options; values are not shown",
        ) from None
    return ObstoreFolder(store, url.path, is_web=url.scheme in {"http", "https"})


class ObstoreFolder:
    """A folder, as obstore sees it.

    Args:
        store: One of obstore's stores.
        prefix: The folder in it, without slashes at the ends.
        is_web: Whether it is a plain web server, which has neither buckets nor listings.
    """

    def __init__(self, store: Any, prefix: str, *, is_web: bool) -> None:  # noqa: ANN401 - has no base class
        """Keep them."""
        self._store = store
        self._prefix = f"{prefix}/" if prefix else ""
        self._is_web = is_web

    def objects(self) -> Iterator[StoredObject]:
        """Yield all objects below the folder."""
        if self._is_web:
            raise unreadable_object(
                "", "a web server lists no files", "hash its files one by one, each by its URL"
            )
        for meta in self._list(self._prefix.removesuffix("/")):
            key = meta["path"]
            if key == self._prefix.removesuffix("/"):  # the marker of the folder itself
                continue
            if meta["size"] == 0 and self._is_marker(key):
                continue
            yield self._stored(meta)

    def find(self, name: str) -> StoredObject | None:
        """Return one object, or `None`."""
        import obstore  # noqa: PLC0415 - an optional extra, found when this was opened

        try:
            return self._stored(_ask(name, lambda: obstore.head(self._store, self._prefix + name)))
        except FileNotFoundError:
            return None

    def read(self, found: StoredObject, start: int, end: int) -> Iterator[memoryview]:
        """Yield some bytes of an object."""
        import obstore  # noqa: PLC0415 - an optional extra, found when this was opened

        options: GetOptions = {}
        if (start, end) != (0, found.size):  # whole objects are had of servers without ranges too
            options["range"] = (start, end)
        if found.version.startswith('"'):  # a strong ETag; a weak one never matches
            options["if_match"] = found.version
        try:
            result = _ask(
                found.name,
                lambda: obstore.get(self._store, self._prefix + found.name, options=options),
            )
            # The answer itself says what it is a part of, whether the condition was heeded or not.
            if self._stored(result.meta) != found:
                raise changed_object(found.name)
            chunks = iter(result.stream(min_chunk_size=STREAM_BYTES))
            while True:
                chunk = _ask(found.name, lambda: next(chunks, None))
                if chunk is None:
                    return
                yield memoryview(chunk)
        except FileNotFoundError:
            raise changed_object(found.name, "is listed, and not there to be read") from None

    def sha256(self, found: StoredObject) -> str | None:
        """Return nothing: obstore does not hand out what S3 stores; see `s3_checksums`."""
        del found
        return None

    def _list(self, prefix: str) -> Iterator[Any]:
        import obstore  # noqa: PLC0415 - an optional extra, found when this was opened

        pages = iter(obstore.list(self._store, prefix or None, chunk_size=1000))
        while True:
            page = _ask(prefix, lambda: next(pages, None))
            if page is None:
                return
            yield from page

    def _is_marker(self, key: str) -> bool:
        """Return whether an empty object is called `key/`, and no other `key`.

        obstore leaves out the slash. What is called both is listed twice, and refused for it.
        """
        for meta in self._list(key):  # what begins with `key/`; the marker is the first of these
            return meta["path"] == key and self.find(key.removeprefix(self._prefix)) is None
        return False

    def _stored(self, meta: Any) -> StoredObject:  # noqa: ANN401 - a dict of obstore's
        etag = meta["e_tag"]
        if etag and not etag.startswith(('"', "W/")):  # Azure's listings leave the quotes out
            etag = f'"{etag}"'
        version = etag or meta["version"] or str(meta["last_modified"])
        return StoredObject(meta["path"].removeprefix(self._prefix), meta["size"], version)


def _is_plain(url: RemoteUrl, options: Mapping[str, Any]) -> bool:
    """Return whether the caller asked for HTTP without TLS; then and only then it is allowed."""
    endpoints = [str(value) for key, value in options.items() if "endpoint" in key.lower()]
    return url.scheme == "http" or any(text.startswith("http://") for text in endpoints)


def _ask(name: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever obstore returns
    """Call obstore and translate its errors, whose messages are not repeated.

    Raises:
        FileNotFoundError: There is no such object.
    """
    from obstore import exceptions  # noqa: PLC0415 - an optional extra, found before

    try:
        return call()
    except FileNotFoundError:
        raise FileNotFoundError(name) from None
    except exceptions.InvalidPathError:
        raise DigestError(
            problem="the store holds a name with an empty, `.` or `..` segment, or one that is not "
            "printable",
            remedy="rename it",
            code="name-unsafe",
        ) from None
    except exceptions.PreconditionError:
        raise changed_object(name) from None
    except exceptions.NotSupportedError:
        raise unreadable_object(
            name,
            "the server does not serve parts of a file",
            "use a server that supports range requests, or download the file",
        ) from None
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError):
        raise unreadable_object(
            name, "the store refuses access", "check the credentials and the storage options"
        ) from None
    except (exceptions.BaseError, OSError) as error:
        raise _translated(name, error) from None


def _translated(name: str, error: Exception) -> BrokenReadError | ProvenanceError:
    found = _STATUS.search(str(error))
    status = found.group(1) if found else ""
    if status == "416":
        return changed_object(name)
    if status.startswith(("3", "4")) and status not in RETRIED_STATUSES:
        return unreadable_object(
            name,
            f"the store answers with status {status}",
            "check the URL, the credentials and the storage options (region, endpoint)",
        )
    what = f"status {status}" if status else _reason(str(error).lower())
    return BrokenReadError(f"{what} ({type(error).__name__})")


def _reason(message: str) -> str:
    """Return in words of ours why a connection failed; the message may hold a signed URL."""
    for words, reason in _REASONS:
        if words in message:
            return reason
    return "a broken or silent connection"
