"""What every kind of signer and of signature verifier offers. Later kinds plug in here. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from provenance.envelope import Bundle

__all__ = ["SignatureVerifier", "Signer"]


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
class SignatureVerifier(Protocol):
    """Checks the signature of a bundle against one key or identity that somebody trusts."""

    @property
    def fingerprint(self) -> str:
        """Who this verifier stands for: a key's fingerprint, or what a later kind is named by."""

    @property
    def scheme(self) -> str:
        """The scheme of `spec/registry/signature-schemes.json` that this verifier accepts."""

    def verify(self, bundle: Bundle) -> None:
        """Return if the bundle's one signature is by this key or identity.

        Nothing that stands in the bundle may decide which key or algorithm is used.

        Raises:
            SignatureError: The signature is not (code `signature-invalid`), or this kind of
                verifier cannot check such a bundle (code `signature-unsupported`).
        """
