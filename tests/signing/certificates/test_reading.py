"""Reading certificates: exactly what the bytes are, within limits, in our own words."""

from __future__ import annotations

import warnings
from base64 import b64encode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from provenance.canonical.limits import MAX_CERTIFICATE_FILE_BYTES, MAX_CERTIFICATE_FILE_ENTRIES
from provenance.envelope.material import MAX_CERTIFICATE_BYTES
from provenance.errors import SignatureError
from provenance.signing.certificates import read_certificates, read_der_certificate
from support.certificates import authority, issue, private_key, signer

ROOT = authority(None, "root")
LEAF = signer(ROOT)
PEM = LEAF.certificate.public_bytes(Encoding.PEM)
DER = LEAF.certificate.public_bytes(Encoding.DER)
ROOT_PEM = ROOT.certificate.public_bytes(Encoding.PEM)
BODY = PEM.split(b"\n", 1)[1].rsplit(b"\n", 2)[0]
BEGIN, END = b"-----BEGIN CERTIFICATE-----\n", b"\n-----END CERTIFICATE-----\n"


def block(der: bytes) -> bytes:
    return BEGIN + b64encode(der) + END


def other_trailing_bits() -> bytes:
    """Return a block whose last character of base64 has bits that decode to nothing."""
    padded = next(DER + bytes(n) for n in (1, 2, 3) if (len(DER) + n) % 3 == 1)
    text = b64encode(padded)
    assert text.endswith(b"A==")
    return BEGIN + text[:-3] + b"B==" + END


def twice_the_same_extension() -> bytes:
    """Return a certificate in which one extension has been renamed to another that is there."""
    usages = (b"\x06\x03\x55\x1d\x0f", b"\x06\x03\x55\x1d\x13")
    assert all(DER.count(usage) == 1 for usage in usages)
    return DER.replace(usages[0], usages[1])


MALFORMED = {
    "empty": b"",
    "blanks": b" \n",
    "text": b"not a certificate",
    "half-of-der": DER[: len(DER) // 2],
    "behind-der": DER + b"\0",
    "two-in-der": DER + DER,
    "behind-der-in-pem": block(DER + b"\0"),
    "half-in-pem": block(DER[:-1]),
    "text-before": b"subject=a signer\n" + PEM,
    "text-behind": PEM + b"junk",
    "text-between": PEM + b"# the root\n" + ROOT_PEM,
    "no-end": PEM[:-10],
    "foreign-character": PEM.replace(BODY, b"!" + BODY),
    "header-in-block": PEM.replace(BEGIN, BEGIN + b"Proc-Type: 4,ENCRYPTED\n\n"),
    "no-padding": BEGIN + b64encode(DER + bytes(-len(DER) % 3 + 1)).rstrip(b"=") + END,
    "other-trailing-bits": other_trailing_bits(),
    "url-alphabet": BEGIN + b64encode(DER).replace(b"/", b"_").replace(b"+", b"-") + b"_" + END,
    "empty-block": block(b""),
    "another-block": PEM.replace(b"CERTIFICATE", b"X509 CRL"),
    "key-behind": PEM + b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "trusted-certificate": PEM.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"),
    "indefinite-length": b"\x30\x80" + DER[4:] + b"\0\0",
    "version-4": DER.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x03"),
    "extension-twice": twice_the_same_extension(),
    "broken-extension": DER.replace(b"trainer@example.org", b"trainer\xff\xfe\xfdxample.org"),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=list(MALFORMED))
def test_malformed_certificates_are_refused(data: bytes) -> None:
    with pytest.raises(SignatureError) as caught:
        read_certificates(data, path="chain.pem")
    assert caught.value.code == "certificate-malformed"
    assert caught.value.path == "chain.pem"


@pytest.mark.parametrize("length", [0, 1, 5, 40, 200])
def test_truncated_certificates_are_refused(length: int) -> None:
    with pytest.raises(SignatureError):
        read_der_certificate(DER[:length], path="")


def test_no_changed_byte_gives_another_error() -> None:
    codes = set()
    for position in range(0, len(DER), 3):
        changed = bytearray(DER)
        changed[position] ^= 0x55
        try:
            read_der_certificate(bytes(changed), path="")
        except SignatureError as error:
            codes.add(error.code)
    assert codes == {"certificate-malformed"}


def test_pem_is_no_der() -> None:
    with pytest.raises(SignatureError):
        read_der_certificate(PEM, path="/verificationMaterial/certificate/rawBytes")


@pytest.mark.parametrize(
    "data",
    [
        b"\x30" + bytes(MAX_CERTIFICATE_BYTES),
        BEGIN + b"A" * MAX_CERTIFICATE_FILE_BYTES + END,
        PEM * (MAX_CERTIFICATE_FILE_ENTRIES + 1),
    ],
    ids=["one-too-large", "file-too-large", "too-many"],
)
def test_limits_are_checked_first(data: bytes) -> None:
    with pytest.raises(SignatureError) as caught:
        read_certificates(data, path="")
    assert caught.value.code == "certificate-limit"


def test_as_many_as_the_limit_are_read() -> None:
    short = issue(None, "a", [], key=private_key("ed25519")).certificate.public_bytes(Encoding.PEM)
    assert len(read_certificates(short * MAX_CERTIFICATE_FILE_ENTRIES, path="")) == 512


@pytest.mark.parametrize(
    "data",
    [
        DER,
        PEM,
        b"\n\t " + PEM + b" \r\n",
        PEM.replace(b"\n", b"\r\n"),
        block(DER),
    ],
    ids=["der", "pem", "blanks", "crlf", "one-line"],
)
def test_one_certificate_is_read(data: bytes) -> None:
    assert read_certificates(data, path="") == (LEAF.certificate,)


def test_several_are_read_in_their_order() -> None:
    found = read_certificates(PEM + b"\n" + ROOT_PEM + PEM, path="")
    assert found == (LEAF.certificate, ROOT.certificate, LEAF.certificate)


def test_mistakes_of_issuers_are_no_warnings() -> None:
    serial = LEAF.certificate.serial_number.to_bytes(20, "big")
    position = DER.index(serial.lstrip(b"\0"))
    negative = DER[:position] + b"\x80" + DER[position + 1 :]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(read_der_certificate(negative, path=""), x509.Certificate)
