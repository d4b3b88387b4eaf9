"""What is known once a signature has verified: who, and at which times. No I/O.

Source: `spec/envelope.md`, sections "Trusted time" and "Who signed".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from provenance.errors import UsageError, shown

__all__ = ["SignerKind", "SigningTimes", "VerifiedSigner", "VerifiedTime"]

SignerKind = Literal["key", "certificate", "keyless"]
"""What a verifier knew the signer by: a bare key, a private certificate authority, or Sigstore."""


@dataclass(frozen=True, slots=True)
class VerifiedTime:
    """A time that somebody whom the verifier trusts has put its signature to."""

    at: datetime
    """The time, with its time zone."""

    source: Literal["timestamp-authority", "transparency-log"]
    """Which kind of witness."""

    authority: str
    """Which witness, as `SHA256:` and unpadded base64 of what identifies it."""

    vouchers: tuple[str, ...] = field(default=(), compare=False)
    """The fingerprints of the keys in the chain of the witness's certificate, its own first."""


@dataclass(frozen=True, slots=True)
class SigningTimes:
    """The verifier's clock, and the times that were proven for one signature.

    Trusted time is a verified timestamp or the verifier's own clock, nothing else.

    Raises:
        UsageError: A time has no time zone.
    """

    now: datetime
    """The verifier's clock."""

    verified: tuple[VerifiedTime, ...] = ()
    """Every proven time; all of them must fit, not the one that suits best."""

    def __post_init__(self) -> None:
        """Refuse a time that could mean any of several."""
        for time in (self.now, *(stamp.at for stamp in self.verified)):
            if time.tzinfo is None:
                raise UsageError(problem=f"the time {shown(str(time))} has no time zone")

    @classmethod
    def at_present(cls) -> SigningTimes:
        """Return the system's clock and no proven time."""
        return cls(datetime.now(UTC))

    @property
    def judged(self) -> tuple[datetime, ...]:
        """The times at which a key or certificate has to be good: the proven ones, else now."""
        return tuple(stamp.at for stamp in self.verified) or (self.now,)

    def with_verified(self, *more: VerifiedTime) -> SigningTimes:
        """Return the same with further proven times."""
        return SigningTimes(self.now, (*self.verified, *more))


@dataclass(frozen=True, slots=True)
class VerifiedSigner:
    """Who made a signature that verified."""

    kind: SignerKind
    """What the verifier knew the signer by."""

    fingerprint: str
    """The key that signed: `SHA256:` and unpadded base64 of SHA-256(SPKI DER)."""

    scheme: str
    """The scheme of `spec/registry/signature-schemes.json` that it signed with."""

    identity: str | None = None
    """The name in the certificate that the verifier asked for; `None` for a bare key."""

    issuer: str | None = None
    """Who vouches for the name: an OIDC issuer, or the fingerprint of a certificate authority."""

    times: tuple[VerifiedTime, ...] = ()
    """Every proven time of the signature."""

    issuer_name: str | None = field(default=None, compare=False)
    """What the certificate of that authority says it is called; it counts for nothing."""

    ssh_fingerprint: str | None = field(default=None, compare=False)
    """The same key as OpenSSH names it; `None` if OpenSSH has no such keys."""

    listed_as: str | None = field(default=None, compare=False)
    """Whose key it is by the word of a list that the verifier named; it counts for nothing."""

    vouchers: tuple[str, ...] = field(default=(), compare=False)
    """The fingerprints of the keys of the authorities that the certificate is chained to."""

    @property
    def vote(self) -> str:
        """Who it is, in full: the identity with its issuer, or the key itself."""
        if self.identity is None:
            return self.fingerprint
        return f"{self.identity} (issuer {self.issuer})"

    @property
    def person(self) -> str:
        """What a threshold counts once: the identity by its kind, or the key itself.

        A new key for the same identity is no second person, nor is the same name vouched for by
        another authority, nor the same key in another container.
        """
        return self.fingerprint if self.identity is None else f"{self.kind} {self.identity}"
