"""What chains are made of: the certificates a caller trusts, what a leaf is for, and the outcome.

Source: RFC 5280, section 6.1.1 (inputs). No I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.x509.oid import ExtendedKeyUsageOID

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

__all__ = [
    "ANY_POLICY",
    "CODE_SIGNING",
    "DOCUMENT_SIGNING",
    "CertificatePool",
    "Purpose",
    "ValidatedChain",
]

#: The policy that stands for all policies (RFC 5280, section 4.2.1.4).
ANY_POLICY: Final = "2.5.29.32.0"


@dataclass(frozen=True, slots=True)
class CertificatePool:
    """The certificates that a caller names. There is no other source: no store of the system."""

    anchors: tuple[x509.Certificate, ...]
    """Certificate authorities, roots or intermediates, that the caller trusts."""

    intermediates: tuple[x509.Certificate, ...] = ()
    """Certificates that may stand between a leaf and an anchor. Nobody trusts them."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What the certificate of a signer must be for, and the policies that are asked for."""

    name: str
    """As it stands in messages, e.g. `code signing`."""

    extended_usage: str | None = None
    """The extended key usage asked for, dotted. `anyExtendedKeyUsage` does not stand for it in a
    leaf, and does in an authority. `None` if every usage will do."""

    extended_usage_required: bool = True
    """Whether a leaf without any extended key usage is refused; if not, it needs a key usage."""

    either_usage: bool = False
    """Whether `digitalSignature`, or the extended key usage, is enough without the other."""

    acceptable_policies: frozenset[str] = frozenset({ANY_POLICY})
    """The certificate policies that count, dotted (user-initial-policy-set)."""

    explicit_policy: bool = False
    """Whether the chain must be good for one of these policies (initial-explicit-policy)."""

    inhibit_policy_mapping: bool = False
    """Whether no authority may map one policy to another (initial-policy-mapping-inhibit)."""

    inhibit_any_policy: bool = False
    """Whether `anyPolicy` in a certificate counts for nothing (initial-any-policy-inhibit)."""


#: The rule of Sigstore: the leaf names code signing as its extended key usage.
CODE_SIGNING: Final = Purpose("code signing", ExtendedKeyUsageOID.CODE_SIGNING.dotted_string)

#: For authorities that issue without extended key usages; where a leaf has some, code signing must
#: be one of them, so that a certificate for TLS signs nothing.
DOCUMENT_SIGNING: Final = Purpose(
    "signing of documents",
    ExtendedKeyUsageOID.CODE_SIGNING.dotted_string,
    extended_usage_required=False,
)


@dataclass(frozen=True, slots=True)
class ValidatedChain:
    """A chain that held, at one time, for one purpose."""

    certificates: tuple[x509.Certificate, ...]
    """The leaf first, each followed by its issuer, the anchor last. At least two."""

    at: datetime
    """The time that it was validated at."""

    purpose: Purpose
    """What it was validated for."""

    policies: frozenset[str]
    """The policies that hold for the whole chain and are acceptable; `anyPolicy` for all."""

    @property
    def leaf(self) -> x509.Certificate:
        """The certificate of the signer."""
        return self.certificates[0]

    @property
    def anchor(self) -> x509.Certificate:
        """The trusted certificate that the chain ends at."""
        return self.certificates[-1]
