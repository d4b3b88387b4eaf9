"""Signature verifiers for bundles with log entries: by an identity, or by a managed key. No I/O.

Both are offline: everything that they trust stands in the trusted root that they are given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance.errors import SignatureError, UsageError, shown
from provenance.signing.keyless.checking import (
    check_chains,
    check_identity,
    leaf_key,
    log_times,
    read_leaf,
    timestamp_times,
)
from provenance.signing.keyless.contents import signed_bundle
from provenance.signing.outcomes import SigningTimes, VerifiedSigner

if TYPE_CHECKING:
    from provenance.envelope import Bundle
    from provenance.signing.identities import IdentityPattern
    from provenance.signing.keyless.contents import SignedBundle
    from provenance.signing.outcomes import VerifiedTime
    from provenance.signing.public_keys import PublicKey
    from provenance.signing.transparency import TrustedRoot

__all__ = ["KeylessVerifier", "LoggedKeyVerifier"]


@dataclass(frozen=True, slots=True)
class KeylessVerifier:
    """Verifies signatures of one identity, with short-lived certificates and a log (Sigstore).

    An identity is a name together with who vouches for it: a name alone could come from anybody.

    Raises:
        UsageError: There is no issuer.
    """

    identity: IdentityPattern
    """The name that the certificate must have."""

    issuer: str
    """The OIDC issuer that must have vouched for it, exactly."""

    trusted_root: TrustedRoot
    """The authorities and logs that are trusted."""

    def __post_init__(self) -> None:
        """Refuse what would trust too many."""
        if not self.issuer or self.issuer != self.issuer.strip():
            raise UsageError(
                path="issuer",
                problem=f"expected the issuer of the identity, found {shown(self.issuer)}",
                remedy="name it, e.g. https://accounts.example.com",
            )

    @property
    def fingerprint(self) -> str:
        """The identity with its issuer: its keys change with every signature."""
        return f"{self.identity.pattern} (issuer {self.issuer})"

    @property
    def scheme(self) -> str:
        """The scheme that clients of Sigstore sign by unless told otherwise."""
        return "ecdsa-p256-sha256"

    def verify(self, bundle: Bundle, times: SigningTimes | None = None) -> VerifiedSigner:
        """Return who signed a bundle with an envelope, if it is this identity.

        Args:
            bundle: The bundle.
            times: Times that the caller has proven; the clock is not looked at, as certificates
                that are good now prove nothing about then.

        Raises:
            MissingExtraError: It has timestamps, and the extra `timestamps` is not installed.
            SignatureError: It is not, or a step does not hold.
        """
        return self.verify_signed(signed_bundle(bundle), times)

    def verify_signed(
        self, signed: SignedBundle, times: SigningTimes | None = None
    ) -> VerifiedSigner:
        """Return who signed, like `verify`, whatever the bundle signs.

        Raises:
            MissingExtraError: It has timestamps, and the extra `timestamps` is not installed.
            SignatureError: It is not this identity, or a step does not hold.
        """
        leaf, extra = read_leaf(signed)
        key = signed.content.check(leaf_key(leaf), others=True)
        given = () if times is None else times.verified
        stamped = timestamp_times(signed, self.trusted_root)
        certificate = signed.material.certificate or b""
        before = [time.at for time in (*given, *stamped)]
        logged = log_times(
            signed,
            certificate,
            self.trusted_root,
            before,
            is_certificate=True,
            scheme=key.scheme,
        )
        proven = tuple(dict.fromkeys((*given, *stamped, *logged)))
        if not proven:
            strangers = bool(signed.material.timestamps)
            raise SignatureError(
                problem="nothing proves when it was signed, and the certificate lives for minutes"
                + ("; its timestamps are of no authority in the trusted root" * strangers),
                remedy="name a trusted root with the timestamp authority of the signer"
                if strangers
                else "ask the signer for a bundle with a timestamp",
                code="signing-time-missing",
            )
        vouchers = check_chains(leaf, extra, self.trusted_root, [time.at for time in proven])
        name = check_identity(leaf, self.identity, self.issuer)
        ssh = key.ssh_fingerprint
        return VerifiedSigner(
            "keyless",
            key.fingerprint,
            key.scheme,
            name,
            self.issuer,
            proven,
            ssh_fingerprint=ssh,
            vouchers=vouchers,
        )


@dataclass(frozen=True, slots=True)
class LoggedKeyVerifier:
    """Verifies signatures of a managed key whose signatures stand in a transparency log."""

    key: PublicKey
    """The key; nothing in a bundle stands for it."""

    trusted_root: TrustedRoot
    """The logs and timestamp authorities that are trusted."""

    require_log: bool = True
    """Whether a bundle without a log entry is refused; entries that are there always count."""

    @property
    def fingerprint(self) -> str:
        """The key's."""
        return self.key.fingerprint

    @property
    def scheme(self) -> str:
        """The key's."""
        return self.key.scheme

    def verify(self, bundle: Bundle, times: SigningTimes | None = None) -> VerifiedSigner:
        """Return who signed a bundle with an envelope, if it is this key, and the log says so.

        Raises:
            MissingExtraError: It has timestamps, and the extra `timestamps` is not installed.
            SignatureError: It is not, or a log entry or timestamp does not hold.
        """
        return self._verify(signed_bundle(bundle), times, others=False)

    def verify_signed(
        self, signed: SignedBundle, times: SigningTimes | None = None
    ) -> VerifiedSigner:
        """Return who signed, like `verify`, whatever the bundle signs, by any scheme of the key.

        Raises:
            MissingExtraError: It has timestamps, and the extra `timestamps` is not installed.
            SignatureError: It is not this key, or a log entry or timestamp does not hold.
        """
        return self._verify(signed, times, others=True)

    def _verify(
        self, signed: SignedBundle, times: SigningTimes | None, *, others: bool
    ) -> VerifiedSigner:
        if signed.material.key_hint is None:
            raise SignatureError(
                problem="the bundle is signed with a certificate, and the key named is a bare key",
                remedy="name the identity that is to be trusted",
                code="signature-unsupported",
            )
        key = signed.content.check(self.key, others=others)
        times = SigningTimes.at_present() if times is None else times
        stamped = timestamp_times(signed, self.trusted_root)
        times = times.with_verified(*stamped)
        proven = tuple(dict.fromkeys((*times.verified, *self._logged(signed, times, key.scheme))))
        ssh = key.ssh_fingerprint
        return VerifiedSigner("key", key.fingerprint, key.scheme, times=proven, ssh_fingerprint=ssh)

    def _logged(
        self, signed: SignedBundle, times: SigningTimes, scheme: str
    ) -> tuple[VerifiedTime, ...]:
        before = [time.at for time in times.verified]
        least = 1 if self.require_log else 0
        for at in (before, [times.now]):
            logged = log_times(
                signed,
                self.key.spki,
                self.trusted_root,
                at,
                is_certificate=False,
                scheme=scheme,
                least=least,
            )
            if logged or before:
                return logged
        return ()  # no witness of a time: the keys of the logs count at present
