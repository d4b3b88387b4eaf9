"""Trusted roots: the logs and authorities that a verifier trusts, from a file that it names.

Reading that file is the only I/O: nothing is fetched, and no root comes with the library. Old
instances stay in the file with the time in which they counted: signatures of the past need them.

Source: `sigstore_trustroot.proto` of sigstore/protobuf-specs; `spec/envelope.md`, section "Trusted
roots".
"""

from __future__ import annotations

import hashlib
import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from provenance import canonical
from provenance.canonical.limits import MAX_TRUSTED_ROOT_BYTES
from provenance.digest.files import read_file
from provenance.digest.names import printable_name
from provenance.envelope.artifact_bundles import without_null
from provenance.envelope.fields import decode_base64, require_array, require_object, require_text
from provenance.errors import EnvelopeError, ProvenanceError, TrustError, shown
from provenance.signing.certificates import read_der_certificate
from provenance.signing.public_keys import PublicKey
from provenance.signing.transparency.instances import (
    AuthorityInstance,
    LogInstance,
    TrustedRoot,
    Window,
)
from provenance.signing.transparency.signed_notes import NoteKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provenance.canonical import JsonValue

__all__ = ["load_trusted_root", "read_trusted_root"]

MEDIA_TYPES = (
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.1+json",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
)
#: Most instances of one kind.
MAX_INSTANCES = 256
#: Most certificates of one chain.
MAX_CHAIN = 16
MAX_TEXT = 2_048
MAX_DER = 65_536

_T = TypeVar("_T")

_CODE = "trusted-root-invalid"
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
# The hash functions that the trees of logs may have: by name, by the number of the enumeration.
_TREE_HASHES = ("SHA2_256", "HASH_ALGORITHM_UNSPECIFIED", 1, 0)
# What keys of logs sign by, where it is not the scheme of their kind: by name, by number.
_SCHEMES = {
    "PKIX_RSA_PKCS1V15_2048_SHA256": "rsa-pkcs1v15-sha256",
    "PKIX_RSA_PKCS1V15_3072_SHA256": "rsa-pkcs1v15-sha256",
    "PKIX_RSA_PKCS1V15_4096_SHA256": "rsa-pkcs1v15-sha256",
    "PKCS1_RSA_PKCS1V5": "rsa-pkcs1v15-sha256",
    "PKIX_RSA_PKCS1V5": "rsa-pkcs1v15-sha256",
    "PKIX_ECDSA_P384_SHA_256": "ecdsa-p384-sha256",
    "PKIX_ECDSA_P521_SHA_256": "ecdsa-p521-sha256",
}
_NUMBERS = {
    1: "PKCS1_RSA_PKCS1V5",
    3: "PKIX_RSA_PKCS1V5",
    9: "PKIX_RSA_PKCS1V15_2048_SHA256",
    10: "PKIX_RSA_PKCS1V15_3072_SHA256",
    11: "PKIX_RSA_PKCS1V15_4096_SHA256",
    19: "PKIX_ECDSA_P384_SHA_256",
    20: "PKIX_ECDSA_P521_SHA_256",
}


def load_trusted_root(path: str | os.PathLike[str]) -> TrustedRoot:
    """Return the trusted root of a file.

    Raises:
        InputError: It cannot be read.
        TrustError: It is no trusted root, or breaks the format.
    """
    # The caller named this file, so a link to it is followed.
    data = read_file(os.path.realpath(path), max_bytes=MAX_TRUSTED_ROOT_BYTES)
    return read_trusted_root(data, path=printable_name(os.fspath(path)))


def read_trusted_root(data: bytes, *, path: str = "") -> TrustedRoot:
    """Return the trusted root of a `trusted_root.json`.

    Args:
        data: The file.
        path: Its name, for messages.

    Raises:
        TrustError: It is no trusted root, or breaks the format.
    """
    try:
        document = canonical.parse(data, max_bytes=MAX_TRUSTED_ROOT_BYTES, foreign=True)
        tree = require_object(without_null(document), "", code=_CODE)
        media_type = require_text(
            tree.get("mediaType", ""), "/mediaType", most=MAX_TEXT, code=_CODE
        )
        if media_type not in MEDIA_TYPES:
            raise _refused("/mediaType", f"expected a trusted root, found {shown(media_type)}")
        unusable: list[str] = []
        return TrustedRoot(
            logs=_usable(tree, "tlogs", _read_log, unusable),
            certificate_logs=_usable(tree, "ctlogs", _read_log, unusable),
            certificate_authorities=_usable(
                tree, "certificateAuthorities", _read_authority, unusable
            ),
            timestamp_authorities=_usable(tree, "timestampAuthorities", _read_authority, unusable),
            document=data,
            unusable=tuple(unusable),
        )
    except ProvenanceError as error:
        where = f"{path}#{error.path}" if path else error.path
        raise TrustError(
            path=where,
            problem=f"not a trusted root that can be used: {error.problem}",
            remedy=error.remedy,
            code=_CODE,
        ) from error


class _UnusableError(Exception):
    """An instance whose key or certificates are of no use here; says which and why."""


def _usable(
    tree: Mapping[str, JsonValue],
    name: str,
    read: Callable[[dict[str, Any], str], _T],
    unusable: list[str],
) -> tuple[_T, ...]:
    """Return the instances of one kind that can be used, and note the others.

    What cannot be used vouches for nothing, and is no reason to refuse what the others vouch for.
    """
    where, found = f"/{name}", []
    listed = require_array(tree.get(name, ()), where, most=MAX_INSTANCES, code=_CODE)
    for index, item in enumerate(listed):
        path = f"{where}/{index}"
        try:
            found.append(read(require_object(item, path, code=_CODE), path))
        except _UnusableError as error:
            unusable.append(f"{path}: {error}")
    return tuple(found)


def _read_log(tree: dict[str, Any], path: str) -> LogInstance:
    url = require_text(tree.get("baseUrl", ""), f"{path}/baseUrl", most=MAX_TEXT, code=_CODE)
    algorithm = tree.get("hashAlgorithm", _TREE_HASHES[0])
    if isinstance(algorithm, bool) or not isinstance(algorithm, str | int):
        raise _refused(f"{path}/hashAlgorithm", "expected the name or number of a hash")
    public = require_object(tree.get("publicKey", {}), f"{path}/publicKey", code=_CODE)
    spki = _read_bytes(public, "rawBytes", f"{path}/publicKey")
    window = _read_window(public.get("validFor", {}), f"{path}/publicKey/validFor")
    names = _names(url, f"{path}/baseUrl")
    log_id = require_object(tree.get("logId", {}), f"{path}/logId", code=_CODE)
    number = _read_bytes(log_id, "keyId", f"{path}/logId")
    stated = number
    if "checkpointKeyId" in tree:
        other = require_object(tree["checkpointKeyId"], f"{path}/checkpointKeyId", code=_CODE)
        stated = _read_bytes(other, "keyId", f"{path}/checkpointKeyId")
    if algorithm not in _TREE_HASHES:
        message = f"a tree with the hash {shown(algorithm)}, expected SHA2_256"
        raise _UnusableError(message)
    key = _read_key(spki, public.get("keyDetails"))
    # RFC 6962, section 3.2: what a log is called by that states no name of its own.
    number = number or hashlib.sha256(key.spki).digest()
    note_keys = tuple(NoteKey.of(name, key, stated=stated or number) for name in names)
    return LogInstance(names[0] if names else "", number, key, window, note_keys)


def _names(url: str, path: str) -> tuple[str, ...]:
    """Return the names by which a log may sign: its address without the scheme, and its host."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError as error:
        raise _refused(path, f"expected an address, found {shown(url)}") from error
    address = url.partition("://")[2] if "://" in url else url
    return tuple(dict.fromkeys(name for name in (address.rstrip("/"), host) if name))


def _read_key(data: bytes, details: object) -> PublicKey:
    name = _NUMBERS.get(details) if isinstance(details, int) else details
    scheme = _SCHEMES.get(name) if isinstance(name, str) else None
    try:
        # The oldest instances have an RSAPublicKey (PKCS #1), which is read as well.
        return PublicKey.from_der(data, scheme=scheme)
    except ProvenanceError as error:
        raise _UnusableError(error.problem) from error


def _read_authority(tree: dict[str, Any], path: str) -> AuthorityInstance:
    where = f"{path}/certChain"
    chain = require_object(tree.get("certChain", {}), where, code=_CODE)
    listed = require_array(
        chain.get("certificates", ()), f"{where}/certificates", most=MAX_CHAIN, code=_CODE
    )
    window = _read_window(tree.get("validFor", {}), f"{path}/validFor")
    ders = []
    for index, item in enumerate(listed):
        place = f"{where}/certificates/{index}"
        ders.append(_read_bytes(require_object(item, place, code=_CODE), "rawBytes", place))
    if not ders:
        message = "there is no certificate"
        raise _UnusableError(message)
    try:
        certificates = tuple(read_der_certificate(der, path=where) for der in ders)
    except ProvenanceError as error:
        raise _UnusableError(error.problem) from error
    return AuthorityInstance(certificates, window)


def _read_bytes(tree: Mapping[str, JsonValue], name: str, path: str) -> bytes:
    return decode_base64(tree.get(name, ""), f"{path}/{name}", most=MAX_DER, code=_CODE)


def _read_window(value: JsonValue, path: str) -> Window:
    tree = require_object(value, path, code=_CODE)
    return Window(*(_read_time(tree.get(name), f"{path}/{name}") for name in ("start", "end")))


def _read_time(value: JsonValue, path: str) -> datetime | None:
    if value is None:
        return None
    text = require_text(value, path, most=MAX_TEXT, code=_CODE)
    found = _TIME.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        time = datetime.fromisoformat(found[1] + found[3]).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _refused(path, f"expected a time of RFC 3339, found {shown(text)}") from error
    # Rounded up to microseconds: an end that is written to the nanosecond includes them all.
    micro = -(-int((found[2] or "0").ljust(9, "0")) // 1000)
    return time.replace(microsecond=min(micro, 999_999))


def _refused(path: str, problem: str) -> EnvelopeError:
    return EnvelopeError(path=path, problem=problem, code=_CODE)
