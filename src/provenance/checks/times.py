"""Steps 6 and 22: the time and the name of the manifest, and the order of the times in it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from provenance.checks.pointers import expand
from provenance.errors import shown
from provenance.findings import Finding
from provenance.manifest import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from provenance.checks.evidence import Evidence
    from provenance.trust import TrustPolicy

__all__ = ["check_name_and_age", "check_order_of_times", "check_times_within_manifest"]

#: Objects with a beginning and an end.
_PERIODS = (
    ("/datasets/*/collection", "startedAt", "endedAt"),
    ("/processing/*", "startedAt", "endedAt"),
    ("/training/segments/*", "startedAt", "endedAt"),
    ("/evaluations/*", "startedAt", "endedAt"),
    ("/compute/cost/invoices/*", "periodStart", "periodEnd"),
)

#: Times of what had happened when the manifest was made. An invoice may cover days to come.
_PAST = (
    "/datasets/*/publishedAt",
    "/datasets/*/sources/*/retrievedAt",
    "/datasets/*/collection/startedAt",
    "/datasets/*/collection/endedAt",
    "/processing/*/startedAt",
    "/processing/*/endedAt",
    "/training/segments/*/startedAt",
    "/training/segments/*/endedAt",
    "/training/checkpoints/*/savedAt",
    "/evaluations/*/startedAt",
    "/evaluations/*/endedAt",
    "/documents/*/date",
    "/journal/*/date",
    "/gaps/*/at",
)


def check_name_and_age(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 6: the manifest is for the model asked for, not from the future, and not expired.

    Codes: `created-in-future`, `expired`, `model-name-mismatch`, `model-name-not-checked`,
    `time-not-trusted`, `time-proven`.
    """
    if evidence.source == "draft":
        return
    manifest = evidence.manifest
    # Differences are compared, not sums: a sum with the year 9999 would overflow.
    skew = timedelta(seconds=policy.clock_skew_seconds)
    if parse_timestamp(manifest.created_at) - evidence.now > skew:
        message = (
            f"created at {manifest.created_at}, and it is {evidence.now:%Y-%m-%dT%H:%M:%SZ} now"
        )
        yield Finding("created-in-future", "/createdAt", message)
    # No skew here: whoever sets an end means it, and a clock that is late may not move it.
    if manifest.expires_at is not None and parse_timestamp(manifest.expires_at) <= evidence.now:
        message = (
            f"expired at {manifest.expires_at}, and it is {evidence.now:%Y-%m-%dT%H:%M:%SZ} now"
        )
        yield Finding("expired", "/expiresAt", message)
    if policy.model_name is None:
        message = f"no name was asked for; the signer calls it {shown(manifest.model.name)}"
        yield Finding("model-name-not-checked", "/model/name", message)
    elif manifest.model.name != policy.model_name:
        message = f"signed for {shown(manifest.model.name)}, asked for {shown(policy.model_name)}"
        yield Finding("model-name-mismatch", "/model/name", message)
    signer = evidence.signature.signer if evidence.signature is not None else None
    if signer is not None and signer.times:
        for stamp in signer.times:
            message = f"the signature existed at {stamp.at:%Y-%m-%dT%H:%M:%SZ}, by a {stamp.source}"
            yield Finding("time-proven", "", message)
        return
    message = f"{manifest.created_at} is what the signer claims; there is no verified timestamp"
    yield Finding("time-not-trusted", "/createdAt", message)


def check_times_within_manifest(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 22: nothing ends before it begins, and nothing is dated after the manifest itself.

    Codes: `time-order`, `time-after-created`.
    """
    skew = timedelta(seconds=policy.clock_skew_seconds)
    for pattern, first, last in _PERIODS:
        for path, item in expand(evidence.tree, pattern):
            begin, end = _time(item, first), _time(item, last)
            if begin and end and end < begin:
                message = f"ends at {item[last]}, before it begins at {item[first]}"
                yield Finding("time-order", f"{path}/{last}", message)
    created_at = parse_timestamp(evidence.manifest.created_at)
    for pattern in _PAST:
        for path, text in expand(evidence.tree, pattern):
            # The allowance: times come from several machines, and some are cut to whole seconds.
            if parse_timestamp(text) - created_at > skew:
                message = f"dated {text}, after the manifest of {evidence.manifest.created_at}"
                yield Finding("time-after-created", path, message)
    expires_at = evidence.manifest.expires_at
    if expires_at is not None and parse_timestamp(expires_at) <= created_at:
        message = f"expires at {expires_at}, not after it was made"
        yield Finding("time-order", "/expiresAt", message)


def check_order_of_times(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 22: nothing is used before it began to exist.

    Only certain contradictions count: what overlaps may be a pipeline that streams.

    Codes: `time-order`.
    """
    skew = timedelta(seconds=policy.clock_skew_seconds)
    for path, user_end, maker_start, what in _dependencies(evidence.tree):
        if user_end and maker_start and maker_start - user_end > skew:
            message = f"was over at {user_end:%Y-%m-%dT%H:%M:%SZ}, before {what} began"
            yield Finding("time-order", path, message)


def _dependencies(
    tree: Mapping[str, Any],
) -> Iterator[tuple[str, datetime | None, datetime | None, str]]:
    """Yield (path of the user, when it was over, when what it used began, what that is)."""
    made = {
        name: (_time(step, "startedAt"), f"processing step {step['id']}")
        for _, step in expand(tree, "/processing/*")
        for name in step.get("outputs", ())
    }
    for pattern, field in (("/processing/*", "inputs"), ("/training/segments/*", "datasets")):
        for path, item in expand(tree, pattern):
            for name in item.get(field, ()):
                if name in made:
                    yield path, _time(item, "endedAt"), *made[name]
    segments = {item["id"]: item for _, item in expand(tree, "/training/segments/*")}
    saved = {item["id"]: item for _, item in expand(tree, "/training/checkpoints/*")}
    for path, item in expand(tree, "/training/checkpoints/*"):
        segment = segments.get(item.get("segment"), {})
        yield path, _time(item, "savedAt"), _time(segment, "startedAt"), "its segment"
        for parent in item.get("parents", ()):
            began = _time(saved.get(parent, {}), "savedAt")
            yield path, _time(item, "savedAt"), began, f"its parent {parent}"
    for path, item in expand(tree, "/evaluations/*"):
        used = saved.get(item.get("checkpoint"), {})
        yield path, _time(item, "endedAt"), _time(used, "savedAt"), "the checkpoint it measured"


def _time(item: Mapping[str, Any], name: str) -> datetime | None:
    return parse_timestamp(item[name]) if name in item else None
