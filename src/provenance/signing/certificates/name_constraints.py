"""Name constraints of authorities, checked against every name of the certificates below them.

Kinds of names: DNS, e-mail, URI, directory names and IP addresses. A certificate with a name of
another kind is refused below a constraint of that kind. All subtrees that one authority permits
for a kind must be met by one of them at least, and those of every authority; none of the excluded
ones may be.

Source: RFC 5280, sections 4.2.1.10, 6.1.3 (b), (c) and 6.1.4 (g). No I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import NameOID

from provenance.canonical.limits import MAX_NAME_COMPARISONS
from provenance.errors import shown
from provenance.signing.certificates.extensions import extension
from provenance.signing.certificates.matching import is_within
from provenance.signing.certificates.refusals import refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.x509 import Certificate

__all__ = ["NameConstraintState"]

#: An e-mail address with characters beyond ASCII (RFC 9598), to which constraints of e-mail apply.
_INTERNATIONAL_MAILBOX = "1.3.6.1.5.5.7.8.9"

_Kind = type[x509.GeneralName]


class NameConstraintState:
    """The permitted and excluded subtrees of path validation, from the anchor down to the leaf."""

    def __init__(self) -> None:
        """Permit all names: nobody has constrained any."""
        # One entry for each authority that permits something of this kind.
        self._permitted: dict[_Kind, list[list[x509.GeneralName]]] = {}
        self._excluded: dict[_Kind, list[x509.GeneralName]] = {}
        self._comparisons = 0

    def add(self, authority: Certificate) -> None:
        """Take in the constraints of an authority (section 6.1.4 (g)).

        Raises:
            SignatureError: They are malformed (code `certificate-malformed`).
        """
        found = extension(authority, x509.NameConstraints)
        if found is None:
            return
        grouped: dict[_Kind, list[x509.GeneralName]] = {}
        for subtree in found.permitted_subtrees or ():
            grouped.setdefault(type(subtree), []).append(subtree)
        for kind, subtrees in grouped.items():
            self._permitted.setdefault(kind, []).append(subtrees)
        for subtree in found.excluded_subtrees or ():
            self._excluded.setdefault(type(subtree), []).append(subtree)

    def check(self, certificate: Certificate) -> None:
        """Refuse a certificate with a name outside the constraints (section 6.1.3 (b), (c)).

        Raises:
            SignatureError: It has one (code `certificate-name-constraints`), or comparing takes
                more than we do (code `certificate-limit`).
        """
        if not self._permitted and not self._excluded:
            return
        for name in _names(certificate):
            if not self._holds(name, certificate):
                problem = f"its name {shown(name.value)} is outside the name constraints above it"
                raise refused("certificate-name-constraints", problem, certificate)

    def _holds(self, name: x509.GeneralName, certificate: Certificate) -> bool:
        kind = x509.RFC822Name if _is_international_mailbox(name) else type(name)
        permitted, excluded = self._permitted.get(kind, []), self._excluded.get(kind, [])
        self._comparisons += len(excluded) + sum(map(len, permitted))
        if self._comparisons > MAX_NAME_COMPARISONS:
            problem = f"more than {MAX_NAME_COMPARISONS} names to compare with name constraints"
            raise refused("certificate-limit", problem, certificate)
        try:
            return all(
                any(is_within(name, subtree, excluding=False) for subtree in subtrees)
                for subtrees in permitted
            ) and not any(is_within(name, subtree, excluding=True) for subtree in excluded)
        except ValueError:  # no way to tell: a name or a subtree of a kind or form we do not know
            return False


def _is_international_mailbox(name: x509.GeneralName) -> bool:
    return isinstance(name, x509.OtherName) and (
        name.type_id.dotted_string == _INTERNATIONAL_MAILBOX
    )


def _names(certificate: Certificate) -> Iterator[x509.GeneralName]:
    """Yield every name that constraints apply to: the subject's, and the alternative ones."""
    alternative = list(extension(certificate, x509.SubjectAlternativeName) or ())
    if certificate.subject.rdns:
        yield x509.DirectoryName(certificate.subject)
    yield from alternative
    # An old custom: where there is no e-mail address as a name of its own, those in the subject
    # are names as well (section 4.2.1.10).
    if not any(isinstance(name, x509.RFC822Name) for name in alternative):
        for attribute in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
            yield _mailbox(str(attribute.value))


def _mailbox(text: str) -> x509.GeneralName:
    try:
        return x509.RFC822Name(text)
    except ValueError:  # beyond ASCII, or no address: a name that no constraint of e-mail permits
        return x509.OtherName(x509.ObjectIdentifier(_INTERNATIONAL_MAILBOX), text.encode())
