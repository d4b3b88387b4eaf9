"""`provenance policy sign` and `policy update`: policies that are signed, and follow each other."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.output import format_option, say, say_json, say_note, say_warning
from provenance.cli.remote import LocalPath
from provenance.cli.signing_options import open_authorities, open_signers, signing_options
from provenance.errors import RecordingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.signing import BundleSigner, Signer
    from provenance.trust import SignedPolicy, TrustPolicy

__all__ = ["sign", "update"]

# What cannot be read is no wrong option: the command itself says so.
_FILE = LocalPath(path_type=Path, readable=False)


@click.command(
    epilog="""
    \b
    Examples:
      provenance policy sign policy.toml --key ann.key -o policy.signed
      provenance policy sign policy.signed --key ben.key -o policy.signed
      provenance policy sign new.toml --previous policy.toml --key ann.key -o new.signed
    """
)
@click.argument("file", type=_FILE)
@signing_options
@click.option(
    "--previous",
    type=_FILE,
    metavar="FILE",
    help="The policy of the version before, signed or not, if this is not the first one.",
)
@click.option(
    "--output", "-o", type=_FILE, required=True, metavar="FILE", help="Signed policy to write."
)
@format_option
def sign(
    *,
    file: Path,
    keys: tuple[str, ...],
    password_files: tuple[Path, ...],
    scheme: str | None,
    certificates: tuple[Path, ...],
    timestamps: tuple[str, ...],
    previous: Path | None,
    output: Path,
    output_format: str,
) -> None:
    """Sign the policy in FILE; add a signature if it is signed already.

    A signed policy stands by itself: what the files hold that it names is written into it, as JSON.
    A version above 1 with policySigners needs --previous. No file is overwritten but FILE itself,
    where it is named as the output.
    """
    from provenance.digest import write_atomic
    from provenance.trust import (
        add_policy_signature,
        is_signed_policy,
        policy_document,
        sign_policy,
    )

    _check_output(output, file)
    data = _read(file)
    is_signed = is_signed_policy(data)
    document = policy_document(data) if is_signed else _embedded(data, file, tell=True)
    policy = _compiled(document, file)
    if not is_signed and previous is None:
        _check_first(policy, file)
    first, *more = open_signers(
        keys, password_files=password_files, scheme=scheme, certificates=certificates
    )
    authorities = open_authorities(timestamps)
    _warn_of_strangers(policy, (first, *more))
    if is_signed:
        signed = add_policy_signature(data, first, timestamps=authorities)
    else:
        before = None if previous is None else _document(previous)
        signed = sign_policy(document, first, previous=before, timestamps=authorities)
    for signer in more:
        signed = add_policy_signature(signed, signer, timestamps=authorities)
    write_atomic(output, signed)
    count = signed.count(b"\n")
    if output_format == "json":
        say_json({"policy": str(output), "signatures": count})
        return
    from provenance.render import escape

    noun = "signature" if count == 1 else "signatures"
    say(f"Wrote {escape(str(output))}: a signed policy with {count} {noun}.")


@click.command(
    epilog="""
    \b
    Examples:
      provenance policy update --current policy.signed new.signed
      provenance policy update --current policy.signed v2.signed v3.signed -o policy.signed
    """
)
@click.argument("files", type=_FILE, nargs=-1, required=True, metavar="NEW...")
@click.option(
    "--current",
    type=_FILE,
    required=True,
    metavar="FILE",
    help="The signed policy that is in use.",
)
@click.option(
    "--output", "-o", type=_FILE, metavar="FILE", help="Write the newest one there.  [default: no]"
)
@format_option
def update(
    *, files: tuple[Path, ...], current: Path, output: Path | None, output_format: str
) -> None:
    """Check that signed policies follow the one in use, each signed by enough of both versions.

    The NEW policies are named in their order, none left out. Exit codes: 0 the last of them may be
    used, 1 it must not, and the message says why, 4 a file cannot be read. No file is overwritten
    but the current one, where it is named as the output.
    """
    from provenance.digest import write_atomic
    from provenance.trust import update_policy

    if output is not None:
        _check_output(output, current)
    newest = [_read(file) for file in files]
    found = update_policy(_read(current), newest)
    if output is not None:
        write_atomic(output, newest[-1])
    _say(found, output, output_format)


def _say(found: SignedPolicy, output: Path | None, output_format: str) -> None:
    if output_format == "json":
        said = {"name": found.policy.name, "version": found.version, "sha256": found.sha256}
        say_json({**said, "output": None if output is None else str(output)})
        return
    from provenance.render import escape

    say(f'Version {found.version} of the policy "{escape(found.policy.name)}" may be used.')
    if output is not None:
        say(f"Wrote {escape(str(output))}.")


def _read(path: Path) -> bytes:
    from provenance.canonical import MAX_SIGNED_POLICY_BYTES
    from provenance.digest import read_file

    # The caller named this file, so a link to it is followed.
    return read_file(os.path.realpath(path), max_bytes=MAX_SIGNED_POLICY_BYTES)


def _document(path: Path) -> bytes:
    """Return the policy document of a file, signed or not."""
    from provenance.trust import is_signed_policy, policy_document

    data = _read(path)
    return policy_document(data) if is_signed_policy(data) else _embedded(data, path, tell=False)


def _embedded(data: bytes, path: Path, *, tell: bool) -> bytes:
    """Return a policy document that names no files: what they hold stands in it."""
    from provenance.trust.policy_files import embed_files

    base = Path(os.path.realpath(path)).parent
    document, names = embed_files(data, path=str(path), base=base)
    if names and tell:
        say_note(f"note: written into the policy, which is now JSON: {', '.join(names)}")
    return document


def _compiled(document: bytes, path: Path) -> TrustPolicy:
    from provenance.trust import compile_policy, read_policy

    return compile_policy(read_policy(document, path=str(path)), path=str(path))


def _check_first(policy: TrustPolicy, path: Path) -> None:
    """Refuse a later version that does not say which one it follows: nobody could update to it.

    Raises:
        UsageError: It is one.
    """
    if policy.policy_signers is not None and (policy.version or 1) > 1:
        raise UsageError(
            path=str(path),
            problem=f"version {policy.version} follows another one, and none is named",
            remedy="add --previous with the policy of the version before, signed or not",
        )


def _warn_of_strangers(policy: TrustPolicy, signers: Sequence[Signer | BundleSigner]) -> None:
    """Say which signatures count for no threshold of the policy that they are made over."""
    from provenance.signing import PublicKey

    role = policy.policy_signers
    if role is None:
        return
    known = [one.verifier for one in policy.signers if one.name in role.signers]
    if not all(isinstance(one, PublicKey) for one in known):
        return  # whose certificate has which name is seen when it is verified
    fingerprints = {one.fingerprint for one in known}
    for signer in signers:
        if signer.fingerprint not in fingerprints:
            say_warning(
                f"key {signer.fingerprint} is not among the policySigners of this version "
                f"({', '.join(role.signers)}); its signature counts for the version before at most"
            )


def _check_output(output: Path, allowed: Path) -> None:
    """Refuse to overwrite a file, but the one that is named as input as well.

    Raises:
        RecordingError: It exists.
    """
    if os.path.lexists(output) and os.path.realpath(output) != os.path.realpath(allowed):
        raise RecordingError(
            path=str(output),
            problem="this name exists, and a policy is never overwritten",
            remedy="name another one with --output, or move it away",
        )
