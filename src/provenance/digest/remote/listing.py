"""What a store lists, checked as the files of a folder are. Nothing is downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.canonical import MAX_TREE_ENTRIES, NUMBER_BOUND
from provenance.digest.names import check_name, printable_name
from provenance.digest.remote.store import unreadable_object
from provenance.errors import DigestError, InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from provenance.digest.remote.fetching import Retries, Stop
    from provenance.digest.remote.store import ObjectStore, StoredObject

__all__ = ["find_object", "list_objects"]


def list_objects(
    store: ObjectStore,
    *,
    skip: Collection[str],
    names: Sequence[str] | None,
    retries: Retries,
    stop: Stop,
) -> tuple[StoredObject, ...]:
    """Return the objects of a tree, sorted by name.

    Args:
        store: The folder.
        skip: First segments of names that are left out.
        names: If given, these are looked up and nothing is listed.
        retries: How often a listing that breaks is begun again.
        stop: When to give up.

    Raises:
        DigestError: A name is refused (`name-unsafe`), stands twice (`name-duplicate`) or is both
            an object and a folder (`name-collision`), or there are too many (`tree-limit`).
        InputError: The store cannot be listed, or has none.
    """

    def once() -> list[StoredObject]:
        if names is None:
            return list(_bounded(store.objects(), frozenset(skip), stop))
        return [_require(store, name) for name in _checked(names)]

    listed = retries.run("", once, lambda: 0, stop)
    if not listed:
        raise unreadable_object("", "no object lies there", "check the URL")
    listed.sort(key=lambda found: found.name)
    _check_names(listed)
    return tuple(listed)


def find_object(
    store: ObjectStore, name: str, *, retries: Retries, stop: Stop
) -> StoredObject | None:
    """Return one object, or `None` if there is none.

    Raises:
        InputError: The store cannot be asked.
        DigestError: The name is refused.
    """
    return retries.run(name, lambda: store.find(name), lambda: 0, stop)


def _bounded(
    objects: Iterable[StoredObject], skip: frozenset[str], stop: Stop
) -> Iterator[StoredObject]:
    for number, found in enumerate(objects):
        stop.check("")
        if number >= MAX_TREE_ENTRIES:
            raise DigestError(
                problem=f"the store lists more than {MAX_TREE_ENTRIES} objects", code="tree-limit"
            )
        if found.name.partition("/")[0] not in skip:
            yield found


def _checked(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        check_name(name)
        yield name


def _require(store: ObjectStore, name: str) -> StoredObject:
    found = store.find(name)
    if found is None:
        raise InputError(
            path=printable_name(name), problem="is not in the store", code="file-unreadable"
        )
    return found


def _check_names(listed: Sequence[StoredObject]) -> None:
    """Check sorted objects for what no folder could hold."""
    names = set()
    for found in listed:
        check_name(found.name)
        if not 0 <= found.size < NUMBER_BOUND:
            raise unreadable_object(found.name, "the store states a size that no file has")
        if found.name in names:
            raise DigestError(
                path=found.name, problem="is listed twice by the store", code="name-duplicate"
            )
        names.add(found.name)
    for found in listed:
        folder = found.name
        while folder := folder.rpartition("/")[0]:
            if folder in names:
                raise DigestError(
                    path=folder,
                    problem=f"is an object and also the folder of {found.name}, as no tree can be",
                    remedy="rename one of them",
                    code="name-collision",
                )
