"""What a bundle says of itself that nobody has proved, for messages alone. No I/O.

A reader who holds the wrong key, or names nobody, is told what the bundle claims and which option
would name it. Nothing here changes a verdict, and every claim is marked as unproven.

Source: `spec/trust-policy.md`, section "First contact".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance.envelope import pae
from provenance.errors import ProvenanceError, UsageError, shown
from provenance.signing import PublicKey, parse_fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provenance.envelope import Bundle
    from provenance.signing import SignatureVerifier

__all__ = ["Claimed", "claimed_by_certificate", "hinted", "other_scheme", "stamps_by_strangers"]

#: Most names of one certificate, and most makers of timestamps, that a message lists.
MAX_LISTED = 4


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who a certificate in a bundle says has signed."""

    key: PublicKey
    """The key in the certificate."""

    names: tuple[str, ...]
    """Its names, as they may stand in a message."""

    advice: str
    """What would name this signer, after somebody has made sure that it is the right one."""


def hinted(bundle: Bundle) -> str:
    """Return the fingerprint of the key that a bundle names; empty if it names none."""
    hint = bundle.key_hint or bundle.envelope.signatures[0].keyid
    try:
        return parse_fingerprint(f"SHA256:{hint.rstrip('=')}")
    except UsageError:
        return ""


def claimed_by_certificate(certificate: bytes) -> Claimed:
    """Return what a certificate says of its holder.

    Args:
        certificate: The leaf, DER.

    Raises:
        ProvenanceError: It cannot be read, or its key cannot be used.
    """
    from provenance.signing.certificates import (  # noqa: PLC0415 - only where a certificate signed
        identities,
        read_der_certificate,
    )
    from provenance.signing.keyless.issuers import issuer_of  # noqa: PLC0415 - the same

    leaf = read_der_certificate(certificate, path="")
    key = PublicKey.from_handle(leaf.public_key())
    names = tuple(shown(one.value) for one in identities(leaf)[:MAX_LISTED])
    issuer = issuer_of(leaf)
    name = names[0] if names else "NAME"
    if issuer is None:
        options = f"--ca FILE --identity {name}"
    else:
        options = (
            f"--trusted-root FILE --certificate-identity {name} "
            f"--certificate-oidc-issuer {shown(issuer)}"
        )
    advice = f"If that is whom you expect, and you have made sure of it elsewhere: {options}"
    return Claimed(key, names, f"{advice}.")


def other_scheme(bundle: Bundle, verifiers: Iterable[SignatureVerifier]) -> str:
    """Return the scheme by which an RSA key that was named did sign; empty if there is none.

    Only of a key that the bundle names: a signature by a scheme that nobody accepted is refused
    all the same, but it is no sign of tampering.
    """
    named = hinted(bundle)
    envelope = bundle.envelope
    message = pae(envelope.payload_type, envelope.payload)
    for key in verifiers:
        if not isinstance(key, PublicKey) or key.kind != "rsa" or key.fingerprint != named:
            continue
        for scheme in ("rsa-pss-sha256", "rsa-pkcs1v15-sha256"):
            if scheme == key.scheme:
                continue
            try:
                other = PublicKey.from_der(key.spki, scheme=scheme)
                other.verify_message(message, envelope.signatures[0].sig)
            except ProvenanceError:
                continue
            return scheme
    return ""


def stamps_by_strangers(stamps: Sequence[bytes], proven: int) -> str:
    """Say which timestamps are by an authority that nobody named; empty if there are none.

    Args:
        stamps: The timestamps of a bundle.
        proven: How many of them are by an authority that somebody named.
    """
    count = len(stamps) - proven
    if count < 1:
        return ""
    noun = "1 timestamp" if count == 1 else f"{count} timestamps"
    makers = ", ".join(_makers(stamps[:MAX_LISTED])) if not proven else ""
    by = f" ({makers}, unproven)" if makers else ""
    return f"the bundle carries {noun} by an authority that you did not name{by}"


def _makers(stamps: Sequence[bytes]) -> tuple[str, ...]:
    from provenance.signing.timestamps import stated_times  # noqa: PLC0415 - seldom

    return tuple(dict.fromkeys(one.authority for one in stated_times(stamps)))
