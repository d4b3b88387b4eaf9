"""`provenance sign`: one signature a key under a release, or under a draft without the weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provenance.cli.output import format_option, say, say_json, say_note
from provenance.cli.remote import LocalPath
from provenance.cli.signing_options import (
    keyless_options,
    open_authorities,
    open_signers,
    signing_options,
)
from provenance.errors import UsageError

if TYPE_CHECKING:
    from provenance.signing import BundleSigner, Signer, TimestampAuthority
    from provenance.signing.keyless import KeylessSigner

__all__ = ["sign"]

_PATH = LocalPath(path_type=Path)


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
    output_format: str,
) -> None:
    """Sign the draft of the folder RELEASE, and put the bundle into it.

    Look at what becomes public first: `provenance show RELEASE --review`. Of several keys the first
    one's bundle is the manifest, and the others' go to training-provenance/attestations/; either
    all keys sign or nothing is written.

    With --draft only the statement is needed, so that the key can stay on another machine; the
    bundle that comes out belongs into the release as training-provenance/manifest.sigstore.json.
    """
    if (release is None) == (draft is None):
        raise UsageError(problem="expected a release folder or --draft, and not both")
    if (draft is None) != (output is None):
        raise UsageError(problem="--output goes with --draft; a release keeps its bundle inside")
    if oms and draft is not None:
        raise UsageError(path="--oms", problem="needs the release; a draft alone has no files")
    authorities = open_authorities(timestamps)
    signers = open_signers(
        keys,
        keyless=keyless,
        password_files=password_files,
        scheme=scheme,
        certificates=certificates,
    )
    if draft is not None and len(signers) > 1:
        raise UsageError(
            path="--draft",
            problem="one bundle is written, by one key",
            remedy="add the other signatures with `provenance cosign --manifest`",
        )
    if draft is not None and output is not None:
        written = _sign_draft(draft, output, signers[0], authorities, overwrite=overwrite)
    else:
        assert release is not None  # noqa: S101 - checked above
        if oms:
            _check_oms(release, signers[0], overwrite=overwrite)
        written = _sign_release(release, signers, authorities, overwrite=overwrite)
    signature = None
    if oms and release is not None:
        signature = _sign_oms(release, signers[0], overwrite=overwrite)
    _say(written, signers, signature, output_format)


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
    written: Path,
    signers: tuple[Signer | BundleSigner, ...],
    signature: Path | None,
    output_format: str,
) -> None:
    from provenance.cli.sources import load_statement
    from provenance.envelope import manifest_digest

    digest = manifest_digest(load_statement(written).payload)
    made = [{"fingerprint": it.fingerprint, "scheme": it.scheme} for it in signers]
    if output_format == "json":
        found: dict[str, Any] = {"bundle": str(written), "manifestDigest": digest, **made[0]}
        say_json({**found, "signatures": made, "oms": signature and str(signature)})
        return
    from provenance.render import escape

    say(f"Signed:    {escape(str(written))}")
    for one in made:
        key = one["fingerprint"] or "made for this signature alone"
        say(f"Key:       {escape(key)} ({escape(one['scheme'])})")
    say(f"Manifest:  sha256 {digest}")
    if signature is not None:
        say(f"OMS:       {escape(str(signature))}")


def _sign_release(
    release: Path,
    signers: tuple[Signer | BundleSigner, ...],
    authorities: tuple[TimestampAuthority, ...],
    *,
    overwrite: bool,
) -> Path:
    from provenance.recording import draft_folder, sign_release

    folder = release.absolute()
    _say_what_becomes_public(draft_folder(folder))
    return sign_release(folder, signers, timestamps=authorities, overwrite=overwrite)


def _sign_draft(
    draft: Path,
    output: Path,
    signer: Signer | BundleSigner,
    authorities: tuple[TimestampAuthority, ...],
    *,
    overwrite: bool,
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
    _say_what_becomes_public(draft)
    return sign_draft(loaded.path, signer, output, timestamps=authorities, overwrite=overwrite)


def _say_what_becomes_public(draft: Path) -> None:
    from provenance.cli.sources import load_statement
    from provenance.render import review_manifest, summarise_review

    loaded = load_statement(draft)
    summary = summarise_review(review_manifest(loaded.statement.predicate))
    say_note(f"{summary} (`provenance show {loaded.path} --review` lists it)")
