"""The listing `SHA256SUMS`: what `sha256sum -c` checks, and the digest of a release is taken over.

One line a file, `<64 hex><two blanks><name><LF>`, sorted by the bytes of the name. Names that
`sha256sum` would escape are refused, so that no line can be read in two ways. Source:
`spec/digests.md`, section "Listing". No I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.canonical import MAX_LISTING_BYTES
from provenance.digest.algorithms import check_digest
from provenance.digest.names import check_name
from provenance.errors import DigestError, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["format_listing", "parse_listing"]

# Characters before the name: the digest and two blanks (the second says "text" to `sha256sum`).
_NAME_AT = 66


def format_listing(pairs: Iterable[tuple[str, str]]) -> bytes:
    """Return the listing of these (name, SHA-256) pairs, given in any order.

    Raises:
        DigestError: A name or digest is refused, or a name stands twice (`name-duplicate`).
    """
    lines = []
    previous = None
    # Code points order as their UTF-8 bytes do.
    for name, digest in sorted(pairs):
        check_name(name)
        check_digest("sha256", digest)
        if name == previous:
            raise DigestError(path=name, problem="is listed twice", code="name-duplicate")
        lines.append(f"{digest}  {name}\n")
        previous = name
    return "".join(lines).encode("utf-8")


def parse_listing(data: bytes, *, source: str = "SHA256SUMS") -> dict[str, str]:
    """Return SHA-256 by name, in order, from a listing that `format_listing` could have written.

    Args:
        data: The listing; empty for no files.
        source: What errors call it; they add the number of the line.

    Raises:
        DigestError: Code `listing-malformed`, or `name-unsafe` for a name.
    """
    if len(data) > MAX_LISTING_BYTES:
        raise _malformed(source, f"{len(data)} bytes, more than {MAX_LISTING_BYTES}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed(source, f"not UTF-8 at byte {error.start}") from error
    if text and not text.endswith("\n"):
        raise _malformed(source, "the last line does not end with a line feed")
    listing: dict[str, str] = {}
    previous = ""
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        name = _parse_line(line, f"{source}:{number}")
        if name <= previous:
            problem = "a name stands twice" if name == previous else "not sorted by name"
            raise _malformed(f"{source}:{number}", problem)
        listing[name] = line[: _NAME_AT - 2]
        previous = name
    return listing


def _parse_line(line: str, where: str) -> str:
    """Check one line and return its name."""
    name = line[_NAME_AT:]
    if line[_NAME_AT - 2 : _NAME_AT] != "  ":
        raise _malformed(where, f"expected a digest, two blanks and a name, found {shown(line)}")
    try:
        check_digest("sha256", line[: _NAME_AT - 2])
    except DigestError as error:
        raise _malformed(where, error.problem) from error
    try:
        check_name(name)
    except DigestError as error:
        raise DigestError(path=where, problem=error.problem, code=error.code) from error
    return name


def _malformed(where: str, problem: str) -> DigestError:
    return DigestError(
        path=where,
        problem=problem,
        remedy="expected sorted lines of SHA-256, two blanks and name",
        code="listing-malformed",
    )
