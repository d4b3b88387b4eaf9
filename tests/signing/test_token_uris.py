"""Tests of PKCS#11 URIs."""

from __future__ import annotations

import pytest

from provenance.errors import UsageError
from provenance.signing.token_uris import TokenUri

REFUSED = {
    "another scheme": ("file:key", "expected `pkcs11"),
    "too long": ("pkcs11:" + "a" * 4_096, "expected `pkcs11"),
    "no module": ("pkcs11:object=k", "it names no module"),
    "no key": ("pkcs11:token=lab?module-path=/m.so", "it names no key"),
    "the PIN itself": ("pkcs11:object=k?module-path=/m.so&pin-value=1234", "can be read by every"),
    "something unknown": ("pkcs11:object=k;slot-description=x?module-path=/m.so", "'slot-desc"),
    "twice": ("pkcs11:object=k;object=l?module-path=/m.so", "object stands there twice"),
    "a public key": ("pkcs11:object=k;type=public?module-path=/m.so", "not name a private key"),
    "no value": ("pkcs11:object?module-path=/m.so", "'object' is not an attribute"),
    "no UTF-8": ("pkcs11:object=%ff?module-path=/m.so", "not UTF-8"),
    "an empty attribute": ("pkcs11:object=k;?module-path=/m.so", "'' is not an attribute"),
}


@pytest.mark.parametrize(("text", "problem"), REFUSED.values(), ids=REFUSED)
def test_a_uri_that_makes_no_sense_is_refused(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        TokenUri.parse(text)
    assert "1234" not in str(caught.value)


def test_a_uri_is_read() -> None:
    text = "pkcs11:token=my%20lab;serial=01%ff;object=k%c3%a9;id=%01%02;type=private"
    uri = TokenUri.parse(text + "?module-path=/usr/lib/m.so&pin-source=file:/run/pin")
    assert uri == TokenUri(
        module_path="/usr/lib/m.so",
        token="my lab",  # noqa: S106 - the label of a token
        serial=b"01\xff",
        label="ké",
        id=b"\x01\x02",
        pin_source="/run/pin",
    )
