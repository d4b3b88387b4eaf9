"""A signer whose key stays in a PKCS#11 token: a smart card, an HSM, SoftHSM (extra `pkcs11`).

The token hashes nothing but RSA's message by itself; what it answers is checked with the public key
before it is used. Verifying needs no token: the public key is an ordinary one.

Source: PKCS #11 v3.0, sections 2.1 (RSA), 2.3 (elliptic curves); RFC 7512 for the URI.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from provenance.digest import read_file
from provenance.errors import MissingExtraError, SignatureError, SigningError
from provenance.signing.containers import Password, password_bytes
from provenance.signing.public_keys import PublicKey
from provenance.signing.schemes import SCHEMES
from provenance.signing.token_uris import TokenUri

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["TokenSigner"]

#: Largest file that holds a PIN.
MAX_PIN_BYTES = 4_096
_RAW_EDWARDS_POINT = 32


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """A key of a token: signs. The session with the token is opened for each signature."""

    public_key: PublicKey
    """The public half, read from the token."""

    uri: TokenUri
    """Where the key is."""

    _pin: Password = field(default=None, repr=False)
    """The PIN, or what asks for it."""

    @classmethod
    def open(cls, uri: TokenUri | str, pin: Password = None) -> Self:
        """Return the signer for a key of a token, whose public half is read.

        Args:
            uri: The PKCS#11 URI of the key.
            pin: The PIN, or a function that returns it; without one, the file that the URI names.

        Raises:
            MissingExtraError: The extra `pkcs11` is not installed.
            SigningError: The module, the token or the key is not there, the PIN is wrong, or the
                key is of a kind that we do not use.
            UsageError: The URI makes no sense.
        """
        place = TokenUri.parse(uri) if isinstance(uri, str) else uri
        with _session(place, pin) as session:
            public = _read_public(session, _find(session, place))
        return cls(public, place, pin)

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the key."""
        return self.public_key.fingerprint

    @property
    def hint(self) -> str:
        """The hint at the key that goes into bundles."""
        return self.public_key.hint

    @property
    def scheme(self) -> str:
        """The scheme of the key."""
        return self.public_key.scheme

    def sign(self, message: bytes) -> bytes:
        """Return the token's signature over `message`, which is checked before it is returned.

        Raises:
            SigningError: The token refuses, or what it answers is no signature of the key.
        """
        with _session(self.uri, self._pin) as session:
            signature = _sign(_find(session, self.uri), self.public_key, message)
        try:
            self.public_key.verify_message(message, signature)
        except SignatureError as error:
            problem = "what the token answered is no signature of its key"
            raise SigningError(path="pkcs11", problem=problem) from error
        return signature


@contextmanager
def _session(uri: TokenUri, pin: Password) -> Iterator[Any]:
    """Open a session; whatever the token's library says becomes our own error."""
    try:
        import pkcs11  # noqa: PLC0415 - an extra
        from pkcs11.exceptions import PKCS11Error  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError(
            problem="keys in PKCS#11 tokens need the library `python-pkcs11`",
            remedy="install `training-provenance[pkcs11]`",
        ) from error
    opened, secret = False, None
    try:
        library = pkcs11.lib(uri.module_path)
        wanted = {"token_label": uri.token, "token_serial": uri.serial}
        token = library.get_token(**{name: it for name, it in wanted.items() if it is not None})
        secret = _pin_text(uri, pin)
        opened = True
        with token.open(user_pin=secret) as session:
            yield session
    except PKCS11Error as error:
        reason = str(error) or type(error).__name__
        if opened and secret is None:
            raise SigningError(
                path="pkcs11",
                problem=f"no PIN was given, and without one the token does not sign: {reason}",
                remedy="give the PIN (a password file, or `pin-source=file:…` in the URI)",
            ) from error
        raise SigningError(
            path="pkcs11",
            problem=f"the token does not sign: {reason}",
            remedy="check the module, the token's label, the key's label or id, and the PIN",
        ) from error


def _pin_text(uri: TokenUri, pin: Password) -> str | None:
    secret = password_bytes(pin)
    if secret is None and uri.pin_source is not None:
        data = read_file(os.path.realpath(uri.pin_source), max_bytes=MAX_PIN_BYTES)
        secret = data.split(b"\n", 1)[0].removesuffix(b"\r")
    return None if secret is None else secret.decode("utf-8", "surrogateescape")


def _find(session: Any, uri: TokenUri) -> Any:  # noqa: ANN401 - pkcs11 has no types
    import pkcs11  # noqa: PLC0415 - an extra

    return session.get_key(
        object_class=pkcs11.ObjectClass.PRIVATE_KEY,
        **{name: it for name, it in (("label", uri.label), ("id", uri.id)) if it is not None},
    )


def _read_public(session: Any, private: Any) -> PublicKey:  # noqa: ANN401
    """Return the public half: the token's object with the id of the private one."""
    import pkcs11  # noqa: PLC0415 - an extra
    from pkcs11.util.ec import encode_ec_public_key  # noqa: PLC0415
    from pkcs11.util.rsa import encode_rsa_public_key  # noqa: PLC0415

    public = session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, id=private.id)
    if private.key_type == pkcs11.KeyType.RSA:
        der = encode_rsa_public_key(public)
    elif private.key_type == pkcs11.KeyType.EC:
        der = encode_ec_public_key(public)
    elif private.key_type == pkcs11.KeyType.EC_EDWARDS:
        # An OCTET STRING of the point (v3.0), or by older tokens the bare point.
        point = public[pkcs11.Attribute.EC_POINT][-_RAW_EDWARDS_POINT:]
        return PublicKey.from_handle(ed25519.Ed25519PublicKey.from_public_bytes(point))
    else:
        problem = f"a key of kind {private.key_type!s}, expected ECDSA, Ed25519 or RSA"
        raise SigningError(path="pkcs11", problem=problem, code="key-refused")
    try:
        # RSA comes as PKCS#1, which the loader takes as well.
        return PublicKey.from_handle(serialization.load_der_public_key(der))
    except ValueError as error:
        problem = "the token's public key cannot be read"
        raise SigningError(path="pkcs11", problem=problem, code="key-refused") from error


def _sign(private: Any, public: PublicKey, message: bytes) -> bytes:  # noqa: ANN401
    import pkcs11  # noqa: PLC0415 - an extra

    if public.kind == "ed25519":
        return bytes(private.sign(message, mechanism=pkcs11.Mechanism.EDDSA))
    if public.kind == "rsa":
        return bytes(
            private.sign(
                message,
                mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS_PSS,
                mechanism_param=(pkcs11.Mechanism.SHA256, pkcs11.MGF.SHA256, 32),
            )
        )
    # Few tokens hash for ECDSA; what comes back is r and s, of equal length, without a frame.
    digest = hashlib.new(SCHEMES[public.scheme].hash, message).digest()
    raw = bytes(private.sign(digest, mechanism=pkcs11.Mechanism.ECDSA))
    half = len(raw) // 2
    return encode_dss_signature(
        int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
    )
