"""`provenance verify-bundle`: who signed one file, by any Sigstore bundle, from files alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provenance.cli.named_trust import keyless, trusted_root_of, usable
from provenance.cli.output import format_option, say, say_json, say_note
from provenance.cli.remote import LocalPath
from provenance.cli.signing_options import RSA_SCHEMES
from provenance.errors import UsageError

if TYPE_CHECKING:
    from provenance.signing import SignatureVerifier
    from provenance.signing.artifacts import VerifiedArtifact

__all__ = ["verify_bundle"]

# What cannot be read is no wrong option: whoever reads it says so.
_PATH = LocalPath(path_type=Path, readable=False)


@click.command(
    "verify-bundle",
    short_help="Verify who signed one file, by any Sigstore bundle.",
    epilog="""
    \b
    Examples:
      provenance verify-bundle --bundle a.txt.sigstore.json --key publisher.pub a.txt
      provenance verify-bundle --bundle a.txt.sigstore.json --trusted-root trusted_root.json \\
          --certificate-identity me@example.org \\
          --certificate-oidc-issuer https://accounts.example.org a.txt
      provenance verify-bundle --bundle a.sigstore.json --key publisher.pub sha256:5e6ae9de…
    """,
)
@click.option("--bundle", type=_PATH, required=True, metavar="FILE", help="The bundle.")
@click.option("--key", type=_PATH, metavar="FILE", help="Public key that must have signed.")
@click.option(
    "--scheme", type=click.Choice(RSA_SCHEMES), help="How an RSA key signs.  [default: PSS]"
)
@click.option("--certificate-identity", metavar="NAME", help="Name that the certificate must have.")
@click.option("--certificate-oidc-issuer", metavar="URL", help="Who must vouch for the name.")
@click.option(
    "--trusted-root",
    type=_PATH,
    metavar="FILE",
    help="The authorities and logs that are trusted; nothing is fetched. With --key, the bundle "
    "needs a log entry that holds.",
)
@click.option(
    "--without-log", is_flag=True, help="With --key: a bundle without a log entry will do."
)
@click.argument("artifact", metavar="ARTIFACT")
@format_option
def verify_bundle(
    *,
    bundle: Path,
    artifact: str,
    output_format: str,
    **whom: Any,  # noqa: ANN401 - the options that say whom to trust
) -> None:
    """Verify that a key or identity signed ARTIFACT: a file, or `sha256:` and 64 hex characters.

    The bundle signs the bytes of the file, or a statement that names its digest. What a statement
    says beside that is not looked at: for a training manifest use `verify`. Exit codes: 0 signed,
    1 not, 2 a wrong option, 4 something could not be read.
    """
    from provenance.canonical import MAX_BUNDLE_BYTES
    from provenance.digest import read_file
    from provenance.signing.artifacts import verify_artifact

    verifier = _verifier(**whom)
    data = read_file(bundle.resolve(), max_bytes=MAX_BUNDLE_BYTES)
    found = verify_artifact(data, artifact, verifier)
    unchecked = _has_entries(data) and not found.log_checked
    if unchecked:
        say_note("note: the log entries were not checked; --trusted-root names whom to trust")
    if output_format == "json":
        say_json(_tree(found))
        return
    say(_text(found))


def _verifier(
    *,
    key: Path | None,
    scheme: str | None,
    certificate_identity: str | None,
    certificate_oidc_issuer: str | None,
    trusted_root: Path | None,
    without_log: bool,
) -> SignatureVerifier:
    from provenance.signing import PublicKey
    from provenance.signing.keyless import LoggedKeyVerifier

    named = certificate_identity is not None or certificate_oidc_issuer is not None
    if (key is None) == (not named):
        raise UsageError(
            path="--key",
            problem="expected a key, or an identity with its issuer, and not both",
            remedy="give --key FILE, or --certificate-identity and --certificate-oidc-issuer",
        )
    if key is None:
        if without_log or scheme is not None:
            raise UsageError(
                path="--without-log" if without_log else "--scheme", problem="goes with --key"
            )
        return keyless(certificate_identity, certificate_oidc_issuer, trusted_root)
    public = usable("--key", lambda: PublicKey.load(key))
    if scheme is not None and public.kind == "rsa":
        public = PublicKey.from_der(public.spki, scheme=scheme)
    if trusted_root is None:
        return public
    return LoggedKeyVerifier(public, trusted_root_of(trusted_root), require_log=not without_log)


def _has_entries(data: bytes) -> bool:
    from provenance.envelope.artifact_bundles import parse_artifact_bundle

    return bool(parse_artifact_bundle(data).material.tlog_entries)


def _tree(found: VerifiedArtifact) -> dict[str, object]:
    signer = found.signer
    return {
        "artifact": {"sha256": found.sha256},
        "predicateType": found.predicate_type,
        "logChecked": found.log_checked,
        "signer": {
            "kind": signer.kind,
            "fingerprint": signer.fingerprint,
            "scheme": signer.scheme,
            "identity": signer.identity,
            "issuer": signer.issuer,
            "times": [
                {"at": time.at.isoformat(), "source": time.source, "authority": time.authority}
                for time in signer.times
            ],
        },
        "verified": True,
    }


def _text(found: VerifiedArtifact) -> str:
    from provenance.render import escape

    signer = found.signer
    who = f"key {signer.fingerprint}"
    if signer.identity is not None:
        who = f"{signer.identity} (issuer {signer.issuer})"
    lines = [f"signed   {escape(who)}", f"file     sha256:{found.sha256}"]
    if found.predicate_type is not None:
        lines.append(f"says     {escape(found.predicate_type)}")
    lines += [f"time     {time.at.isoformat()} ({time.source})" for time in signer.times]
    return "\n".join(lines)
