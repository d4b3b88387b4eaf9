"""What every kind of signer and of signature verifier offers. Later kinds plug in here. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.envelope import Bundle
    from provenance.signing.outcomes import SigningTimes, VerifiedSigner, VerifiedTime

__all__ = [
    "BundleSigner",
    "SignatureVerifier",
    "Signer",
    "TimestampAuthority",
    "TimestampVerifier",
]


@runtime_checkable
class Signer(Protocol):
    """Makes one signature: a key in a file, an agent, a hardware token."""

    @property
    def fingerprint(self) -> str:
        """The signing key, as people compare it: `SHA256:` and unpadded base64."""

    @property
    def hint(self) -> str:
        """The signing key, as bundles name it: padded base64 of the same digest."""

    @property
    def scheme(self) -> str:
        """The scheme of `spec/registry/signature-schemes.json` that this signer signs with."""

    def sign(self, message: bytes) -> bytes:
        """Return a signature over `message`, which is the PAE of a payload.

        Raises:
            SigningError: The signature cannot be made.
        """


@runtime_checkable
class BundleSigner(Protocol):
    """Makes a whole bundle, for what a bare signature cannot carry: certificates, log entries."""

    @property
    def fingerprint(self) -> str:
        """The signing key, as people compare it; a key made for one signature has none yet."""

    @property
    def scheme(self) -> str:
        """The scheme of `spec/registry/signature-schemes.json` that this signer signs with."""

    def sign_bundle(self, payload: bytes, payload_type: str) -> Bundle:
        """Return a bundle with one signature over the PAE of `payload`.

        Raises:
            SigningError: The bundle cannot be made.
        """


@runtime_checkable
class TimestampAuthority(Protocol):
    """Witnesses that something existed (RFC 3161); asked when a bundle is made."""

    def stamp(self, signature: bytes) -> bytes:
        """Return a TimeStampResp in DER over the bytes of a signature.

        Raises:
            SigningError: The authority does not answer, or refuses.
        """


@runtime_checkable
class TimestampVerifier(Protocol):
    """Checks RFC 3161 timestamps against the authorities that somebody trusts."""

    def verify(self, signature: bytes, timestamps: Sequence[bytes]) -> tuple[VerifiedTime, ...]:
        """Return the proven times of a signature; none if no trusted authority made a timestamp.

        Args:
            signature: The bytes of the signature, decoded.
            timestamps: TimeStampResp documents, DER, as a bundle carries them: unauthenticated.

        Raises:
            SignatureError: One of them is malformed, stands there twice, or claims to be by a
                trusted authority and is not (code `timestamp-invalid`).
        """


@runtime_checkable
class SignatureVerifier(Protocol):
    """Checks the signature of a bundle against one key or identity that somebody trusts."""

    @property
    def fingerprint(self) -> str:
        """Who this verifier stands for: a key's fingerprint, or what a later kind is named by."""

    @property
    def scheme(self) -> str:
        """The scheme of `spec/registry/signature-schemes.json` that this verifier accepts."""

    def verify(self, bundle: Bundle, times: SigningTimes | None = None) -> VerifiedSigner:
        """Return who made the bundle's one signature, if it is this key or identity.

        Nothing that stands in the bundle may decide which key or algorithm is used.

        Args:
            bundle: The bundle, parsed and not yet trusted in anything.
            times: The verifier's clock and the times proven by timestamps; `None` for the
                system's clock alone. Whatever expires is judged at `times.judged`.

        Raises:
            SignatureError: The signature is not (code `signature-invalid`), or this kind of
                verifier cannot check such a bundle (code `signature-unsupported`).
        """
