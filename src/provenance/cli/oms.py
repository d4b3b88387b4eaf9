"""`provenance verify-oms`: a model against an OpenSSF Model Signing bundle, and nothing else."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provenance.cli.output import format_option, in_colour, say, say_error, say_json, say_warning
from provenance.cli.remote import LocalPath
from provenance.errors import ProvenanceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.x509 import Certificate

    from provenance.signing import IdentityKind, SignatureVerifier
    from provenance.trust import TrustPolicy

__all__ = ["verify_oms"]

# What cannot be read is no wrong option: whoever reads it says so.
_PATH = LocalPath(path_type=Path, readable=False)


@click.command(
    short_help="Verify a model against an OpenSSF Model Signing bundle.",
    epilog="""
    \b
    Examples:
      provenance verify-oms my-model --key publisher.pub
      provenance verify-oms my-model --signature model.sig --certificate-chain ca.pem \\
          --identity release@example.org
      provenance verify-oms my-model --signature model.sig --trusted-root root.json \\
          --identity release@example.org --issuer https://accounts.example.org
    """,
)
@click.argument("model", type=_PATH)
@click.option(
    "--signature", type=_PATH, metavar="FILE", help="The OMS bundle.  [default: MODEL/model.sig]"
)
@click.option(
    "--key",
    "keys",
    type=_PATH,
    multiple=True,
    metavar="FILE",
    help="Public key, any of which may have signed. May be repeated.",
)
@click.option(
    "--certificate-chain",
    "--ca",
    "certificates",
    type=_PATH,
    multiple=True,
    metavar="FILE",
    help="Certificates that are trusted: an authority, or the signer's own. May be repeated.",
)
@click.option(
    "--identity",
    "--certificate-identity",
    "identity",
    metavar="NAME",
    help="Name in the signer's certificate.",
)
@click.option(
    "--identity-kind",
    type=click.Choice(["email", "uri", "dns", "other"]),
    help="Which kind of name --identity is.  [default: any]",
)
@click.option(
    "--insecure-any-identity",
    is_flag=True,
    help="Trust everybody to whom an authority of --certificate-chain issued a certificate.",
)
@click.option(
    "--trusted-root", type=_PATH, metavar="FILE", help="Trusted root of a Sigstore instance."
)
@click.option(
    "--issuer",
    "--certificate-oidc-issuer",
    "issuer",
    metavar="URL",
    help="Who vouches for --identity, with --trusted-root.",
)
@click.option(
    "--tsa",
    type=_PATH,
    multiple=True,
    metavar="FILE",
    help="Certificates of a timestamp authority whose times count. May be repeated.",
)
@click.option(
    "--ignore-path",
    "ignored",
    multiple=True,
    metavar="PATH",
    help="File or folder of the model that is not looked at. May be repeated.",
)
@click.option(
    "--ignore-unsigned-files", is_flag=True, help="Do not refuse files that nobody signed."
)
@click.option("--legacy", is_flag=True, help="Read bundles of version 0.2, which bind less.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop reading after this time.",
)
@format_option
def verify_oms(
    *,
    model: Path,
    signature: Path | None,
    keys: tuple[Path, ...],
    certificates: tuple[Path, ...],
    identity: str | None,
    identity_kind: IdentityKind | None,
    insecure_any_identity: bool,
    trusted_root: Path | None,
    issuer: str | None,
    tsa: tuple[Path, ...],
    ignored: tuple[str, ...],
    ignore_unsigned_files: bool,
    legacy: bool,
    timeout: float | None,
    output_format: str,
) -> int:
    """Verify MODEL, a folder or a file, against an OpenSSF Model Signing (OMS) bundle.

    Exit codes: 0 the files are what somebody you named signed, 1 they are not, 2 a wrong option, 4
    something could not be read. Such a bundle says nothing about the training; `provenance verify`
    says what is known of that.
    """
    if signature is None and not model.is_dir():
        raise UsageError(
            path="--signature",
            problem="the model is no folder, and nothing says where its signature is",
            remedy="give --signature FILE",
        )
    trusted, policy = _gather(
        keys,
        certificates,
        trusted_root,
        issuer,
        tsa,
        identity=identity,
        kind=identity_kind,
        anybody=insecure_any_identity,
    )
    from provenance.checks import OMS_FILE
    from provenance.render import render_report, show_progress
    from provenance.verification import inspect_oms

    try:
        with show_progress("Reading", sys.stderr, total=None) as progress:
            report = inspect_oms(
                model,
                model / OMS_FILE if signature is None else signature,
                keys=trusted,
                policy=policy,
                legacy=legacy,
                ignored=ignored,
                ignore_unsigned=ignore_unsigned_files,
                deadline=None if timeout is None else time.monotonic() + timeout,
                progress=progress,
            )
    except UsageError:
        raise
    except ProvenanceError as error:
        say_error(str(error))  # the work could not be done: here that is ERROR, and never FAIL
        return 4
    if output_format == "json":
        say_json(report.to_tree())
    else:
        say(render_report(report, colour=in_colour()))
    return report.exit_code


def _gather(
    keys: Sequence[Path],
    certificates: Sequence[Path],
    trusted_root: Path | None,
    issuer: str | None,
    tsa: Sequence[Path],
    **who: Any,  # noqa: ANN401 - identity, kind, anybody
) -> tuple[tuple[Path | SignatureVerifier, ...], TrustPolicy | None]:
    """Return whom to trust: at least one key, authority or trusted root must be named."""
    from provenance.cli.named_trust import gather_trust

    if not (keys or certificates or trusted_root):
        raise UsageError(
            problem="nobody is named whose signature would count",
            remedy="give --key, --certificate-chain or --trusted-root",
        )
    named, policy = gather_trust(keys, tsa=tsa)
    verifiers: list[Path | SignatureVerifier] = [*named]
    identity = who["identity"]
    if certificates:
        if (identity is None) != who["anybody"]:
            raise UsageError(
                path="--identity",
                problem="an authority and a name are trusted together",
                remedy="give --identity NAME, or --insecure-any-identity, and not both",
            )
        verifiers.append(_certificate(certificates, identity, who["kind"]))
    elif who["anybody"]:
        raise UsageError(path="--insecure-any-identity", problem="goes with --certificate-chain")
    if trusted_root is not None:
        if identity is None or issuer is None:
            raise UsageError(
                path="--trusted-root",
                problem="a name counts only together with who vouches for it",
                remedy="give --identity NAME and --issuer URL",
            )
        verifiers.append(_keyless(trusted_root, identity, who["kind"], issuer))
    return tuple(verifiers), policy


def _certificate(
    paths: Sequence[Path], identity: str | None, kind: IdentityKind | None
) -> SignatureVerifier:
    from provenance.canonical.limits import MAX_CERTIFICATE_FILE_BYTES
    from provenance.digest import read_file
    from provenance.signing import IdentityPattern
    from provenance.signing.certificates import CertificatePool, read_certificates
    from provenance.verification.oms_certificates import OmsCertificateVerifier

    if identity is None:
        say_warning("any name in the certificate will do: --insecure-any-identity")
    found: list[Certificate] = []
    for path in paths:
        try:
            # The caller named this file, so a link to it is followed.
            data = read_file(os.path.realpath(path), max_bytes=MAX_CERTIFICATE_FILE_BYTES)
            found += read_certificates(data, path=str(path))
        except ProvenanceError as error:
            raise UsageError(path=str(path), problem=error.problem, remedy=error.remedy) from error
    pattern = None if identity is None else IdentityPattern(identity, kind)
    # As `openssl verify -CAfile`: what signed itself is trusted, the rest helps to reach it.
    roots = tuple(it for it in found if it.subject == it.issuer) or tuple(found)
    others = tuple(it for it in found if it not in roots)
    return OmsCertificateVerifier(CertificatePool(roots, others), pattern)


def _keyless(
    path: Path, identity: str, kind: IdentityKind | None, issuer: str
) -> SignatureVerifier:
    from provenance.signing import IdentityPattern
    from provenance.signing.keyless.verifiers import KeylessVerifier
    from provenance.signing.transparency.trusted_roots import load_trusted_root

    try:
        root = load_trusted_root(path)
    except ProvenanceError as error:
        raise UsageError(path=str(path), problem=error.problem, remedy=error.remedy) from error
    return KeylessVerifier(IdentityPattern(identity, kind), issuer, root)
