"""DER: one spelling of everything, and our own error for all else."""

from __future__ import annotations

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from provenance.signing.certificates.der import SEQUENCE, children, dotted, elements

MALFORMED = {
    "tag-alone": b"\x30",
    "ends-early": b"\x04\x02\x00",
    "indefinite": b"\x30\x80\x00\x00",
    "length-missing": b"\x04\x82\x01",
    "long-form-of-a-short-length": b"\x04\x81\x01\x00",
    "leading-zero": b"\x04\x82\x00\x80" + bytes(128),
    "length-of-five-bytes": b"\x04\x85\x01\x00\x00\x00\x00",
    "tag-of-two-bytes": b"\x1f\x81\x01\x00",
    "second-is-broken": b"\x05\x00\x30",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=list(MALFORMED))
def test_malformed_elements_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"element|length"):
        list(elements(data))


@pytest.mark.parametrize("data", [b"", b"\x05\x00", b"\x30\x00\x05\x00"])
def test_children_are_those_of_one_element(data: bytes) -> None:
    with pytest.raises(ValueError, match="expected one element"):
        children(data)


def test_elements_are_split() -> None:
    long = b"\x04\x81\x80" + bytes(128)
    assert list(elements(b"\x05\x00" + long)) == [(5, b""), (4, bytes(128))]
    assert children(b"\x30\x02\x05\x00") == [(5, b"")]
    assert SEQUENCE == 0x30


@pytest.mark.parametrize("contents", [b"", b"\x80", b"\x2a\x80\x01", b"\x2a\x86"])
def test_malformed_identifiers_are_refused(contents: bytes) -> None:
    with pytest.raises(ValueError, match="object identifier"):
        dotted(contents)


@given(
    st.integers(0, 2),
    st.integers(0, 39),
    st.lists(st.integers(0, 2**60), max_size=6),
)
def test_identifiers_are_read_as_cryptography_writes_them(
    root: int, second: int, rest: list[int]
) -> None:
    text = ".".join(map(str, (root, second, 1, *rest)))
    usage = x509.ExtendedKeyUsage([x509.ObjectIdentifier(text)])
    [(_, contents)] = children(usage.public_bytes())
    assert dotted(contents) == text


@given(st.binary(max_size=40))
def test_no_other_error_comes_out(data: bytes) -> None:
    try:
        list(elements(data))
    except ValueError:
        return
