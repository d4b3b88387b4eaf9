"""What a verifier trusts about one Sigstore instance: logs and authorities, each in its window.

Source: `sigstore_trustroot.proto` of sigstore/protobuf-specs; `spec/envelope.md`, section "Trusted
roots". No I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance.signing.certificates import CertificatePool

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

    from provenance.signing.public_keys import PublicKey
    from provenance.signing.transparency.signed_notes import NoteKey

__all__ = ["AuthorityInstance", "LogInstance", "TrustedRoot", "Window"]


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when something counts; the ends count as well."""

    start: datetime | None = None
    """The first moment; `None` for no beginning."""

    end: datetime | None = None
    """The last moment; `None` for no end."""

    def holds(self, time: datetime) -> bool:
        """Return whether a time lies inside."""
        early = self.start is not None and time < self.start
        return not early and not (self.end is not None and time > self.end)


@dataclass(frozen=True, slots=True)
class LogInstance:
    """One transparency log, or one certificate transparency log."""

    host: str
    """Its address without the scheme: the name in its tree heads."""

    log_id: bytes
    """The id by which entries name it."""

    key: PublicKey
    """Its key."""

    window: Window
    """When its key counts."""

    note_keys: tuple[NoteKey, ...]
    """Its key, as it signs tree heads: under its address, or under the name of its host alone."""


@dataclass(frozen=True, slots=True)
class AuthorityInstance:
    """One certificate authority, or one timestamp authority."""

    chain: tuple[x509.Certificate, ...]
    """The issuing certificate (of a timestamp authority its own) first, the anchor last."""

    window: Window
    """When it counts."""

    @property
    def pool(self) -> CertificatePool:
        """What chains are built to: the anchor is the last certificate, whatever it is."""
        return CertificatePool(self.chain[-1:], self.chain[:-1])


@dataclass(frozen=True, slots=True)
class TrustedRoot:
    """Everything that a verifier trusts about one Sigstore instance."""

    logs: tuple[LogInstance, ...]
    """Its transparency logs."""

    certificate_logs: tuple[LogInstance, ...]
    """Its certificate transparency logs."""

    certificate_authorities: tuple[AuthorityInstance, ...]
    """Who issues its short-lived certificates."""

    timestamp_authorities: tuple[AuthorityInstance, ...]
    """Its timestamp authorities."""

    document: bytes
    """The file that it was read from: a library may want it."""

    unusable: tuple[str, ...] = ()
    """The instances that were left out, each with its place and the reason: a key or certificate
    that cannot be used here."""
