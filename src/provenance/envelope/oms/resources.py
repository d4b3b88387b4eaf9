"""The list of digests of a model: files, or ranges of bytes of files, and the root over them.

Source: OpenSSF Model Signing 1.0, sections 5.2.1, 6.1.2, 6.3 and 6.5.1. No I/O.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from provenance.canonical import MAX_TREE_ENTRIES, NUMBER_BOUND
from provenance.canonical.limits import MAX_NAME_BYTES
from provenance.digest.algorithms import check_digest
from provenance.envelope.fields import require_array, require_object, require_text, take, under
from provenance.envelope.oms.faults import MALFORMED, check_relative, malformed
from provenance.errors import DigestError, EnvelopeError, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provenance.canonical import JsonValue
    from provenance.envelope.oms.serialization import Serialization

__all__ = [
    "DEFAULT_EXCLUSIONS",
    "SINGLE_FILE",
    "Order",
    "Resource",
    "check_digest_of",
    "check_names",
    "order_of",
    "read_resources",
    "resource_trees",
    "root_digest",
]

#: What every signer leaves out at the top of a model (section 6.2).
DEFAULT_EXCLUSIONS = (".git", ".gitattributes", ".github", ".gitignore")
#: What the reference implementation calls the one file of a model that is a file.
SINGLE_FILE = "."

# The last two fields behind a colon: a file name may hold colons itself (section 6.3.2).
_RANGE = re.compile(r"(.+):(0|[1-9][0-9]{0,15}):(0|[1-9][0-9]{0,15})", re.DOTALL)
# Room for `:<start>:<end>`.
_MAX_RESOURCE_NAME = MAX_NAME_BYTES + 34

Order = Literal["code points", "components", "another"]
"""The order of a list: as the text says, as the reference implementation writes, or neither."""


class Resource(Struct, frozen=True):
    """One entry of the list."""

    path: str
    """The file, relative to the model; `.` for the one file of a model that is a file."""

    digest: str
    """The digest, lower-case hex."""

    start: int | None = None
    """The first byte; `None` for a whole file."""

    end: int | None = None
    """One more than the last byte; `None` for a whole file."""

    @property
    def name(self) -> str:
        """The entry's name as it stands in the list."""
        return self.path if self.start is None else f"{self.path}:{self.start}:{self.end}"


def read_resources(
    value: JsonValue, path: str, serialization: Serialization
) -> tuple[Resource, ...]:
    """Return the entries of a parsed list, in its order.

    Args:
        value: The array.
        path: Its JSON Pointer.
        serialization: How the signer went through the model.

    Raises:
        EnvelopeError: An entry breaks the format, a name is not in its one spelling or stands there
            twice (code `oms-name`), or ranges do not tile their file (code `oms-shards`).
    """
    found = require_array(value, path, most=MAX_TREE_ENTRIES, code=MALFORMED)
    if not found:
        raise malformed(path, "no file is listed, so nothing was signed")
    resources = tuple(
        _read_resource(item, under(path, index), serialization) for index, item in enumerate(found)
    )
    check_names(resources, path)
    if serialization.shard_size is not None:
        _check_tiles(resources, serialization.shard_size, path)
    return resources


def resource_trees(
    resources: Iterable[Resource], algorithm: str
) -> tuple[dict[str, JsonValue], ...]:
    """Return the JSON trees of entries, in their order."""
    return tuple(
        {"name": item.name, "algorithm": algorithm, "digest": item.digest} for item in resources
    )


def root_digest(resources: Iterable[Resource]) -> str:
    """Return the root over entries in the order given: 64 hex characters.

    It covers digests and their order alone. Names are bound by the signature, and by nothing else.
    """
    # root = SHA-256(d_1 || d_2 || … || d_n), d_i the raw digest of entry i    (section 6.5.1)
    return sha256(b"".join(bytes.fromhex(item.digest) for item in resources)).hexdigest()


def order_of(resources: Sequence[Resource]) -> Order:
    """Return in which order entries stand."""
    names = [item.name for item in resources]
    if names == sorted(names):
        return "code points"
    # The reference compares paths part by part, and offsets as numbers: `a/x` before `a-b/x`.
    keys = [(item.path.split("/"), item.start or 0, item.end or 0) for item in resources]
    return "components" if keys == sorted(keys) else "another"


def check_digest_of(value: JsonValue, path: str, algorithm: str) -> str:
    """Return a digest in its one spelling.

    Raises:
        EnvelopeError: It is something else, upper-case hex for one.
    """
    try:
        check_digest(algorithm, value)
    except DigestError as error:
        raise EnvelopeError(path=path, problem=error.problem, code="digest-format") from error
    return str(value)


def check_names(resources: Sequence[Resource], path: str) -> None:
    """Refuse a name that stands there twice, or is a folder of another one.

    Raises:
        EnvelopeError: There is one (code `oms-name`).
    """
    seen: set[str] = set()
    for index, item in enumerate(resources):
        if item.name in seen:
            raise _bad_name(f"{shown(item.name)} stands here twice", path, index)
        seen.add(item.name)
    files = {item.path for item in resources}
    if SINGLE_FILE in files and len(files) > 1:
        raise _bad_name("`.` is the model itself, and other files stand beside it", path, 0)
    for index, item in enumerate(resources):
        parts = item.path.split("/")
        above = next((n for n in range(1, len(parts)) if "/".join(parts[:n]) in files), None)
        if above is not None:
            raise _bad_name(f"{shown('/'.join(parts[:above]))} is a file and a folder", path, index)


def _read_resource(value: JsonValue, path: str, serialization: Serialization) -> Resource:
    # Further fields are those of an in-toto resource descriptor, and say nothing (section 5.2.1).
    tree = require_object(value, path, code=MALFORMED)
    name = require_text(
        take(tree, "name", path, code=MALFORMED),
        under(path, "name"),
        most=_MAX_RESOURCE_NAME,
        code=MALFORMED,
    )
    _check_algorithm(take(tree, "algorithm", path, code=MALFORMED), path, serialization)
    digest = check_digest_of(
        take(tree, "digest", path, code=MALFORMED), under(path, "digest"), serialization.hash_type
    )
    where = under(path, "name")
    if serialization.method == "files":
        _check_path(name, where)
        return Resource(name, digest)
    matched = _RANGE.fullmatch(name)
    if matched is None:
        problem = f"expected a path, a start and an end with colons between, found {shown(name)}"
        raise EnvelopeError(path=where, problem=problem, code="oms-shards")
    _check_path(matched[1], where)
    return Resource(matched[1], digest, int(matched[2]), int(matched[3]))


def _check_path(name: str, path: str) -> None:
    if name != SINGLE_FILE:
        check_relative(name, path)


def _check_algorithm(value: JsonValue, path: str, serialization: Serialization) -> None:
    names = [serialization.hash_type]
    if serialization.shard_size is not None:
        # What the reference implementation writes; its text says the plain name.
        names.append(f"{serialization.hash_type}-sharded-{serialization.shard_size}")
    if value not in names:
        expected = " or ".join(names)
        raise malformed(under(path, "algorithm"), f"expected {expected}, found {shown(value)}")


def _check_tiles(resources: Sequence[Resource], size: int, path: str) -> None:
    """Refuse ranges that leave a gap, overlap, or are cut otherwise than the size says."""
    ranges: dict[str, list[tuple[int, int, int]]] = {}
    for index, item in enumerate(resources):
        ranges.setdefault(item.path, []).append((item.start or 0, item.end or 0, index))
    for found in ranges.values():
        expected = 0
        found.sort()
        for position, (start, end, index) in enumerate(found):
            is_last = position == len(found) - 1
            length = end - start
            if (
                start != expected
                or not 0 < length <= size
                or (length < size and not is_last)
                or end >= NUMBER_BOUND
            ):
                problem = f"the range {start} to {end} does not continue at {expected} by {size}"
                raise EnvelopeError(path=under(path, index), problem=problem, code="oms-shards")
            expected = end


def _bad_name(problem: str, path: str, index: int) -> EnvelopeError:
    return EnvelopeError(path=under(under(path, index), "name"), problem=problem, code="oms-name")
