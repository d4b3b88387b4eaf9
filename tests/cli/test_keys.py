"""`provenance keygen`, and passwords for every command with a private key."""

from __future__ import annotations

import io
import json
import stat
import sys
from typing import TYPE_CHECKING

import click
import pytest

from provenance.cli.keys import KEY_KINDS, password_sources
from provenance.errors import UsageError
from provenance.signing import DEFAULT_SCHEMES, PublicKey, load_private_key

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command


class Terminal:
    """A standard input where somebody sits."""

    @staticmethod
    def isatty() -> bool:
        return True


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to put hidden answers into, in order."""
    answers: list[str] = []
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(click.termui, "hidden_prompt_func", lambda _: answers.pop(0))
    return answers


def test_kinds_of_keys_are_those_of_the_library() -> None:
    assert set(KEY_KINDS) == set(DEFAULT_SCHEMES)


@pytest.mark.parametrize("kind", KEY_KINDS)
def test_pair_is_written_and_its_fingerprint_shown(cli: Command, work: Path, kind: str) -> None:
    made = cli("keygen", "me.key", "--kind", kind)
    assert made.code == 0
    public = PublicKey.load(work / "me.key.pub")
    assert f"Fingerprint: {public.fingerprint}" in made.out
    assert public.kind == kind
    assert load_private_key(work / "me.key").fingerprint == public.fingerprint
    assert stat.S_IMODE((work / "me.key").stat().st_mode) == 0o600


def test_result_as_json(cli: Command, work: Path) -> None:
    tree = json.loads(cli("keygen", "me.key", "--format", "json").out)
    assert tree == {
        "encrypted": False,
        "fingerprint": PublicKey.load(work / "me.key.pub").fingerprint,
        "kind": "ecdsa-p256",
        "privateKey": "me.key",
        "publicKey": "me.key.pub",
    }


def test_existing_key_is_never_overwritten(cli: Command, work: Path) -> None:
    (work / "me.key").write_bytes(b"precious")
    refused = cli("keygen", "me.key")
    assert refused.code == 2
    assert refused.err.startswith("error: me.key")
    assert (work / "me.key").read_bytes() == b"precious"


def test_first_line_of_a_password_file_encrypts(cli: Command, work: Path) -> None:
    (work / "secret").write_bytes(b"correct horse\r\nnot this\n")
    assert cli("keygen", "me.key", "--password-file", "secret").code == 0
    assert load_private_key(work / "me.key", b"correct horse").kind == "ecdsa-p256"


def test_password_can_be_asked_for(cli: Command, work: Path, typed: list[str]) -> None:
    typed += ["correct horse", "correct horse"]
    assert cli("keygen", "me.key", "--prompt").code == 0
    assert load_private_key(work / "me.key", b"correct horse").kind == "ecdsa-p256"


def test_no_terminal_means_nobody_can_be_asked(
    cli: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    refused = cli("keygen", "me.key", "--prompt")
    assert refused.code == 2
    assert "no terminal" in refused.err
    assert password_sources(["me.key"], []) == (None,)


def test_two_sources_of_a_password_are_one_too_many(cli: Command) -> None:
    assert cli("keygen", "me.key", "--prompt", "--password-file", "x").code == 2


def test_empty_password_file_is_refused(cli: Command, work: Path) -> None:
    (work / "secret").write_bytes(b"\n")
    refused = cli("keygen", "me.key", "--password-file", "secret")
    assert refused.code == 2
    assert "is empty" in refused.err


def test_missing_password_file_is_named(cli: Command) -> None:
    refused = cli("keygen", "me.key", "--password-file", "nowhere")
    assert refused.code == 4
    assert "nowhere" in refused.err


def test_password_of_an_existing_key_is_asked_only_if_needed(typed: list[str], work: Path) -> None:
    typed.append("secret")
    (source,) = password_sources(["me.key"], [])
    assert callable(source)
    assert source() == source() == b"secret"  # one question, however often it is used
    (work / "file").write_bytes(b"other")
    assert password_sources(["me.key"], [work / "file"]) == (b"other",)
    assert password_sources(["pkcs11:object=a?pin-source=/pin"], []) == (None,)


def test_passwords_of_several_keys(work: Path) -> None:
    for name in ("one", "two"):
        (work / name).write_bytes(name.encode())
    one, two = (work / "one"), (work / "two")
    shared = password_sources(["a", "b"], [one])
    own = password_sources(["a", "b"], [one, two])
    assert [source() for source in shared if callable(source)] == [b"one", b"one"]
    assert [source() for source in own if callable(source)] == [b"one", b"two"]
    with pytest.raises(UsageError, match="2 password files were given for 3 keys"):
        password_sources(["a", "b", "c"], [one, two])


def test_unknown_kind_names_the_known_ones(cli: Command) -> None:
    refused = cli("keygen", "me.key", "--kind", "dsa")
    assert refused.code == 2
    assert "'ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'ed25519', 'rsa', 'ml-dsa-65'" in " ".join(
        refused.err.split()
    )
    assert "provenance keygen --help" in refused.err
