"""`provenance check-summary`: may this release be used, by the word of whoever verified it?"""

from __future__ import annotations

import os
from datetime import timedelta
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.output import format_option, say, say_error, say_json
from provenance.cli.remote import LocalPath
from provenance.cli.sources import MANIFEST_FILE
from provenance.errors import ProvenanceError, UsageError

if TYPE_CHECKING:
    from provenance.signing import PublicKey
    from provenance.verification import SummaryReport

__all__ = ["check_summary"]

# What cannot be read is no wrong option: the command itself says so.
_FILE = LocalPath(path_type=Path, readable=False)


@click.command(
    short_help="Check a signed outcome of `verify --attest`.",
    epilog="""
    \b
    Examples:
      provenance check-summary summary.sigstore.json --key gate.pub --release my-model
      provenance check-summary summary.sigstore.json --key gate.pub --sha256 9f86d0… --max-age 30
    """,
)
@click.argument("file", type=_FILE)
@click.option(
    "--key",
    "keys",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="Public key of whoever verifies for you. May be repeated.",
)
@click.option(
    "--release",
    type=_FILE,
    metavar="DIR",
    help="The release that is about to be used; only its list of digests is read.",
)
@click.option("--sha256", metavar="HEX", help="SHA-256 of its SHA256SUMS, in place of --release.")
@click.option("--verifier-id", metavar="URI", help="Who must have verified.")
@click.option("--policy-uri", metavar="URI", help="The policy that must have been used.")
@click.option("--policy-sha256", metavar="HEX", help="SHA-256 of its document.")
@click.option("--resource", metavar="URI", help="What must have been verified.")
@click.option(
    "--max-age",
    type=click.FloatRange(min=0, max=36_500),
    metavar="DAYS",
    help="How long ago it may have been verified.",
)
@format_option
def check_summary(
    *,
    file: Path,
    keys: tuple[Path, ...],
    release: Path | None,
    sha256: str | None,
    verifier_id: str | None,
    policy_uri: str | None,
    policy_sha256: str | None,
    resource: str | None,
    max_age: float | None,
    output_format: str,
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
    from provenance.verification.attesting import DEFAULT_VERIFIER_ID

    trusted = [_key(path) for path in keys]
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
