"""Stores that fsspec speaks to, with its store in memory."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from provenance.digest import hash_bytes
from provenance.digest.remote import hash_remote_file, hash_remote_tree, is_remote_file
from provenance.digest.remote.fsspec_adapter import FsspecFolder
from provenance.digest.remote.opening import open_store
from provenance.digest.remote.urls import parse_url
from provenance.errors import InputError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

fsspec = pytest.importorskip("fsspec", reason="needs the extra `remote`")


@pytest.fixture
def memory() -> Iterator[Any]:
    """Return an empty store in memory."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield system
    system.store.clear()


@pytest.mark.parametrize(
    ("scheme", "package"), [("s3", "obstore"), ("https", "obstore"), ("memory", "fsspec")]
)
def test_missing_package_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, scheme: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"`{package}`.*\[remote\]"):
        open_store(parse_url(f"{scheme}://bucket"), None)


def test_scheme_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UsageError, match="refuses the scheme"):
        open_store(parse_url("carrier-pigeon://loft"), {"token": "hunter2"})


def test_place_without_objects_is_an_error(memory: Any) -> None:  # noqa: ANN401 - fsspec's
    memory.pipe_file("/near/by", b"")
    with pytest.raises(InputError, match="no object"):
        hash_remote_tree("memory://nothing")


def test_object_that_changes_is_an_error(memory: Any) -> None:  # noqa: ANN401 - fsspec's
    memory.pipe_file("/t/a", bytes(9 << 20))

    def change(count: int) -> None:
        assert count
        memory.pipe_file("/t/a", bytes(10 << 20))

    with pytest.raises(InputError) as caught:
        hash_remote_tree("memory://t", connections=1, progress=change)
    assert caught.value.code == "file-changed"


class BrokenSystem:
    """Raises what it is told."""

    def __init__(self, error: Exception) -> None:
        """Keep it."""
        self.error = error

    def invalidate_cache(self, path: str | None = None) -> None:
        """Raise it."""
        del path
        raise self.error


@pytest.mark.parametrize("error", [PermissionError("hunter2"), NotImplementedError("hunter2")])
def test_refusal_is_an_error_without_the_words_of_the_library(error: Exception) -> None:
    with pytest.raises(InputError) as caught:
        FsspecFolder(BrokenSystem(error), "t").find("a")
    assert "hunter2" not in str(caught.value)


def test_tree_and_file_have_their_digests(memory: Any) -> None:  # noqa: ANN401 - fsspec's
    large = bytes(range(256)) * (4096 * 9)
    memory.pipe({"/t/a": b"", "/t/sub/large": large})
    found = hash_remote_tree("memory://t")
    assert [(entry.path, entry.digest.blake3) for entry in found] == [
        ("a", hash_bytes(b"", "blake3")),
        ("sub/large", hash_bytes(large, "blake3")),
    ]
    assert is_remote_file("memory://t/sub/large")
    assert not is_remote_file("memory://t/sub")
    assert hash_remote_file("memory://t/sub/large").digest["sha256"] == hash_bytes(large, "sha256")
