"""Public keys: read from PEM, DER or an OpenSSH line, and verify. Reading a file is the only I/O.

A key comes from whoever decides about trust; nothing in a bundle chooses it, or the algorithm.

Source: `spec/envelope.md`, section "Keys".
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from cryptography.hazmat.primitives import serialization

from provenance.digest.names import printable_name
from provenance.envelope import pae
from provenance.errors import SignatureError, SigningError
from provenance.signing.algorithms import (
    scheme_for,
    usual_form,
    verify_prehashed,
    verify_signature,
)
from provenance.signing.containers import load_public, read_key_file
from provenance.signing.fingerprints import fingerprint_of, hint_of, ssh_fingerprint_of
from provenance.signing.outcomes import VerifiedSigner
from provenance.signing.schemes import SCHEMES, KeyKind

if TYPE_CHECKING:
    from os import PathLike

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

    from provenance.envelope import Bundle
    from provenance.signing.algorithms import PublicHandle
    from provenance.signing.outcomes import SigningTimes

__all__ = ["PublicKey", "refused_at"]


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key that somebody trusts: verifies bundles that its private half signed.

    Two public keys are equal if they are the same key, whatever file or encoding they came from.
    """

    spki: bytes = field(repr=False)
    """The SubjectPublicKeyInfo, DER, in its usual form (named curve, uncompressed point)."""

    kind: KeyKind = field(compare=False)
    """The kind of key, e.g. `ecdsa-p256`."""

    scheme: str = field(compare=False)
    """The one scheme that this key is used with, e.g. `ecdsa-p256-sha256`."""

    fingerprint: str = field(compare=False)
    """The key as people compare it: `SHA256:` and unpadded base64 of SHA-256(SPKI DER)."""

    _handle: PublicHandle = field(repr=False, compare=False)

    @classmethod
    def from_pem(cls, data: bytes, *, scheme: str | None = None) -> Self:
        """Return the key of a PEM document with one `PUBLIC KEY` block, or of an OpenSSH line.

        Args:
            data: The document.
            scheme: The scheme that its signatures are held to, where its kind has several: RSA
                signs by PSS unless whoever trusts the key names PKCS#1 v1.5.

        Raises:
            SigningError: It holds something else, or a key that is weak or of another kind.
            UsageError: Keys of this kind do not sign by this scheme.
        """
        return cls.from_handle(load_public(data, pem=True), scheme=scheme)

    @classmethod
    def from_der(cls, data: bytes, *, scheme: str | None = None) -> Self:
        """Return the key of a SubjectPublicKeyInfo in DER, with nothing behind it.

        Raises:
            SigningError: It is something else, or a key that is weak or of another kind.
            UsageError: Keys of this kind do not sign by this scheme.
        """
        return cls.from_handle(load_public(data, pem=False), scheme=scheme)

    @classmethod
    def from_ssh_blob(cls, blob: bytes) -> Self:
        """Return the key of what stands in base64 in a public key line of OpenSSH.

        Raises:
            SigningError: It is something else, or a key that is weak or of another kind.
        """
        size = int.from_bytes(blob[:4], "big")
        return cls.from_pem(blob[4 : 4 + size] + b" " + b64encode(blob))

    @classmethod
    def load(cls, path: str | PathLike[str], *, scheme: str | None = None) -> Self:
        """Return the key of a file: PEM, DER, or a public key of OpenSSH.

        Raises:
            InputError: The file cannot be read.
            SigningError: It holds no public key that we use.
            UsageError: Keys of this kind do not sign by this scheme.
        """
        data, pem = read_key_file(path)
        read = cls.from_pem if pem else cls.from_der
        try:
            return read(data, scheme=scheme)
        except SigningError as error:
            raise refused_at(path, error) from error

    @classmethod
    def from_handle(cls, handle: PublicKeyTypes, *, scheme: str | None = None) -> Self:
        """Return the key that `cryptography` has read or made.

        Raises:
            SigningError: It is weak or of another kind.
            UsageError: Keys of this kind do not sign by this scheme.
        """
        public, kind = usual_form(handle)
        spki = public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return cls(
            spki=spki,
            kind=kind,
            scheme=scheme_for(kind, scheme).scheme,
            fingerprint=fingerprint_of(spki),
            _handle=public,
        )

    @property
    def hint(self) -> str:
        """The key as bundles name it: padded base64 of the same digest."""
        return hint_of(self.fingerprint)

    @property
    def ssh_fingerprint(self) -> str | None:
        """The fingerprint that OpenSSH shows of the key; `None` of a kind that it does not have.

        It is another digest of the same key: people who read it from `ssh-add -l` mean this key.
        """
        if self.kind == "ml-dsa-65":
            return None
        line = self._handle.public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        return ssh_fingerprint_of(b64decode(line.split(b" ")[1]))

    def is_called(self, fingerprint: str) -> bool:
        """Return whether a fingerprint is this key's, in our form or in that of OpenSSH."""
        return fingerprint in {self.fingerprint, self.ssh_fingerprint}

    def to_pem(self) -> bytes:
        """Return the key as a PEM document with one `PUBLIC KEY` block."""
        return self._handle.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def verify(self, bundle: Bundle, times: SigningTimes | None = None) -> VerifiedSigner:
        """Return who signed the bundle if it is this key; its hint and key id are not looked at.

        Args:
            bundle: The bundle.
            times: Handed on; a bare key has no end of its own.

        Raises:
            SignatureError: It did not (code `signature-invalid`), or a certificate did (code
                `signature-unsupported`).
        """
        if bundle.certificate is not None or bundle.key_hint is None:
            raise SignatureError(
                problem="the bundle is signed with a certificate, and the key named is a bare key",
                remedy="name the identity or the certificate authority that is to be trusted",
                code="signature-unsupported",
            )
        envelope = bundle.envelope
        if len(envelope.signatures) != 1:
            problem = f"{len(envelope.signatures)} signatures, expected exactly one"
            raise SignatureError(problem=problem, code="bundle-signature-count")
        message = pae(envelope.payload_type, envelope.payload)
        self.verify_message(message, envelope.signatures[0].sig)
        proven = () if times is None else times.verified
        return VerifiedSigner(
            "key",
            self.fingerprint,
            self.scheme,
            times=proven,
            ssh_fingerprint=self.ssh_fingerprint,
        )

    def verify_message(self, message: bytes, signature: bytes) -> None:
        """Return if `signature` is this key's over `message`; for a bundle, use `verify`.

        Args:
            message: The bytes that were signed: the PAE of an envelope.
            signature: DER for ECDSA (strict: no BER, nothing behind it), otherwise of the exact
                length of the scheme.

        Raises:
            SignatureError: It is not (code `signature-invalid`).
        """
        if not verify_signature(self._handle, SCHEMES[self.scheme], signature, message):
            raise self._refused()

    def verify_digest(self, digest: bytes, signature: bytes) -> None:
        """Return if `signature` is this key's over a message that only its digest is known of.

        Args:
            digest: The digest, by the hash of the key's scheme.
            signature: As for `verify_message`.

        Raises:
            SignatureError: It is not (code `signature-invalid`), or keys of this kind sign the
                message itself (code `signature-unsupported`).
        """
        outcome = verify_prehashed(self._handle, SCHEMES[self.scheme], signature, digest)
        if outcome is None:
            raise SignatureError(
                problem=f"a key of kind {self.kind} signs the whole file, and there is a digest",
                remedy="name the file itself",
                code="signature-unsupported",
            )
        if not outcome:
            raise self._refused()

    def _refused(self) -> SignatureError:
        return SignatureError(
            problem=f"the signature does not verify under key {self.fingerprint}",
            remedy="somebody changed the signed bytes, or another key signed them",
            code="signature-invalid",
        )


def refused_at(path: str | PathLike[str], error: SigningError) -> SigningError:
    """Return a refusal with the file that it is about."""
    return SigningError(
        path=printable_name(os.fspath(path)),
        problem=error.problem,
        remedy=error.remedy,
        code=error.code,
    )
