"""Faults of what is compared never end with the exit code of a difference."""

from __future__ import annotations

import pytest

from provenance.cli.comparing import DIFFERS, NOT_COMPARABLE, SAME, faults_are_no_difference
from provenance.cli.program import exit_code_of
from provenance.errors import (
    CanonicalError,
    DigestError,
    EnvelopeError,
    InputError,
    ManifestError,
    MissingExtraError,
    ProvenanceError,
    UsageError,
)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (CanonicalError, 4),
        (DigestError, 4),
        (EnvelopeError, 4),
        (ManifestError, 4),
        (InputError, 4),
        (MissingExtraError, 4),
        (UsageError, 2),
    ],
)
def test_every_fault_keeps_its_words_and_is_no_difference(
    kind: type[ProvenanceError], code: int
) -> None:
    fault = kind(path="a", problem="is bad", remedy="mend it", code="json-syntax")
    with pytest.raises(ProvenanceError) as caught, faults_are_no_difference():
        raise fault
    assert exit_code_of(caught.value) == code
    assert str(caught.value) == "a: is bad; mend it"
    assert caught.value.code == "json-syntax"


def test_codes_are_those_of_verdicts() -> None:
    assert (SAME, DIFFERS, NOT_COMPARABLE) == (0, 1, 3)
