"""Exit codes of commands that compare two things: `digest --compare`, `diff`, `records --compare`.

They mean what those of `provenance verify` mean: 0 the same, 1 something differs, 2 a wrong option
or argument, 3 nothing differs but not everything could be compared, 4 something cannot be read.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from provenance.errors import (
    CanonicalError,
    DigestError,
    EnvelopeError,
    InputError,
    ManifestError,
    ProvenanceError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DIFFERS", "NOT_COMPARABLE", "SAME", "faults_are_no_difference"]

SAME: Final = 0
DIFFERS: Final = 1
#: Nothing differs among what could be compared, but something could not be.
NOT_COMPARABLE: Final = 3

# What elsewhere ends with 1, because a document is refused.
_REFUSALS = (CanonicalError, DigestError, EnvelopeError, ManifestError)


@contextmanager
def faults_are_no_difference() -> Iterator[None]:
    """Let a document that breaks its format end with 4: with 1 it would be said to differ.

    Raises:
        InputError: One is refused.
    """
    try:
        yield
    except _REFUSALS as error:
        raise _unreadable(error) from error


def _unreadable(error: ProvenanceError) -> InputError:
    return InputError(path=error.path, problem=error.problem, remedy=error.remedy, code=error.code)
