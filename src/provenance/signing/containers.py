"""Key files: which container this is, and what to say if it is not one that we read.

PEM and DER are told apart by the first bytes; a file with two blocks, or of another tool, is
refused in words. Passwords never reach a message. Reading a key file is the only I/O here.
"""

from __future__ import annotations

import os
import re
import stat
from base64 import b64decode
from collections.abc import Callable
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from provenance.digest import read_file
from provenance.errors import InputError, MissingExtraError, SigningError

if TYPE_CHECKING:
    from os import PathLike

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

__all__ = ["Password", "load_private", "load_public", "password_bytes", "read_key_file"]

Password = bytes | str | Callable[[], bytes | str] | None
"""A password, a function that asks for it, or nothing."""

#: Largest key file; an RSA key of 16,384 bits has 13 KiB.
MAX_KEY_FILE_BYTES = 65_536

# How a shell names a pipe that it hands over: `<(…)`.
_HANDED = re.compile(r"/(?:dev|proc/self)/fd/([0-9]{1,6})", re.ASCII)
_PEM_LABEL = re.compile(rb"^-----BEGIN ([A-Z0-9 ]{1,64})-----", re.MULTILINE)
_SHOWN_LABELS = 4
# The beginning of a SubjectPublicKeyInfo, or of a PKCS #8 key with its version, whose algorithm
# is id-RSASSA-PSS (RFC 4055, section 1.2): two lengths, then the object identifier.
_LENGTH = rb"(?:[\x00-\x7f]|\x81.|\x82..)"
_PSS_ALONE = re.compile(
    rb"\x30"
    + _LENGTH
    + rb"(?:\x02\x01[\x00\x01])?\x30"
    + _LENGTH
    + rb"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a",
    re.DOTALL,
)
_PEM_MARK = b"-----BEGIN "
# `openssl ecparam -genkey` writes this block before the key; the key names its curve by itself.
_EC_PARAMETERS = b"EC PARAMETERS"
_OPENSSH_PRIVATE = b"OPENSSH PRIVATE KEY"
_PRIVATE_LABELS = (
    b"PRIVATE KEY",
    b"ENCRYPTED PRIVATE KEY",
    b"EC PRIVATE KEY",
    b"RSA PRIVATE KEY",
    _OPENSSH_PRIVATE,
)
# How a line of OpenSSH begins; `sk-` keys sign other bytes than a message.
_OPENSSH_PUBLIC = (b"ssh-", b"ecdsa-sha2-", b"sk-")
_OPENSSH_CERTIFICATE = b"-cert-v"
# What people name by mistake, and what to tell them.
_REFUSALS: dict[bytes, tuple[str, str]] = {
    b"CERTIFICATE": (
        "a certificate, expected a bare key",
        "a key taken out of it would lose the certificate's limits; name a key file",
    ),
    b"ENCRYPTED COSIGN PRIVATE KEY": (
        "a cosign private key, which this version does not read",
        "make a key with `provenance keygen`",
    ),
    b"ENCRYPTED SIGSTORE PRIVATE KEY": (
        "a cosign private key, which this version does not read",
        "make a key with `provenance keygen`",
    ),
    b"DSA PRIVATE KEY": (
        "a DSA key, which nobody should use any more",
        "make a key with `provenance keygen`",
    ),
}


def read_key_file(path: str | PathLike[str]) -> tuple[bytes, bool]:
    """Return the bytes of a key file, and whether they are PEM.

    The caller named this file, so a link to it is followed: secrets are often mounted as links.

    Raises:
        InputError: The file cannot be read, is no regular file, or is larger than any key.
    """
    try:
        handed = _HANDED.fullmatch(os.fsdecode(path))
        if handed is not None:
            return _with_form(_read_handed(int(handed[1]), path))
        real = os.path.realpath(path)
    except ValueError:  # a name with U+0000 in it, which the reader refuses in words
        real = os.fspath(path)
    return _with_form(read_file(real, max_bytes=MAX_KEY_FILE_BYTES))


def _with_form(data: bytes) -> tuple[bytes, bool]:
    return data, _PEM_MARK in data or data.startswith(_OPENSSH_PUBLIC)


def _read_handed(number: int, path: str | PathLike[str]) -> bytes:
    """Return what a pipe holds that whoever started the program left open for it.

    Raises:
        InputError: It is not open, is no pipe or file, or holds more than any key.
    """
    name = os.fsdecode(path)
    try:
        mode = os.fstat(number).st_mode
        if not (stat.S_ISFIFO(mode) or stat.S_ISREG(mode)):
            raise InputError(path=name, problem="neither a file nor a pipe")
        with open(number, "rb", closefd=False) as stream:
            data = stream.read(MAX_KEY_FILE_BYTES + 1)
    except OSError as error:
        raise InputError(path=name, problem=f"cannot be read: {error.strerror}") from error
    if len(data) > MAX_KEY_FILE_BYTES:
        raise InputError(path=name, problem=f"larger than {MAX_KEY_FILE_BYTES} bytes")
    return data


def load_public(data: bytes, *, pem: bool) -> PublicKeyTypes:
    """Return the public key of a PEM or DER document or of an OpenSSH line, of whatever kind.

    Raises:
        SigningError: The document holds something else.
    """
    if data.startswith(_OPENSSH_PUBLIC):
        return _load_openssh_public(data)
    if pem:
        _check_public_label(data)
    load = serialization.load_pem_public_key if pem else serialization.load_der_public_key
    _refuse_pss_alone(data, pem=pem)
    try:
        return load(data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _refusal("not a public key that can be read (PEM or DER)") from error


def load_private(data: bytes, password: Password, *, pem: bool) -> PrivateKeyTypes:
    """Return the private key of a PEM or DER document, of whatever kind.

    Raises:
        SigningError: The document holds something else, or the password is wrong or missing.
    """
    label = _check_private_label(data) if pem else b""
    load = serialization.load_pem_private_key if pem else serialization.load_der_private_key
    if label == _OPENSSH_PRIVATE:
        load = serialization.load_ssh_private_key
    _refuse_pss_alone(data, pem=pem)
    try:
        key = load(data, None)
    except TypeError as error:  # the loader's way of saying that the key is encrypted
        return _load_encrypted(load, data, password, error)
    except (ValueError, UnsupportedAlgorithm) as error:
        if label == _OPENSSH_PRIVATE and "password" in str(error).lower():
            return _load_encrypted(load, data, password, error)
        problem = "not a private key that can be read (PKCS#8, EC, RSA or OpenSSH)"
        raise _refusal(problem) from error
    if password is not None and not callable(password):
        remedy = "leave the password out, or encrypt the key"
        raise _refusal("a password was given, but the key is not encrypted", remedy)
    return key


def password_bytes(password: Password) -> bytes | None:
    """Return the password as bytes; a function is asked, text is encoded as UTF-8."""
    answer = password() if callable(password) else password
    return answer.encode("utf-8", "surrogatepass") if isinstance(answer, str) else answer


def _load_encrypted(
    load: Callable[[bytes, bytes | None], PrivateKeyTypes],
    data: bytes,
    password: Password,
    reason: Exception,
) -> PrivateKeyTypes:
    secret = password_bytes(password)
    if not secret:
        remedy = "give its password"
        raise _refusal(
            "the private key is encrypted, and no password was given", remedy
        ) from reason
    try:
        return load(data, secret)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if isinstance(error, UnsupportedAlgorithm) and "bcrypt" in str(error):
            raise MissingExtraError(
                problem="an encrypted OpenSSH private key needs the library `bcrypt`",
                remedy="install `training-provenance[ssh]`, or take the key through ssh-agent",
            ) from error
        problem = "the private key cannot be decrypted: the password is wrong, or the file damaged"
        raise _refusal(problem, "try the password again") from error


def _labels(data: bytes) -> list[bytes]:
    found: list[bytes] = _PEM_LABEL.findall(data)
    for label in found:
        if label in _REFUSALS:
            raise _refusal(*_REFUSALS[label])
    return found


def _check_public_label(data: bytes) -> None:
    found = _labels(data)
    if any(label.endswith(b"PRIVATE KEY") for label in found):
        problem = "a private key, expected a public one"
        raise _refusal(problem, "name the file that ends in .pub, and keep this one secret")
    # Of several keys a reader may take any; a person who sees the first cannot tell which is
    # trusted.
    if found != [b"PUBLIC KEY"]:
        raise _refusal(f"{_named(found)}, expected exactly one PUBLIC KEY")


def _check_private_label(data: bytes) -> bytes:
    found = [label for label in _labels(data) if label != _EC_PARAMETERS]
    if found == [b"PUBLIC KEY"]:
        problem = "a public key, expected a private one"
        raise _refusal(problem, "name the file without .pub")
    if len(found) != 1 or found[0] not in _PRIVATE_LABELS:
        raise _refusal(f"{_named(found)}, expected exactly one PRIVATE KEY")
    return found[0]


def _load_openssh_public(data: bytes) -> PublicKeyTypes:
    lines = [line for line in data.splitlines() if line.strip()]
    if len(lines) != 1:
        problem = f"{len(lines)} lines of OpenSSH keys, expected exactly one"
        raise _refusal(problem, "put the one key that you trust into a file of its own")
    if data.startswith(b"sk-"):
        problem = "a key of a security key (FIDO), which signs other bytes than the message"
        raise _refusal(problem, "use an ordinary Ed25519 or ECDSA key")
    if _OPENSSH_CERTIFICATE in data.split(maxsplit=1)[0]:
        # Its key taken out of it would lose the certificate's names, dates and limits.
        problem = "a certificate of OpenSSH, which is not supported; expected a bare key"
        raise _refusal(problem, "name the file of the key itself, without -cert")
    try:
        return serialization.load_ssh_public_key(lines[0])
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _refusal("not an OpenSSH public key that can be read") from error


def _refuse_pss_alone(data: bytes, *, pem: bool) -> None:
    """Refuse a key that is for RSASSA-PSS alone: its parameters would be lost with its algorithm.

    The loader hands out the same RSA key for all of them, and it may forbid what it then signs.
    """
    if pem:
        text = data.partition(b"KEY-----")[2].partition(b"-----")[0]
        try:
            data = b64decode(text)
        except ValueError:
            return  # the loader says what is wrong with it
    if _PSS_ALONE.match(data):
        problem = "an RSA key for RSASSA-PSS alone (id-RSASSA-PSS), expected one of RSA in general"
        raise _refusal(problem, "make a key with `provenance keygen`, or `openssl genrsa`")


def _named(labels: list[bytes]) -> str:
    if not labels:
        return "no PEM block"
    listed = ", ".join(label.decode("ascii") for label in labels[:_SHOWN_LABELS])
    return f"PEM blocks {listed}" + (", …" if len(labels) > _SHOWN_LABELS else "")


def _refusal(problem: str, remedy: str = "") -> SigningError:
    return SigningError(problem=problem, remedy=remedy, code="key-refused")
