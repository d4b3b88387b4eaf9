"""Private keys of the three kinds: read from PEM or DER, made, used to sign. Only reading does I/O.

A key in memory shows its fingerprint and nothing of its secret.

Source: `spec/envelope.md`, section "Keys".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from provenance.errors import SigningError, UsageError, shown
from provenance.signing.containers import Password, load_private, password_bytes, read_key_file
from provenance.signing.public_keys import HASHES, PublicKey, refused_at, refused_kind
from provenance.signing.schemes import DEFAULT_KEY_KIND, SCHEMES, KeyKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

__all__ = ["PrivateKey", "generate_private_key", "load_private_key"]

_PrivateHandle = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key in memory: signs. It shows its fingerprint and nothing else."""

    public_key: PublicKey
    """The public half."""

    _handle: _PrivateHandle = field(repr=False, compare=False)

    deterministic: bool = field(default=False, kw_only=True)
    """Make ECDSA signatures by RFC 6979, equal each time: for vectors, which are made again."""

    @classmethod
    def from_pem(
        cls, data: bytes, password: Password = None, *, deterministic: bool = False
    ) -> Self:
        """Return the key of a PEM document: PKCS#8 (encrypted or not) or `EC PRIVATE KEY`.

        Args:
            data: The document.
            password: Bytes or text, or a function that returns them and is called only if the key
                is encrypted.
            deterministic: Sign by RFC 6979.

        Raises:
            SigningError: It holds something else, or the password is wrong or missing.
        """
        return cls.from_handle(load_private(data, password, pem=True), deterministic=deterministic)

    @classmethod
    def from_der(
        cls, data: bytes, password: Password = None, *, deterministic: bool = False
    ) -> Self:
        """Return the key of a DER document; otherwise as `from_pem`.

        Raises:
            SigningError: It holds something else, or the password is wrong or missing.
        """
        handle = load_private(data, password, pem=False)
        return cls.from_handle(handle, deterministic=deterministic)

    @classmethod
    def from_handle(cls, handle: PrivateKeyTypes, *, deterministic: bool = False) -> Self:
        """Return the key that `cryptography` has read or made.

        Raises:
            SigningError: It is weak or of another kind.
        """
        if not isinstance(handle, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
            raise refused_kind(handle)
        public = PublicKey.from_handle(handle.public_key())
        return cls(public_key=public, _handle=handle, deterministic=deterministic)

    @property
    def kind(self) -> KeyKind:
        """The kind of key, e.g. `ecdsa-p256`."""
        return self.public_key.kind

    @property
    def scheme(self) -> str:
        """The one scheme that this key signs with."""
        return self.public_key.scheme

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the public half."""
        return self.public_key.fingerprint

    @property
    def hint(self) -> str:
        """The hint at the public half that goes into bundles."""
        return self.public_key.hint

    def sign(self, message: bytes) -> bytes:
        """Return a signature over `message`: DER for ECDSA, 64 bytes for Ed25519.

        Raises:
            SigningError: The installed OpenSSL has no deterministic ECDSA, and it was asked for.
        """
        if isinstance(self._handle, ed25519.Ed25519PrivateKey):
            return self._handle.sign(message)
        algorithm = HASHES[SCHEMES[self.kind].hash]
        try:
            scheme = ec.ECDSA(algorithm, deterministic_signing=self.deterministic)
        except UnsupportedAlgorithm as error:
            problem = "the installed OpenSSL has no deterministic ECDSA (RFC 6979)"
            raise SigningError(problem=problem, remedy="install a newer cryptography") from error
        return self._handle.sign(message, scheme)

    def to_pem(self, password: Password = None) -> bytes:
        """Return the key as PKCS#8 in PEM, encrypted if there is a password.

        Raises:
            UsageError: The password is empty.
        """
        secret = password_bytes(password)
        if secret == b"":
            problem = "the password is empty"
            raise UsageError(problem=problem, remedy="choose one, or leave the key unencrypted")
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if secret is not None:
            encryption = serialization.BestAvailableEncryption(secret)
        return self._handle.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )


def generate_private_key(kind: KeyKind = DEFAULT_KEY_KIND) -> PrivateKey:
    """Return a new private key; ECDSA P-256 unless another kind is asked for.

    Raises:
        UsageError: The kind is none of ours.
    """
    make: dict[KeyKind, Callable[[], _PrivateHandle]] = {
        "ecdsa-p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ecdsa-p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }
    if kind in make:
        return PrivateKey.from_handle(make[kind]())
    raise UsageError(problem=f"expected a kind of key of {', '.join(SCHEMES)}, found {shown(kind)}")


def load_private_key(
    path: str | PathLike[str], password: Password = None, *, deterministic: bool = False
) -> PrivateKey:
    """Return the private key of a file: PKCS#8 or `EC PRIVATE KEY`, PEM or DER.

    Args:
        path: The file; its permissions are the caller's affair.
        password: Bytes or text, or a function that returns them and is called only if the key is
            encrypted.
        deterministic: Make ECDSA signatures by RFC 6979, equal each time.

    Raises:
        InputError: The file cannot be read.
        SigningError: It holds no private key that we use, or the password is wrong or missing.
    """
    data, pem = read_key_file(path)
    read = PrivateKey.from_pem if pem else PrivateKey.from_der
    try:
        return read(data, password, deterministic=deterministic)
    except SigningError as error:
        raise refused_at(path, error) from error
