"""Private keys: read from PEM, DER or OpenSSH files, made, used to sign. Only reading does I/O.

A key in memory shows its fingerprint and nothing of its secret.

Source: `spec/envelope.md`, section "Keys".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self, cast

from cryptography.hazmat.primitives import serialization

from provenance.errors import SigningError, UsageError
from provenance.signing.algorithms import make_handle, refused_kind, sign_message
from provenance.signing.containers import Password, load_private, password_bytes, read_key_file
from provenance.signing.public_keys import PublicKey, refused_at
from provenance.signing.schemes import DEFAULT_KEY_KIND, SCHEMES, KeyKind

if TYPE_CHECKING:
    from os import PathLike

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from provenance.signing.algorithms import PrivateHandle

__all__ = ["PrivateKey", "generate_private_key", "load_private_key"]

_OPENSSH_MARK = b"-----BEGIN OPENSSH PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key in memory: signs. It shows its fingerprint and nothing else."""

    public_key: PublicKey
    """The public half."""

    _handle: PrivateHandle = field(repr=False, compare=False)

    deterministic: bool = field(default=False, kw_only=True)
    """Make ECDSA signatures by RFC 6979, equal each time: for vectors, which are made again."""

    is_ssh: bool = field(default=False, kw_only=True, repr=False, compare=False)
    """Whether it came in OpenSSH's own form, so that people know it by OpenSSH's fingerprint."""

    @classmethod
    def from_pem(
        cls,
        data: bytes,
        password: Password = None,
        *,
        scheme: str | None = None,
        deterministic: bool = False,
    ) -> Self:
        """Return the key of a PEM document: PKCS#8 (encrypted or not), SEC 1, PKCS#1, OpenSSH.

        Args:
            data: The document.
            password: Bytes or text, or a function that returns them and is called only if the key
                is encrypted.
            scheme: The scheme to sign by, where its kind has several: RSA signs by PSS by default.
            deterministic: Sign by RFC 6979.

        Raises:
            SigningError: It holds something else, or the password is wrong or missing.
            UsageError: Keys of this kind do not sign by this scheme.
        """
        handle = load_private(data, password, pem=True)
        key = cls.from_handle(handle, scheme=scheme, deterministic=deterministic)
        return replace(key, is_ssh=_OPENSSH_MARK in data)

    @classmethod
    def from_der(
        cls,
        data: bytes,
        password: Password = None,
        *,
        scheme: str | None = None,
        deterministic: bool = False,
    ) -> Self:
        """Return the key of a DER document; otherwise as `from_pem`.

        Raises:
            SigningError: It holds something else, or the password is wrong or missing.
            UsageError: Keys of this kind do not sign by this scheme.
        """
        handle = load_private(data, password, pem=False)
        return cls.from_handle(handle, scheme=scheme, deterministic=deterministic)

    @classmethod
    def from_handle(
        cls, handle: PrivateKeyTypes, *, scheme: str | None = None, deterministic: bool = False
    ) -> Self:
        """Return the key that `cryptography` has read or made.

        Raises:
            SigningError: It is weak or of another kind.
            UsageError: Keys of this kind do not sign by this scheme.
        """
        public = getattr(handle, "public_key", None)
        if public is None:
            raise refused_kind(handle)
        key = PublicKey.from_handle(public(), scheme=scheme)
        # The public half is of one of our kinds, so the private one is.
        return cls(
            public_key=key, _handle=cast("PrivateHandle", handle), deterministic=deterministic
        )

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
        """Return a signature over `message`, in the form of the scheme.

        Raises:
            SigningError: The installed OpenSSL has no deterministic ECDSA, and it was asked for.
        """
        return sign_message(
            self._handle, SCHEMES[self.scheme], message, deterministic=self.deterministic
        )

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
        SigningError: The installed `cryptography` has no ML-DSA.
        UsageError: The kind is none of ours.
    """
    return PrivateKey.from_handle(make_handle(kind))


def load_private_key(
    path: str | PathLike[str],
    password: Password = None,
    *,
    scheme: str | None = None,
    deterministic: bool = False,
) -> PrivateKey:
    """Return the private key of a file: PKCS#8, SEC 1 or PKCS#1 in PEM or DER, or OpenSSH's own.

    Args:
        path: The file; its permissions are the caller's affair.
        password: Bytes or text, or a function that returns them and is called only if the key is
            encrypted.
        scheme: The scheme to sign by, where the kind of key has several.
        deterministic: Make ECDSA signatures by RFC 6979, equal each time.

    Raises:
        InputError: The file cannot be read.
        SigningError: It holds no private key that we use, or the password is wrong or missing.
    """
    data, pem = read_key_file(path)
    read = PrivateKey.from_pem if pem else PrivateKey.from_der
    try:
        return read(data, password, scheme=scheme, deterministic=deterministic)
    except SigningError as error:
        raise refused_at(path, error) from error
