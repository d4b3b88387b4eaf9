"""`provenance sign`: one signature a key under a release, or under a draft without the weights."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provenance.cli.output import format_option, say, say_json, say_note, say_warning
from provenance.cli.remote import LocalPath
from provenance.cli.signing_options import (
    keyless_options,
    open_authorities,
    open_signers,
    signing_options,
)
from provenance.cli.signing_results import (
    describe_signature,
    say_signature,
    warn_of_certificates,
)
from provenance.errors import UsageError

if TYPE_CHECKING:
    from provenance.signing import BundleSigner, Signer, TimestampAuthority
    from provenance.signing.keyless import KeylessSigner

__all__ = ["sign"]

_PATH = LocalPath(path_type=Path)

#: Most co-signatures that a message lists.
MAX_LISTED = 8


@click.command(
    short_help="Sign the draft of a release.",
    epilog="""
    \b
    Examples:
      provenance sign my-model --key me.key
      provenance sign my-model --key ssh-agent:me.pub --key post-quantum.key
      provenance sign my-model --key me.key --timestamp https://tsa.example/tsr
      provenance sign my-model --key me.key --oms
      provenance sign --draft statement.json --key me.key --output manifest.sigstore.json
    """,
)
@click.argument("release", type=_PATH, required=False)
@click.option(
    "--draft", type=_PATH, metavar="FILE", help="Sign this statement; the weights stay away."
)
@signing_options
@keyless_options
@click.option("--output", "-o", type=_PATH, metavar="FILE", help="Bundle to write, with --draft.")
@click.option(
    "--oms",
    is_flag=True,
    help="Add an OpenSSF Model Signing signature, model.sig, by the first key; for a release that "
    "was made with --oms.",
)
@click.option("--overwrite", is_flag=True, help="Replace a bundle that is there.")
@click.option(
    "--drop-cosignatures",
    is_flag=True,
    help="With --overwrite: take away the co-signatures of the manifest that is replaced.",
)
@click.option("--yes", is_flag=True, help="On a terminal, do not ask before signing.")
@format_option
def sign(
    *,
    release: Path | None,
    draft: Path | None,
    keys: tuple[str, ...],
    password_files: tuple[Path, ...],
    scheme: str | None,
    certificates: tuple[Path, ...],
    timestamps: tuple[str, ...],
    keyless: KeylessSigner | None,
    output: Path | None,
    oms: bool,
    overwrite: bool,
    drop_cosignatures: bool,
    yes: bool,
    output_format: str,
) -> None:
    """Sign the draft of the folder RELEASE, and put the bundle into it.

    Look at what becomes public first: `provenance review RELEASE`. On a terminal you are told how
    much of each kind that is, and asked. Of several keys the first
    one's bundle is the manifest, and the others' go to training-provenance/attestations/; either
    all keys sign or nothing is written.

    With --draft only the statement is needed, so that the key can stay on another machine; the
    bundle that comes out belongs into the release as training-provenance/manifest.sigstore.json.

    Exit codes: 0 signed, 1 the draft, an agent, a token or a service refuses, and nothing was
    written, 2 a wrong option or key file, or a name that is taken, 4 something cannot be read or
    written.
    """
    _check_options(release, draft, output, oms=oms)
    if drop_cosignatures and (draft is not None or not overwrite):
        problem = "goes with a release and --overwrite"
        raise UsageError(path="--drop-cosignatures", problem=problem)
    authorities = open_authorities(timestamps)
    signers = open_signers(
        keys,
        keyless=keyless,
        password_files=password_files,
        scheme=scheme,
        certificates=certificates,
    )
    warn_of_certificates(signers, authorities)
    if draft is not None and len(signers) > 1:
        raise UsageError(
            path="--draft",
            problem="one bundle is written, by one key",
            remedy="add the other signatures with `provenance cosign --manifest`",
        )
    written: tuple[Path, ...]
    if draft is not None and output is not None:
        made = _sign_draft(draft, output, signers[0], authorities, overwrite=overwrite, yes=yes)
        written = (made,)
    else:
        assert release is not None  # noqa: S101 - checked above
        if oms:
            _check_oms(release, signers[0], overwrite=overwrite)
        written = _sign_release(
            release,
            signers,
            authorities,
            overwrite=overwrite,
            drop_cosignatures=drop_cosignatures,
            yes=yes,
        )
    signature = None
    if oms and release is not None:
        signature = _sign_oms(release, signers[0], overwrite=overwrite)
    _say(written, signers, signature, output_format)


def _check_options(
    release: Path | None, draft: Path | None, output: Path | None, *, oms: bool
) -> None:
    if (release is None) == (draft is None):
        raise UsageError(problem="expected a release folder or --draft, and not both")
    if draft is not None and output is None:
        remedy = "say with --output FILE where the bundle goes"
        raise UsageError(path="--draft", problem="needs --output", remedy=remedy)
    if draft is None and output is not None:
        problem = "goes with --draft; a release keeps its bundle inside"
        raise UsageError(path="--output", problem=problem)
    if oms and draft is not None:
        raise UsageError(path="--oms", problem="needs the release; a draft alone has no files")
    if release is not None:
        _check_release(release)


def _check_release(release: Path) -> None:
    """Refuse before a key is opened, and its password asked for, where there is nothing to sign."""
    from provenance.recording.signed import find_draft

    find_draft(release.absolute())


def _check_oms(release: Path, signer: Signer | BundleSigner, *, overwrite: bool) -> None:
    """Refuse before anything is signed what would be refused after the manifest is."""
    from provenance.recording import check_oms_draft

    check_oms_draft(release.absolute(), signer, overwrite=overwrite)


def _sign_oms(release: Path, signer: Signer | BundleSigner, *, overwrite: bool) -> Path:
    from provenance.recording import sign_oms
    from provenance.signing import Signer as AnySigner

    assert isinstance(signer, AnySigner)  # noqa: S101 - `_check_oms` has refused the others
    return sign_oms(release.absolute(), signer, overwrite=overwrite)


def _say(
    written: tuple[Path, ...],
    signers: tuple[Signer | BundleSigner, ...],
    signature: Path | None,
    output_format: str,
) -> None:
    from provenance.cli.sources import load_statement
    from provenance.envelope import manifest_digest

    digest = manifest_digest(load_statement(written[0]).payload)
    made = [describe_signature(path, it) for path, it in zip(written, signers, strict=True)]
    if output_format == "json":
        first = {name: made[0][name] for name in ("bundle", "fingerprint", "scheme")}
        found: dict[str, Any] = {**first, "manifestDigest": digest}
        say_json({**found, "signatures": made, "oms": signature and str(signature)})
        return
    from provenance.render import escape

    say(f"Signed:    {escape(str(written[0]))}")
    for one in made:
        say_signature(one)
    say(f"Manifest:  sha256 {digest}")
    if signature is not None:
        say(f"OMS:       {escape(str(signature))}")


def _sign_release(
    release: Path,
    signers: tuple[Signer | BundleSigner, ...],
    authorities: tuple[TimestampAuthority, ...],
    *,
    overwrite: bool,
    drop_cosignatures: bool,
    yes: bool,
) -> tuple[Path, ...]:
    from provenance.cli.sources import load_statement
    from provenance.recording import draft_folder
    from provenance.recording.cosignatures import old_cosignatures
    from provenance.recording.signed import sign_with_all

    folder = release.absolute()
    _say_what_becomes_public(draft_folder(folder), yes=yes)
    written = sign_with_all(
        folder,
        signers,
        timestamps=authorities,
        overwrite=overwrite,
        drop_cosignatures=drop_cosignatures,
    )
    old = old_cosignatures(folder, load_statement(written[0]).payload)
    if old:
        more = ", …" if len(old) > MAX_LISTED else ""
        say_warning(
            "these co-signatures are of the manifest that was replaced, and count for nothing now: "
            f"{', '.join(path.name for path in old[:MAX_LISTED])}{more}; sign again with "
            "--overwrite --drop-cosignatures to take them away"
        )
    return written


def _sign_draft(
    draft: Path,
    output: Path,
    signer: Signer | BundleSigner,
    authorities: tuple[TimestampAuthority, ...],
    *,
    overwrite: bool,
    yes: bool,
) -> Path:
    from provenance.cli.sources import load_statement
    from provenance.recording import sign_draft

    loaded = load_statement(draft)
    if loaded.kind != "draft":
        raise UsageError(
            path=str(loaded.path),
            problem=f"this is a signed {loaded.kind}, not a draft",
            remedy="name the file statement.json of the draft, or add a signature with `cosign`",
        )
    _say_what_becomes_public(draft, yes=yes)
    return sign_draft(loaded.path, signer, output, timestamps=authorities, overwrite=overwrite)


def _say_what_becomes_public(draft: Path, *, yes: bool) -> None:
    """Say how much becomes public; on a terminal, ask whether it may.

    Raises:
        click.Abort: The answer was no.
    """
    from provenance.cli.sources import load_statement
    from provenance.render import count_mentions, format_count, review_manifest, summarise_review

    loaded = load_statement(draft)
    review = review_manifest(loaded.statement.predicate)
    asks = sys.stdin.isatty() and sys.stderr.isatty() and not yes
    if not asks:
        say_note(f"{summarise_review(review)} (`provenance review {loaded.path}` lists it)")
        return
    counts = count_mentions(review)
    say_note(f"What becomes public (`provenance review {loaded.path}` lists it):")
    for kind, count in counts.items():
        say_note(f"  {kind:<10}{format_count(count):>8}")
    if not counts:
        say_note("  nothing that looks private")
    click.confirm("Sign it?", default=False, abort=True, err=True)
