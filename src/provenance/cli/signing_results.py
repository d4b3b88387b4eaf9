"""What commands that sign say: of their keys before, and of what they have made after."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from provenance.cli.output import say, say_note, say_warning
from provenance.errors import ProvenanceError
from provenance.render import escape

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from provenance.envelope import Bundle
    from provenance.signing import BundleSigner, Signer, TimestampAuthority

__all__ = ["describe_signature", "say_signature", "warn_of_certificates"]

#: Most log entries and timestamps of one signature that are told.
MAX_TOLD = 32


def warn_of_certificates(
    signers: Sequence[Signer | BundleSigner], authorities: Sequence[TimestampAuthority]
) -> None:
    """Say what a certificate means for the signature: when it ends, and what verifiers need."""
    for signer in signers:
        ends, left_out = getattr(signer, "expires", None), getattr(signer, "left_out", ())
        if isinstance(ends, datetime) and not authorities:
            say_warning(
                f"the signature of {signer.fingerprint} ends with its certificate on "
                f"{_shown(ends)}; add --timestamp URL, and it stays good after that"
            )
        if left_out:
            say_note(
                f"whoever verifies needs these authorities in the file of --ca, because a bundle "
                f"carries the signer's certificate alone: {', '.join(left_out)}"
            )


def describe_signature(path: Path, signer: Signer | BundleSigner) -> dict[str, Any]:
    """Return what one bundle holds, as JSON: who signed it, and which witnesses there are."""
    from provenance.canonical import MAX_BUNDLE_BYTES
    from provenance.digest import read_file
    from provenance.envelope import parse_bundle

    bundle = parse_bundle(read_file(path, max_bytes=MAX_BUNDLE_BYTES))
    identity, issuer = _named(bundle)
    return {
        "bundle": str(path),
        "fingerprint": signer.fingerprint,
        "identity": identity,
        "issuer": issuer,
        "logEntries": _log_entries(bundle),
        "scheme": signer.scheme,
        "sshFingerprint": _ssh_fingerprint(signer),
        "timestamps": _timestamps(bundle),
    }


def say_signature(made: dict[str, Any]) -> None:
    """Print who signed and who witnessed it, for people."""
    key = made["fingerprint"] or "made for this signature alone"
    in_ssh = f", ssh: {made['sshFingerprint']}" if made["sshFingerprint"] else ""
    say(f"Key:       {escape(key)} ({escape(made['scheme'])}{in_ssh})")
    if made["identity"]:
        issuer = f" (issuer {made['issuer']})" if made["issuer"] else ""
        say(f"Identity:  {escape(made['identity'] + issuer)}")
    for entry in made["logEntries"]:
        at = f", {entry['at']}" if entry["at"] else ""
        say(f"Log entry: {entry['index']}{at}")
    for stamp in made["timestamps"]:
        say(f"Timestamp: {stamp['at']} by {escape(stamp['authority'])}")


def _ssh_fingerprint(signer: Signer | BundleSigner) -> str | None:
    """Return the name of the key in OpenSSH, if that is how its owner knows it."""
    key = getattr(signer, "signer", signer)  # inside of one with a certificate
    if not (getattr(key, "is_ssh", False) or hasattr(key, "socket_path")):
        return None
    public = getattr(key, "public_key", None)
    found: str | None = getattr(public, "ssh_fingerprint", None)
    return found


def _named(bundle: Bundle) -> tuple[str | None, str | None]:
    """Return the first name in the certificate of a bundle, and who vouched for it by OIDC."""
    if bundle.certificate is None:
        return None, None
    from provenance.signing.certificates import identities, read_der_certificate
    from provenance.signing.keyless.issuers import issuer_of

    try:
        leaf = read_der_certificate(bundle.certificate, path="")
        names, issuer = identities(leaf), issuer_of(leaf)
    except ProvenanceError:  # of a plug-in; the bundle is written, and verifiers say what is wrong
        return None, None
    return (names[0].value if names else None), issuer


def _log_entries(bundle: Bundle) -> list[dict[str, Any]]:
    if not bundle.tlog_entries:
        return []
    from provenance.signing.transparency import read_log_entry

    try:
        read = [read_log_entry(it, "") for it in bundle.tlog_entries[:MAX_TOLD]]
    except ProvenanceError:  # as above
        return []
    return [{"at": _seconds(it.integrated_time), "index": it.log_index} for it in read]


def _timestamps(bundle: Bundle) -> list[dict[str, str]]:
    if not bundle.timestamps:
        return []
    from provenance.signing.timestamps import stated_times

    stated = stated_times(bundle.timestamps[:MAX_TOLD])
    return [{"at": _shown(it.at), "authority": it.authority} for it in stated]


def _seconds(since: int) -> str | None:
    try:
        return _shown(datetime.fromtimestamp(since, UTC)) if since else None
    except (ValueError, OverflowError, OSError):  # a time that no clock shows
        return None


def _shown(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
