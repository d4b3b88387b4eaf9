"""Signed trust policies: made, read, and followed from one version to the next. No I/O.

A signed policy is a policy document inside an in-toto statement, signed by those who may: one
Sigstore bundle for each signature, one a line, all over the same bytes. Version N + 1 is accepted
only if enough signers of N and enough signers of N + 1 have signed it, so that nobody can replace
the people who decide without their consent.

Source: `spec/trust-policy.md`, section "Signed policies"; after the root role of TUF 1.0.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from provenance.canonical import MAX_POLICY_BYTES, MAX_POLICY_UPDATES, MAX_SIGNED_POLICY_BYTES
from provenance.digest import DigestSet
from provenance.envelope import (
    Bundle,
    Subject,
    parse_bundle,
    parse_statement,
    write_bundle,
    write_statement,
)
from provenance.errors import ProvenanceError, TrustError, shown
from provenance.manifest import PREDICATE_PREFIX
from provenance.signing import PublicKey, SigningTimes, sign_payload, verify_bundle
from provenance.trust.compiling import compile_policy
from provenance.trust.policy import TrustPolicy
from provenance.trust.policy_reading import read_policy
from provenance.trust.standing import find_faults
from provenance.trust.votes import count_votes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from provenance.canonical import JsonValue
    from provenance.signing import (
        BundleSigner,
        SignatureVerifier,
        Signer,
        TimestampAuthority,
        VerifiedSigner,
    )

__all__ = [
    "POLICY_V1",
    "SignedPolicy",
    "add_policy_signature",
    "is_signed_policy",
    "load_signed_policy",
    "policy_document",
    "sign_policy",
    "update_policy",
]

#: Predicate type of a signed policy.
POLICY_V1: Final = PREDICATE_PREFIX + "policy/v1"

#: What keeps a signature on a manifest from counting says nothing about one on a policy.
_OF_MANIFESTS = frozenset({"policy-timestamp-required", "policy-log-required"})


class SignedPolicy(Struct, frozen=True):
    """A signed policy that was believed."""

    policy: TrustPolicy
    """The policy, ready to verify with."""

    document: bytes
    """The policy document, as it was signed."""

    sha256: str
    """SHA-256 of the document; the next version names it."""

    version: int
    """The version of the policy."""


class _Read(Struct, frozen=True):
    """A signed policy as it was read: nobody's word yet."""

    policy: TrustPolicy
    document: bytes
    sha256: str
    previous: str | None
    bundles: tuple[Bundle, ...]

    @property
    def version(self) -> int:
        return self.policy.version or 1

    @property
    def shown(self) -> str:
        return f"version {self.version} of policy {shown(self.policy.name)}"


def sign_policy(
    document: bytes,
    signer: Signer | BundleSigner,
    *,
    previous: bytes | None = None,
    timestamps: Iterable[TimestampAuthority] = (),
) -> bytes:
    """Return a signed policy: one line, a bundle over the document.

    Args:
        document: The policy: TOML or JSON. It names no files: it has to stand by itself.
        signer: Who signs.
        previous: The document of the version before, if this is not the first one.
        timestamps: Authorities that witness the time.

    Raises:
        TrustError: The version does not follow the one before.
        UsageError: The document is no policy, or makes no sense.
        SigningError: The signer cannot sign.
    """
    policy = compile_policy(read_policy(document))
    predicate: dict[str, JsonValue] = {"document": document.decode("utf-8")}
    if previous is not None:
        before = compile_policy(read_policy(previous))
        _check_follows(before.version or 1, policy.version or 1)
        predicate["previous"] = {"sha256": sha256(previous).hexdigest()}
    digest = DigestSet({"sha256": sha256(document).hexdigest()})
    payload = write_statement((Subject(policy.name, digest),), POLICY_V1, predicate)
    return write_bundle(sign_payload(payload, signer, timestamps=timestamps)) + b"\n"


def add_policy_signature(
    signed: bytes, signer: Signer | BundleSigner, *, timestamps: Iterable[TimestampAuthority] = ()
) -> bytes:
    """Return a signed policy with one signature more over the very same bytes.

    Raises:
        TrustError: It is no signed policy, or has as many signatures as one may have.
        SigningError: The signer cannot sign.
    """
    read = _read(signed)
    if len(read.bundles) >= MAX_POLICY_UPDATES:
        raise TrustError(problem=f"at most {MAX_POLICY_UPDATES} signatures of one policy")
    payload = read.bundles[0].envelope.payload
    line = write_bundle(sign_payload(payload, signer, timestamps=timestamps))
    return signed.rstrip(b"\n") + b"\n" + line + b"\n"


def is_signed_policy(data: bytes) -> bool:
    """Return whether a file is meant as a signed policy: its first line is a bundle."""
    try:
        parse_bundle(data.split(b"\n", 1)[0])
    except ProvenanceError:
        return False
    return True


def policy_document(signed: bytes) -> bytes:
    """Return the document inside a signed policy; nobody has vouched for it yet.

    Raises:
        TrustError: It is no signed policy.
    """
    return _read(signed).document


def load_signed_policy(
    signed: bytes,
    keys: Iterable[SignatureVerifier] = (),
    *,
    fingerprints: Iterable[str] = (),
    now: datetime | None = None,
    allow_expired: bool = False,
) -> SignedPolicy:
    """Return the policy that a trusted key has signed.

    Args:
        signed: The signed policy.
        keys: Keys that are trusted to sign policies; one of them must have signed this one.
        fingerprints: Fingerprints of such keys, as `SHA256:…`, ours or those that OpenSSH shows;
            the key itself must then be among the signers of the policy, as a bare key.
        now: The time now, with its time zone; the system's clock by default.
        allow_expired: Whether one that has expired is returned: every verification with it fails,
            and says so.

    Raises:
        TrustError: It is malformed, no trusted key has signed it, fewer of its own signers than it
            asks for, or it has expired.
    """
    read = _read(signed)
    clock = datetime.now(UTC) if now is None else now
    pinned = tuple(fingerprints)
    # Bare keys alone: the fingerprint of an authority does not say which of its names is meant, and
    # the document, which nobody has vouched for yet, would choose one.
    listed = (it for it in read.policy.verifiers if isinstance(it, PublicKey))
    trusted = (*keys, *(it for it in listed if any(map(it.is_called, pinned))))
    if not trusted:
        raise TrustError(
            problem=f"{read.shown}: no key of those who may sign it is known to you",
            remedy="name a key with --policy-key, or the fingerprint of one that the policy lists",
        )
    if not any(_verified(bundle, trusted, clock) for bundle in read.bundles):
        problem = f"{read.shown} was signed by none of the keys that you named for it"
        raise TrustError(problem=problem, remedy="get it again, from a place you trust")
    if read.policy.policy_signers is not None:
        _check_threshold(read, read, clock)
    if not allow_expired:
        _check_fresh(read, clock)
    return SignedPolicy(read.policy, read.document, read.sha256, read.version)


def update_policy(
    current: bytes, updates: Sequence[bytes], *, now: datetime | None = None
) -> SignedPolicy:
    """Return the policy at the end of a chain of updates, each checked against the one before.

    A version on the way may have expired, the last one may not: whoever was away for long has to
    get through, and whoever hides the newest version must not.

    Args:
        current: The signed policy that is in use, and was checked when it was taken into use.
        updates: Signed policies, in order: the version after it, the one after that, and so on.
        now: The time now, with its time zone; the system's clock by default.

    Raises:
        TrustError: An update is malformed, does not follow, was not signed by enough of either
            version, the last one has expired, or there is none.
    """
    clock = datetime.now(UTC) if now is None else now
    if len(updates) > MAX_POLICY_UPDATES:
        problem = f"{len(updates)} updates, at most {MAX_POLICY_UPDATES} are followed"
        raise TrustError(problem=problem, remedy="update in several steps")
    if not updates:
        # Nobody's signature would be looked at.
        raise TrustError(problem="there is no update", remedy="name the next version")
    last = _read(current)
    for data in updates:
        new = _read(data)
        _check_update(last, new)
        _check_threshold(last, new, clock)
        _check_threshold(new, new, clock)
        last = new
    _check_fresh(last, clock)
    return SignedPolicy(last.policy, last.document, last.sha256, last.version)


def _check_update(last: _Read, new: _Read) -> None:
    """Refuse a policy that is not the next version of another one.

    Raises:
        TrustError: It is not; each way has its own message.
    """
    if new.policy.name != last.policy.name:
        problem = f"{new.shown} is another policy than {shown(last.policy.name)}"
        raise TrustError(problem=problem, remedy="name the updates of this policy")
    if new.version == last.version and new.sha256 != last.sha256:
        raise TrustError(
            problem=f"there are two documents of {new.shown}: {last.sha256} and {new.sha256}",
            remedy="ask its authors which one counts; trust neither until they answer",
        )
    _check_follows(last.version, new.version)
    if new.previous != last.sha256:
        found = "none" if new.previous is None else new.previous
        problem = f"{new.shown} follows the document {found}, not {last.sha256}"
        raise TrustError(problem=problem, remedy="ask its authors for the one between")


def _check_follows(last: int, new: int) -> None:
    if new == last:
        raise TrustError(problem=f"version {new} is the one in use; the next is {last + 1}")
    if new < last:
        problem = f"version {new} is older than version {last}, which is in use"
        raise TrustError(problem=problem, remedy="somebody may be handing out an old policy")
    if new > last + 1:
        problem = f"version {new} does not follow version {last}: {last + 1} is missing"
        raise TrustError(problem=problem, remedy="name the versions between as well, in order")


def _check_threshold(by: _Read, signed: _Read, now: datetime) -> None:
    """Refuse a policy that too few of those who may decide by one policy have signed.

    Raises:
        TrustError: Too few have, or the policy says of nobody that he may.
    """
    role = by.policy.policy_signers
    if role is None:
        raise TrustError(
            path="/policySigners",
            problem=f"{by.shown} says of nobody that he may sign the next version",
            remedy="take the new one into use by hand: name a key that you trust for it",
        )
    count = count_votes(_signers(by.policy, role.signers, signed, now))
    if count < role.threshold:
        whose = "of its own" if by is signed else f"of version {by.version}"
        problem = (
            f"{signed.shown} has {count} of the {role.threshold} signatures that are needed "
            f"{whose} policySigners: {', '.join(role.signers)}"
        )
        raise TrustError(problem=problem, remedy="collect the missing signatures")


def _signers(
    policy: TrustPolicy, names: Iterable[str], signed: _Read, now: datetime
) -> Iterator[tuple[str, VerifiedSigner]]:
    by_name = {signer.name: signer for signer in policy.signers}
    for bundle in signed.bundles:
        for trusted in (by_name[name] for name in names):
            signer = _verified(bundle, (trusted.verifier,), now)
            if signer is None:
                continue
            faults = (code for code, _ in find_faults(policy, trusted, signer, now))
            if not any(code not in _OF_MANIFESTS for code in faults):
                yield trusted.name, signer


def _verified(
    bundle: Bundle, verifiers: Iterable[SignatureVerifier], now: datetime
) -> VerifiedSigner | None:
    try:
        return verify_bundle(bundle, verifiers, times=SigningTimes(now)).signer
    except ProvenanceError:
        return None


def _check_fresh(read: _Read, now: datetime) -> None:
    expires = read.policy.expires
    if expires is not None and expires <= now:
        raise TrustError(
            problem=f"{read.shown} expired at {expires:%Y-%m-%dT%H:%M:%SZ}",
            remedy="get the newer version",
        )


def _read(signed: bytes) -> _Read:
    """Read a signed policy; nothing in it is trusted yet.

    Raises:
        TrustError: It is malformed.
    """
    if len(signed) > MAX_SIGNED_POLICY_BYTES:
        raise _malformed(f"{len(signed)} bytes are too many")
    lines = signed.removesuffix(b"\n").split(b"\n")
    if len(lines) > MAX_POLICY_UPDATES:
        raise _malformed(f"{len(lines)} signatures, at most {MAX_POLICY_UPDATES} are read")
    try:
        bundles = tuple(parse_bundle(line) for line in lines)
        payload = bundles[0].envelope.payload
        if any(bundle.envelope.payload != payload for bundle in bundles):
            raise _malformed("its lines are about different bytes")
        return _read_payload(payload, bundles)
    except TrustError:
        raise
    except ProvenanceError as error:
        where = f"{error.path}: " if error.path else ""
        raise _malformed(f"{where}{error.problem}") from error


def _read_payload(payload: bytes, bundles: tuple[Bundle, ...]) -> _Read:
    statement = parse_statement(payload)
    if statement.predicate_type != POLICY_V1:
        raise _malformed(f"it is a statement of {shown(statement.predicate_type)}")
    predicate = statement.predicate
    unknown = predicate.keys() - {"document", "previous"}
    if unknown:
        raise _malformed(f"/predicate has an unknown member {shown(min(unknown))}")
    document = predicate.get("document")
    if not isinstance(document, str):
        raise _malformed("/predicate/document is no text")
    data = document.encode("utf-8")
    digest = sha256(data).hexdigest()
    if len(data) > MAX_POLICY_BYTES or statement.subjects[0].digest["sha256"] != digest:
        raise _malformed("its subject is not its document")
    policy = replace(compile_policy(read_policy(data)), sha256=digest)
    return _Read(policy, data, digest, _previous(predicate.get("previous")), bundles)


def _previous(value: JsonValue) -> str | None:
    if value is None:
        return None
    if not isinstance(value, dict) or value.keys() != {"sha256"}:
        raise _malformed("/predicate/previous is no SHA-256")
    return DigestSet({"sha256": str(value["sha256"])})["sha256"]


def _malformed(problem: str) -> TrustError:
    return TrustError(
        problem=f"this is no signed policy: {problem}",
        remedy="`provenance policy sign` makes one",
    )
