"""WebDataset shards to encoded records: consecutive members of one key are one sample.

Source: `spec/digests.md`, section "Record encodings".
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from provenance.canonical import MAX_RECORD_BYTES, MAX_RECORD_FIELDS
from provenance.digest.records.encoding import encode_record, malformed
from provenance.digest.records.jsonl import choose_fields
from provenance.digest.records.tar_members import read_members

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import BinaryIO

__all__ = ["read_webdataset"]

#: The field that holds the key of a sample, as WebDataset itself calls it.
KEY: Final = "__key__"


def read_webdataset(
    file: BinaryIO, path: str, columns: Sequence[str] | None = None
) -> Iterator[bytes]:
    """Yield the encoding of each sample: its key as text, and its members' bytes by extension.

    Raises:
        DigestError: The archive or a sample breaks its format or a limit (`records-malformed`).
    """
    members = ((_split_name(name, path), data) for name, data in read_members(file, path))
    for key, group in groupby(members, key=lambda member: member[0][0]):
        sample = _gather(key, ((extension, data) for (_, extension), data in group), path)
        yield encode_record(sample if columns is None else choose_fields(sample, columns, path))


def _gather(key: str, members: Iterable[tuple[str, bytes]], path: str) -> dict[str, object]:
    """Return one sample, checking its size while it grows."""
    sample: dict[str, object] = {KEY: key}
    size = 0
    for extension, data in members:
        if extension in sample:
            raise malformed(f"the sample {key!a} has two members {extension!a}", path=path)
        sample[extension] = data
        size += len(data)
        if size > MAX_RECORD_BYTES or len(sample) > MAX_RECORD_FIELDS:
            raise malformed(f"the sample {key!a} is too large", path=path)
    return sample


def _split_name(name: str, path: str) -> tuple[str, str]:
    """Return key and extension: what stands before and after the first dot of the last segment."""
    folder, slash, base = name.rpartition("/")
    stem, dot, extension = base.partition(".")
    if not stem or not extension or not dot:
        raise malformed(f"the member {name!a} has no key and extension", path=path)
    return folder + slash + stem, extension
