"""Step 23, records: what a dataset holds, whatever the files that hold it.

The files of a shuffled or newly sharded dataset are not those that were signed. Its records may be,
and then the report says so beside the error. Source: `spec/digests.md`, section "Record encodings".
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from provenance.digest import RecordDigest, hash_records
from provenance.digest.records import ENCODING
from provenance.digest.records.sources import find_unread
from provenance.errors import (
    CanonicalError,
    DigestError,
    MissingExtraError,
    ProvenanceError,
    UsageError,
    shown,
)
from provenance.manifest import RecordSet

if TYPE_CHECKING:
    from provenance.manifest import Dataset
    from provenance.verification.held import Held
    from provenance.verification.options import Options, PathLike

__all__ = ["binds_records", "compare_records_held"]

#: Names of files that one message shows.
MAX_NAMES_SHOWN = 3


def binds_records(dataset: Dataset) -> bool:
    """Return whether a digest of the records of a dataset is signed."""
    return dataset.record_tree is not None or dataset.record_set is not None


def compare_records_held(
    held: Held,
    options: Options,
    dataset: Dataset,
    path: PathLike,
    where: str,
    *,
    same_files: bool | None,
) -> None:
    """Read the records that the caller holds, and compare them with those that were signed.

    Args:
        held: Takes what came out.
        options: What the caller asks for.
        dataset: What was signed.
        path: The file or folder of the caller.
        where: JSON Pointer of the dataset.
        same_files: Whether its files are the signed ones; `None` if none are signed.

    Raises:
        InputError: A file cannot be read or changed meanwhile, or the time ran out.
    """
    if not binds_records(dataset):
        return
    label = f"dataset {shown(dataset.id)}"
    place = f"{where}/recordSet" if dataset.record_tree is None else f"{where}/recordTree"
    signed = dataset.record_set
    if signed is not None and signed.encoding != ENCODING:
        message = f"{label}: the encoding {shown(signed.encoding)} of its records is not known here"
        held.say(label, place, "records-not-compared", message)
        return
    try:
        made = hash_records(path, deadline=options.deadline, cancelled=options.cancelled)
    except (CanonicalError, DigestError, MissingExtraError, UsageError) as error:
        _say_unread(held, label, place, error, same_files=same_files)
        return
    _compare(held, label, dataset, made, where, same_files=same_files)
    if same_files is None and os.path.isdir(path):  # noqa: PTH112 - text or path object
        _say_unread_files(held, label, path, place)


def _say_unread_files(held: Held, label: str, folder: PathLike, place: str) -> None:
    """Say that other files lie beside the records, of which nothing signed says anything."""
    names = find_unread(folder)
    if not names:
        return
    some = ", ".join(shown(name) for name in names[:MAX_NAMES_SHOWN])
    files = "1 other file" if len(names) == 1 else f"{len(names)} other files"
    message = f"{label}: {files} in the folder were not compared with anything signed, e.g. {some}"
    held.say(label, place, "records-files-unread", message)


def _say_unread(
    held: Held, label: str, place: str, error: ProvenanceError, *, same_files: bool | None
) -> None:
    """Say why there are no records; what breaks its format cannot hold the signed ones."""
    at = f"{error.path}: " if error.path else ""
    reason = f"{at}{error.problem}"
    is_broken = isinstance(error, CanonicalError | DigestError)
    # Equal files were read by another reader then, and hold what was signed all the same.
    if is_broken and error.code != "records-unsupported" and not same_files:
        held.say(label, place, "records-differ", f"{label}: there are no such records: {reason}")
        return
    remedy = f" ({error.remedy})" if isinstance(error, MissingExtraError) else ""
    message = f"{label}: its records were not compared: {reason}{remedy}"
    held.say(label, place, "records-not-compared", message)


def _compare(
    held: Held,
    label: str,
    dataset: Dataset,
    made: RecordDigest,
    where: str,
    *,
    same_files: bool | None,
) -> None:
    tree, signed = dataset.record_tree, dataset.record_set
    found = RecordSet(count=made.count, digest=made.multiset, encoding=made.encoding)
    same_order = tree is not None and made.root == tree
    same_set = signed is not None and found == signed
    if tree is not None and same_order:
        held.roots.add(tree)
    if signed is not None and same_set:
        held.record_sets.add(signed)
    count = "1 record" if made.count == 1 else f"{made.count} records"
    place = f"{where}/recordSet" if tree is None else f"{where}/recordTree"
    if signed is not None and not same_set:
        many = "" if made.count == signed.count else f", signed were {signed.count}"
        message = f"{label}: records were added, removed or changed: these are {count}{many}"
        held.say(label, f"{where}/recordSet", "records-differ", message)
    elif tree is not None and not same_order and not same_set:
        message = f"{label}: other records, or another order: these are {count}"
        held.say(label, place, "records-differ", f"{message}, signed were {tree.size}")
    elif tree is not None and not same_order:
        others = ", in other files" if same_files is False else ""
        message = f"{label}: the same records in another order{others} ({count})"
        held.say(label, place, "records-reordered", message)
    elif same_files is False:
        order = "in the same order, in other files" if same_order else "in other files"
        held.say(label, place, "records-resharded", f"{label}: the same records {order} ({count})")
    else:
        message = f"{label}: the records that you hold are those that were signed ({count})"
        held.say(label, place, "records-matched", message)
