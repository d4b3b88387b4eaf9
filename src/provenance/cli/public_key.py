"""`provenance public-key`: the public half of a key that one has, and what it is called."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.output import format_option, say, say_json, say_note
from provenance.cli.remote import LocalPath
from provenance.errors import SigningError, UsageError
from provenance.render import escape

if TYPE_CHECKING:
    from provenance.signing import PublicKey

__all__ = ["public_key"]


@click.command(
    "public-key",
    short_help="Show the public half of a key.",
    epilog="""
    \b
    Examples:
      provenance public-key me.key
      provenance public-key id_ed25519 --output me.pub
      provenance public-key ssh-agent:SHA256:p0cVWZ1Jv7PpHqH0m9oRk1r0cQ8Yw6F2i7m1jO3x1Q0
      provenance public-key 'pkcs11:token=lab;object=release?module-path=/usr/lib/p11.so'
    """,
)
@click.argument("key", metavar="KEY")
@click.option(
    "--password-file",
    type=LocalPath(path_type=Path),
    metavar="FILE",
    help="File whose first line is the key's password or the token's PIN.",
)
@click.option(
    "--output",
    "-o",
    type=LocalPath(path_type=Path),
    metavar="FILE",
    help="Write the key, PEM, here; nothing that exists is overwritten.",
)
@format_option
def public_key(
    *, key: str, password_file: Path | None, output: Path | None, output_format: str
) -> None:
    """Print the public half of KEY as PEM, and its fingerprints.

    KEY is what `sign --key` takes: a private key file, a key of an ssh-agent or of a PKCS#11 token,
    or what a plug-in knows. A file of a public key will do as well.

    A key has two fingerprints that look alike: ours, of the key itself, and the one that OpenSSH
    shows of it. Wherever a command asks for a fingerprint, either will do.
    """
    found = _read(key, password_file)
    pem = found.to_pem().decode("ascii")
    if output is not None:
        _write_new(output, pem)
    if output_format == "json":
        tree = {
            "fingerprint": found.fingerprint,
            "kind": found.kind,
            "publicKey": pem,
            "sshFingerprint": found.ssh_fingerprint,
        }
        say_json(tree)
        return
    if output is None:
        say(pem.rstrip("\n"))
    else:
        say(f"Public key:  {escape(str(output))}")
    # Beside the key, so that it can go through a pipe into a file.
    say_note(f"Fingerprint: {found.fingerprint} ({found.kind})")
    if found.ssh_fingerprint is not None:
        say_note(f"In OpenSSH:  {found.ssh_fingerprint}")


def _read(key: str, password_file: Path | None) -> PublicKey:
    from provenance.cli.signing_options import open_signers
    from provenance.signing import PublicKey

    if os.path.lexists(key):
        try:
            return PublicKey.load(key)
        except SigningError as error:
            if error.problem.startswith("a certificate"):
                raise
            # A private key, or none at all: that is said below.
    files = () if password_file is None else (password_file,)
    (signer,) = open_signers((key,), password_files=files)
    public = getattr(signer, "public_key", None)
    if not isinstance(public, PublicKey):
        raise SigningError(
            path=key.partition(":")[0],
            problem="the plug-in does not show the public half of its key",
            remedy="export it with the tools of the service",
        )
    return public


def _write_new(path: Path, pem: str) -> None:
    from provenance.digest import write_atomic

    if os.path.lexists(path):
        raise UsageError(
            path=str(path), problem="is there already", remedy="choose another name for the key"
        )
    write_atomic(path, pem.encode("ascii"))
