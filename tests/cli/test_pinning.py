"""`provenance trust`: which keys a user has decided to trust, for which models."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from provenance.cli.pinning import pins_file
from provenance.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command
    from provenance.signing import PrivateKey


class Terminal(io.StringIO):
    """A standard input where somebody sits."""

    @override
    def isatty(self) -> bool:
        return True


PIN = ("trust", "add", "me.key.pub", "--model", "digits-mlp")


def test_pin_is_added_listed_and_removed(cli: Command, key: PrivateKey) -> None:
    added = cli(*PIN, "--name", "digits-lab", "--yes")
    assert added.code == 0
    assert f"Fingerprint: {key.fingerprint}" in added.err
    listed = cli("trust", "list")
    assert listed.out.startswith(f"digits-lab  digits-mlp  {key.fingerprint}  20")
    removed = cli("trust", "remove", "digits-lab", "--model", "digits-mlp")
    assert removed.out.startswith("Removed: digits-lab  digits-mlp")
    empty = cli("trust", "list")
    assert empty.out == ""
    assert "No key is pinned" in empty.err


def test_results_as_json(cli: Command, key: PrivateKey) -> None:
    added = json.loads(cli(*PIN, "--yes", "--format", "json").out)
    assert added["name"] == "me.key"
    assert added["model"] == "digits-mlp"
    assert added["fingerprint"] == key.fingerprint
    assert json.loads(cli("trust", "list", "--format", "json").out) == [added]
    assert json.loads(cli("trust", "remove", "me.key", "--format", "json").out) == [added]
    assert json.loads(cli("trust", "list", "--format", "json").out) == []


def test_equal_fingerprint_needs_no_question(cli: Command, key: PrivateKey) -> None:
    assert cli(*PIN, "--fingerprint", key.fingerprint).code == 0
    assert cli("trust", "remove", "me.key").code == 0
    assert cli(*PIN, "--fingerprint", key.public_key.ssh_fingerprint).code == 0


def test_other_fingerprint_is_refused(cli: Command, key: PrivateKey) -> None:
    other = "SHA256:" + "A" * 43
    refused = cli(*PIN, "--fingerprint", other, "--yes")
    assert refused.code == 1
    assert key.fingerprint in refused.err
    assert "do not trust this key" in refused.err
    assert not pins_file().exists()


def test_malformed_fingerprint_is_a_usage_error(cli: Command, key: PrivateKey) -> None:
    assert key.fingerprint
    assert cli(*PIN, "--fingerprint", "SHA256:x").code == 2


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("", 130)])
def test_person_at_a_terminal_is_asked(
    cli: Command, key: PrivateKey, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    asked = cli(*PIN)
    assert asked.code == code
    assert "Did the publisher tell you this fingerprint?" in asked.err
    assert key.fingerprint in asked.err
    assert pins_file().exists() == (code == 0)


def test_script_without_an_answer_is_refused(
    cli: Command, key: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert key.fingerprint
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    refused = cli(*PIN)
    assert refused.code == 2
    assert "--fingerprint" in refused.err


def test_second_key_under_one_name_is_refused(cli: Command, key: PrivateKey) -> None:
    assert key.fingerprint
    assert cli(*PIN, "--yes", "--name", "lab").code == 0
    assert cli("keygen", "other.key").code == 0
    refused = cli("trust", "add", "other.key.pub", "--model", "m", "--name", "lab", "--yes")
    assert refused.code == 1
    assert "choose another name" in refused.err


def test_private_key_is_refused_with_advice(cli: Command, key: PrivateKey) -> None:
    assert key.fingerprint
    refused = cli("trust", "add", "me.key", "--model", "m", "--yes")
    assert refused.code == 1
    assert "ends in .pub" in refused.err


def test_removing_what_is_not_there_is_refused(cli: Command) -> None:
    assert cli("trust", "remove", "nobody").code == 1


def test_pins_lie_in_the_folder_of_settings(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    assert pins_file() == home / ".config" / "training-provenance" / "trust.json"
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    assert pins_file() == home / ".config" / "training-provenance" / "trust.json"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "settings"))
    assert pins_file() == home / "settings" / "training-provenance" / "trust.json"


def test_pins_lie_in_appdata_on_windows(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("APPDATA", str(home / "Roaming"))
    assert pins_file() == home / "Roaming" / "training-provenance" / "trust.json"


def test_no_home_at_all_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)

    def nobody() -> Path:
        raise RuntimeError

    monkeypatch.setattr("pathlib.Path.home", nobody)
    with pytest.raises(UsageError, match="set HOME"):
        pins_file()
