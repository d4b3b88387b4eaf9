"""What tests of the command line share: a way to run it, a pair of keys, a small release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pytest

from cli.small_release import BUNDLE, make_draft
from provenance.cli.program import run
from provenance.envelope import write_bundle
from provenance.signing import PrivateKey, generate_private_key, sign_payload, write_key_pair

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str


class Command(Protocol):
    """Runs one command in this process."""

    def __call__(self, *arguments: object) -> Result:
        """Run it."""
        ...


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home folder that commands use."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / ".config"))
    return folder


@pytest.fixture
def work(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working folder."""
    assert home.is_dir()
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def cli(work: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs a command in the working folder."""
    assert work.is_dir()

    def command(*arguments: object) -> Result:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        shown = capfd.readouterr()
        return Result(code, shown.out, shown.err)

    return command


@pytest.fixture
def key(work: Path) -> PrivateKey:
    """Return a key whose files are `me.key` and `me.key.pub`."""
    made = generate_private_key("ed25519")
    write_key_pair(work / "me.key", made)
    return made


@pytest.fixture
def draft(work: Path) -> Path:
    """Return a release without a bundle; its statement lies beside it."""
    return make_draft(work / "model")


@pytest.fixture
def signed(draft: Path, key: PrivateKey) -> Path:
    """Return a signed release."""
    payload = (draft.with_name("model.draft") / "statement.json").read_bytes()
    (draft / BUNDLE).write_bytes(write_bundle(sign_payload(payload, key)))
    return draft
