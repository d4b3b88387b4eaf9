"""Several signatures of one payload: a bundle each, all made before the first is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provenance.digest import hash_bytes, write_atomic
from provenance.envelope import parse_bundle, write_bundle
from provenance.errors import InputError, SignatureError, SigningError, UsageError
from provenance.signing import (
    BundleSigner,
    PublicKey,
    Signer,
    fingerprint_of,
    parse_fingerprint,
    sign_payload,
)

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.envelope import Bundle
    from provenance.signing import TimestampAuthority

__all__ = [
    "Signers",
    "attestation_name",
    "claimed_fingerprint",
    "has_signed",
    "make_bundles",
    "many_signers",
    "refuse_link",
    "write_attestation",
]

Signers: TypeAlias = "Signer | BundleSigner | Sequence[Signer | BundleSigner]"
"""One who signs, or several."""

#: What names a file after the key that signed: enough of the fingerprint to tell keys apart.
_NAME_CHARACTERS = 16


def many_signers(signers: Signers) -> tuple[Signer | BundleSigner, ...]:
    """Return those who sign, in order.

    Raises:
        UsageError: There is nobody, or one key twice.
    """
    several = tuple(signers) if isinstance(signers, Sequence) else (signers,)
    if not several:
        raise UsageError(problem="nobody signs", remedy="give a key")
    known = [signer.fingerprint for signer in several if signer.fingerprint]
    twice = next((it for it in known if known.count(it) > 1), None)
    if twice is not None:
        problem = f"the key {twice} was given twice; a second signature of it proves nothing more"
        raise UsageError(path="signers", problem=problem)
    return several


def make_bundles(
    payload: bytes,
    signers: Sequence[Signer | BundleSigner],
    timestamps: Iterable[TimestampAuthority] = (),
) -> list[bytes]:
    """Return one bundle for each signer over the very same bytes; nothing is written yet.

    Raises:
        SigningError: A signer cannot sign, or an authority does not answer.
    """
    authorities = tuple(timestamps)
    return [
        write_bundle(sign_payload(payload, signer, timestamps=authorities)) for signer in signers
    ]


def attestation_name(data: bytes) -> str:
    """Return the name of the file for a co-signature, after the key that made it."""
    named = claimed_fingerprint(parse_bundle(data))
    text = named.partition(":")[2] or hash_bytes(data, "sha256")
    return f"signature-{text[:_NAME_CHARACTERS].replace('/', '_').replace('+', '-')}"


def write_attestation(folder: Path, name: str, data: bytes) -> Path:
    """Write a bundle into the folder of attestations and return its path.

    Raises:
        InputError: It cannot be written.
    """
    refuse_link(folder)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(path=str(folder), problem=f"cannot be made: {error.strerror}") from error
    path = folder / f"{name}.sigstore.json"
    write_atomic(path, data)
    return path


def refuse_link(folder: Path) -> None:
    """Refuse a folder of attestations that is a link, which is never followed.

    Raises:
        InputError: It is one.
    """
    if folder.is_symlink():
        raise InputError(
            path=str(folder),
            problem="is a link, and links are never followed",
            remedy="put a folder in its place",
        )


def claimed_fingerprint(bundle: Bundle) -> str:
    """Return which key a bundle says has signed it, which proves nothing; empty for none."""
    try:
        if bundle.certificate is not None:
            key = x509.load_der_x509_certificate(bundle.certificate).public_key()
            return fingerprint_of(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
        return parse_fingerprint(f"SHA256:{(bundle.key_hint or '').rstrip('=')}")
    except (UsageError, SigningError, ValueError):
        return ""


def has_signed(bundle: Bundle, signer: Signer | BundleSigner) -> bool:
    """Return whether a bundle is a signature by the key of a signer, as far as that can be told."""
    if signer.fingerprint and claimed_fingerprint(bundle) == signer.fingerprint:
        return True
    # The bundle of a foreign tool may say nothing of its key, or something else.
    key = getattr(signer, "public_key", None)
    if not isinstance(key, PublicKey):
        return False
    try:
        key.verify(bundle)
    except SignatureError:
        return False
    return True
