"""`provenance trust`: which keys this user has decided to trust, for which models.

The decisions are kept in one file of the user's settings. Only the command line reads it, and only
where no `--key` was named; the library never does.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.output import format_option, say, say_json, say_note
from provenance.cli.remote import LocalPath
from provenance.errors import TrustError, UsageError

if TYPE_CHECKING:
    from provenance.signing import PublicKey
    from provenance.trust import Pin

__all__ = ["pins_file", "trust"]


def pins_file() -> Path:
    """Return the file of pins of this user.

    It is `training-provenance/trust.json` in `$XDG_CONFIG_HOME`, else in `~/.config`; on Windows in
    `%APPDATA%`.

    Raises:
        UsageError: There is no home folder to look in.
    """
    variable = "APPDATA" if sys.platform == "win32" else "XDG_CONFIG_HOME"
    named = os.environ.get(variable, "")
    # A relative path is ignored, as the specification demands: it would be the working folder's.
    folder = Path(named) if named and Path(named).is_absolute() else _home() / ".config"
    return folder / "training-provenance" / "trust.json"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError as error:
        raise UsageError(
            problem="there is no home folder to keep pins in",
            remedy="set HOME, or name keys with --key",
        ) from error


@click.group(no_args_is_help=False)
def trust() -> None:
    """Remember which key may sign which model.

    A pin is your decision: this key, under this name, may sign the model of that name. `provenance
    verify` uses pins where no --key is named.
    """


@trust.command(
    epilog="""
    \b
    Examples:
      provenance trust add publisher.pub --model digits-mlp --name digits-lab
      provenance trust add publisher.pub --model digits-mlp \\
        --fingerprint SHA256:p0cVWZ1Jv7PpHqH0m9oRk1r0cQ8Yw6F2i7m1jO3x1Q0
    """
)
@click.argument("key", type=LocalPath(path_type=Path))
@click.option(
    "--model", required=True, metavar="NAME", help="Name of the model that the key may sign."
)
@click.option(
    "--name", metavar="NAME", help="What you call the signer.  [default: the key file's name]"
)
@click.option(
    "--fingerprint",
    metavar="SHA256:…",
    help="The fingerprint that the publisher told you, ours or the one that OpenSSH shows.",
)
@click.option("--yes", is_flag=True, help="Do not ask: you have compared the fingerprint.")
@format_option
def add(
    *,
    key: Path,
    model: str,
    name: str | None,
    fingerprint: str | None,
    yes: bool,
    output_format: str,
) -> None:
    """Pin the public key in the file KEY for a model.

    The key's fingerprint is shown, and you are asked whether it is the one that the publisher told
    you by another way than the download. With --fingerprint the two are compared instead.
    """
    from datetime import UTC, datetime

    from provenance.signing import PublicKey
    from provenance.trust import add_pin

    public = PublicKey.load(key)
    _confirm(public, key, model, fingerprint, yes=yes)
    signer = name if name is not None else key.name.removesuffix(".pub")
    pin = add_pin(pins_file(), name=signer, model=model, key=public, added_at=datetime.now(UTC))
    if output_format == "json":
        say_json(_pin_tree(pin))
        return
    say(f"Pinned: {_pin_line(pin)}")


@trust.command(
    "list",
    epilog="""
    \b
    Example:
      provenance trust list
    """,
)
@format_option
def list_pins(*, output_format: str) -> None:
    """List the pins, one a line: name, model, fingerprint, date."""
    from provenance.trust import read_pins

    pins = read_pins(pins_file())
    if output_format == "json":
        say_json([_pin_tree(pin) for pin in pins])
        return
    for pin in pins:
        say(_pin_line(pin))
    if not pins:
        say_note("No key is pinned. Pin one with `provenance trust add KEY --model NAME`.")


@trust.command(
    epilog="""
    \b
    Example:
      provenance trust remove digits-lab
    """
)
@click.argument("name")
@click.option("--model", metavar="NAME", help="Remove the pin for this model only.")
@format_option
def remove(*, name: str, model: str | None, output_format: str) -> None:
    """Remove the pins of the signer NAME."""
    from provenance.trust import remove_pin

    removed = remove_pin(pins_file(), name=name, model=model)
    if output_format == "json":
        say_json([_pin_tree(pin) for pin in removed])
        return
    for pin in removed:
        say(f"Removed: {_pin_line(pin)}")


def _confirm(key: PublicKey, path: Path, model: str, fingerprint: str | None, *, yes: bool) -> None:
    from provenance.render import escape
    from provenance.signing import parse_fingerprint

    if fingerprint is not None:
        expected = parse_fingerprint(fingerprint)
        if not key.is_called(expected):
            raise TrustError(
                path=str(path),
                problem=f"the key has the fingerprint {key.fingerprint}, not {expected}",
                remedy="do not trust this key; ask the publisher",
            )
        return
    say_note(f"Fingerprint: {key.fingerprint}  ({key.kind})")
    if key.ssh_fingerprint is not None:
        say_note(f"In OpenSSH:  {key.ssh_fingerprint}")
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            problem="nobody is there to confirm the fingerprint",
            remedy="compare it, then give it with --fingerprint, or say --yes",
        )
    question = f'Did the publisher tell you this fingerprint? Trust it for "{escape(model)}"?'
    if not click.confirm(question, err=True):
        raise TrustError(problem="the fingerprint was not confirmed; nothing was pinned")


def _pin_tree(pin: Pin) -> dict[str, str]:
    return {
        "addedAt": pin.added_at,
        "fingerprint": pin.fingerprint,
        "model": pin.model,
        "name": pin.name,
    }


def _pin_line(pin: Pin) -> str:
    from provenance.render import escape

    return f"{escape(pin.name)}  {escape(pin.model)}  {pin.fingerprint}  {pin.added_at[:10]}"
