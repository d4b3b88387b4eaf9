"""Step 7: every listed name is safe, has one spelling, and stands for one file everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.canonical import join_pointer
from provenance.checks.document_walk import file_references, file_trees
from provenance.checks.evidence import MANIFEST_FOLDER
from provenance.digest import check_name, find_collisions
from provenance.errors import DigestError, shown
from provenance.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provenance.checks.evidence import Evidence
    from provenance.trust import TrustPolicy

__all__ = ["check_dataset_names", "check_release_names"]


def check_release_names(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 7: the names of the release.

    Codes: `name-unsafe`, `name-duplicate`, `name-collision`.
    """
    names = [entry.path for entry in evidence.listed]
    yield from _unsafe_or_twice(names, "/release/inventory")
    for index, name in enumerate(names):
        # On a file system that folds case, such a file would lie inside the manifest folder.
        if name.split("/", 1)[0].casefold() == MANIFEST_FOLDER:
            message = (
                f"{shown(name)} lies in the manifest folder, which lists everything but itself"
            )
            yield Finding("name-unsafe", f"/release/inventory/{index}/path", message)
    for first, second in find_collisions(dict.fromkeys(names)):
        message = f"{shown(first)} and {shown(second)} are one file on some systems"
        yield Finding("name-collision", "/release/inventory", message)


def check_dataset_names(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 7: the names in other inventories, and those of files in the manifest folder.

    Codes: `name-unsafe`, `name-duplicate`, `dataset-name-collision`.
    """
    for path, tree in file_trees(evidence.manifest):
        names = [entry.path for entry in tree.inventory]
        yield from _unsafe_or_twice(names, f"{path}/inventory")
        for first, second in find_collisions(dict.fromkeys(names)):
            message = f"{shown(first)} and {shown(second)} are one file on some systems"
            yield Finding("dataset-name-collision", f"{path}/inventory", message)
    for path, reference in file_references(evidence.manifest):
        if reference.path is not None:
            yield from _unsafe(reference.path, f"{path}/path")


def _unsafe_or_twice(names: Sequence[str], path: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        where = path + join_pointer(index, "path")
        yield from _unsafe(name, where)
        if name in seen:
            yield Finding("name-duplicate", where, f"{shown(name)} is listed twice")
        seen.add(name)


def _unsafe(name: str, path: str) -> Iterator[Finding]:
    try:
        check_name(name)
    except DigestError as error:
        yield Finding("name-unsafe", path, f"{shown(name)}: {error.problem}")
