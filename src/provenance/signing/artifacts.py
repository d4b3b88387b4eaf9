"""Verifying any Sigstore bundle about one file, from files alone: no network, no default trust.

The bundle may sign the bytes of the file, or a statement of in-toto that names its digest among the
subjects. For the bundle of a training manifest use `provenance.verify`: it checks everything that
the manifest says, and this here only who signed something about one file.

Source: client-spec of sigstore/architecture-docs, section 4; in-toto attestation, `spec/v1`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from provenance import canonical
from provenance.canonical import MAX_DOCUMENT_BYTES
from provenance.canonical.limits import MAX_SIGNED_MESSAGE_BYTES
from provenance.digest.files import hash_file, read_file
from provenance.envelope.artifact_bundles import MessageSignature, parse_artifact_bundle
from provenance.envelope.bundle import Bundle
from provenance.envelope.fields import require_array, require_object, require_text
from provenance.errors import EnvelopeError, SignatureError, UsageError, shown
from provenance.signing.keyless.contents import (
    DIGESTS,
    SignedBundle,
    SignedContent,
    envelope_content,
)
from provenance.signing.outcomes import SigningTimes, VerifiedSigner, VerifiedTime
from provenance.signing.public_keys import PublicKey
from provenance.signing.transparency.bodies import check_body
from provenance.signing.transparency.entries import read_log_entry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from provenance.envelope import Envelope
    from provenance.envelope.artifact_bundles import ArtifactBundle
    from provenance.signing.protocols import SignatureVerifier, TimestampVerifier

__all__ = ["VerifiedArtifact", "verify_artifact"]

_STATEMENTS = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
_MAX_SUBJECTS = 65_536
_MAX_TEXT = 4_096
_CODE = "statement-malformed"
_DIGEST = re.compile(
    r"sha256:[0-9a-fA-F]{64}|sha384:[0-9a-fA-F]{96}|sha512:[0-9a-fA-F]{128}", re.ASCII
)


@runtime_checkable
class _ContentVerifier(Protocol):
    """A signature verifier that looks at whatever a bundle signs."""

    def verify_signed(
        self, signed: SignedBundle, times: SigningTimes | None = None
    ) -> VerifiedSigner: ...


@dataclass(frozen=True, slots=True)
class VerifiedArtifact:
    """What was found out about a file."""

    signer: VerifiedSigner
    """Who signed."""

    digests: Mapping[str, str]
    """The file: each digest of it that is known, in hex, by `sha256`, `sha384` or `sha512`."""

    predicate_type: str | None
    """What the signed statement says about the file; `None` if its bytes were signed."""

    log_checked: bool
    """Whether log entries of the bundle were checked against a trusted root."""

    unchecked: tuple[str, ...] = ()
    """What the bundle holds beside that and nothing was named to check by, in words."""

    @property
    def sha256(self) -> str | None:
        """The SHA-256 of the file, 64 hex characters; `None` if another digest was given."""
        return self.digests.get("sha256")


def verify_artifact(
    bundle: bytes,
    artifact: str | Path | bytes,
    verifier: SignatureVerifier,
    *,
    times: SigningTimes | None = None,
    timestamps: TimestampVerifier | None = None,
) -> VerifiedArtifact:
    """Return who signed a file, if the bundle is about it and the verifier's key or identity did.

    Args:
        bundle: The document `*.sigstore.json`, v0.1 to v0.3.
        artifact: The path of the file, its bytes, or its digest: `sha256:`, `sha384:` or `sha512:`
            and 64, 96 or 128 hex characters.
        verifier: A key (`PublicKey`), a key with a log (`LoggedKeyVerifier`), an identity
            (`KeylessVerifier`), or another signature verifier for bundles with an envelope.
        times: The verifier's clock and further proven times.
        timestamps: The timestamp authorities that are trusted, beside those of a trusted root.

    Raises:
        CanonicalError: The bundle or its statement is not strict JSON.
        EnvelopeError: It breaks the format.
        InputError: The file cannot be read.
        MissingExtraError: It has timestamps, and the extra `timestamps` is not installed.
        SignatureError: It is about another file (code `artifact-mismatch`), or somebody else
            signed it.
        UsageError: A digest is malformed.
    """
    parsed = parse_artifact_bundle(bundle)
    digests = _digests(artifact)
    content = parsed.content
    predicate_type: str | None = None
    if timestamps is not None and parsed.material.timestamps:
        times = SigningTimes.at_present() if times is None else times
        proven = timestamps.verify(_signature(content), parsed.material.timestamps)
        times = times.with_verified(*proven)
    compared = True
    if isinstance(content, MessageSignature):
        compared = _check_hint(content, digests)
        read = None if _is_digest(artifact) else lambda: _read(artifact)
        known = {name: bytes.fromhex(digest) for name, digest in digests.items()}
        signed = SignedContent(content.signature, known, read)
        signer = _verify(parsed, signed, verifier, times)
    else:
        signer = _verify(parsed, envelope_content(content), verifier, times)
        predicate_type = _check_subject(content, digests)
    by_root = isinstance(verifier, _ContentVerifier)
    checked = by_root and bool(parsed.material.tlog_entries)
    unchecked = _unchecked(
        len(parsed.material.tlog_entries) * (not by_root),
        len(parsed.material.timestamps) - len(_stamped(signer)),
        compared=compared,
    )
    return VerifiedArtifact(signer, digests, predicate_type, checked, unchecked)


def _stamped(signer: VerifiedSigner) -> list[VerifiedTime]:
    return [time for time in signer.times if time.source == "timestamp-authority"]


def _unchecked(entries: int, timestamps: int, *, compared: bool) -> tuple[str, ...]:
    """Return in words what nobody was named to check by."""
    found = []
    if entries:
        found.append(f"{entries} log {'entry' if entries == 1 else 'entries'}")
    if timestamps > 0:
        found.append(f"{timestamps} timestamp{'s' * (timestamps > 1)}")
    if not compared:
        found.append("the digest that it states, by another hash than the one given")
    return tuple(found)


def _signature(content: MessageSignature | Envelope) -> bytes:
    if isinstance(content, MessageSignature):
        return content.signature
    return envelope_content(content).signature


def _verify(
    parsed: ArtifactBundle,
    content: SignedContent,
    verifier: SignatureVerifier,
    times: SigningTimes | None,
) -> VerifiedSigner:
    material = parsed.material
    signed = SignedBundle(parsed.media_type, material, content)
    if isinstance(verifier, PublicKey):
        return _verify_key(signed, verifier, times)
    if isinstance(verifier, _ContentVerifier):
        return verifier.verify_signed(signed, times)
    if isinstance(parsed.content, MessageSignature):
        raise SignatureError(
            problem="the bundle signs the bytes of a file, which certificates of a private "
            "authority and lists of SSH keys are not asked for here",
            remedy="name the key itself, or the identity in a certificate of Sigstore",
            code="signature-unsupported",
        )
    bundle = Bundle(
        envelope=parsed.content,
        media_type=parsed.media_type,
        key_hint=material.key_hint,
        certificate=material.certificate,
        chain=material.chain,
        tlog_entries=material.tlog_entries,
        timestamps=material.timestamps,
    )
    return verifier.verify(bundle, times)


def _verify_key(signed: SignedBundle, key: PublicKey, times: SigningTimes | None) -> VerifiedSigner:
    """Return the signer of a bundle by a bare key, without any log being trusted."""
    if signed.material.key_hint is None:
        raise SignatureError(
            problem="the bundle is signed with a certificate, and the key named is a bare key",
            remedy="name the identity that is to be trusted",
            code="signature-unsupported",
        )
    key = signed.content.check(key, others=True)
    # Nobody vouches for the entries here; one about something else is a false bundle all the same.
    for index, value in enumerate(signed.material.tlog_entries):
        entry = read_log_entry(value, f"/verificationMaterial/tlogEntries/{index}")
        logged = signed.content.logged(key.spki, is_certificate=False, scheme=key.scheme)
        check_body(entry, logged)
    proven = () if times is None else times.verified
    ssh = key.ssh_fingerprint
    return VerifiedSigner("key", key.fingerprint, key.scheme, times=proven, ssh_fingerprint=ssh)


def _is_digest(artifact: str | Path | bytes) -> bool:
    return isinstance(artifact, str) and artifact.partition(":")[0] in DIGESTS


def _digests(artifact: str | Path | bytes) -> Mapping[str, str]:
    if isinstance(artifact, bytes):
        import hashlib  # noqa: PLC0415 - the other ways do not need it

        return {name: hashlib.new(name, artifact).hexdigest() for name in DIGESTS}
    if isinstance(artifact, str) and _is_digest(artifact):
        found = _DIGEST.fullmatch(artifact)
        if found is None:
            raise UsageError(
                path="artifact",
                problem="expected a digest: sha256:, sha384: or sha512: and 64, 96 or 128 hex "
                f"digits, found {shown(artifact)}",
                remedy="of a file with such a name, give the path: ./NAME",
            )
        return {found[0].partition(":")[0]: found[0].partition(":")[2].lower()}
    # The caller named this file, so a link to it is followed.
    return dict(hash_file(os.path.realpath(artifact), algorithms=DIGESTS).digest)


def _read(artifact: str | Path | bytes) -> bytes:
    if isinstance(artifact, bytes):
        return artifact
    return read_file(os.path.realpath(artifact), max_bytes=MAX_SIGNED_MESSAGE_BYTES)


def _check_hint(message: MessageSignature, digests: Mapping[str, str]) -> bool:
    """Return whether the digest that a bundle states, if it does, could be compared."""
    if message.algorithm is None:
        return True
    expected = digests.get(message.algorithm)
    if expected is not None and expected != message.digest.hex():
        raise _mismatch("the bundle states the digest of another file")
    return expected is not None


def _check_subject(envelope: Envelope, digests: Mapping[str, str]) -> str:
    """Return the predicate type of a statement that names the file among its subjects."""
    value = canonical.parse(envelope.payload, max_bytes=MAX_DOCUMENT_BYTES, foreign=True)
    tree: dict[str, Any] = require_object(value, "", code=_CODE)
    if tree.get("_type") not in _STATEMENTS:
        problem = f"expected a statement of in-toto, found {shown(tree.get('_type'))}"
        raise EnvelopeError(path="/_type", problem=problem, code=_CODE)
    predicate_type = require_text(
        tree.get("predicateType"), "/predicateType", most=_MAX_TEXT, code=_CODE
    )
    if not predicate_type:
        raise EnvelopeError(path="/predicateType", problem="there is none", code=_CODE)
    subjects = require_array(tree.get("subject"), "/subject", most=_MAX_SUBJECTS, code=_CODE)
    names = [_names(item, f"/subject/{index}", digests) for index, item in enumerate(subjects)]
    if not any(names):
        raise _mismatch("the statement has no subject with the digest of this file")
    return predicate_type


def _names(subject: Any, path: str, digests: Mapping[str, str]) -> bool:  # noqa: ANN401 - JSON
    """Return whether a subject is the file: every digest of it that is known agrees, at least one.

    in-toto lets any of them do; a subject whose digests name two files is none here.
    """
    tree = require_object(subject, path, code=_CODE)
    listed = require_object(tree.get("digest"), f"{path}/digest", code=_CODE)
    if not listed:
        raise EnvelopeError(path=f"{path}/digest", problem="there is no digest", code=_CODE)
    common = [name for name in listed if name in digests]
    return bool(common) and all(listed[name] == digests[name] for name in common)


def _mismatch(problem: str) -> SignatureError:
    return SignatureError(
        problem=problem,
        remedy="name the file that the bundle belongs to",
        code="artifact-mismatch",
    )
