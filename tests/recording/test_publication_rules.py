"""Rules of publication are read strictly, and matched without going back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provenance.errors import InputError, RecordingError
from provenance.recording.publication_rules import Rule, matches_glob, read_rules

if TYPE_CHECKING:
    from pathlib import Path

GOOD: dict[str, Any] = {"action": "forbid", "value": "*x*"}


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ({"rules": []}, "is not known"),
        ({"rule": {}}, "expected at most 1000 tables"),
        ({"rule": ["x"]}, "expected at most 1000 tables"),
        ({"rule": [GOOD] * 1001}, "expected at most 1000 tables"),
        ({"rule": [{**GOOD, "regex": "x"}]}, "is not known"),
        ({"rule": [{**GOOD, "action": "hide"}]}, "is not one of forbid, keep, seal, withhold"),
        ({"rule": [{"action": "forbid"}]}, "it names no fact"),
        ({"rule": [{"value": "x"}]}, "expected a text"),
        ({"rule": [{**GOOD, "value": 1}]}, "expected a text"),
        ({"rule": [{**GOOD, "value": "*" * 1001}]}, "expected a text"),
        ({"rule": [{"action": "forbid", "pointer": "a/b"}]}, "is not a JSON Pointer"),
        ({"rule": [{"action": "withhold", "pointer": "/a"}]}, "expected a text"),
        ({"rule": [{"action": "seal", "pointer": "/a", "reason": " "}]}, "expected a text"),
        ({"private": [{"dataset": "raw"}]}, "expected a text"),
        ({"private": [{"dataset": "raw", "reason": "x", "salt": 1}]}, "is not known"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_rules_that_break_the_schema_are_refused(rules: dict[str, Any], problem: str) -> None:
    with pytest.raises(RecordingError) as caught:
        read_rules(rules)
    assert problem in caught.value.problem


def test_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    with pytest.raises(InputError):
        read_rules(path)
    for data in (b"[[rule]", b"\xff"):
        path.write_bytes(data)
        with pytest.raises(RecordingError, match="is no TOML"):
            read_rules(path)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("", "", True),
        ("", "x", False),
        ("*", "", True),
        ("*corp*", "git.CORP.example", True),
        ("*corp*", "git.cor.example", False),
        ("corp", "corp.example", False),
        ("?", "", False),
        ("a?c", "abc", True),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-b-b-", False),
        ("*.example", "x.example.org", False),
        ("[ab]", "a", False),
        ("***a***", "xay", True),
    ],
)
def test_globs(pattern: str, text: str, *, matches: bool) -> None:
    assert matches_glob(pattern, text) is matches


def test_a_hostile_pattern_ends() -> None:
    assert not matches_glob("*a" * 500 + "b", "a" * 20_000)


@pytest.mark.parametrize(
    ("pointer", "place", "matches"),
    [
        (("a",), ("a",), True),
        (("a",), ("a", "b"), False),
        (("a", "*"), ("a", "b"), True),
        (("a", "*"), ("a",), False),
        (("a", "**"), ("a",), True),
        (("**",), (), True),
        (("**", "url"), ("a", "b", "url"), True),
        (("**", "url"), ("a", "url", "c"), False),
        (("**", "b", "**", "d"), ("a", "b", "c", "d"), True),
        (("A",), ("a",), False),
        (("a", "key*"), ("a", "key_two"), True),
    ],
    ids=str,
)
def test_pointer_patterns(
    pointer: tuple[str, ...], place: tuple[str, ...], *, matches: bool
) -> None:
    rule = Rule("forbid", 1, pointer)
    assert rule.matches([(token,) for token in place], None) is matches


def test_pointer_with_a_list_item_takes_position_or_id() -> None:
    place = [("datasets",), ("0", "raw"), ("uri",)]
    for token in ("0", "raw", "*"):
        assert Rule("forbid", 1, ("datasets", token, "uri")).matches(place, None)
    assert not Rule("forbid", 1, ("datasets", "1", "uri")).matches(place, None)


def test_pointer_and_value_must_both_match() -> None:
    rule = Rule("forbid", 1, ("a",), "x*")
    assert rule.matches([("a",)], "xy")
    assert not rule.matches([("b",)], "xy")
    assert not rule.matches([("a",)], "y")
    assert not rule.matches([("a",)], None)
