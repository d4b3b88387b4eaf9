"""`SHA256SUMS`: what `sha256sum -c` checks, and nothing that can be read in two ways."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.digest import format_listing, parse_listing
from provenance.errors import DigestError

if TYPE_CHECKING:
    from pathlib import Path

ONE = "1" * 64
TWO = "2" * 64

#: Listings that are refused, the code, and where.
REFUSED: dict[str, tuple[str | bytes, str, str]] = {
    "no line feed at the end": (f"{ONE}  a", "listing-malformed", "SHA256SUMS"),
    "carriage return": (f"{ONE}  a\r\n", "name-unsafe", "SHA256SUMS:1"),
    "empty line": (f"{ONE}  a\n\n", "listing-malformed", "SHA256SUMS:2"),
    "one blank": (f"{ONE} a\n", "listing-malformed", "SHA256SUMS:1"),
    "binary mark": (f"{ONE} *a\n", "listing-malformed", "SHA256SUMS:1"),
    "escaped name": (f"\\{ONE}  a\\nb\n", "listing-malformed", "SHA256SUMS:1"),
    "backslash": (f"{ONE}  a\\b\n", "name-unsafe", "SHA256SUMS:1"),
    "capitals": (f"{'A' * 64}  a\n", "listing-malformed", "SHA256SUMS:1"),
    "another algorithm": (f"{'a' * 40}  a\n", "listing-malformed", "SHA256SUMS:1"),
    "BSD style": (f"SHA256 (a) = {ONE}\n", "listing-malformed", "SHA256SUMS:1"),
    "no name": (f"{ONE}  \n", "name-unsafe", "SHA256SUMS:1"),
    "absolute name": (f"{ONE}  /a\n", "name-unsafe", "SHA256SUMS:1"),
    "name that leads out": (f"{ONE}  ../a\n", "name-unsafe", "SHA256SUMS:1"),
    "alias": (f"{ONE}  ./a\n", "name-unsafe", "SHA256SUMS:1"),
    "not sorted": (f"{ONE}  b\n{ONE}  a\n", "listing-malformed", "SHA256SUMS:2"),
    "sorted by locale": (f"{ONE}  a\n{ONE}  B\n", "listing-malformed", "SHA256SUMS:2"),
    "twice": (f"{ONE}  a\n{TWO}  a\n", "listing-malformed", "SHA256SUMS:2"),
    "not UTF-8": (f"{ONE}  ".encode() + b"\xff\n", "listing-malformed", "SHA256SUMS"),
    "byte order mark": (f"\ufeff{ONE}  a\n", "listing-malformed", "SHA256SUMS:1"),
    "comment": (f"# made by\n{ONE}  a\n", "listing-malformed", "SHA256SUMS:1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_listing_is_refused(name: str) -> None:
    data, code, path = REFUSED[name]
    with pytest.raises(DigestError) as caught:
        parse_listing(data if isinstance(data, bytes) else data.encode())
    assert (caught.value.code, caught.value.path) == (code, path)


def test_listing_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provenance.digest.listing.MAX_LISTING_BYTES", 10)
    with pytest.raises(DigestError, match="more than 10"):
        parse_listing(f"{ONE}  a\n".encode())


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ([("a", ONE), ("a", ONE)], "name-duplicate"),
        ([("a\nb", ONE)], "name-unsafe"),
        ([("a", "A" * 64)], "digest-format"),
    ],
)
def test_pairs_that_cannot_be_listed_are_refused(pairs: list[tuple[str, str]], code: str) -> None:
    with pytest.raises(DigestError) as caught:
        format_listing(pairs)
    assert caught.value.code == code


def test_lines_are_sorted_by_the_bytes_of_the_name() -> None:
    names = ["b", "a/b", "a b", "a.b", "B", "é", "\U0001f600", "\ufffd", "a"]
    data = format_listing((name, ONE) for name in names)
    listed = [line[66:] for line in data.split(b"\n")[:-1]]
    assert listed == sorted(name.encode() for name in names)


def test_empty_listing_lists_nothing() -> None:
    assert format_listing([]) == b""
    assert parse_listing(b"") == {}


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
def test_sha256sum_checks_our_listing(tmp_path: Path) -> None:
    contents = {"a b": b"1", "folder/é": b"2", "-rf": b"3", "'q' \"x\"": b"4", "line\u2028": b"5"}
    for name, data in contents.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    listing = format_listing(
        (name, hashlib.sha256(data).hexdigest()) for name, data in contents.items()
    )
    (tmp_path / "SHA256SUMS").write_bytes(listing)
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr
    (tmp_path / "a b").write_bytes(b"x")
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert result.returncode == 1


@pytest.mark.property
class TestRoundTrip:
    """Law: reading a listing gives what was listed, and only a listing of ours is read."""

    @given(st.dictionaries(st.text("aé./ B", min_size=1), st.just(ONE)))
    def test_parse_undoes_format(self, listing: dict[str, str]) -> None:
        try:
            data = format_listing(listing.items())
        except DigestError:
            return
        parsed = parse_listing(data)
        assert parsed == listing
        assert format_listing(parsed.items()) == data

    @given(st.integers(0, 136), st.integers(0, 255))
    def test_any_changed_byte_is_refused_or_read_as_it_stands(self, place: int, byte: int) -> None:
        data = bytearray(f"{ONE}  a\n{TWO}  b\n".encode())
        data[place % len(data)] = byte
        try:
            parsed = parse_listing(bytes(data))
        except DigestError:
            return
        assert format_listing(parsed.items()) == data
