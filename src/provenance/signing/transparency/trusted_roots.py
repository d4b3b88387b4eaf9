"""Trusted roots: the logs and authorities that a verifier trusts, from a file that it names.

Reading that file is the only I/O: nothing is fetched, and no root comes with the library. Old
instances stay in the file with the time in which they counted: signatures of the past need them.

Source: `sigstore_trustroot.proto` of sigstore/protobuf-specs; `spec/envelope.md`, section "Trusted
roots".
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provenance import canonical
from provenance.canonical.limits import MAX_TRUSTED_ROOT_BYTES
from provenance.digest.files import read_file
from provenance.digest.names import printable_name
from provenance.envelope.artifact_bundles import without_null
from provenance.envelope.fields import decode_base64, require_array, require_object, require_text
from provenance.errors import EnvelopeError, ProvenanceError, SigningError, TrustError, shown
from provenance.signing.certificates import read_der_certificate
from provenance.signing.containers import load_public
from provenance.signing.public_keys import PublicKey
from provenance.signing.transparency.instances import (
    AuthorityInstance,
    LogInstance,
    TrustedRoot,
    Window,
)
from provenance.signing.transparency.signed_notes import NoteKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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

_CODE = "trusted-root-invalid"
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")


def load_trusted_root(path: str | os.PathLike[str]) -> TrustedRoot:
    """Return the trusted root of a file.

    Raises:
        InputError: It cannot be read.
        TrustError: It is no trusted root, or holds a key or certificate that cannot be read.
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
        TrustError: It is no trusted root, or holds a key or certificate that cannot be read.
    """
    try:
        document = canonical.parse(data, max_bytes=MAX_TRUSTED_ROOT_BYTES, foreign=True)
        tree = require_object(without_null(document), "", code=_CODE)
        media_type = require_text(
            tree.get("mediaType", ""), "/mediaType", most=MAX_TEXT, code=_CODE
        )
        if media_type not in MEDIA_TYPES:
            raise _refused("/mediaType", f"expected a trusted root, found {shown(media_type)}")
        return TrustedRoot(
            logs=tuple(_read_log(*it) for it in _instances(tree, "tlogs")),
            certificate_logs=tuple(_read_log(*it) for it in _instances(tree, "ctlogs")),
            certificate_authorities=tuple(
                _read_authority(*it) for it in _instances(tree, "certificateAuthorities")
            ),
            timestamp_authorities=tuple(
                _read_authority(*it) for it in _instances(tree, "timestampAuthorities")
            ),
            document=data,
        )
    except ProvenanceError as error:
        where = f"{path}#{error.path}" if path else error.path
        raise TrustError(
            path=where,
            problem=f"not a trusted root that can be used: {error.problem}",
            remedy=error.remedy,
            code=_CODE,
        ) from error


def _instances(tree: Mapping[str, JsonValue], name: str) -> Iterator[tuple[dict[str, Any], str]]:
    where = f"/{name}"
    for index, item in enumerate(
        require_array(tree.get(name, ()), where, most=MAX_INSTANCES, code=_CODE)
    ):
        yield require_object(item, f"{where}/{index}", code=_CODE), f"{where}/{index}"


def _read_log(tree: dict[str, Any], path: str) -> LogInstance:
    url = require_text(tree.get("baseUrl", ""), f"{path}/baseUrl", most=MAX_TEXT, code=_CODE)
    algorithm = require_text(
        tree.get("hashAlgorithm", "SHA2_256"), f"{path}/hashAlgorithm", most=MAX_TEXT, code=_CODE
    )
    if algorithm not in {"SHA2_256", "HASH_ALGORITHM_UNSPECIFIED"}:
        raise _refused(f"{path}/hashAlgorithm", f"expected SHA2_256, found {shown(algorithm)}")
    public = require_object(tree.get("publicKey"), f"{path}/publicKey", code=_CODE)
    spki = _read_bytes(public, "rawBytes", f"{path}/publicKey")
    details = str(public.get("keyDetails", ""))
    scheme = "rsa-pkcs1v15-sha256" if "RSA_PKCS1V" in details else None
    key = _read_key(spki, scheme, f"{path}/publicKey/rawBytes")
    names = _names(url, f"{path}/baseUrl")
    log_id = require_object(tree.get("logId"), f"{path}/logId", code=_CODE)
    number = _read_bytes(log_id, "keyId", f"{path}/logId")
    stated = number
    if "checkpointKeyId" in tree:
        other = require_object(tree["checkpointKeyId"], f"{path}/checkpointKeyId", code=_CODE)
        stated = _read_bytes(other, "keyId", f"{path}/checkpointKeyId")
    window = _read_window(public.get("validFor", {}), f"{path}/publicKey/validFor")
    note_keys = tuple(NoteKey.of(name, key, stated=stated) for name in names)
    return LogInstance(names[0] if names else "", number, key, window, note_keys)


def _names(url: str, path: str) -> tuple[str, ...]:
    """Return the names by which a log may sign: its address without the scheme, and its host."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError as error:
        raise _refused(path, f"expected an address, found {shown(url)}") from error
    address = url.partition("://")[2] if "://" in url else url
    return tuple(dict.fromkeys(name for name in (address.rstrip("/"), host) if name))


def _read_key(data: bytes, scheme: str | None, path: str) -> PublicKey:
    if scheme == "rsa-pkcs1v15-sha256":
        # The oldest instances have an RSAPublicKey (PKCS #1), not the key with its algorithm.
        try:
            handle = load_public(data, pem=False)
        except SigningError as error:
            raise _refused(path, error.problem) from error
        data = handle.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    try:
        return PublicKey.from_der(data, scheme=scheme)
    except ProvenanceError as error:
        raise _refused(path, error.problem) from error


def _read_authority(tree: dict[str, Any], path: str) -> AuthorityInstance:
    where = f"{path}/certChain"
    chain = require_object(tree.get("certChain"), where, code=_CODE)
    listed = require_array(
        chain.get("certificates", ()), f"{where}/certificates", most=MAX_CHAIN, code=_CODE
    )
    if not listed:
        raise _refused(f"{where}/certificates", "there is no certificate")
    certificates = []
    for index, item in enumerate(listed):
        place = f"{where}/certificates/{index}"
        der = _read_bytes(require_object(item, place, code=_CODE), "rawBytes", place)
        certificates.append(read_der_certificate(der, path=place))
    return AuthorityInstance(
        tuple(certificates), _read_window(tree.get("validFor", {}), f"{path}/validFor")
    )


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
        time = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError as error:
        raise _refused(path, f"expected a time of RFC 3339 in UTC, found {shown(text)}") from error
    # Rounded up to microseconds: an end that is written to the nanosecond includes them all.
    micro = -(-int((found[2] or "0").ljust(9, "0")) // 1000)
    return time.replace(microsecond=min(micro, 999_999))


def _refused(path: str, problem: str) -> EnvelopeError:
    return EnvelopeError(path=path, problem=problem, code=_CODE)
