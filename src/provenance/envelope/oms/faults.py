"""Refusals of OMS documents, each with its finding code, and checks of single fields. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.digest.names import is_name
from provenance.errors import EnvelopeError, shown

if TYPE_CHECKING:
    from provenance.canonical import JsonValue

__all__ = ["MALFORMED", "check_relative", "malformed", "require_choice"]

#: The code of whatever has no code of its own.
MALFORMED = "oms-malformed"


def malformed(path: str, problem: str) -> EnvelopeError:
    """Return the refusal of a document that breaks the format."""
    return EnvelopeError(path=path, problem=problem, code=MALFORMED)


def require_choice(value: JsonValue, path: str, choices: tuple[str, ...]) -> str:
    """Return a text that is one of a few.

    Raises:
        EnvelopeError: It is something else.
    """
    if not isinstance(value, str) or value not in choices:
        raise malformed(path, f"expected {' or '.join(choices)}, found {shown(value)}")
    return value


def check_relative(name: str, path: str) -> None:
    """Refuse a name that is not a relative path in its one spelling: no traversal, no aliases.

    Raises:
        EnvelopeError: It is not (code `oms-name`).
    """
    if not is_name(name):
        problem = f"expected a relative path in its one spelling, found {shown(name)}"
        raise EnvelopeError(path=path, problem=problem, code="oms-name")
