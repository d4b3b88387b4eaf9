"""`provenance cosign`: one more signature of a manifest that is signed already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.output import format_option, say, say_json, say_note
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
    from provenance.signing.keyless import KeylessSigner

__all__ = ["cosign"]

_PATH = LocalPath(path_type=Path)


@click.command(
    short_help="Add a signature to a signed release.",
    epilog="""
    \b
    Examples:
      provenance cosign my-model --key auditor.key
      provenance cosign my-model --key ssh-agent:auditor.pub --name audit-2026
      provenance cosign --manifest manifest.sigstore.json --key auditor.key \\
          --output audit.sigstore.json
    """,
)
@click.argument("release", type=_PATH, required=False)
@click.option(
    "--manifest", type=_PATH, metavar="BUNDLE", help="The signed manifest alone, no release."
)
@signing_options
@keyless_options
@click.option("--name", metavar="NAME", help="What the file is called, without .sigstore.json.")
@click.option(
    "--output", "-o", type=_PATH, metavar="FILE", help="Bundle to write, with --manifest."
)
@format_option
def cosign(
    *,
    release: Path | None,
    manifest: Path | None,
    keys: tuple[str, ...],
    password_files: tuple[Path, ...],
    scheme: str | None,
    certificates: tuple[Path, ...],
    timestamps: tuple[str, ...],
    keyless: KeylessSigner | None,
    name: str | None,
    output: Path | None,
    output_format: str,
) -> None:
    """Sign the very manifest of RELEASE that others have signed, and touch none of their files.

    The new bundle goes to training-provenance/attestations/. A co-signature says of the same
    manifest what the first one says, all of it: verify the release before. Whoever can vouch for a
    part alone, such as an evaluation, signs a document about that instead.

    With --manifest only the signed manifest is needed; the bundle that comes out belongs into the
    release under training-provenance/attestations/.

    Exit codes: 0 signed, 1 the manifest, an agent, a token or a service refuses, and nothing was
    written, 2 a wrong option or key file, a key that has signed already, or a name that is taken, 4
    something cannot be read or written.
    """
    if (release is None) == (manifest is None):
        raise UsageError(problem="expected a release folder or --manifest, and not both")
    if manifest is not None and output is None:
        remedy = "say with --output FILE where the bundle goes"
        raise UsageError(path="--manifest", problem="needs --output", remedy=remedy)
    if manifest is None and output is not None:
        problem = "goes with --manifest; a release keeps bundles inside"
        raise UsageError(path="--output", problem=problem)
    if manifest is not None and name is not None:
        raise UsageError(path="--name", problem="with --manifest, --output says where")
    from provenance.cli.sources import load_statement
    from provenance.envelope import manifest_digest
    from provenance.recording import cosign_manifest, cosign_release
    from provenance.render import escape

    authorities = open_authorities(timestamps)
    signers = open_signers(
        keys,
        keyless=keyless,
        password_files=password_files,
        scheme=scheme,
        certificates=certificates,
    )
    warn_of_certificates(signers, authorities)
    if manifest is not None and len(signers) > 1:
        raise UsageError(
            path="--manifest",
            problem="one bundle is written, by one key",
            remedy="add the other signatures with `provenance cosign --manifest`",
        )
    written: tuple[Path, ...]
    if manifest is not None and output is not None:
        written = (cosign_manifest(manifest, signers[0], output, timestamps=authorities),)
    else:
        assert release is not None  # noqa: S101 - checked above
        written = cosign_release(release, signers, name=name, timestamps=authorities)
    digest = manifest_digest(load_statement(written[0]).payload)
    made = [describe_signature(path, it) for path, it in zip(written, signers, strict=True)]
    say_note("you have signed the same statement as the others: all of the manifest, not a part")
    if output_format == "json":
        say_json({"manifestDigest": digest, "signatures": made})
        return
    for one in made:
        say(f"Co-signed: {escape(one['bundle'])}")
        say_signature(one)
    say(f"Manifest:  sha256 {digest}")
