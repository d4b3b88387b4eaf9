"""Whether a signature that verifies also counts under a policy. No I/O.

Source: `spec/trust-policy.md`, section "Whether a signature counts".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.signing import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from provenance.signing import VerifiedSigner
    from provenance.trust.policy import TrustPolicy
    from provenance.trust.rules import SignerFault, TrustedSigner

__all__ = ["allowed_schemes", "find_faults"]


def allowed_schemes(policy: TrustPolicy, trusted: TrustedSigner) -> frozenset[str]:
    """Return the schemes that a signer may use: its own, else the policy's, else the defaults."""
    named = trusted.algorithms or policy.algorithms
    return frozenset(named or (row.scheme for row in SCHEMES.values() if row.default))


def find_faults(
    policy: TrustPolicy, trusted: TrustedSigner, signer: VerifiedSigner, now: datetime
) -> Iterator[tuple[SignerFault, str]]:
    """Yield why a signature does not count, as code and sentence; nothing if it does.

    Args:
        policy: The policy.
        trusted: The signer of the policy whose key or identity verified.
        signer: Who made the signature, and at which proven times.
        now: The verifier's clock, which judges where no time is proven.
    """
    who = f"signer {trusted.name} ({signer.fingerprint})"
    if signer.scheme not in allowed_schemes(policy, trusted):
        yield "policy-algorithm", f"{who} signed with {signer.scheme}, which is not allowed"
    for revoked in policy.revoked_keys:
        if revoked.spoils(signer):
            what = "this key" if revoked.names(signer) else f"{revoked.fingerprint}, which vouches,"
            reason = _revoked(what, revoked.since, proven=bool(signer.times))
            yield "policy-revoked", f"{who}: {reason}"
            break
    judged = tuple(stamp.at for stamp in signer.times) or (now,)
    outside = [time for time in judged if not trusted.covers(time)]
    if outside:
        what = "the proven time" if signer.times else "the present time, as none is proven,"
        message = f"{who}: {what} {_shown(outside[0])} is outside the window of this signer"
        yield "policy-validity", message
    sources = {stamp.source for stamp in signer.times}
    if policy.timestamp_required and "timestamp-authority" not in sources:
        yield "policy-timestamp-required", f"{who}: no timestamp of a trusted authority"
    if policy.log_required and "transparency-log" not in sources:
        yield "policy-log-required", f"{who}: no time proven by a transparency log"


def _revoked(what: str, since: datetime | None, *, proven: bool) -> str:
    if since is None:
        return f"{what} is revoked"
    if proven:
        return f"{what} is revoked from {_shown(since)}, and a proven time is not earlier"
    return f"{what} is revoked from {_shown(since)}, and no time before that is proven"


def _shown(time: datetime) -> str:
    # No strftime("%Y"): some systems leave the zeros out of early years.
    return time.replace(tzinfo=None).isoformat() + "Z"
