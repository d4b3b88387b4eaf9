"""Tests of verifying timestamps that the openssl program made."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from provenance.envelope import parse_bundle, write_bundle
from provenance.errors import MissingExtraError, SignatureError
from provenance.signing import generate_private_key, sign_payload, verify_bundle
from provenance.signing.certificates import CertificatePool
from provenance.signing.timestamps import (
    HttpTimestampAuthority,
    TrustedAuthority,
    TrustedTimestamps,
    read_timestamp_authorities,
)
from provenance.signing.timestamps.cms import check_maker
from provenance.signing.timestamps.library import decode_timestamp
from support import certificates as made
from support.timestamps import OpensslAuthority, make_authority, openssl, serve_stamps

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("rfc3161_client", reason="the extra timestamps is not installed")

SIGNATURE = b"the bytes of a signature"


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> OpensslAuthority:
    """Return an authority of openssl."""
    return make_authority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(scope="module")
def stamp(tsa: OpensslAuthority) -> bytes:
    """Return its timestamp over the signature."""
    return tsa.stamp(SIGNATURE)


def trusting(tsa: OpensslAuthority) -> TrustedTimestamps:
    pool = CertificatePool((tsa.root,))
    return TrustedTimestamps((TrustedAuthority(pool),))


def pinning(tsa: OpensslAuthority, **window: datetime) -> TrustedTimestamps:
    pool = CertificatePool((tsa.root,))
    return TrustedTimestamps((TrustedAuthority(pool, tsa.certificate, **window),))


def expect_invalid(trusted: TrustedTimestamps, signature: bytes, *stamps: bytes) -> str:
    with pytest.raises(SignatureError) as caught:
        trusted.verify(signature, stamps)
    assert caught.value.code == "timestamp-invalid"
    return caught.value.problem


@pytest.mark.parametrize("digest", ["-sha256", "-sha384", "-sha512"])
@pytest.mark.parametrize("certificate", [("-cert",), ()], ids=["embedded", "not-embedded"])
def test_a_timestamp_of_openssl_proves_a_time(
    tsa: OpensslAuthority, digest: str, certificate: tuple[str, ...]
) -> None:
    data = tsa.stamp(SIGNATURE, digest, *certificate)
    (time,) = pinning(tsa).verify(SIGNATURE, [data])
    assert time.source == "timestamp-authority"
    assert time.authority.startswith("SHA256:")
    assert abs(time.at - datetime.now(UTC)) < timedelta(minutes=2)
    if certificate:
        assert trusting(tsa).verify(SIGNATURE, [data]) == (time,)
    else:
        # Nothing tells who made it but a name and a number, and nobody pinned these.
        assert trusting(tsa).verify(SIGNATURE, [data]) == ()


def test_over_other_bytes_it_does_not_hold(tsa: OpensslAuthority, stamp: bytes) -> None:
    for trusted in (trusting(tsa), pinning(tsa)):
        expect_invalid(trusted, SIGNATURE + b"x", stamp)


def test_every_time_has_to_hold(tsa: OpensslAuthority, stamp: bytes) -> None:
    other = tsa.stamp(b"something else")
    expect_invalid(trusting(tsa), SIGNATURE, stamp, other)
    expect_invalid(trusting(tsa), SIGNATURE, other, stamp)


def test_an_authority_that_nobody_named_proves_nothing(
    tsa: OpensslAuthority, stamp: bytes, tmp_path: Path
) -> None:
    other = make_authority(tmp_path / "other")
    # Of the same names, as anybody may choose them: then it claims to be the trusted one.
    expect_invalid(trusting(other), SIGNATURE, stamp)
    assert pinning(other).verify(SIGNATURE, [stamp]) == ()
    assert TrustedTimestamps(()).verify(SIGNATURE, [stamp]) == ()
    both = TrustedTimestamps((*trusting(other).authorities, *trusting(tsa).authorities))
    assert len(both.verify(SIGNATURE, [stamp])) == 1


@pytest.mark.parametrize(
    ("usage", "critical"),
    [
        (ExtendedKeyUsageOID.CODE_SIGNING, True),
        (ExtendedKeyUsageOID.TIME_STAMPING, False),
    ],
    ids=["for-something-else", "not-critical"],
)
def test_a_certificate_that_is_not_for_timestamps(
    tmp_path: Path, usage: x509.ObjectIdentifier, *, critical: bool
) -> None:
    good = make_authority(tmp_path / "tsa")
    # openssl itself refuses to make timestamps with such a certificate: its key has to be used by
    # another one, of the same name and number.
    wrong = (
        x509.CertificateBuilder()
        .subject_name(good.certificate.subject)
        .issuer_name(good.certificate.issuer)
        .public_key(good.certificate.public_key())
        .serial_number(good.certificate.serial_number)
        .not_valid_before(good.certificate.not_valid_before_utc)
        .not_valid_after(good.certificate.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            good.certificate.extensions.get_extension_for_class(x509.KeyUsage).value, critical=True
        )
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=critical)
    )
    certificate = wrong.sign(good.root_key, good.certificate.signature_hash_algorithm)  # type: ignore[arg-type]  # SHA-256
    data = good.stamp(SIGNATURE, "-sha256")
    expect_invalid(pinning(replace(good, certificate=certificate)), SIGNATURE, data)


def test_the_window_of_an_authority_includes_its_ends(tsa: OpensslAuthority, stamp: bytes) -> None:
    (time,) = pinning(tsa).verify(SIGNATURE, [stamp])
    second = timedelta(seconds=1)
    for window in ({"valid_from": time.at}, {"valid_to": time.at}):
        assert pinning(tsa, **window).verify(SIGNATURE, [stamp]) == (time,)
    for window in ({"valid_from": time.at + second}, {"valid_to": time.at - second}):
        assert "not trusted for" in expect_invalid(pinning(tsa, **window), SIGNATURE, stamp)


def test_an_authority_outlives_its_certificate_and_no_timestamp_does(
    tmp_path: Path,
) -> None:
    expired = make_authority(tmp_path / "tsa", days=0.9)
    data = expired.stamp(SIGNATURE)
    assert "certificate of its authority" in expect_invalid(trusting(expired), SIGNATURE, data)


def test_what_is_no_timestamp_is_refused(tsa: OpensslAuthority, stamp: bytes) -> None:
    refusal = tsa.answer(openssl("ts", "-query", "-digest", "00" * 20, "-sha1"))
    for data in (b"\x30", b"hello", stamp[:-1], stamp + b"\0", refusal):
        expect_invalid(trusting(tsa), SIGNATURE, data)


@pytest.mark.parametrize("place", range(9, 1_400, 61))
def test_a_changed_timestamp_proves_nothing_else(
    tsa: OpensslAuthority, stamp: bytes, place: int
) -> None:
    place = min(place, len(stamp) - 1)
    changed = stamp[:place] + bytes([stamp[place] ^ 1]) + stamp[place + 1 :]
    (time,) = trusting(tsa).verify(SIGNATURE, [stamp])
    try:
        found = trusting(tsa).verify(SIGNATURE, [changed])
    except SignatureError:
        return
    assert found in ((), (time,))


def test_too_many_and_repeated_timestamps(tsa: OpensslAuthority, stamp: bytes) -> None:
    assert "stands there twice" in expect_invalid(trusting(tsa), SIGNATURE, stamp, stamp)
    many = [bytes([number]) for number in range(33)]
    assert "at most 32" in expect_invalid(trusting(tsa), SIGNATURE, *many)


def test_authorities_are_read_from_pem(tsa: OpensslAuthority, stamp: bytes) -> None:
    root = tsa.root.public_bytes(Encoding.PEM)
    leaf = tsa.certificate.public_bytes(Encoding.PEM)
    for data in (root, leaf + root, root + leaf, tsa.root.public_bytes(Encoding.DER)):
        assert len(read_timestamp_authorities(data).verify(SIGNATURE, [stamp])) == 1
    with pytest.raises(SignatureError):
        read_timestamp_authorities(b"hello", path="tsa.pem")


def test_a_bundle_carries_its_timestamps(tsa: OpensslAuthority) -> None:
    key = generate_private_key()
    with serve_stamps(tsa.answer) as url:
        bundle = sign_payload(b"{}", key, timestamps=[HttpTimestampAuthority(url)])
    bundle = parse_bundle(write_bundle(bundle))
    verified = verify_bundle(bundle, [key.public_key], timestamps=trusting(tsa))
    (time,) = verified.signer.times
    assert abs(time.at - datetime.now(UTC)) < timedelta(minutes=2)
    assert verify_bundle(bundle, [key.public_key]).signer.times == ()
    other = sign_payload(b"{ }", key)
    with pytest.raises(SignatureError) as caught:
        verify_bundle(
            replace(other, timestamps=bundle.timestamps),
            [key.public_key],
            timestamps=trusting(tsa),
        )
    assert caught.value.code == "timestamp-invalid"


def test_a_missing_extra_is_named(
    tsa: OpensslAuthority, stamp: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with pytest.raises(MissingExtraError, match=r"training-provenance\[timestamps\]"):
        trusting(tsa).verify(SIGNATURE, [stamp])


# An anchor that did not sign itself


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> dict[str, OpensslAuthority]:
    """Return authorities under an intermediate one, by the kind of their keys."""
    return {kind: make_below(tmp_path_factory.mktemp(kind), kind) for kind in KEYS}


KEYS = ("p256", "p384", "rsa")


def new_key(kind: str) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    if kind == "rsa":
        return rsa.generate_private_key(65_537, 2_048)
    return ec.generate_private_key(ec.SECP256R1() if kind == "p256" else ec.SECP384R1())


def make_below(folder: Path, kind: str = "p256") -> OpensslAuthority:
    """Return an authority whose issuer did not sign itself; that issuer is called its root."""
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    made_by = make_authority(folder)
    start = datetime.now(UTC) - timedelta(days=1)
    top = made.authority(None, "top", start=start, end=start + timedelta(days=99))
    issuer = made.authority(top, "issuer", start=start, end=start + timedelta(days=99))
    leaf = made.issue(
        issuer,
        "tsa below",
        key=new_key(kind),
        start=start,
        end=start + timedelta(days=30),
        extensions=[
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (made.key_usage("digital_signature"), True),
            (usage, True),
        ],
    )
    (folder / "tsa.pem").write_bytes(leaf.certificate.public_bytes(Encoding.PEM))
    key = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "tsa.key").write_bytes(key)
    return replace(made_by, certificate=leaf.certificate, root=issuer.certificate)


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("digest", ["-sha256", "-sha512"])
def test_an_anchor_need_not_have_signed_itself(
    below: dict[str, OpensslAuthority], kind: str, digest: str
) -> None:
    tsa = below[kind]
    data = tsa.stamp(SIGNATURE, digest, "-cert")
    for trusted in (trusting(tsa), pinning(tsa)):
        (time,) = trusted.verify(SIGNATURE, [data])
        assert abs(time.at - datetime.now(UTC)) < timedelta(minutes=2)
        expect_invalid(trusted, SIGNATURE + b"x", data)
    pem = tsa.root.public_bytes(Encoding.PEM)
    assert read_timestamp_authorities(pem).verify(SIGNATURE, [data])


def test_under_such_an_anchor_no_byte_of_what_is_signed_may_change(
    below: dict[str, OpensslAuthority],
) -> None:
    tsa = below["p256"]
    trusted = pinning(tsa)
    data = tsa.stamp(SIGNATURE, "-sha256", "-no_nonce")
    assert trusted.verify(SIGNATURE, [data])
    accepted = []
    for index in range(len(data)):
        changed = data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]
        with suppress(SignatureError):
            accepted += [index] * bool(trusted.verify(SIGNATURE, [changed]))
    # Nothing is read from these ten: two versions of containers, and the list of the hashes.
    assert len(accepted) == 10, [(at, data[at - 4 : at + 5].hex()) for at in accepted]


def test_under_such_an_anchor_the_maker_has_to_be_the_one_named(
    below: dict[str, OpensslAuthority], tmp_path: Path
) -> None:
    other = make_below(tmp_path / "other")
    data = other.stamp(SIGNATURE)
    tsa = below["p256"]
    assert pinning(tsa).verify(SIGNATURE, [data]) == ()
    # Another key under the same names.
    expect_invalid(trusting(tsa), SIGNATURE, data)


def test_under_such_an_anchor_the_very_certificate_of_the_maker_is_named(tmp_path: Path) -> None:
    good = make_below(tmp_path / "tsa")
    data = good.stamp(SIGNATURE, "-sha256", "-no_nonce")
    key = load_pem_private_key((good.folder / "tsa.key").read_bytes(), None)
    builder = (
        x509.CertificateBuilder()
        .subject_name(good.certificate.subject)
        .issuer_name(good.certificate.issuer)
        .public_key(key.public_key())  # type: ignore[arg-type]  # ECDSA
        .serial_number(good.certificate.serial_number)
        .not_valid_before(good.certificate.not_valid_before_utc)
        .not_valid_after(good.certificate.not_valid_after_utc)
    )
    for extension in good.certificate.extensions:
        critical = not isinstance(extension.value, x509.ExtendedKeyUsage)
        builder = builder.add_extension(extension.value, critical=critical)
    wrong = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    with pytest.raises(ValueError, match="certificate of its maker"):
        check_maker(decode_timestamp(data).time_stamp_token(), wrong)
    check_maker(decode_timestamp(data).time_stamp_token(), good.certificate)
