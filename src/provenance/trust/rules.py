"""What a compiled policy is made of: signers, roles, requirements, revocations. Frozen; no I/O.

Source: `spec/trust-policy.md`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

from provenance.signing import SignatureVerifier

if TYPE_CHECKING:
    from provenance.signing import VerifiedSigner, VerifiedTime

__all__ = [
    "AncestorRules",
    "Requirement",
    "RevokedArtifact",
    "RevokedKey",
    "Role",
    "SignerFault",
    "TrustedSigner",
]

SignerFault: TypeAlias = Literal[
    "policy-algorithm",
    "policy-revoked",
    "policy-validity",
    "policy-timestamp-required",
    "policy-log-required",
]
"""Finding code of what makes a signature that verifies not count."""


class TrustedSigner(Struct, frozen=True, kw_only=True):
    """One signer of a policy."""

    name: str
    """What the policy calls it."""

    verifier: SignatureVerifier
    """The key or identity."""

    algorithms: tuple[str, ...] = ()
    """Schemes that it may use; empty for those of the policy."""

    not_before: datetime | None = None
    """Signatures made earlier do not count."""

    not_after: datetime | None = None
    """Signatures made later do not count."""

    def covers(self, time: datetime) -> bool:
        """Return whether a time lies in the signer's window, both ends included."""
        return (self.not_before is None or self.not_before <= time) and (
            self.not_after is None or time <= self.not_after
        )


class Role(Struct, frozen=True, kw_only=True):
    """Who may sign what, and how many of them have to."""

    name: str
    """The role, e.g. `trainer`."""

    signers: tuple[str, ...]
    """Names of signers."""

    threshold: int = 1
    """How many different signers are needed."""

    required: bool = True
    """Whether its signatures are needed, or only allowed."""

    predicate_types: tuple[str, ...] = ()
    """Predicate types that it may sign."""

    models: tuple[str, ...] = ()
    """Model names that it may sign for, `*` at the end for any ending; empty for all."""

    def may_sign_for(self, model: str) -> bool:
        """Return whether the role may sign for a model; letter case and Unicode form count."""
        return not self.models or any(
            model.startswith(pattern[:-1]) if pattern.endswith("*") else model == pattern
            for pattern in self.models
        )


class Requirement(Struct, frozen=True):
    """The lowest rung that facts of a manifest must stand on."""

    pattern: str
    """Names of fields joined by dots, `[*]` behind that of a list; or the id of a part."""

    rung: str
    """The lowest rung that is enough."""


class RevokedKey(Struct, frozen=True):
    """A key that is no longer trusted."""

    fingerprint: str
    """The key, by our fingerprint or by the one that OpenSSH shows."""

    since: datetime | None = None
    """From when; `None` for always."""

    reason: str = ""
    """Why."""

    def spoils(self, signer: VerifiedSigner) -> bool:
        """Return whether a signature is not good because its key is revoked.

        So it is if the key is that of an authority that its certificate is chained to, or if a time
        is proven by it, which is then no proof.

        Only a proven time before the revocation keeps it good, and if several are proven, all of
        them: whoever holds the key can write any other time.
        """
        others = [stamp.at for stamp in signer.times if not self._is_of(stamp)]
        is_hit = self.names(signer) or self.fingerprint in signer.vouchers
        if not is_hit and len(others) == len(signer.times):
            return False
        if self.since is None or not others:
            return True
        return any(at >= self.since for at in others)

    def names(self, signer: VerifiedSigner) -> bool:
        """Return whether it is the signer's own key."""
        return self.fingerprint in {signer.fingerprint, signer.ssh_fingerprint}

    def _is_of(self, stamp: VerifiedTime) -> bool:
        """Return whether the key vouches for a time: whoever holds it can prove any time."""
        return self.fingerprint in {stamp.authority, *stamp.vouchers}


class RevokedArtifact(Struct, frozen=True):
    """A manifest, release or file that is no longer trusted, whoever signed it."""

    sha256: str
    """Its SHA-256, 64 hex characters."""

    reason: str = ""
    """Why."""


class AncestorRules(Struct, frozen=True, kw_only=True):
    """What holds for the models that this one was made from."""

    bound: bool = False
    """Whether each must be bound by the digest of its manifest or release."""

    signers: tuple[str, ...] = ()
    """Names of signers who may have signed their manifests."""

    requirements: tuple[Requirement, ...] = ()
    """What their manifests must show."""

    @property
    def needs_manifests(self) -> bool:
        """Whether the ancestors' own manifests must be looked at."""
        return bool(self.signers or self.requirements)
