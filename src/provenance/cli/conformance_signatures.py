"""The operation of the conformance protocol about bundles alone: who signed, by what is trusted.

Source: `spec/conformance.md`, section "verify-bundle".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.canonical import MAX_BUNDLE_BYTES
from provenance.digest import read_file
from provenance.envelope import parse_bundle
from provenance.errors import UsageError
from provenance.manifest import parse_timestamp
from provenance.signing import (
    IdentityPattern,
    PublicKey,
    SigningTimes,
    verify_bundle,
)
from provenance.signing.certificates import (
    CertificatePool,
    CertificateVerifier,
    read_certificates,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography import x509

    from provenance.canonical import JsonValue
    from provenance.signing import SignatureVerifier

    Request = Mapping[str, JsonValue]

__all__ = ["check_bundle"]

#: Largest file of keys, certificates or trusted logs, in bytes.
MAX_TRUST_BYTES = 4 * 1024 * 1024


def check_bundle(request: Request) -> dict[str, JsonValue]:
    """Answer `verify-bundle`: return who signed a bundle, if somebody who is trusted did."""
    now = parse_timestamp(str(request["now"]))
    bundle = parse_bundle(read_file(str(request["bundle"]), max_bytes=MAX_BUNDLE_BYTES))
    found = verify_bundle(bundle, _verifiers(request), times=SigningTimes(now))
    signer = found.signer
    output: dict[str, JsonValue] = {
        "kind": signer.kind,
        "fingerprint": signer.fingerprint,
        "scheme": signer.scheme,
    }
    if signer.identity is not None:
        output["identity"] = signer.identity
    return {"output": output}


def _verifiers(request: Request) -> list[SignatureVerifier]:
    scheme = request.get("scheme")
    named = None if scheme is None else str(scheme)
    keys = [PublicKey.load(path, scheme=named) for path in _texts(request, "keys")]
    root = request.get("trustedRoot")
    verifiers: list[SignatureVerifier] = [*keys]
    if root is not None:
        verifiers = _logged(keys, str(root))
    if "issuer" in request:
        verifiers.append(_keyless(request))
    if "authorities" in request:
        if "identity" not in request:
            raise UsageError(path="/identity", problem="an authority alone is no signer")
        pool = CertificatePool(
            tuple(_certificates(request, "authorities")),
            tuple(_certificates(request, "intermediates")),
        )
        pattern = IdentityPattern(str(request["identity"]))
        verifiers.append(CertificateVerifier(pool, pattern, rsa_scheme=named))
    return verifiers


def _logged(keys: Iterable[PublicKey], root: str) -> list[SignatureVerifier]:
    from provenance.signing.keyless import LoggedKeyVerifier
    from provenance.signing.transparency import read_trusted_root

    trusted = read_trusted_root(read_file(root, max_bytes=MAX_TRUST_BYTES))
    return [LoggedKeyVerifier(key, trusted) for key in keys]


def _keyless(request: Request) -> SignatureVerifier:
    from provenance.signing.keyless import KeylessVerifier
    from provenance.signing.transparency import read_trusted_root

    if "identity" not in request or "trustedRoot" not in request:
        raise UsageError(path="/issuer", problem="an issuer alone is no signer")
    data = read_file(str(request["trustedRoot"]), max_bytes=MAX_TRUST_BYTES)
    identity = IdentityPattern(str(request["identity"]))
    return KeylessVerifier(identity, str(request["issuer"]), read_trusted_root(data))


def _certificates(request: Request, name: str) -> Iterable[x509.Certificate]:
    for path in _texts(request, name):
        yield from read_certificates(read_file(path, max_bytes=MAX_TRUST_BYTES), path=path)


def _texts(request: Request, name: str) -> tuple[str, ...]:
    found = request.get(name, ())
    assert isinstance(found, tuple)  # noqa: S101 - the protocol has checked it
    return tuple(map(str, found))
