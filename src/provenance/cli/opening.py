"""`provenance open` and `provenance check-opening`: show one sealed fact to an auditor."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.output import format_option, say, say_error, say_json
from provenance.cli.sources import DRAFT_SUFFIX
from provenance.cli.trust_options import trust_options
from provenance.errors import InputError, ManifestError, ProvenanceError, UsageError
from provenance.render import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.signing import SignatureVerifier
    from provenance.trust import Pin, TrustPolicy
    from provenance.verification import OpeningReport

__all__ = ["check_opening", "open"]

# What cannot be read is no wrong option: the command itself says so.
_PATH = click.Path(path_type=Path, readable=False)

#: The private file of a draft.
PRIVATE_FILE = "private.json"


@click.command(
    short_help="Open one sealed fact for an auditor.",
    epilog="""
    \b
    Examples:
      provenance open my-model /compute/cost/amount -o amount.opening.json
      provenance open my-model /compute/cost/amount --salts my-model.draft/private.json
    """,
)
@click.argument("release", type=_PATH)
@click.argument("pointer")
@click.option(
    "--salts",
    type=_PATH,
    metavar="FILE",
    help="The private file of the draft.  [default: RELEASE.draft/private.json]",
)
@click.option("--output", "-o", type=_PATH, metavar="FILE", help="File to write, instead of print.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@format_option
def open(  # noqa: A001 - the name of the command
    *,
    release: Path,
    pointer: str,
    salts: Path | None,
    output: Path | None,
    overwrite: bool,
    output_format: str,
) -> None:
    """Write the opening of the fact that is sealed at POINTER in the manifest of RELEASE.

    It holds the value and its salt, and nothing of the other facts: hand it to whoever is to see
    this one. `provenance check-opening` checks it.
    """
    from provenance.digest import write_atomic
    from provenance.verification import check_opening as check
    from provenance.verification import open_fact

    place = _private_file(release) if salts is None else salts
    opening = open_fact(place, pointer)
    report = check(opening, _signed_bundle(release))
    # Nobody has been named as the signer, so nothing better than INCOMPLETE can come out.
    if report.verdict in {"FAIL", "ERROR"}:
        raise ManifestError(
            path=str(place),
            problem=report.summary,
            remedy="name the private file of this very release: drafts that were replaced keep "
            "theirs as private-….json",
            code=report.findings[-1].code,
        )
    if output is None:
        say(opening.to_bytes().decode("utf-8"))
        return
    if output.exists() and not overwrite:
        raise UsageError(path=str(output), problem="exists", remedy="add --overwrite to replace it")
    write_atomic(output, opening.to_bytes(), mode=0o600)
    if output_format == "json":
        digest = opening.manifest
        say_json({"manifestDigest": digest, "opening": str(output), "pointer": pointer})
        return
    say(f"Opening:   {escape(str(output))}")
    say(f"Opens:     {escape(pointer)}, and no other fact")


@click.command(
    short_help="Check a sealed fact that a producer has opened.",
    epilog="""
    \b
    Examples:
      provenance check-opening amount.opening.json my-model --key publisher.pub
      provenance check-opening amount.opening.json manifest.sigstore.json --key publisher.pub
    """,
)
@click.argument("opening", type=_PATH)
@click.argument("release", type=_PATH)
@trust_options
@format_option
def check_opening(
    *,
    opening: Path,
    release: Path,
    keys: tuple[Path | SignatureVerifier, ...],
    model: str | None,
    policy: TrustPolicy | None,
    output_format: str,
) -> int:
    """Check that the value in OPENING is what the signed manifest of RELEASE has sealed there.

    RELEASE is the folder, or the bundle of the manifest alone; no other file of it is read. Exit
    codes: 0 PASS, 1 FAIL (something contradicts), 2 a wrong option, 3 INCOMPLETE (no key was
    named), 4 ERROR (something could not be read).
    """
    try:
        report = _check(opening, release, keys=keys, model=model, policy=policy)
    except UsageError:
        raise
    except ProvenanceError as error:
        say_error(str(error))  # the work could not be done: here that is ERROR, and never FAIL
        return 4
    if output_format == "json":
        say_json(report.to_tree())
    else:
        _print(report)
    return report.exit_code


def _check(
    opening: Path,
    release: Path,
    *,
    keys: tuple[Path | SignatureVerifier, ...],
    model: str | None,
    policy: TrustPolicy | None,
) -> OpeningReport:
    from provenance.cli.pinned import find_pins
    from provenance.verification import check_opening as check

    trusted: Sequence[Path | SignatureVerifier | Pin] = keys
    if not keys and (policy is None or not policy.roles):
        trusted, model = find_pins(None, release, model=model, layout="plain")
    return check(opening, release, keys=trusted, model=model, policy=policy)


def _print(report: OpeningReport) -> None:
    say(escape(report.summary))
    if report.opening is not None and report.verdict in {"PASS", "INCOMPLETE"}:
        from provenance import canonical

        value = canonical.write(report.opening.value).decode("utf-8")
        say(f"  value: {escape(value)}")
    for finding in report.findings:
        where = f"{finding.path}: " if finding.path else ""
        say(escape(f"  {finding.code}: {where}{finding.message}"))


def _signed_bundle(release: Path) -> Path:
    from provenance.cli.sources import MANIFEST_FILE

    bundle = release / MANIFEST_FILE if release.is_dir() else release
    if not bundle.is_file():
        raise InputError(
            path=str(bundle),
            problem="there is no signed manifest",
            remedy="sign the release first; an opening names the manifest that it belongs to",
            code="input-unreadable",
        )
    return bundle


def _private_file(release: Path) -> Path:
    whole = Path(os.path.abspath(release))  # noqa: PTH100 - "." needs a name; links stay
    return whole.with_name(whole.name + DRAFT_SUFFIX) / PRIVATE_FILE
