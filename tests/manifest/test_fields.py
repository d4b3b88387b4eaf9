"""Texts, times and identifiers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from provenance.errors import ManifestError
from provenance.manifest import Source, parse_document, parse_timestamp
from provenance.manifest.base import (
    Commit,
    Document,
    Id,
    Pointer,
    ShortText,
    Timestamp,
    Uri,
    Version,
)


class Sample(Document):
    """One field of each type that has a form."""

    commit: Commit | None = None
    id: Id | None = None
    pointer: Pointer | None = None
    text: ShortText | None = None
    time: Timestamp | None = None
    uri: Uri | None = None
    version: Version | None = None


VALID = [
    ("commit", "0" * 40),
    ("commit", "f" * 64),
    ("id", "0"),
    ("id", "a.b-c_D"),
    ("pointer", ""),
    ("pointer", "/"),
    ("pointer", "/a~0b/~1/ü\n"),
    ("text", "naïve 模型 👍"),
    ("time", "2024-02-29T23:59:59Z"),
    ("time", "2026-11-22T12:00:00.123456789Z"),
    ("uri", "https://digits.example/a?b#c"),
    ("uri", "pkg:pypi/torch@2.1"),
    ("version", "1.0"),
    ("version", "0.999999"),
]

INVALID = [
    ("commit", "main"),
    ("commit", "0" * 39),
    ("commit", "A" * 40),
    ("commit", "--upload-pack=x" + "0" * 25),
    ("commit", "0" * 40 + "\n"),
    ("id", ""),
    ("id", "-a"),
    ("id", "a/b"),
    ("id", "ä"),
    ("id", "a\n"),
    ("pointer", "a"),
    ("pointer", "/a~"),
    ("pointer", "/~2"),
    ("text", "two\nlines"),
    ("text", "\u2028"),
    ("text", "\x7f"),
    ("text", "\ud800"),
    ("time", "2026-11-22"),
    ("time", "2026-11-22T12:00:00"),
    ("time", "2026-11-22T12:00:00+00:00"),
    ("time", "2026-11-22t12:00:00z"),
    ("time", "2026-11-22 12:00:00Z"),
    ("time", "2026-11-22T12:00:00,5Z"),
    ("time", "2026-11-22T12:00:00.Z"),
    ("time", "2026-11-22T12:00:00.1234567890Z"),
    ("time", "2026-02-29T00:00:00Z"),
    ("time", "0000-01-01T00:00:00Z"),
    ("time", "2016-12-31T23:59:60Z"),
    ("time", "2026-11-22T24:00:00Z"),
    ("time", "\u0662\u0660\u0662\u0666-11-22T12:00:00Z"),
    ("uri", "no scheme"),
    ("uri", "//host/path"),
    ("uri", "https://a b"),
    ("uri", "https://ü.example"),
    ("version", "1"),
    ("version", "01.0"),
    ("version", "1.0.0"),
    ("version", "1.\u0660"),
    ("version", "1.1234567"),
]


@pytest.mark.parametrize(("name", "value"), VALID)
def test_value_is_taken_as_it_is(name: str, value: str) -> None:
    assert parse_document(Sample, {name: value}).to_tree() == {name: value}


@pytest.mark.parametrize(("name", "value"), INVALID, ids=repr)
def test_value_is_refused(name: str, value: str) -> None:
    with pytest.raises(ManifestError, match=f"^/{name}: expected "):
        parse_document(Sample, {name: value})


def test_time_is_read_to_the_microsecond() -> None:
    expected = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
    assert parse_timestamp("2026-11-22T12:00:00.123456789Z") == expected
    assert parse_timestamp("2026-11-22T12:00:00.5Z").microsecond == 500_000
    assert parse_timestamp("2026-11-22T12:00:00Z").microsecond == 0


def test_lengths_count_characters() -> None:
    assert Source(description="👍" * 100_000).description
    with pytest.raises(ManifestError, match="expected at most 100000 characters"):
        Source(description="👍" * 100_001)
    with pytest.raises(ManifestError, match="expected at most 1000 characters"):
        Source(name="n" * 1_001)
