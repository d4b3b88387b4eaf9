"""What one line or object of a foreign text says of a file, and how such a text is refused. No I/O.

Source: `spec/digests.md`, section "Claimed digests".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from provenance.errors import DigestError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RawClaim", "malformed", "read_text"]


class RawClaim(NamedTuple):
    """What a format says of one file, not yet checked."""

    path: str
    """Its name as written."""

    size: int | None
    """Its length in bytes, where the format says it."""

    digests: Mapping[str, str]
    """Its digests by our names of the algorithms."""

    is_folder: bool = False
    """Whether it is a folder whose digest only the tool itself understands."""


def malformed(where: str, problem: str, remedy: str = "") -> DigestError:
    """Return the error for a text that breaks its format."""
    return DigestError(path=where, problem=problem, remedy=remedy, code="listing-malformed")


def read_text(data: bytes, source: str, max_bytes: int) -> str:
    """Return a text of a bounded length, which is UTF-8.

    Raises:
        DigestError: It is too long, or something else (code `listing-malformed`).
    """
    if len(data) > max_bytes:
        raise malformed(source, f"{len(data)} bytes, more than {max_bytes}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise malformed(source, f"not UTF-8 at byte {error.start}") from error
