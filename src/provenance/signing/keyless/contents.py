"""What a bundle signs, in one form for envelopes and for files. No I/O but reading a signed file.

Source: DSSE 1.0.2, `protocol.md`; `sigstore_bundle.proto` of sigstore/protobuf-specs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance.envelope import pae
from provenance.envelope.material import Material
from provenance.errors import SignatureError
from provenance.signing.schemes import SCHEMES
from provenance.signing.transparency import LoggedContent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provenance.envelope import Bundle, Envelope
    from provenance.signing.public_keys import PublicKey

__all__ = ["DIGESTS", "SignedBundle", "SignedContent", "envelope_content", "signed_bundle"]

#: The hashes by which logs and signatures know what was signed.
DIGESTS = ("sha256", "sha384", "sha512")
_HASHED_KINDS = ("ecdsa", "rsa")


@dataclass(frozen=True, slots=True)
class SignedContent:
    """A signature, and what it is over."""

    signature: bytes
    """The signature."""

    digests: Mapping[str, bytes]
    """Digests of the signed bytes, by algorithm; only those that are known."""

    read: Callable[[], bytes] | None = None
    """Returns the signed bytes; `None` if only digests are known."""

    payload: bytes | None = None
    """The payload of the envelope; `None` if the bytes of a file are signed."""

    def check(self, key: PublicKey, *, others: bool = False) -> PublicKey:
        """Return the key with its scheme by which the signature is its own.

        Args:
            key: The key.
            others: Whether a key whose scheme nobody chose may have signed by the others of its
                kind as well: producers of Sigstore bundles sign by several, all of them strong.

        Raises:
            SignatureError: It is not (code `signature-invalid`), or more than a digest is needed
                (code `signature-unsupported`).
        """
        refusals = []
        for one in _with_schemes(key) if others else (key,):
            try:
                self._check(one)
            except SignatureError as error:
                refusals.append(error)
            else:
                return one
        # What could not be tried leaves it open whether it would have held.
        raise next((it for it in refusals if it.code == "signature-unsupported"), refusals[0])

    def _check(self, key: PublicKey) -> None:
        digest = self.digests.get(SCHEMES[key.scheme].hash)
        hashed = key.kind.startswith(_HASHED_KINDS)
        if hashed and digest is not None:
            key.verify_digest(digest, self.signature)
        elif self.read is not None:
            key.verify_message(self.read(), self.signature)
        else:
            problem = f"a signature by {key.scheme} cannot be verified by this digest of a file"
            raise SignatureError(
                problem=problem, remedy="name the file itself", code="signature-unsupported"
            )

    def logged(self, verifier: bytes, *, is_certificate: bool, scheme: str) -> LoggedContent:
        """Return what a log must have recorded of this signature, made by this key."""
        return LoggedContent(
            signature=self.signature,
            verifier=verifier,
            is_certificate=is_certificate,
            scheme=scheme,
            digests=self.digests,
            payload=self.payload,
        )


@dataclass(frozen=True, slots=True)
class SignedBundle:
    """A bundle of either kind: how it was read, what vouches for it, and what it signs."""

    media_type: str
    """The media type that it was read with."""

    material: Material
    """Key, log entries and timestamps: unauthenticated."""

    content: SignedContent
    """What was signed."""


def _with_schemes(key: PublicKey) -> tuple[PublicKey, ...]:
    """Return a key once for each scheme of its kind, unless one was chosen that is no default."""
    if not SCHEMES[key.scheme].default:
        return (key,)
    names = [row.scheme for row in SCHEMES.values() if row.key == key.kind and not row.default]
    return (key, *(type(key).from_der(key.spki, scheme=name) for name in names))


def envelope_content(envelope: Envelope) -> SignedContent:
    """Return what an envelope signs: the PAE of its payload.

    Raises:
        SignatureError: It has not exactly one signature.
    """
    if len(envelope.signatures) != 1:
        problem = f"{len(envelope.signatures)} signatures, expected exactly one"
        raise SignatureError(problem=problem, code="bundle-signature-count")
    message = pae(envelope.payload_type, envelope.payload)
    return SignedContent(
        signature=envelope.signatures[0].sig,
        digests={name: hashlib.new(name, message).digest() for name in DIGESTS},
        read=lambda: message,
        payload=envelope.payload,
    )


def signed_bundle(bundle: Bundle) -> SignedBundle:
    """Return a bundle with an envelope in the form that is common to both kinds.

    Raises:
        SignatureError: It has not exactly one signature.
    """
    material = Material(
        key_hint=bundle.key_hint,
        certificate=bundle.certificate,
        chain=bundle.chain,
        tlog_entries=bundle.tlog_entries,
        timestamps=bundle.timestamps,
    )
    return SignedBundle(bundle.media_type, material, envelope_content(bundle.envelope))
