"""The operation `verify-oms` of the protocol: a model against an OMS bundle.

Source: `spec/conformance.md`, section "verify-oms".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.canonical.limits import MAX_CERTIFICATE_FILE_BYTES
from provenance.digest import read_file
from provenance.errors import UsageError
from provenance.signing import IdentityPattern
from provenance.signing.certificates import CertificatePool, read_certificates
from provenance.verification import inspect_oms
from provenance.verification.oms_certificates import OmsCertificateVerifier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from cryptography.x509 import Certificate

    from provenance.canonical import JsonValue
    from provenance.verification.options import KeyLike

    Request = Mapping[str, JsonValue]

__all__ = ["check_model"]


def check_model(request: Request, clock: Callable[[], datetime]) -> dict[str, JsonValue]:
    """Answer `verify-oms`: return the verdict and the findings.

    Raises:
        UsageError: The request makes no sense, or a key or certificate cannot be used.
    """
    given = [name for name in ("folder", "file") if name in request]
    if len(given) != 1:
        raise UsageError(problem="expected exactly one of folder and file")
    keys: list[KeyLike] = [*_texts(request, "keys")]
    if "authorities" in request:
        keys.append(_certificates(request))
    report = inspect_oms(
        str(request[given[0]]),
        str(request["bundle"]),
        keys=keys,
        ignored=_texts(request, "ignored"),
        ignore_unsigned=bool(request.get("ignoreUnsigned", False)),
        legacy=bool(request.get("legacy", False)),
        clock=clock,
    )
    findings: tuple[JsonValue, ...] = tuple(
        {"code": found.code, "path": found.path} for found in report.findings
    )
    return {"verdict": str(report.verdict), "findings": findings}


def _certificates(request: Request) -> OmsCertificateVerifier:
    found: list[Certificate] = []
    for path in _texts(request, "authorities"):
        found += read_certificates(read_file(path, max_bytes=MAX_CERTIFICATE_FILE_BYTES), path=path)
    identity = request.get("identity")
    pattern = None if identity is None else IdentityPattern(str(identity))
    return OmsCertificateVerifier(CertificatePool(tuple(found)), pattern)


def _texts(request: Request, name: str) -> tuple[str, ...]:
    values = request.get(name, ())
    if not isinstance(values, tuple) or not all(isinstance(value, str) for value in values):
        raise UsageError(path=f"/{name}", problem="expected a list of strings")
    return tuple(map(str, values))
