"""`provenance sign`: one signature under a release, or under a draft without the weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.keys import password_option, password_source
from provenance.cli.output import format_option, say, say_json, say_note
from provenance.errors import UsageError

if TYPE_CHECKING:
    from provenance.signing import PrivateKey

__all__ = ["sign"]

_PATH = click.Path(path_type=Path)


@click.command(
    short_help="Sign the draft of a release.",
    epilog="""
    \b
    Examples:
      provenance sign my-model --key me.key
      provenance sign --draft statement.json --key me.key --output manifest.sigstore.json
    """,
)
@click.argument("release", type=_PATH, required=False)
@click.option(
    "--draft", type=_PATH, metavar="FILE", help="Sign this statement; the weights stay away."
)
@click.option("--key", type=_PATH, required=True, metavar="FILE", help="Private key.")
@password_option
@click.option("--output", "-o", type=_PATH, metavar="FILE", help="Bundle to write, with --draft.")
@click.option("--overwrite", is_flag=True, help="Replace a bundle that is there.")
@format_option
def sign(
    *,
    release: Path | None,
    draft: Path | None,
    key: Path,
    password_file: Path | None,
    output: Path | None,
    overwrite: bool,
    output_format: str,
) -> None:
    """Sign the draft of the folder RELEASE, and put the bundle into it.

    Look at what becomes public first: `provenance show RELEASE --review`. With --draft only the
    statement is needed, so that the key can stay on another machine; the bundle that comes out
    belongs into the release as training-provenance/manifest.sigstore.json.
    """
    if (release is None) == (draft is None):
        raise UsageError(problem="expected a release folder or --draft, and not both")
    if (draft is None) != (output is None):
        raise UsageError(problem="--output goes with --draft; a release keeps its bundle inside")
    from provenance.cli.sources import load_statement
    from provenance.envelope import manifest_digest
    from provenance.signing import load_private_key

    signer = load_private_key(key, password_source(password_file))
    if draft is not None and output is not None:
        written = _sign_draft(draft, output, signer, overwrite=overwrite)
    else:
        assert release is not None  # noqa: S101 - checked above
        written = _sign_release(release, signer, overwrite=overwrite)
    digest = manifest_digest(load_statement(written).payload)
    if output_format == "json":
        say_json(
            {
                "bundle": str(written),
                "fingerprint": signer.fingerprint,
                "manifestDigest": digest,
                "scheme": signer.scheme,
            }
        )
        return
    from provenance.render import escape

    say(f"Signed:    {escape(str(written))}")
    say(f"Key:       {signer.fingerprint} ({signer.scheme})")
    say(f"Manifest:  sha256 {digest}")


def _sign_release(release: Path, signer: PrivateKey, *, overwrite: bool) -> Path:
    from provenance.recording import draft_folder, sign_release

    _say_what_becomes_public(draft_folder(release.absolute()))
    return sign_release(release.absolute(), signer, overwrite=overwrite)


def _sign_draft(draft: Path, output: Path, signer: PrivateKey, *, overwrite: bool) -> Path:
    from provenance.cli.sources import load_statement
    from provenance.recording import sign_draft

    loaded = load_statement(draft)
    if loaded.kind != "draft":
        raise UsageError(
            path=str(loaded.path),
            problem=f"this is a signed {loaded.kind}, not a draft",
            remedy="name the file statement.json of the draft",
        )
    _say_what_becomes_public(draft)
    return sign_draft(loaded.path, signer, output, overwrite=overwrite)


def _say_what_becomes_public(draft: Path) -> None:
    from provenance.cli.sources import load_statement
    from provenance.render import review_manifest, summarise_review

    loaded = load_statement(draft)
    summary = summarise_review(review_manifest(loaded.statement.predicate))
    say_note(f"{summary} (`provenance show {loaded.path} --review` lists it)")
