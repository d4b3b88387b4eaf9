"""Path validation: whether a chain holds, at one time and for one purpose.

Every certificate of the chain is judged alike, the anchor too: its validity period, the strength of
its key, its critical extensions, and what it limits: path length, names, policy constraints and
extended key usage. Only the signature on it is not looked at. Revocation lists are not read: who
trusts an authority revokes its certificates in the trust policy.

Source: RFC 5280, section 6.1; RFC 5937, section 3.2; RFC 9618. No I/O; the time is the caller's.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from cryptography import x509

from provenance.canonical.limits import MAX_CHAIN_PATHS
from provenance.errors import SignatureError, UsageError
from provenance.signing.certificates.building import PathSearch
from provenance.signing.certificates.extensions import check_critical, extension
from provenance.signing.certificates.issuing import check_issued, strong_key
from provenance.signing.certificates.leaf import check_authority_usage, check_leaf
from provenance.signing.certificates.model import ValidatedChain
from provenance.signing.certificates.name_constraints import NameConstraintState
from provenance.signing.certificates.names import is_self_issued, issuer_key, subject_key
from provenance.signing.certificates.policies import PolicyState
from provenance.signing.certificates.refusals import refused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptography.x509 import Certificate

    from provenance.signing.certificates.building import Path
    from provenance.signing.certificates.model import CertificatePool, Purpose

__all__ = ["find_chain", "validate_chain", "validate_path"]


def validate_chain(
    leaf: Certificate,
    *,
    pool: CertificatePool,
    extra: Sequence[Certificate] = (),
    at: datetime,
    purpose: Purpose,
) -> ValidatedChain:
    """Return the chain from the certificate of a signer to an anchor, if one holds.

    Args:
        leaf: The certificate of the signer. One that is an anchor itself is refused like any other
            authority, or for want of an issuer: trust its bare key instead.
        pool: The anchors that the caller trusts, and intermediates.
        extra: More intermediates, e.g. those that a bundle carries; nobody trusts them.
        at: The time at which every certificate must be valid, ends included, with its zone.
        purpose: What the leaf must be for.

    Raises:
        SignatureError: None holds. The reason is that of the first whole chain, the likeliest
            issuers tried first; the codes `certificate-…` are in the registry.
        UsageError: `at` has no zone.
    """
    chain = find_chain(leaf, pool=pool, extra=extra, at=at, purpose=purpose)
    check_leaf(leaf, purpose)
    return chain


def find_chain(
    leaf: Certificate,
    *,
    pool: CertificatePool,
    extra: Sequence[Certificate] = (),
    at: datetime,
    purpose: Purpose,
) -> ValidatedChain:
    """Return the first chain that holds, whatever its leaf is: `validate_chain` looks at that.

    Raises:
        SignatureError: None holds.
        UsageError: `at` has no zone.
    """
    if at.tzinfo is None:
        raise UsageError(path="at", problem=f"{at.isoformat()} has no zone, expected one")
    search = PathSearch(pool, extra)
    paths = search.paths(leaf)
    failure: SignatureError | None = None
    for path in islice(paths, MAX_CHAIN_PATHS):
        try:
            policies = validate_path(path, at=at, purpose=purpose)
        except SignatureError as error:
            failure = failure or error
            continue
        return ValidatedChain(path, at, purpose, policies)
    if failure is None:
        failure = search.failure or refused(
            "certificate-untrusted",
            "no chain leads from it to a trusted certificate authority",
            leaf,
            remedy="name the authority that issued it, and its intermediates",
        )
    raise failure


def validate_path(path: Path, *, at: datetime, purpose: Purpose) -> frozenset[str]:
    """Return the policies that hold for a chain, if it holds (RFC 5280, section 6.1).

    Args:
        path: The leaf first, the anchor last, at least two.
        at: The time, with its zone.
        purpose: The purpose and policies asked for. The leaf's own usage is not looked at here.

    Raises:
        SignatureError: It does not hold.
    """
    anchor, *others = reversed(path)
    below = len(others)
    policies, names = PolicyState(purpose, below), NameConstraintState()
    _check_certificate(anchor, at, anchor=True)
    policies.constrain(anchor)
    left = _prepare(anchor, below, names, purpose, counted=False)
    issuer = anchor
    for certificate in others:
        below -= 1
        _check_link(certificate, issuer, by_anchor=issuer is anchor)
        _check_certificate(certificate, at, anchor=False)
        inner = below > 0
        self_issued = is_self_issued(certificate)
        if not (inner and self_issued):
            names.check(certificate)
        policies.process(certificate, any_policy_allowed=inner and self_issued)
        if inner:
            policies.prepare(certificate, self_issued=self_issued)
            left = _prepare(certificate, left, names, purpose, counted=not self_issued)
        issuer = certificate
    return policies.finish(issuer)


def _check_link(certificate: Certificate, issuer: Certificate, *, by_anchor: bool) -> None:
    """Refuse a certificate that another did not issue: by name, and by key (6.1.3 (a)(1), (4))."""
    if issuer_key(certificate) != subject_key(issuer):
        raise refused("certificate-untrusted", "it was issued under another name", certificate)
    check_issued(certificate, issuer, by_anchor=by_anchor)


def _check_certificate(certificate: Certificate, at: datetime, *, anchor: bool) -> None:
    """Refuse what no certificate of a chain may be, wherever it stands."""
    strong_key(certificate, anchor=anchor)
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if at < start:
        problem = f"not valid before {start.isoformat()}, and the time is {at.isoformat()}"
        raise refused("certificate-not-yet-valid", problem, certificate)
    if at > end:  # the last second is still within (section 4.1.2.5)
        problem = f"not valid after {end.isoformat()}, and the time is {at.isoformat()}"
        raise refused("certificate-expired", problem, certificate)
    check_critical(certificate)


def _prepare(
    authority: Certificate,
    left: int,
    names: NameConstraintState,
    purpose: Purpose,
    *,
    counted: bool,
) -> int:
    """Take in what an authority limits (6.1.4 (g), (k) to (n)); return how many may still follow.

    Args:
        authority: The issuer of the next certificate.
        left: How many intermediates may follow the one above it.
        names: The name constraints so far.
        purpose: What the leaf must be for.
        counted: Whether it counts as an intermediate: neither the anchor nor a self-issued one.
    """
    constraints = extension(authority, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        problem = "it issued a certificate, and is no certificate authority"
        raise refused("certificate-not-authority", problem, authority)
    usage = extension(authority, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        problem = "it issued a certificate, and its key usage is not keyCertSign"
        raise refused("certificate-not-authority", problem, authority)
    check_authority_usage(authority, purpose)
    names.add(authority)
    if counted:
        if left <= 0:
            problem = "more intermediate authorities than one above allows"
            raise refused("certificate-path-length", problem, authority)
        left -= 1
    return left if constraints.path_length is None else min(left, constraints.path_length)
