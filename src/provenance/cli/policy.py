"""`provenance policy`: begin, check and explain a trust policy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provenance.cli.named_policy import open_policy
from provenance.cli.output import format_option, say, say_error, say_json
from provenance.cli.policy_signing import sign, update
from provenance.cli.remote import LocalPath
from provenance.errors import RecordingError

if TYPE_CHECKING:
    from provenance.trust import TrustPolicy

__all__ = ["policy"]

# What cannot be read is no wrong option: the command itself says so.
_FILE = LocalPath(path_type=Path, readable=False)
_policy_keys = click.option(
    "--policy-key",
    "policy_keys",
    multiple=True,
    metavar="KEY",
    help="Who may have signed it, if it is signed: a public key, or the fingerprint SHA256:… of "
    "one that it lists. May be repeated.",
)


@click.group(no_args_is_help=False)
def policy() -> None:
    """Say whom you trust, for what, and what you require.

    A policy is one TOML or JSON file. It is used only where it is named: `provenance verify MODEL
    --policy FILE`.
    """


policy.add_command(sign)
policy.add_command(update)


@policy.command(
    "init",
    epilog="""
    \b
    Examples:
      provenance policy init consumer
      provenance policy init company --output policy.toml
    """,
)
@click.argument("template", type=click.Choice(["consumer", "company", "regulator"]))
@click.option(
    "--output", "-o", type=_FILE, metavar="FILE", help="File to write.  [default: standard output]"
)
@format_option
def init_policy(*, template: str, output: Path | None, output_format: str) -> None:
    """Begin a policy from a commented template.

    What stands in it between < and > is yours to fill in; `provenance policy check` says what is
    left. No file is overwritten.
    """
    from provenance.digest import write_atomic
    from provenance.trust import TEMPLATES

    text = TEMPLATES[template]
    if output is None:
        if output_format == "json":
            say_json({"template": template, "text": text})
        else:
            say(text.rstrip("\n"))
        return
    if os.path.lexists(output):
        raise RecordingError(
            path=str(output),
            problem="this name exists, and a policy is never overwritten",
            remedy="name another one with --output, or move it away",
        )
    write_atomic(output, text.encode("utf-8"))
    if output_format == "json":
        say_json({"policy": str(output), "template": template})
        return
    from provenance.render import escape

    say(f"Wrote {escape(str(output))}: fill in what stands between < and >, then")
    say(f"  provenance policy check {escape(str(output))}")


@policy.command(
    epilog="""
    \b
    Example:
      provenance policy check policy.toml
    """
)
@click.argument("file", type=_FILE)
@_policy_keys
@format_option
def check(*, file: Path, policy_keys: tuple[str, ...], output_format: str) -> int:
    """Check the policy in FILE, and the key files that it names.

    What is left to fill in, and every file that is missing, is said in one go. Exit codes: 0 it can
    be used, 2 it cannot, and the message names the place, 4 it cannot be read. A policy that has
    expired can be read; `provenance verify` will not pass anything with it.
    """
    from datetime import UTC, datetime

    gaps = _gaps(file)
    for gap in gaps:
        say_error(gap)
    if gaps:
        return 2
    loaded = open_policy(file, policy_keys)
    if output_format == "json":
        say_json(_tree(loaded))
        return 0
    from provenance.render import quoted

    roles = ", ".join(_role(role.name, role.threshold, len(role.signers)) for role in loaded.roles)
    say(f"The policy {quoted(loaded.name)} can be used. Roles: {roles}.")
    say(f"SHA-256 of its document: {loaded.sha256}")
    if loaded.expires is not None and loaded.expires <= datetime.now(UTC):
        say("It has expired: nothing passes with it.")
    return 0


def _gaps(file: Path) -> tuple[str, ...]:
    """Return what is left to fill in of a policy that is a document of its author's own."""
    from provenance.canonical import MAX_SIGNED_POLICY_BYTES
    from provenance.digest import read_file
    from provenance.trust import is_signed_policy
    from provenance.trust.policy_files import find_gaps

    # The caller named this file, so a link to it is followed.
    real = Path(os.path.realpath(file))
    data = read_file(real, max_bytes=MAX_SIGNED_POLICY_BYTES)
    return () if is_signed_policy(data) else find_gaps(data, path=str(file), base=real.parent)


@policy.command(
    epilog="""
    \b
    Example:
      provenance policy explain policy.toml
    """
)
@click.argument("file", type=_FILE)
@_policy_keys
@format_option
def explain(*, file: Path, policy_keys: tuple[str, ...], output_format: str) -> None:
    """Say in plain words what the policy in FILE trusts and requires."""
    from provenance.render import render_policy

    loaded = open_policy(file, policy_keys)
    lines = render_policy(loaded)
    if output_format == "json":
        say_json({**_tree(loaded), "explanation": lines})
        return
    for line in lines:
        say(line)


def _role(name: str, threshold: int, count: int) -> str:
    return f"{name} ({threshold} of {count})"


def _tree(loaded: TrustPolicy) -> dict[str, Any]:
    expires = loaded.expires
    return {
        "name": loaded.name,
        "version": loaded.version,
        "sha256": loaded.sha256,
        "expires": None if expires is None else expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "signers": {signer.name: signer.verifier.fingerprint for signer in loaded.signers},
        "roles": {
            role.name: {
                "signers": list(role.signers),
                "threshold": role.threshold,
                "required": role.required,
                "predicateTypes": list(role.predicate_types),
                "models": list(role.models),
            }
            for role in loaded.roles
        },
    }
