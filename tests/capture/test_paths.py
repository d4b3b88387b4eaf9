"""Paths become public without the home folder and the user's name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provenance.capture import public_path, shorten_home
from provenance.capture.paths import printable_text, real_path
from provenance.errors import CaptureError

HOME = Path("/home/alice")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/srv/project/data/train.csv", "data/train.csv"),
        ("/srv/project", "."),
        ("/home/alice", "~"),
        ("/home/alice/x/y.txt", "~/x/y.txt"),
        ("/home/alicette/x", "/home/alicette/x"),
        ("/scratch/alice/x", "/scratch/[user]/x"),
        ("/etc/hosts", "/etc/hosts"),
        ("data/train.csv", "data/train.csv"),
        ("../other", "../other"),
        (os.fsdecode(b"/srv/project/\xff"), "\\xff"),
        (os.fsdecode(b"/other/\xff"), "/other/\\xff"),
    ],
)
def test_path_is_as_short_as_it_can_be(path: str, expected: str) -> None:
    assert public_path(path, project=Path("/srv/project"), home=HOME) == expected


def test_root_as_home_or_project_shortens_nothing() -> None:
    assert public_path("/etc/hosts", project=Path("/"), home=Path("/")) == "/etc/hosts"
    assert shorten_home("/etc/hosts", home=Path("/")) == "/etc/hosts"


def test_home_that_names_nobody_hides_no_segment() -> None:
    assert public_path("/data/root/x", home=Path("/root")) == "/data/root/x"


def test_system_without_a_home_folder_leaves_paths_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> Path:
        message = "Could not determine home directory."
        raise RuntimeError(message)

    monkeypatch.setattr(Path, "home", fail)
    assert public_path("/home/alice/x") == "/home/alice/x"
    assert shorten_home("/home/alice/x") == "/home/alice/x"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no file /home/alice/x/y", "no file ~/x/y"),
        ("/home/alice", "~"),
        ("'/home/alice'", "'~'"),
        ("/home/alice/a:/home/alice/b", "~/a:~/b"),
        ("/home/alicette/x", "/home/alicette/x"),
        ("/home/alice-old /home/alice/", "/home/alice-old ~/"),
        ("nothing", "nothing"),
    ],
)
def test_home_in_a_text_becomes_a_tilde(text: str, expected: str) -> None:
    assert shorten_home(text, home=HOME) == expected


def test_text_that_can_be_no_path_is_refused() -> None:
    with pytest.raises(CaptureError, match="is no path"):
        real_path("a\0b")


def test_surrogate_that_stands_for_no_byte_is_escaped_too() -> None:
    assert printable_text("a\ud800b") == "a\\ud800b"
    assert printable_text("a\udcffb") == "a\\xffb"
