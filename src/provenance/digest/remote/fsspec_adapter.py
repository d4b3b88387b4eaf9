"""Every other store, by fsspec: Hugging Face (`hf`), memory, and what plugins bring.

fsspec has no conditional reads: an object is looked at before and after each one. Its libraries
raise what they like, so that everything is caught here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from provenance.digest.algorithms import check_digest
from provenance.digest.remote.store import (
    BrokenReadError,
    StoredObject,
    changed_object,
    unreadable_object,
)
from provenance.errors import DigestError, MissingExtraError, UsageError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from provenance.digest.remote.urls import RemoteUrl

__all__ = ["FsspecFolder", "open_fsspec"]

#: What the file systems call that which changes with the content.
VERSION_KEYS: Final = (
    "blob_id",
    "version_id",
    "generation",
    "ETag",
    "etag",
    "e_tag",
    "mtime",
    "LastModified",
    "last_modified",
    "modified",
    "created",
)


def open_fsspec(url: RemoteUrl, options: Mapping[str, Any]) -> FsspecFolder:
    """Open a folder of a store.

    Raises:
        MissingExtraError: fsspec, or what it needs for this scheme, is not installed.
        UsageError: It does not know the scheme, or refuses the options.
    """
    try:
        import fsspec  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise MissingExtraError(
            problem=f"{url.scheme}:// needs the package `fsspec`, which is not installed",
            remedy="pip install 'training-provenance[remote]'",
        ) from error
    try:
        system = fsspec.filesystem(url.scheme, **options)
    except ImportError as error:
        raise MissingExtraError(
            problem=f"fsspec needs another package for {url.scheme}:// ({shown(error.msg)})",
            remedy="install it beside training-provenance[remote]",
        ) from None
    except Exception as error:  # noqa: BLE001 - see the top of this module
        raise UsageError(
            path=str(url),
            problem=f"fsspec refuses the scheme or the storage options ({type(error).__name__}): "
            f"{shown(', '.join(sorted(map(str, options))))}",
            remedy="use the names of its options; values are not shown",
        ) from None
    prefix = "/".join(part for part in (url.host, url.path) if part)
    return FsspecFolder(system, prefix, is_hub=url.scheme == "hf")


class FsspecFolder:
    """A folder, as fsspec sees it.

    Args:
        system: One of fsspec's file systems.
        prefix: The folder in it, without slashes at the ends.
        is_hub: Whether it is Hugging Face's, which can be asked about one file without a listing of
            its folder, and which reads ahead unless it is told not to.
    """

    def __init__(
        self,
        system: Any,  # noqa: ANN401 - fsspec has no types
        prefix: str,
        *,
        is_hub: bool = False,
    ) -> None:
        """Keep them."""
        self._system = system
        # Without `expand_info` what is asked anew comes without the hash of the file.
        self._fresh = {"refresh": True, "expand_info": True} if is_hub else {}
        self._plain = {"cache_type": "none"} if is_hub else {}
        self._prefix = f"{prefix}/" if prefix else ""

    def objects(self) -> Iterator[StoredObject]:
        """Yield all objects below the folder."""
        system = self._system
        system.invalidate_cache()
        walk = iter(system.walk(self._prefix.removesuffix("/"), detail=True, on_error="raise"))
        while True:
            try:
                step = _ask("", lambda: next(walk, None))
            except FileNotFoundError:
                return
            if step is None:
                return
            for info in step[2].values():
                # Some file systems tell the times of a file otherwise in a listing than alone.
                yield self._stored(self._info(info["name"]))

    def find(self, name: str) -> StoredObject | None:
        """Return one object, or `None`."""
        path = self._prefix + name
        try:
            if not self._fresh:
                _ask(name, lambda: self._system.invalidate_cache(path))
            info = _ask(name, lambda: self._system.info(path, **self._fresh))
        except FileNotFoundError:
            return None
        return self._stored(info) if info.get("type") == "file" else None

    def read(self, found: StoredObject, start: int, end: int) -> Iterator[memoryview]:
        """Yield some bytes of an object, all at once: fsspec does not hand out less."""
        path = self._prefix + found.name
        try:
            self._require_same(found)
            data = _ask(
                found.name,
                lambda: self._system.cat_file(path, start=start, end=end, **self._plain),
            )
            yield memoryview(data)
            self._require_same(found)
        except FileNotFoundError:
            raise changed_object(found.name, "is listed, and not there to be read") from None

    def sha256(self, found: StoredObject) -> str | None:
        """Return the SHA-256 that Git LFS names a file by, on Hugging Face."""
        info = self._info(self._prefix + found.name)
        if self._stored(info) != found:
            raise changed_object(found.name)
        lfs = info.get("lfs")
        value = getattr(lfs, "sha256", None)
        if value is None and isinstance(lfs, dict):
            value = lfs.get("sha256")
        if value is None:
            return None
        try:
            check_digest("sha256", value)
        except DigestError:
            return None
        return str(value)

    def _info(self, path: str) -> Any:  # noqa: ANN401 - fsspec has no types
        return _ask(path, lambda: self._system.info(path))

    def _require_same(self, found: StoredObject) -> None:
        now = self.find(found.name)
        if now != found:
            raise changed_object(found.name)

    def _stored(self, info: Mapping[str, Any]) -> StoredObject:
        name = str(info["name"]).lstrip("/")
        size = info.get("size")
        if not isinstance(size, int) or not name.startswith(self._prefix):
            raise unreadable_object(name, "the store does not say how large it is")
        version = "\n".join(f"{key}={info[key]!s}" for key in VERSION_KEYS if info.get(key))
        return StoredObject(name.removeprefix(self._prefix), size, version)


def _ask(name: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever fsspec returns
    """Call fsspec and translate its errors, whose messages are not repeated.

    Raises:
        FileNotFoundError: There is no such object.
    """
    try:
        return call()
    except FileNotFoundError:
        raise FileNotFoundError(name) from None
    except PermissionError:
        raise unreadable_object(
            name, "the store refuses access", "check the credentials and the storage options"
        ) from None
    except NotImplementedError:
        raise unreadable_object(name, "fsspec cannot do this with the store") from None
    except Exception as error:  # noqa: BLE001 - see the top of this module
        raise BrokenReadError(f"an error of the store library ({type(error).__name__})") from None
