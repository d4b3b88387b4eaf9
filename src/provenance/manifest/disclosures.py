"""Facts that are withheld or do not apply, and salted commitments to withheld ones. No I/O."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from provenance import canonical
from provenance.digest import DigestSet, hash_bytes
from provenance.errors import ManifestError
from provenance.manifest.base import (
    Digests,
    Document,
    Pointer,
    Text,
)
from provenance.manifest.faults import FaultError

if TYPE_CHECKING:
    from provenance.canonical import JsonValue

__all__ = ["Disclosure", "check_commitment", "make_commitment"]

#: Length of the salt of a commitment, in bytes: 128 bits cannot be guessed.
COMMITMENT_SALT_BYTES = 16

_PREAMBLE = b"training-provenance/v1/commitment\n"


class Disclosure(Document):
    """One fact that the manifest does not state, and why."""

    path: Pointer
    """JSON Pointer of the fact; it must not be there."""

    status: Literal["withheld", "notApplicable"]
    """`withheld`: it exists; `notApplicable`: there is no such thing here."""

    reason: Text
    """Why."""

    commitment: Digests | None = None
    """Salted commitment to a withheld value, to be opened to an auditor later."""

    @model_validator(mode="after")
    def _seal_only_what_exists(self) -> Self:
        if self.commitment is None:
            return self
        if self.status != "withheld":
            raise FaultError(
                "a commitment seals a withheld fact, and this one does not apply",
                tokens=("commitment",),
            )
        if "sha256" not in self.commitment:
            raise FaultError("a commitment is a SHA-256 digest", tokens=("commitment",))
        return self


def make_commitment(value: JsonValue, salt: bytes) -> DigestSet:
    """Return the commitment to a JSON value under a salt of 16 random bytes.

    Raises:
        ManifestError: The salt has another length.
        CanonicalError: The value has no canonical form.

    Source: `spec/manifest.md`, section "Disclosures".
    """
    if len(salt) != COMMITMENT_SALT_BYTES:
        raise ManifestError(
            problem=f"a salt has {COMMITMENT_SALT_BYTES} bytes, not {len(salt)}",
            remedy="draw it with `secrets.token_bytes(16)`",
            code="manifest-invalid",
        )
    # commitment = SHA-256("training-provenance/v1/commitment" || LF || salt || canonical(value))
    # The salt keeps a guessable value (an amount, a short text) from being found by trying.
    return DigestSet({"sha256": hash_bytes(_PREAMBLE + salt + canonical.write(value), "sha256")})


def check_commitment(commitment: DigestSet, value: JsonValue, salt: bytes) -> None:
    """Check that an opened value is what was committed to.

    Raises:
        ManifestError: It is not, or the salt has another length.
    """
    made = make_commitment(value, salt)
    if not hmac.compare_digest(made["sha256"], commitment.get("sha256", "")):
        raise ManifestError(
            problem="the opened value is not what was committed to",
            remedy="ask the producer for the value and salt that were sealed",
            code="evidence-mismatch",
        )
