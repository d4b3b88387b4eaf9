"""`.gitmodules` is read as text, however it is written."""

from __future__ import annotations

import time

import pytest

from provenance.capture.git_submodules import parse_gitmodules
from provenance.capture.git_tree import parse_tree
from provenance.capture.remotes import public_remote


def test_paths_and_urls_are_read() -> None:
    data = b"""
# a comment
[submodule "a"]
\tpath = vendor/a
\tURL = "https://git.example/a.git"
[core]
\turl = https://other.example
[ submodule "b" ]
path=vendor/b
\tbranch = main
url=ssh://git@git.example/b.git
[submodule "half"]
\tpath = vendor/half
[submodule "\xff"]
"""
    assert parse_gitmodules(data) == {
        "vendor/a": "https://git.example/a.git",
        "vendor/b": "ssh://git@git.example/b.git",
    }


@pytest.mark.parametrize(
    "data", [b"path = x\nurl = y", b"path =" + b" " * 900_000 + b"x", b"[" * 900_000]
)
def test_hostile_text_is_read_in_linear_time(data: bytes) -> None:
    began = time.perf_counter()
    assert parse_gitmodules(data) == {}
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    "listing",
    [b"", b"\0", b"100644 blob abc\tx\0", b"100644 blob " + b"f" * 40 + b"\0", b"x\ty\0"],
)
def test_line_that_is_no_entry_is_left_out(listing: bytes) -> None:
    assert parse_tree(listing) == ()


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("", None),
        ("https://git.example/lab/x.git", "https://git.example/lab/x.git"),
        ("ssh://git@git.example:2222/x.git", "ssh://git.example:2222/x.git"),
        ("git@git.example:lab/x.git", "ssh://git.example/lab/x.git"),
        ("git.example:lab/x.git", "ssh://git.example/lab/x.git"),
        ("git@git.example:/srv/x.git", "ssh://git.example/srv/x.git"),
        ("https://ada@git.example/x", "https://git.example/x"),
        ("C:/code/x", None),
        ("./x", None),
        ("alias:lab/x", None),
        ("file:/home/alice/x", None),
        ("ada@localhost:x", "ssh://localhost/x"),
    ],
)
def test_remote_is_a_url_that_others_can_use(remote: str, expected: str | None) -> None:
    assert public_remote(remote).value == expected
