"""What a store lists is checked as the files of a folder are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provenance.digest.remote import listing
from provenance.digest.remote.fetching import Retries, Stop
from provenance.digest.remote.listing import list_objects
from provenance.digest.remote.store import BrokenReadError, StoredObject
from provenance.errors import DigestError, InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class FakeStore:
    """Lists what it is told, and breaks off as often as it is told."""

    def __init__(self, objects: Collection[StoredObject], breaks: int = 0) -> None:
        """Keep them."""
        self._objects = objects
        self.breaks = breaks

    def objects(self) -> Iterator[StoredObject]:
        """Yield the objects."""
        yield from self._objects
        if self.breaks:
            self.breaks -= 1
            raise BrokenReadError("it broke")

    def find(self, name: str) -> StoredObject | None:
        """Return one of them."""
        return next((found for found in self._objects if found.name == name), None)

    def read(self, found: StoredObject, start: int, end: int) -> Iterator[memoryview]:
        """Yield nothing."""
        del found, start, end
        yield from ()

    def sha256(self, found: StoredObject) -> str | None:
        """Claim nothing."""
        del found
        return None


def names_of(store: FakeStore, *skip: str, names: list[str] | None = None) -> list[str]:
    found = list_objects(
        store, skip=skip, names=names, retries=Retries(first_wait=0.001), stop=Stop()
    )
    return [one.name for one in found]


def stored(*names: str) -> list[StoredObject]:
    return [StoredObject(name, 1, '"1"') for name in names]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("name-unsafe", ["../x"]),
        ("name-unsafe", ["a//b"]),
        ("name-unsafe", ["/a"]),
        ("name-unsafe", ["a/"]),
        ("name-unsafe", ["a\\b"]),
        ("name-unsafe", ["a\nb"]),
        ("name-unsafe", ["a" * 256]),
        ("name-duplicate", ["a", "a"]),
        ("name-collision", ["a", "a/b"]),
        ("name-collision", ["a/b/c/d", "a/b", "z"]),
    ],
)
def test_names_that_no_tree_may_hold_are_refused(code: str, names: list[str]) -> None:
    with pytest.raises(DigestError) as caught:
        names_of(FakeStore(stored(*names)))
    assert caught.value.code == code


@pytest.mark.parametrize("size", [-1, 2**53])
def test_size_that_no_file_has_is_refused(size: int) -> None:
    with pytest.raises(InputError, match="size"):
        names_of(FakeStore([StoredObject("a", size, "")]))


def test_listing_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_TREE_ENTRIES", 3)
    with pytest.raises(DigestError) as caught:
        names_of(FakeStore(stored("a", "b", "c", "d")))
    assert caught.value.code == "tree-limit"


@pytest.mark.parametrize("skip", [(), ("a",)], ids=["nothing", "all-skipped"])
def test_place_without_objects_is_an_error(skip: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="no object"):
        names_of(FakeStore(stored("a/b") if skip else []), *skip)


def test_listing_that_always_breaks_is_given_up() -> None:
    with pytest.raises(InputError, match="gave up after 6 tries: it broke"):
        names_of(FakeStore(stored("a"), breaks=100))


def test_named_object_that_is_not_there_is_an_error() -> None:
    with pytest.raises(InputError, match="is not in the store"):
        names_of(FakeStore(stored("a")), names=["a", "b"])
    with pytest.raises(DigestError, match="refused"):
        names_of(FakeStore(stored("a")), names=["../a"])


def test_listing_that_breaks_is_begun_again_and_sorted() -> None:
    store = FakeStore(stored("b", "a/b", "B", "a-b"), breaks=2)
    assert names_of(store) == ["B", "a-b", "a/b", "b"]


def test_skipped_names_are_those_directly_below_the_url() -> None:
    assert names_of(FakeStore(stored("x/a", "y/x", "xx")), "x") == ["xx", "y/x"]
