"""Texts of trackers: home folders of any machine, and numbers that were kept as texts."""

from __future__ import annotations

from typing import Any

import pytest

from provenance.integrations.tracked_texts import public_text, public_tree, read_value


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("/home/alice/data/x.csv", "~/data/x.csv"),
        ("/home/alice", "~"),
        ("--data=/Users/alice/x", "--data=~/x"),
        ("file:///home/alice/x", "~/x"),
        ("C:\\Users\\alice\\x", "~\\x"),
        ("C:/Users/alice/x", "~/x"),
        ("a '/home/alice', b", "a '~', b"),
        ("/srv/home/data", "/srv/home/data"),
        ("s3://bucket/home/data", "s3://bucket/home/data"),
        ("/homely/x", "/homely/x"),
        ("/home/", "/home/"),
    ],
)
def test_home_folders_of_any_machine(text: str, public: str) -> None:
    assert public_text(text) == public
    assert public_text(public) == public


def test_nested_texts_and_names() -> None:
    tree = {"/home/alice/a": [{"b": "/home/alice/c"}, 1, None, True]}
    assert public_tree(tree) == {"~/a": ({"b": "~/c"}, 1, None, True)}


def test_nesting_without_end() -> None:
    tree: list[Any] = []
    tree.append(tree)
    assert "[left out]" in repr(public_tree(tree))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-3", -3),
        ("0.001", 0.001),
        ("1e-05", 1e-05),
        ("True", True),
        ("False", False),
        ("None", None),
        ("1e-3", "1e-3"),
        ("01", "01"),
        ("-0", "-0"),
        ("1_000", "1_000"),
        (" 1", " 1"),
        ("٣", "٣"),
        ("true", "true"),
        ("", ""),
        ("[1, 2]", "[1, 2]"),
        ("9" * 5_000, "9" * 5_000),
    ],
    ids=lambda it: ascii(it)[:12],
)
def test_only_what_is_written_the_same_is_read(text: str, value: object) -> None:
    found = read_value(text)
    assert (type(found), found) == (type(value), value)
