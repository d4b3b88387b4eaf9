"""From the options that say whom to trust to what verifies signatures.

Whatever is wrong with a file that the caller named as trusted is a wrong option: nothing is
verified then.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from provenance.cli.output import say_warning
from provenance.errors import InputError, MissingExtraError, ProvenanceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import TypeVar

    from provenance.signing import IdentityKind, PublicKey, SignatureVerifier
    from provenance.signing.keyless import TrustedRoot
    from provenance.signing.ssh import SshKey
    from provenance.signing.timestamps import TrustedAuthority
    from provenance.trust import TrustPolicy

    T = TypeVar("T")

__all__ = ["gather_trust", "keyless", "trusted_root_of", "usable"]

#: Largest file of trusted keys or certificates, in bytes.
MAX_TRUSTED_FILE_BYTES = 4 * 1024 * 1024


def gather_trust(
    keys: Sequence[Path],
    *,
    scheme: str | None = None,
    allowed_signers: Path | None = None,
    principal: str | None = None,
    authorized_keys: Path | None = None,
    ca: Path | None = None,
    identity: str | None = None,
    identity_kind: IdentityKind | None = None,
    certificate_identity: str | None = None,
    certificate_oidc_issuer: str | None = None,
    trusted_root: Path | None = None,
    tsa: Sequence[Path] = (),
    policy: Path | None = None,
    policy_keys: Sequence[str] = (),
    whole_names: bool = False,
) -> tuple[tuple[Path | SignatureVerifier, ...], TrustPolicy | None]:
    """Return the keys and identities that were named, and the policy if there is one.

    Raises:
        MissingExtraError: What a timestamp is read with is not installed.
        UsageError: A file cannot be used, or the options do not go together.
    """
    as_pattern = trusted_root is not None and ca is None and certificate_identity is None
    if as_pattern:
        # Without an authority, a name can only be that of a keyless signer.
        certificate_identity, identity = identity, None
    named: list[Path | SignatureVerifier] = []
    for path in keys:
        _refuse_fingerprint(path)
    named += keys if scheme is None else [_key(path, scheme) for path in keys]
    if principal is not None and allowed_signers is None:
        raise UsageError(path="--principal", problem="goes with --allowed-signers")
    if allowed_signers is not None:
        named += _allowed_signers(allowed_signers, principal, scheme)
    if authorized_keys is not None:
        named += _authorized_keys(authorized_keys, scheme)
    if ca is not None or identity is not None or identity_kind is not None:
        named.append(_certificate(ca, identity, identity_kind, scheme))
    if (certificate_identity, certificate_oidc_issuer, trusted_root) != (None, None, None):
        literal = whole_names and not as_pattern
        named.append(
            keyless(certificate_identity, certificate_oidc_issuer, trusted_root, literal=literal)
        )
    return tuple(named), _policy(policy, policy_keys, tsa)


def _refuse_fingerprint(path: Path) -> None:
    """Refuse a fingerprint in the place of a key: nothing can be verified with one."""
    if str(path).startswith("SHA256:") and not os.path.lexists(path):
        raise UsageError(
            path="--key",
            problem=f"{path} is a fingerprint, and a signature is verified with the key itself",
            remedy="name the file of the public key; `provenance trust add FILE --model NAME "
            "--fingerprint SHA256:…` compares the two, and remembers the key",
        )


def _policy(
    path: Path | None, keys: Sequence[str], authorities: Sequence[Path]
) -> TrustPolicy | None:
    from provenance.cli.named_policy import open_policy
    from provenance.trust import TrustPolicy

    if path is None and keys:
        raise UsageError(path="--policy-key", problem="goes with --policy")
    base = None if path is None else usable("--policy", lambda: open_policy(path, keys))
    if not authorities:
        return base
    from provenance.signing.timestamps import TrustedTimestamps
    from provenance.signing.timestamps.library import rfc3161

    rfc3161()  # better said now than once a timestamp is found
    known: list[TrustedAuthority] = []
    for file in authorities:
        known += usable("--tsa", partial(_authorities, file))
    base = TrustPolicy() if base is None else base
    if base.timestamps is not None:
        problem = "the policy names the timestamp authorities itself"
        raise UsageError(path="--tsa", problem=problem, remedy="leave one of the two out")
    # With other witnesses it is not the policy of that document any more.
    return replace(base, timestamps=TrustedTimestamps(tuple(known)), sha256=None)


def _authorities(file: Path) -> tuple[TrustedAuthority, ...]:
    from provenance.signing.timestamps import read_timestamp_authorities

    data, name = _read(file)
    return read_timestamp_authorities(data, path=name).authorities


def _key(path: Path, scheme: str) -> PublicKey:
    from provenance.signing import PublicKey

    return _with_scheme(usable("--key", lambda: PublicKey.load(path)), scheme)


def _allowed_signers(path: Path, principal: str | None, scheme: str | None) -> list[SshKey]:
    from provenance.signing.ssh import read_allowed_signers

    option = "--allowed-signers"
    data, name = usable(option, lambda: _read(path))
    found = usable(
        option,
        lambda: read_allowed_signers(data, path=name, principal=principal, skipped=say_warning),
    )
    return [_ssh_with_scheme(key, scheme) for key in found]


def _authorized_keys(path: Path, scheme: str | None) -> list[SshKey]:
    from provenance.signing.ssh import read_authorized_keys

    option = "--authorized-keys"
    data, name = usable(option, lambda: _read(path))
    found = usable(option, lambda: read_authorized_keys(data, path=name, skipped=say_warning))
    return [_ssh_with_scheme(key, scheme) for key in found]


def _certificate(
    ca: Path | None, identity: str | None, kind: IdentityKind | None, scheme: str | None
) -> SignatureVerifier:
    if ca is None or identity is None:
        raise UsageError(
            path="--identity" if ca is None else "--ca",
            problem="an authority and a name are trusted together, and one of them was given",
            remedy="give --ca FILE and --identity NAME",
        )
    from provenance.signing import IdentityPattern
    from provenance.signing.certificates import (
        CertificatePool,
        CertificateVerifier,
        read_certificates,
    )

    pattern = IdentityPattern(identity, kind)
    data, name = usable("--ca", lambda: _read(ca))
    certificates = usable("--ca", lambda: read_certificates(data, path=name))
    # As `openssl verify -CAfile`: what signed itself is trusted, the rest helps to reach it.
    roots = tuple(it for it in certificates if it.subject == it.issuer) or certificates[-1:]
    others = tuple(it for it in certificates if it not in roots)
    return CertificateVerifier(CertificatePool(roots, others), pattern, rsa_scheme=scheme)


def keyless(
    identity: str | None, issuer: str | None, root: Path | None, *, literal: bool = False
) -> SignatureVerifier:
    """Return what verifies signatures of an identity without a key of its own.

    Args:
        identity: The name, or a pattern of it.
        issuer: Who vouches for it.
        root: The trusted root.
        literal: Whether `*` in the name is a character like any other.

    Raises:
        UsageError: One of the three is missing or cannot be used.
    """
    if identity is None or issuer is None:
        raise UsageError(
            path="--certificate-identity",
            problem="a name counts only together with who vouches for it",
            remedy="give --certificate-identity NAME and --certificate-oidc-issuer URL",
        )
    if root is None:
        raise UsageError(
            path="--trusted-root",
            problem="nothing says which authorities and logs are trusted, and nothing is fetched",
            remedy="give --trusted-root FILE, a trusted_root.json from a place that you trust",
        )
    from provenance.signing import IdentityPattern
    from provenance.signing.keyless import KeylessVerifier

    pattern = IdentityPattern(identity, literal=literal)
    return KeylessVerifier(pattern, issuer, trusted_root_of(root))


def trusted_root_of(path: Path) -> TrustedRoot:
    """Return the trusted root of a file that was named.

    Raises:
        UsageError: It cannot be used.
    """
    from provenance.signing.keyless import load_trusted_root

    return usable("--trusted-root", lambda: load_trusted_root(path))


def _with_scheme(key: PublicKey, scheme: str | None) -> PublicKey:
    """Return an RSA key with the scheme that was named; other kinds have one of their own."""
    if scheme is None or key.kind != "rsa":
        return key
    return type(key).from_der(key.spki, scheme=scheme)


def _ssh_with_scheme(key: SshKey, scheme: str | None) -> SshKey:
    return replace(key, key=_with_scheme(key.key, scheme))


def _read(path: Path) -> tuple[bytes, str]:
    from provenance.digest import read_file

    # The caller named this file, so a link to it is followed.
    return read_file(os.path.realpath(path), max_bytes=MAX_TRUSTED_FILE_BYTES), str(path)


def usable(option: str, read: Callable[[], T]) -> T:
    """Return what a trusted file holds; whatever is wrong with it is a wrong option."""
    try:
        return read()
    except (UsageError, MissingExtraError):
        raise
    except ProvenanceError as error:
        code = "" if isinstance(error, InputError) else error.code
        raise UsageError(
            path=error.path or option, problem=error.problem, remedy=error.remedy, code=code
        ) from error
