"""`provenance review`, and what `sign` asks on a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command


def rule(folder: Path, text: str) -> Path:
    path = folder / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return path


FORBID = '[[rule]]\naction = "forbid"\nvalue = "%s"\n'


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("nowhere",), 4),
        (("me.key",), 4),
        (("model", "--public", "nowhere.toml"), 4),
        ((), 2),
        (("model", "--nonsense"), 2),
    ],
    ids=str,
)
def test_wrong_input(cli: Command, signed: Path, arguments: tuple[str, ...], code: int) -> None:
    assert signed.is_dir()
    done = cli("review", *arguments)
    assert done.code == code
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "text", ["[[rule]", "[other]\n", '[[rule]]\naction = "hide"\n', FORBID % "x" + "regex = 1\n"]
)
def test_rules_that_break_the_schema_are_a_usage_error(
    cli: Command, draft: Path, work: Path, text: str
) -> None:
    assert draft.is_dir()
    done = cli("review", "model", "--public", rule(work, text))
    assert done.code == 2
    assert "rules.toml" in done.err


@pytest.mark.parametrize("value", ["digits lab", "*config.json", "*Digits*"])
def test_what_a_rule_forbids_is_named(cli: Command, draft: Path, work: Path, value: str) -> None:
    assert draft.is_dir()
    done = cli("review", "model", "--public", rule(work, FORBID % value))
    assert done.code == 1
    assert "forbid: " in done.out


def test_a_rule_that_cannot_be_followed_is_named(cli: Command, draft: Path, work: Path) -> None:
    assert draft.is_dir()
    text = '[[rule]]\naction = "withhold"\npointer = "/model/name"\nreason = "x"\n'
    done = cli("review", "model", "--public", rule(work, text))
    assert done.code == 1
    assert "withhold: /model/name" in done.out
    assert "cannot be followed: a manifest must state it" in done.out


def test_rules_that_can_be_followed_are_shown(cli: Command, draft: Path, work: Path) -> None:
    assert draft.is_dir()
    text = '[[rule]]\naction = "seal"\npointer = "/model/version"\nreason = "x"\n'
    done = cli("review", "model.draft", "--public", rule(work, text))
    assert done.code == 0
    assert "seal: /model/version: rule 1" in done.out


def test_place_and_origin_are_said(cli: Command, draft: Path) -> None:
    (draft / "notes.md").write_text("see https://wiki.corp.example/x\n", encoding="utf-8")
    done = cli("review", draft)
    assert done.code == 0
    assert "  wiki.corp.example\n    in the file: notes.md\n" in done.out
    assert "  config.json\n    authored: /release/inventory/1/path" in done.out


def test_result_as_json(cli: Command, draft: Path) -> None:
    (draft / "big.txt").write_text("x" * (1024 * 1024 + 1), encoding="utf-8")
    (draft / "model.joblib").write_bytes(b"\0customers")
    tree = json.loads(cli("review", draft.with_name("model.draft"), "--format", "json").out)
    files = {item["value"]: item["places"] for item in tree["found"]["files"]}
    assert {"origin": "authored", "pointer": "/release/inventory/1/path"} in files["config.json"]
    assert [item["file"] for item in tree["notLookedAt"]] == [
        "big.txt",
        "model.joblib",
    ]
    assert tree["rules"] == []


def answer(work: Path, text: str, *options: str) -> tuple[int, str]:
    """Sign on a terminal, and give an answer."""
    leader, follower = pty.openpty()
    program = "import sys; from provenance.cli.program import run; sys.exit(run(sys.argv[1:]))"
    with subprocess.Popen(
        [sys.executable, "-c", program, "sign", "model", "--key", "me.key", *options],
        cwd=work,
        stdin=follower,
        stdout=follower,
        stderr=follower,
    ) as process:
        os.close(follower)
        os.write(leader, text.encode())
        said = b""
        try:
            while data := os.read(leader, 4096):
                said += data
        except OSError:
            pass  # how Linux says that the other end is closed
        code = process.wait()
    os.close(leader)
    return code, said.decode()


BUNDLE = "model/training-provenance/manifest.sigstore.json"


@pytest.mark.parametrize("text", ["n\n", "\n", "x\nno\n"])
def test_a_terminal_that_does_not_say_yes_signs_nothing(
    draft: Path, key: object, work: Path, text: str
) -> None:
    assert draft.is_dir()
    assert key
    code, said = answer(work, text)
    assert code == 130
    assert "files" in said
    assert "Sign it?" in said
    assert not (work / BUNDLE).exists()


@pytest.mark.parametrize(("text", "options"), [("y\n", ()), ("", ("--yes",))], ids=["y", "--yes"])
def test_a_terminal_that_says_yes_signs(
    draft: Path, key: object, work: Path, text: str, options: tuple[str, ...]
) -> None:
    assert draft.is_dir()
    assert key
    code, said = answer(work, text, *options)
    assert code == 0, said
    assert (work / BUNDLE).exists()
