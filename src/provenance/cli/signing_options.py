"""The options that say who signs, the same for every command that makes a signature.

Only the command line reads the environment: `SSH_AUTH_SOCK` says where an agent listens.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from provenance.cli.keys import password_sources
from provenance.cli.remote import LocalPath
from provenance.errors import SigningError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from provenance.signing import BundleSigner, Signer, TimestampAuthority
    from provenance.signing.keyless import KeylessSigner

__all__ = [
    "RSA_SCHEMES",
    "keyless_options",
    "open_authorities",
    "open_signers",
    "signing_options",
]

_F = TypeVar("_F", bound="Callable[..., Any]")
_PATH = LocalPath(path_type=Path)

#: The schemes of RSA keys, the only kind that has several; a test compares them with the table.
RSA_SCHEMES = ("rsa-pss-sha256", "rsa-pkcs1v15-sha256")
#: Largest file of a token, of services or of what vouches for them, in bytes.
MAX_KEYLESS_FILE_BYTES = 4 * 1024 * 1024

_OPTIONS = (
    click.option(
        "--key",
        "keys",
        multiple=True,
        metavar="KEY",
        help="A private key file, ssh-agent:SHA256:… (or ssh-agent:FILE.pub), pkcs11:…, or what a "
        "plug-in knows. May be repeated: each key makes a signature of its own.",
    ),
    click.option(
        "--password-file",
        "password_files",
        type=_PATH,
        multiple=True,
        metavar="FILE",
        help="File whose first line is the key's password or the token's PIN. May be repeated, "
        "once for each --key in its order.",
    ),
    click.option(
        "--scheme", type=click.Choice(RSA_SCHEMES), help="How an RSA key signs.  [default: PSS]"
    ),
    click.option(
        "--certificate",
        "certificates",
        type=_PATH,
        multiple=True,
        metavar="FILE",
        help="The X.509 certificate of one of the keys, to go with its signature. May be repeated.",
    ),
    click.option(
        "--timestamp",
        "timestamps",
        multiple=True,
        metavar="URL",
        help="An RFC 3161 authority that witnesses the time of each signature. May be repeated.",
    ),
)
_KEYLESS = (
    click.option(
        "--identity-token",
        type=_PATH,
        metavar="FILE",
        help="Sign as the identity of this OpenID Connect token, without a key of your own.",
    ),
    click.option(
        "--signing-config",
        type=_PATH,
        metavar="FILE",
        help="The services of Sigstore that --identity-token is for (signing_config.json).",
    ),
    click.option(
        "--trusted-root",
        type=_PATH,
        metavar="FILE",
        help="What vouches for their answers (trusted_root.json).",
    ),
)


def signing_options(command: _F) -> _F:
    """Add `--key`, `--password-file`, `--scheme`, `--certificate` and `--timestamp`."""
    for option in reversed(_OPTIONS):  # the decorator next to a function adds the last option
        command = option(command)
    return command


def keyless_options(command: _F) -> _F:
    """Add `--identity-token`, `--signing-config`, `--trusted-root`, gathered into `keyless`."""

    @wraps(command)
    def signing(**values: Any) -> Any:  # noqa: ANN401 - the options of the command, whatever they are
        named = [values.pop(name) for name in ("identity_token", "signing_config", "trusted_root")]
        return command(**values, keyless=_keyless(*named))

    decorated: Any = signing
    for option in reversed(_KEYLESS):
        decorated = option(decorated)
    wrapped: _F = decorated
    return wrapped


def open_signers(
    keys: tuple[str, ...],
    *,
    keyless: KeylessSigner | None = None,
    password_files: tuple[Path, ...] = (),
    scheme: str | None = None,
    certificates: tuple[Path, ...] = (),
) -> tuple[Signer | BundleSigner, ...]:
    """Return those who sign, in the order in which they were named, an identity last.

    Raises:
        InputError: A file cannot be read.
        MissingExtraError: What a key needs is not installed.
        SigningError: An agent, a token or a plug-in refuses, or a certificate cannot be used.
        UsageError: The options do not go together, or a key file cannot be used.
    """
    from provenance.signing.references import open_signer

    if not keys and keyless is None:
        raise UsageError(problem="nobody signs", remedy="name a key with --key")
    if scheme is not None and len(keys) > 1:
        raise UsageError(
            path="--scheme",
            problem="it goes with one key",
            remedy="sign with this key alone, and add the others with `provenance cosign`",
        )
    agent = os.environ.get("SSH_AUTH_SOCK")
    passwords = password_sources(keys, password_files)
    try:
        signers = [
            open_signer(key, password=password, scheme=scheme, agent=agent)
            for key, password in zip(keys, passwords, strict=True)
        ]
    except SigningError as error:
        if error.code != "key-refused":
            raise
        # A file that holds no private key, or another password: the same in every command.
        raise UsageError(
            path=error.path or "--key",
            problem=error.problem,
            remedy=error.remedy,
            code=error.code,
        ) from error
    identities = () if keyless is None else (keyless,)
    return (*_with_certificates(signers, certificates), *identities)


def open_authorities(urls: Iterable[str]) -> tuple[TimestampAuthority, ...]:
    """Return the timestamp authorities at some addresses; nothing is asked yet.

    Raises:
        MissingExtraError: The extra `timestamps` is not installed.
        UsageError: An address is none, or stands there twice.
    """
    addresses = tuple(urls)
    if not addresses:
        return ()
    from provenance.signing.timestamps import HttpTimestampAuthority

    if len(set(addresses)) != len(addresses):
        raise UsageError(path="--timestamp", problem="an address was given twice")
    return tuple(HttpTimestampAuthority(url) for url in addresses)


def _keyless(token: Path | None, config: Path | None, root: Path | None) -> KeylessSigner | None:
    if token is None and config is None and root is None:
        return None
    if token is None or config is None or root is None:
        raise UsageError(
            path="--identity-token",
            problem="it goes with --signing-config and --trusted-root, and one of them is missing",
        )
    from provenance.digest import read_file
    from provenance.signing.keyless import KeylessSigner
    from provenance.signing.keyless.identity_tokens import check_identity_token

    # The caller named these files, so a link to one is followed.
    text, services, trusted = (
        read_file(os.path.realpath(file), max_bytes=MAX_KEYLESS_FILE_BYTES)
        for file in (token, config, root)
    )
    try:
        identity = text.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise UsageError(path=str(token), problem="is no identity token") from error
    # Better said now, with the file, than by a service once the release was read.
    check_identity_token(identity, path=str(token), now=datetime.now(UTC))
    return KeylessSigner(identity, services, trusted)


def _with_certificates(
    signers: list[Signer | BundleSigner], files: tuple[Path, ...]
) -> tuple[Signer | BundleSigner, ...]:
    """Give each certificate to the key that it was issued for."""
    if not files:
        return tuple(signers)
    from provenance.canonical.limits import MAX_CERTIFICATE_FILE_BYTES
    from provenance.digest import read_file

    given = list(signers)
    for file in files:
        # The caller named this file, so a link to it is followed.
        data = read_file(os.path.realpath(file), max_bytes=MAX_CERTIFICATE_FILE_BYTES)
        place, signer = _owner(signers, data, str(file))
        if given[place] is not signers[place]:
            problem = "two certificates were given for one key"
            raise UsageError(path=str(file), problem=problem)
        given[place] = signer
    return tuple(given)


def _owner(
    signers: list[Signer | BundleSigner], certificate: bytes, path: str
) -> tuple[int, BundleSigner]:
    """Return which key a certificate was issued for, and the signer of both.

    Raises:
        SigningError: It was issued for none, or is no certificate for signing.
    """
    from provenance.signing.certificates import CertificateSigner
    from provenance.signing.protocols import Signer

    refusals = []
    for place, signer in enumerate(signers):
        if not isinstance(signer, Signer):
            continue  # it makes whole bundles, and brings what belongs into them
        try:
            return place, CertificateSigner.of(signer, certificate, path=path)
        except SigningError as error:
            refusals.append(error)
    # What is wrong with the right certificate says more than that it is not the other key's.
    telling = [error for error in refusals if error.code != "key-refused"] or refusals
    if len(telling) == 1:
        raise telling[0]
    raise SigningError(
        path=path,
        problem="is no certificate for signing that was issued for one of the keys",
        remedy="name the certificate of a key that signs",
        code="key-refused",
    )
