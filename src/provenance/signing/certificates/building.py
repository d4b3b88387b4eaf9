"""Chains from a leaf to the anchors that a caller trusts, over certificates that nobody trusts.

Depth first, the likeliest issuers first, and never the same name and key twice. The work is bounded
however many certificates somebody sends along: a pair of certificate and possible issuer is a step,
and there are MAX_CHAIN_STEPS of them.

Source: RFC 4158, sections 2.4 and 3. No I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from provenance.canonical.limits import MAX_CHAIN_CERTIFICATES, MAX_CHAIN_STEPS
from provenance.errors import SignatureError
from provenance.signing.certificates.extensions import extension
from provenance.signing.certificates.issuing import check_issued, key_bytes
from provenance.signing.certificates.names import NameKey, issuer_key, subject_key
from provenance.signing.certificates.refusals import refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cryptography.x509 import Certificate

    from provenance.signing.certificates.model import CertificatePool

__all__ = ["Path", "PathSearch"]

Path = tuple["Certificate", ...]
"""A chain that is not validated yet: the leaf first, the anchor last, at least two."""


class PathSearch:
    """The search for chains of one leaf.

    Args:
        pool: The anchors and the intermediates of the caller.
        extra: More intermediates, e.g. those of a bundle.

    Raises:
        SignatureError: A certificate cannot be read (code `certificate-malformed`).
    """

    def __init__(self, pool: CertificatePool, extra: Sequence[Certificate] = ()) -> None:
        """Sort the certificates by subject."""
        # Of equal certificates one is kept; an anchor ends a chain, so it is no intermediate.
        anchors = dict.fromkeys(pool.anchors)
        others = [one for one in dict.fromkeys((*pool.intermediates, *extra)) if one not in anchors]
        self._anchors = _by_subject(anchors)
        self._intermediates = _by_subject(others)
        self._steps = 0
        self.failure: SignatureError | None = None
        """Why the first possible issuer was none, if no better reason is known."""

    def paths(self, leaf: Certificate) -> Iterator[Path]:
        """Yield each chain whose names and signatures lead from the leaf to an anchor.

        Raises:
            SignatureError: There are too many possible issuers (code `certificate-limit`).
        """
        yield from self._extend((leaf,))

    def _extend(self, path: Path) -> Iterator[Path]:
        last = path[-1]
        name = issuer_key(last)
        if not name:  # nobody is called so (RFC 5280, section 4.1.2.4)
            return
        for anchor in _likeliest_first(last, self._anchors.get(name, [])):
            if self._issued(last, anchor, by_anchor=True):
                yield (*path, anchor)
        if len(path) >= MAX_CHAIN_CERTIFICATES - 1:
            return
        for issuer in _likeliest_first(last, self._intermediates.get(name, [])):
            # The same name and key again would only make a longer way to the same issuers.
            again = any(_same_entity(issuer, one) for one in path)
            if not again and self._issued(last, issuer, by_anchor=False):
                yield from self._extend((*path, issuer))

    def _issued(self, certificate: Certificate, issuer: Certificate, *, by_anchor: bool) -> bool:
        self._steps += 1
        if self._steps > MAX_CHAIN_STEPS:
            problem = f"more than {MAX_CHAIN_STEPS} possible issuers were tried"
            raise refused("certificate-limit", problem)
        try:
            check_issued(certificate, issuer, by_anchor=by_anchor)
        except SignatureError as error:
            # Another key than the one that the certificate names: an issuer of the same name only.
            if self.failure is None and _key_match(certificate, issuer) is not False:
                self.failure = error
            return False
        return True


def _by_subject(certificates: Iterable[Certificate]) -> dict[NameKey, list[Certificate]]:
    sorted_out: dict[NameKey, list[Certificate]] = {}
    for certificate in certificates:
        sorted_out.setdefault(subject_key(certificate), []).append(certificate)
    return sorted_out


def _likeliest_first(certificate: Certificate, issuers: list[Certificate]) -> list[Certificate]:
    """Return those first that have the key which the certificate names, and those last that do not.

    The key identifiers are hints: one in the wrong place costs time, never trust.
    """
    ranks = {True: 0, None: 1, False: 2}
    return sorted(issuers, key=lambda issuer: ranks[_key_match(certificate, issuer)])


def _key_match(certificate: Certificate, issuer: Certificate) -> bool | None:
    """Return whether the key identifiers of both agree; `None` if one is missing."""
    named = extension(certificate, x509.AuthorityKeyIdentifier)
    owned = extension(issuer, x509.SubjectKeyIdentifier)
    if named is None or named.key_identifier is None or owned is None:
        return None
    return named.key_identifier == owned.digest


def _same_entity(one: Certificate, other: Certificate) -> bool:
    return subject_key(one) == subject_key(other) and key_bytes(one) == key_bytes(other)
