"""Tests of refused Ed25519 public keys."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from provenance.errors import SignatureError, SigningError
from provenance.signing import PublicKey, generate_private_key
from provenance.signing.edwards import check_edwards_key

if TYPE_CHECKING:
    from collections.abc import Iterator

PRIME = 2**255 - 19
# SubjectPublicKeyInfo of an Ed25519 key is this and 32 bytes (RFC 8410, section 4).
SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
DATA = Path(__file__).parent / "data" / "ed25519_cctv_verdicts.json"


def encode(y: int, sign: int = 0) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


LOW_ORDER = (0, 1, PRIME - 1, PRIME, PRIME + 1)


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", [*LOW_ORDER, PRIME + 2, PRIME + 18])
def test_small_order_and_non_canonical_keys_are_refused(y: int, sign: int) -> None:
    with pytest.raises(SigningError) as caught:
        check_edwards_key(encode(y, sign))
    assert caught.value.code == "key-refused"


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", [2, 7, PRIME - 2])
def test_key_that_is_no_point_is_refused_when_it_is_read(y: int, sign: int) -> None:
    for _, data in containers(encode(y, sign)):
        with pytest.raises(SigningError, match="no point of the curve") as caught:
            PublicKey.from_der(data) if data.startswith(SPKI_PREFIX) else PublicKey.from_pem(data)
        assert caught.value.code == "key-refused"


def test_the_largest_canonical_ordinary_key_is_kept() -> None:
    check_edwards_key(encode(PRIME - 3))
    check_edwards_key(encode(3, 1))


@pytest.mark.parametrize("_", range(20))
def test_no_key_that_somebody_made_is_refused(_: int) -> None:
    check_edwards_key(ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw())


def containers(raw: bytes) -> Iterator[tuple[str, bytes]]:
    yield "DER", SPKI_PREFIX + raw
    key = ed25519.Ed25519PublicKey.from_public_bytes(raw)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    yield "PEM", key.public_bytes(serialization.Encoding.PEM, form)


def test_every_low_order_key_is_refused_in_every_container(
    outside_vectors: Path, tmp_path: Path
) -> None:
    lines = (outside_vectors / "ed25519-cctv" / "low_order_keys.txt").read_text().split()
    assert len(lines) == 14
    for line in lines:
        for name, data in containers(bytes.fromhex(line)):
            file = tmp_path / name
            file.write_bytes(data)
            with pytest.raises(SigningError, match="refused") as caught:
                PublicKey.load(file)
            assert caught.value.code == "key-refused"


def verdict(vector: dict[str, Any]) -> str:
    try:
        key = PublicKey.from_der(SPKI_PREFIX + bytes.fromhex(vector["key"]))
    except SigningError:
        return "key refused"
    try:
        key.verify_message(vector["msg"].encode(), bytes.fromhex(vector["sig"]))
    except SignatureError:
        return "invalid"
    return "valid"


def test_verdicts_of_the_edge_cases_are_those_of_the_table(outside_vectors: Path) -> None:
    """The data file says what every combination of flags gives; nothing may move unnoticed."""
    file = outside_vectors / "ed25519-cctv" / "ed25519vectors.json"
    vectors = json.loads(file.read_text())
    found: Counter[tuple[str, str]] = Counter(
        (" ".join(sorted(vector["flags"] or ["none"])), verdict(vector)) for vector in vectors
    )
    table = json.loads(DATA.read_text())
    expected = {(row["flags"], row["verdict"]): row["vectors"] for row in table["rows"]}
    assert dict(found) == expected
    assert sum(expected.values()) == 914
    assert not any("low_order_A" in flags and kind != "key refused" for flags, kind in expected)


def test_a_private_key_gives_an_ordinary_public_key() -> None:
    key = generate_private_key("ed25519")
    assert PublicKey.from_der(key.public_key.spki) == key.public_key
