"""`provenance check-summary`: may this release be used, by the word of whoever verified it?"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provenance.cli.named_trust import gather_trust, usable
from provenance.cli.output import format_option, say, say_error, say_json
from provenance.cli.remote import LocalPath
from provenance.cli.sources import MANIFEST_FILE
from provenance.cli.trust_options import signer_options
from provenance.errors import ProvenanceError, UsageError, shown

if TYPE_CHECKING:
    from provenance.signing import PublicKey
    from provenance.verification import SummaryReport

__all__ = ["check_summary"]

_SHA256 = re.compile(r"[0-9a-f]{64}")

# What cannot be read is no wrong option: the command itself says so.
_FILE = LocalPath(path_type=Path, readable=False)


@click.command(
    short_help="Check a signed outcome of `verify --attest`.",
    epilog="""
    \b
    Examples:
      provenance check-summary summary.sigstore.json --key gate.pub --release my-model
      provenance check-summary summary.sigstore.json --key gate.pub --sha256 9f86d0… --max-age 30
      provenance check-summary summary.sigstore.json --key gate.pub --release my-model \\
          --policy policy.toml
    """,
)
@click.argument("file", type=_FILE)
@signer_options
@click.option(
    "--release",
    type=_FILE,
    metavar="DIR",
    help="The release that is about to be used; only its list of digests is read.",
)
@click.option("--sha256", metavar="HEX", help="SHA-256 of its SHA256SUMS, in place of --release.")
@click.option("--verifier-id", metavar="URI", help="Who must have verified.")
@click.option("--policy-uri", metavar="URI", help="The policy that must have been used.")
@click.option(
    "--policy-sha256",
    metavar="HEX",
    help="SHA-256 of its document, as `provenance policy check` prints it.",
)
@click.option(
    "--policy",
    type=_FILE,
    metavar="FILE",
    help="The policy itself, in place of --policy-sha256; signed or not.",
)
@click.option(
    "--policy-key",
    "policy_keys",
    multiple=True,
    metavar="KEY",
    help="Who may have signed --policy, if it is signed: a public key, or the fingerprint SHA256:… "
    "of one that it lists. May be repeated.",
)
@click.option("--resource", metavar="URI", help="What must have been verified.")
@click.option(
    "--max-age",
    type=click.FloatRange(min=0, max=36_500),
    metavar="DAYS",
    help="How long ago it may have been verified.",
)
@click.option(
    "--require",
    multiple=True,
    metavar="PROPERTY",
    help="What the summary must say. May be repeated.  "
    "[default: TRAINING_PROVENANCE_FILES_MATCHED: every byte was read]",
)
@format_option
def check_summary(
    *,
    file: Path,
    release: Path | None,
    sha256: str | None,
    verifier_id: str | None,
    policy_uri: str | None,
    policy_sha256: str | None,
    policy: Path | None,
    policy_keys: tuple[str, ...],
    resource: str | None,
    max_age: float | None,
    require: tuple[str, ...],
    output_format: str,
    **whom: Any,  # noqa: ANN401 - the options that say whose summaries are believed
) -> int:
    """Check the verification summary in FILE: a few kilobytes instead of the whole model.

    It says what was verified then. It does not say that the files are still the same: whoever can
    write to them can change them afterwards.

    Exit codes: 0 PASS, 1 FAIL (the summary says so, or is not to be believed), 2 a wrong option, 3
    INCOMPLETE (it says so, or no key was named), 4 ERROR (something could not be read).
    """
    from provenance.canonical import MAX_SUMMARY_BYTES
    from provenance.digest import read_file
    from provenance.verification import check_summary as check
    from provenance.verification.attesting import DEFAULT_VERIFIER_ID, FILES_MATCHED

    keys, trust = gather_trust(**whom)
    trusted = [_key(one) if isinstance(one, Path) else one for one in keys]
    policy_sha256 = _policy_sha256(policy_sha256, policy, policy_keys)
    if (release is None) == (sha256 is None):
        problem = "expected one of --release and --sha256"
        raise UsageError(problem=problem, remedy="say which release is about to be used")
    if max_age is not None and isnan(max_age):
        raise UsageError(path="--max-age", problem="expected a number of days")
    try:
        # The caller named this file, so a link to it is followed.
        data = read_file(os.path.realpath(file), max_bytes=MAX_SUMMARY_BYTES)
        digest = sha256 if release is None else _digest(release)
    except ProvenanceError as error:
        say_error(str(error))  # the work could not be done: here that is ERROR, and never FAIL
        return 4
    found = check(
        data,
        trusted,
        sha256=digest or "",
        verifier_id=DEFAULT_VERIFIER_ID if verifier_id is None else verifier_id,
        policy_uri=policy_uri,
        policy_sha256=policy_sha256,
        resource=resource,
        max_age=None if max_age is None else timedelta(days=max_age),
        require=require or (FILES_MATCHED,),
        timestamps=None if trust is None else trust.timestamps,
    )
    _print(found, output_format)
    return found.exit_code


def _key(path: Path) -> PublicKey:
    from provenance.signing import PublicKey

    try:
        return PublicKey.load(path)
    except ProvenanceError as error:
        raise UsageError(
            path=error.path or "--key", problem=error.problem, remedy=error.remedy
        ) from error


def _policy_sha256(named: str | None, policy: Path | None, keys: tuple[str, ...]) -> str | None:
    """Return the digest of the policy that must have been used; `None` for any."""
    if policy is None:
        if keys:
            raise UsageError(path="--policy-key", problem="goes with --policy")
        if named is not None and not _SHA256.fullmatch(named):
            raise UsageError(
                path="--policy-sha256",
                problem=f"expected 64 lower-case hexadecimal characters, found {shown(named)}",
                remedy="take what `provenance policy check FILE` prints, or give --policy FILE",
            )
        return named
    if named is not None:
        problem = "the policy is named twice, by its file and by its digest"
        raise UsageError(path="--policy", problem=problem, remedy="leave one of the two out")
    from provenance.cli.named_policy import open_policy

    return usable("--policy", lambda: open_policy(policy, keys)).sha256


def _digest(release: Path) -> str:
    from provenance.canonical import MAX_LISTING_BYTES
    from provenance.checks import LISTING_FILE
    from provenance.digest import hash_bytes, read_file

    path = (release / MANIFEST_FILE).with_name(LISTING_FILE)
    return hash_bytes(read_file(path, max_bytes=MAX_LISTING_BYTES), "sha256")


def _print(found: SummaryReport, output_format: str) -> None:
    if output_format == "json":
        say_json(
            {
                "verdict": found.verdict,
                "problems": list(found.problems),
                "signer": found.signer,
                "verifiedAt": found.verified_at,
                "resource": found.resource,
                "levels": list(found.levels),
            }
        )
        return
    from provenance.render import escape

    if found.verdict == "PASS":
        say(
            f"PASS: key {found.signer} says that it verified this release at "
            f"{escape(found.verified_at or '')}. The files were not read here."
        )
    for number, problem in enumerate(found.problems):
        say(f"{'' if number else found.verdict + ': '}{escape(problem)}")
