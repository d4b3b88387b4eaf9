"""`provenance keygen`: a new pair of keys in two files.

And what every command with a private key shares: where its password comes from. A password is never
an argument, which other users of the machine could read.
"""

from __future__ import annotations

import os
import sys
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.output import format_option, say, say_json
from provenance.cli.remote import LocalPath
from provenance.errors import UsageError
from provenance.render import escape, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provenance.signing import KeyKind

__all__ = ["KEY_KINDS", "keygen", "password_option", "password_sources", "read_password"]

#: The kinds of keys, the default first; a test compares them with the table of schemes.
KEY_KINDS = ("ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519", "rsa", "ml-dsa-65")
#: Largest password file.
MAX_PASSWORD_BYTES = 4_096
#: How much of a key's name a question shows, in characters.
MAX_KEY_CHARACTERS = 100

password_option = click.option(
    "--password-file",
    type=LocalPath(path_type=Path),
    metavar="FILE",
    help="File whose first line is the key's password.",
)


@click.command(
    short_help="Make a pair of keys.",
    epilog="""
    \b
    Examples:
      provenance keygen me.key
      provenance keygen me.key --kind ed25519 --prompt
    """,
)
@click.argument("file", type=LocalPath(path_type=Path))
@click.option(
    "--kind",
    type=click.Choice(KEY_KINDS),
    default=KEY_KINDS[0],
    show_default=True,
    help="Kind of key. The default is the one that every other tool accepts.",
)
@password_option
@click.option("--prompt", is_flag=True, help="Ask for a password on the terminal.")
@format_option
def keygen(
    *, file: Path, kind: KeyKind, password_file: Path | None, prompt: bool, output_format: str
) -> None:
    """Make a key: the private half in FILE, the public half in FILE.pub.

    Keep FILE secret (it is readable by you alone) and give FILE.pub, or its fingerprint, to the
    people who are to verify your models. Without a password the private key is not encrypted.
    Nothing that exists is overwritten.
    """
    from provenance.signing import generate_private_key, write_key_pair

    password = _new_password(password_file, prompt=prompt)
    key = generate_private_key(kind)
    private, public = write_key_pair(file, key, password)
    if output_format == "json":
        found = {
            "encrypted": password is not None,
            "fingerprint": key.fingerprint,
            "kind": kind,
            "privateKey": str(private),
            "publicKey": str(public),
        }
        say_json(found)
        return
    say(f"Private key: {escape(str(private))}  (keep it secret)")
    say(f"Public key:  {escape(str(public))}  (give it to those who verify)")
    say(f"Fingerprint: {key.fingerprint}")


def password_sources(
    keys: Sequence[str], files: Sequence[Path]
) -> tuple[Callable[[], bytes] | bytes | None, ...]:
    """Return where the password of each existing key comes from.

    Args:
        keys: What the keys are called, to ask for.
        files: Password files: none, one for all keys, or one for each in their order.

    Returns:
        For each key its password, or a function that returns it and is called only if the key is
        locked: without a file, on a terminal, it asks. Otherwise nothing.

    Raises:
        InputError: A file cannot be read.
        UsageError: There are more or fewer files than keys, or the first line of one is empty.
    """
    if len(files) not in {0, 1, len(keys)}:
        raise UsageError(
            path="--password-file",
            problem=f"{len(files)} password files were given for {len(keys)} keys",
            remedy="give one for all of them, or one for each in their order",
        )
    if files:
        read = [read_password(file) for file in files]
        if len(keys) == 1:
            return tuple(read)
        each = read * len(keys) if len(read) == 1 else read
        # Of several keys some may be locked, and only these take the password.
        return tuple(partial(bytes, password) for password in each)
    # A URI may say itself where the PIN is.
    asked = [_on_terminal() and "pin-source=" not in key for key in keys]
    return tuple(_asking(key) if ask else None for key, ask in zip(keys, asked, strict=True))


def read_password(file: Path) -> bytes:
    """Return the first line of a password file.

    Raises:
        InputError: The file cannot be read, or is larger than any password.
        UsageError: The line is empty.
    """
    from provenance.digest import read_file

    # Secrets are often mounted as links; the caller named this one.
    data = read_file(os.path.realpath(file), max_bytes=MAX_PASSWORD_BYTES)
    line = data.split(b"\n", 1)[0].removesuffix(b"\r")
    if not line:
        raise UsageError(path=str(file), problem="the first line of the password file is empty")
    return line


def _new_password(file: Path | None, *, prompt: bool) -> bytes | None:
    if file is not None and prompt:
        raise UsageError(
            problem="--password-file and --prompt were both given", remedy="choose one"
        )
    if file is not None:
        return read_password(file)
    if not prompt:
        return None
    if not _on_terminal():
        raise UsageError(
            problem="there is no terminal to ask for a password on", remedy="use --password-file"
        )
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return answer.encode("utf-8")


def _asking(key: str) -> Callable[[], bytes]:
    """Return a function that asks for the password of a key, once."""

    @cache
    def ask() -> bytes:
        question = f"Password of {escape(shorten(key, MAX_KEY_CHARACTERS))}"
        answer: str = click.prompt(question, hide_input=True, err=True)
        return answer.encode("utf-8")

    return ask


def _on_terminal() -> bool:
    return sys.stdin.isatty()
