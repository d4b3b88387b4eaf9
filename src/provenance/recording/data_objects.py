"""Datasets that are objects of the script: what of them is hashed, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from provenance.digest import typed_root
from provenance.digest.arrays import digest_array, is_array
from provenance.errors import DigestError, ProvenanceError, RecordingError
from provenance.manifest.datasets import RecordSet, Split
from provenance.recording.state import describe_error

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DataObject", "data_object"]

#: Most records of an object that are hashed at once, if nobody can change it; more are later.
AT_ONCE_RECORDS: Final = 2_000

#: The name of an array that has none.
ARRAY_NAME: Final = "array"


@dataclass(frozen=True, slots=True)
class DataObject:
    """An object that a dataset is declared by."""

    read: Callable[[], dict[str, Any]]
    """Hashes its whole content and returns the fields of a dataset."""

    later: bool
    """Whether it may be, and is better, hashed later."""

    name: str = ""
    """What the object calls itself."""


def data_object(value: object) -> DataObject:
    """Return how an object is bound; nothing of it is read yet.

    Args:
        value: NumPy arrays (one, or several in a mapping, list or tuple), or whatever
            `provenance.digest.records.objects.record_object` takes.

    Raises:
        DigestError: Nothing of it can be hashed (`records-unsupported`).
        ProvenanceError: It breaks when one looks at it.
    """
    try:
        return _data_object(value)
    except ProvenanceError:
        raise
    except Exception as error:
        raise _unreadable(error) from error


def _data_object(value: object) -> DataObject:
    arrays = _arrays(value)
    if arrays:
        return DataObject(lambda: _read_arrays(arrays), later=False)
    from provenance.digest.records.objects import record_object  # noqa: PLC0415 - many scripts have none

    found = record_object(value)
    later = found.settled and (found.count is None or found.count > AT_ONCE_RECORDS)

    def read() -> dict[str, Any]:
        from provenance.digest.records.digesting import hash_encoded_records  # noqa: PLC0415 - as above

        try:
            digest = hash_encoded_records(found.open())
        except ProvenanceError:
            raise
        except Exception as error:
            raise _unreadable(error) from error
        fields: dict[str, Any] = {
            "record_tree": digest.root,
            "record_set": RecordSet(
                count=digest.count, digest=digest.multiset, encoding=digest.encoding
            ),
            "records": digest.count,
        }
        if found.count is not None and found.count != digest.count:
            raise RecordingError(
                problem=f"it says that it has {found.count} records, and has {digest.count}"
            )
        if found.splits:
            fields["splits"] = tuple(
                Split(name=name, records=count) for name, count in found.splits
            )
        return fields

    return DataObject(read, later, found.name)


def _arrays(value: object) -> dict[str, Any]:
    """Return arrays by name; none if the object is not made of arrays alone."""
    named: dict[Any, Any] = {}
    if is_array(value):
        named = {ARRAY_NAME: value}
    elif isinstance(value, Mapping):  # also the archive of `numpy.load`
        named = {name: value[name] for name in value}
    elif isinstance(value, list | tuple):
        named = {str(position): item for position, item in enumerate(value)}
    if not named or not all(map(is_array, named.values())):
        return {}
    if not all(isinstance(name, str) for name in named):
        raise DigestError(problem="the name of an array is text", code="records-unsupported")
    return named


def _read_arrays(arrays: Mapping[str, Any]) -> dict[str, Any]:
    digests = (digest_array(name, array).entry for name, array in arrays.items())
    return {
        "tensors": typed_root("tensor", digests),
        "bytes_": sum(array.nbytes for array in arrays.values()),
    }


def _unreadable(error: Exception) -> RecordingError:
    return RecordingError(problem=f"the object cannot be read: {describe_error(error)}")
