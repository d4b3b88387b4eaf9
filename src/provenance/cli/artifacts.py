"""`provenance verify-bundle`: who signed one file, by any Sigstore bundle, from files alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provenance.cli.named_trust import gather_trust, trusted_root_of, usable
from provenance.cli.output import format_option, say, say_json, say_note
from provenance.cli.remote import LocalPath
from provenance.cli.trust_options import signer_options
from provenance.errors import (
    InputError,
    MissingExtraError,
    ProvenanceError,
    SignatureError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.signing import SignatureVerifier, TimestampVerifier
    from provenance.signing.artifacts import VerifiedArtifact

__all__ = ["verify_bundle"]

# What cannot be read is no wrong option: whoever reads it says so.
_PATH = LocalPath(path_type=Path, readable=False)
# Codes of what is no Sigstore bundle at all; then it may be a signature of another kind.
_UNREADABLE = frozenset({"json-syntax", "json-encoding", "bundle-malformed"})


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
@signer_options
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
) -> int:
    """Verify that a key or identity signed ARTIFACT: a file, or its digest (`sha256:` and hex).

    The bundle signs the bytes of the file, or a statement that names its digest. What a statement
    says beside that is not looked at: for a training manifest use `verify`, for the outcome of a
    verification `check-summary`. Exit codes: 0 PASS, 1 FAIL (nobody who was named signed this), 2
    a wrong option, 4 something could not be read.
    """
    from provenance.canonical import MAX_BUNDLE_BYTES
    from provenance.digest import read_file

    verifiers, timestamps = _gather(**whom)
    data = read_file(bundle.resolve(), max_bytes=MAX_BUNDLE_BYTES)
    try:
        found = _verify(data, artifact, verifiers, timestamps)
    except (InputError, MissingExtraError, UsageError):
        raise  # nothing is known of the signature
    except ProvenanceError as error:
        _refuse(error, data, output_format)
        return 1
    if found.unchecked:
        named = ", ".join(found.unchecked)
        say_note(
            f"note: not checked, for nobody was named to check it by: {named}; "
            "--trusted-root and --tsa name whom to trust"
        )
    if output_format == "json":
        say_json(_tree(found))
    else:
        say(_text(found))
    return 0


def _refuse(error: ProvenanceError, data: bytes, output_format: str) -> None:
    """Say that nobody who was named signed this, and why."""
    from provenance.render import escape
    from provenance.verification.other_bundles import advice_for_bytes

    remedy = error.remedy or (advice_for_bytes(data) if error.code in _UNREADABLE else "")
    if output_format == "json":
        say_json(
            {
                "verified": False,
                "code": error.code or "signature-invalid",
                "message": error.problem,
                "path": error.path or None,
                "remedy": remedy or None,
            }
        )
        return
    where = f"{error.path}: " if error.path else ""
    say(escape(f"FAIL: {where}{error.problem}{f'; {remedy}' if remedy else ''}"))


def _verify(
    data: bytes,
    artifact: str,
    verifiers: Sequence[SignatureVerifier],
    timestamps: TimestampVerifier | None,
) -> VerifiedArtifact:
    """Return who of those who were named signed the file, or the refusal that says most."""
    from provenance.signing.artifacts import verify_artifact

    refusals: list[SignatureError] = []
    for verifier in verifiers:
        try:
            return verify_artifact(data, artifact, verifier, timestamps=timestamps)
        except SignatureError as error:
            refusals.append(error)
    telling = [error for error in refusals if error.code != "signature-unsupported"]
    raise (telling or refusals)[0]


def _gather(
    keys: Sequence[Path],
    *,
    without_log: bool,
    **named: Any,  # noqa: ANN401 - as `gather_trust`
) -> tuple[tuple[SignatureVerifier, ...], TimestampVerifier | None]:
    """Return whose signature counts, and whose timestamps."""
    from provenance.signing import PublicKey

    root = named["trusted_root"]
    nobody = named["certificate_identity"] is None and named["certificate_oidc_issuer"] is None
    with_log = (
        root is not None and nobody and (named["identity"] is None or named["ca"] is not None)
    )
    if with_log:  # the log of a key, and not who vouches for an identity
        named["trusted_root"] = None
    if without_log and not (with_log and keys):
        raise UsageError(path="--without-log", problem="goes with --key and --trusted-root")
    found, policy = gather_trust(keys, **named, whole_names=True)
    loaded = [
        usable("--key", partial(PublicKey.load, one)) if isinstance(one, Path) else one
        for one in found
    ]
    if not loaded:
        raise UsageError(
            problem="nobody is named whose signature would count",
            remedy="give --key FILE, or --certificate-identity and --certificate-oidc-issuer with "
            "--trusted-root, or --ca and --identity",
        )
    if with_log:
        loaded = [_logged(one, root, require_log=not without_log) for one in loaded]
    return tuple(loaded), policy.timestamps if policy is not None else None


def _logged(named: SignatureVerifier, root: Path, *, require_log: bool) -> SignatureVerifier:
    from provenance.signing import PublicKey
    from provenance.signing.keyless import LoggedKeyVerifier

    if not isinstance(named, PublicKey):
        raise UsageError(
            path="--trusted-root",
            problem="a log entry is asked for with --key or a keyless identity alone",
            remedy="leave --trusted-root out, or name the key with --key",
        )
    return LoggedKeyVerifier(named, trusted_root_of(root), require_log=require_log)


def _tree(found: VerifiedArtifact) -> dict[str, object]:
    signer = found.signer
    return {
        "artifact": dict(found.digests),
        "unchecked": list(found.unchecked),
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


def _digest(found: VerifiedArtifact) -> str:
    """Return the digest that a file is shown by: its SHA-256, or else the one that was given."""
    name = "sha256" if found.sha256 is not None else next(iter(found.digests))
    return f"{name}:{found.digests[name]}"


def _text(found: VerifiedArtifact) -> str:
    from provenance.render import escape
    from provenance.verification.other_bundles import advice_for_type

    signer = found.signer
    who = f"key {signer.fingerprint}"
    if signer.identity is not None:
        who = f"{signer.identity} (issuer {signer.issuer})"
    lines = [f"PASS: signed by {escape(who)}", f"file     {_digest(found)}"]
    if found.predicate_type is not None:
        lines.append(f"type     {escape(found.predicate_type)}")
        lines.append(f"         what it says was not read. {advice_for_type(found.predicate_type)}")
    lines += [f"time     {time.at.isoformat()} ({time.source})" for time in signer.times]
    return "\n".join(lines)
