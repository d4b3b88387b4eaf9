"""Openings and private files are read strictly."""

from __future__ import annotations

from typing import Any

import pytest

from provenance import canonical
from provenance.errors import ManifestError
from provenance.manifest import Opening, PrivateFile

OPENING = Opening("ab" * 32, "/compute/cost/amount", 412.5, bytes(range(16)))
GOOD: dict[str, Any] = {
    "format": "training-provenance/opening/v1",
    "manifest": {"sha256": "ab" * 32},
    "path": "/compute/cost/amount",
    "salt": bytes(range(16)).hex(),
    "value": 412.5,
}
SEALED = {"path": "/a", "salt": "00" * 16, "value": {"b": [1, None]}}
PRIVATE: dict[str, Any] = {
    "privateVersion": "1.0",
    "manifestDigest": "ab" * 32,
    "commitments": [SEALED],
    "trees": [{"dataset": "raw", "secret": "11" * 32}],
}


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "x"},
        {"manifest": {"sha256": "AB" * 32}},
        {"manifest": {"sha256": "ab" * 32, "sha512": "00"}},
        {"manifest": "ab"},
        {"path": "no-pointer"},
        {"path": 1},
        {"salt": "00" * 15},
        {"salt": 7},
        {"more": 1},
    ],
    ids=lambda changes: "-".join(f"{name}={value}"[:24] for name, value in changes.items()),
)
def test_malformed_opening_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ManifestError) as caught:
        Opening.from_bytes(canonical.write({**GOOD, **changes}), source="o.json")
    assert caught.value.code == "opening-malformed"
    assert caught.value.path == "o.json"


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"null", b"\xff", b"{}", canonical.write(GOOD) + b"\n", b'{"a":' * 200],
    ids=["empty", "list", "null", "encoding", "object", "line-feed", "deep"],
)
def test_what_is_no_opening_is_refused(data: bytes) -> None:
    for read in (Opening.from_bytes, PrivateFile.from_bytes):
        with pytest.raises(ManifestError) as caught:
            read(data)
        assert caught.value.code == "opening-malformed"


@pytest.mark.parametrize("missing", GOOD)
def test_opening_without_a_member_is_refused(missing: str) -> None:
    tree = {name: value for name, value in GOOD.items() if name != missing}
    with pytest.raises(ManifestError, match="expected format, manifest, path, salt and value"):
        Opening.from_bytes(canonical.write(tree))


@pytest.mark.parametrize(
    "changes",
    [
        {"privateVersion": "2.0"},
        {"manifestDigest": "x"},
        {"commitments": {}},
        {"commitments": [{**SEALED, "salt": "0"}]},
        {"commitments": [{**SEALED, "more": 1}]},
        {"trees": [{"dataset": "raw", "secret": "11"}]},
        {"trees": "x"},
        {"more": 1},
    ],
    ids=lambda changes: "-".join(f"{name}={value}"[:30] for name, value in changes.items()),
)
def test_malformed_private_file_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ManifestError) as caught:
        PrivateFile.from_bytes(canonical.write({**PRIVATE, **changes}))
    assert caught.value.code == "opening-malformed"


def test_opening_is_read_as_it_was_written() -> None:
    assert OPENING.to_bytes() == canonical.write(GOOD)
    assert Opening.from_bytes(OPENING.to_bytes()) == OPENING


def test_private_file_gives_openings_and_secrets() -> None:
    read = PrivateFile.from_bytes(canonical.write(PRIVATE))
    assert read.openings["/a"].salt == bytes(16)
    assert read.openings["/a"].manifest == "ab" * 32
    assert dict(read.tree_secrets) == {"raw": b"\x11" * 32}
