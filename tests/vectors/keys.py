"""Group `keys`: signature schemes, encodings of signatures, and keys that nobody should use."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

from vectors import formulas, rsa_keys, signers
from vectors.groups import KEYS
from vectors.releases import Signed, small

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vectors.kit import Case
    from vectors.signers import Signer


_KEYS = "section Keys"
_SIGNATURES = f"{_KEYS} [R-ENV-30]"

#: What stands before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410).
_ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")
#: The order of the curve P-256.
_P256 = signers.ORDERS["p256"]


def _message() -> bytes:
    return formulas.pae(signers.PAYLOAD_TYPE.encode(), small().payload)


def _with_signature(signature: bytes, signer: Signer = signers.SIGNER) -> Signed:
    """Return a signed small release with these bytes in place of the signature."""
    signed = small().sign(signer=signer)
    signed.tree = signers.bundle(small().payload, signer, signature=signature)
    return signed.rewrite()


def _der(r: int, s: int) -> bytes:
    """Return SEQUENCE {r INTEGER, s INTEGER} in DER."""
    body = b"".join(b"\x02" + bytes([len(value)]) + value for value in map(_integer, (r, s)))
    return b"\x30" + bytes([len(body)]) + body


def _integer(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def _r_s() -> tuple[int, int]:
    return decode_dss_signature(signers.SIGNER.sign(_message()))


@KEYS.vector(_KEYS)
def p384() -> Case:
    """A key on P-384 signs with SHA-384."""
    return small().sign(signer=signers.P384).passes()


@KEYS.vector(_KEYS)
def ed25519() -> Case:
    """An Ed25519 key signs the message itself."""
    return small().sign(signer=signers.ED25519).passes()


@KEYS.vector(_KEYS)
def p521() -> Case:
    """A key on P-521 signs with SHA-512."""
    return small().sign(signer=signers.P521).passes()


@KEYS.vector(_KEYS)
def rsa_pss() -> Case:
    """An RSA key signs by PSS, with a salt of 32 bytes."""
    return _with_signature(rsa_keys.sign_pss(_message()), rsa_keys.SIGNER).passes()


def _bad_rsa_signatures() -> Iterable[tuple[str, str, bytes]]:
    message = _message()
    yield (
        "rsa_pkcs1v15",
        "The padding is PKCS#1 v1.5, which nobody named.",
        (rsa_keys.sign_pkcs1(message)),
    )
    yield "rsa_pss_without_salt", "The salt is empty.", rsa_keys.sign_pss(message, salt=b"")
    yield (
        "rsa_pss_salt_of_20_bytes",
        "The salt is as long as that of SHA-1.",
        (rsa_keys.sign_pss(message, salt=bytes(20))),
    )
    yield "rsa_pss_short", "The signature lacks its first byte.", rsa_keys.sign_pss(message)[1:]
    yield (
        "rsa_pss_long",
        "A zero byte stands before the signature.",
        (b"\0" + rsa_keys.sign_pss(message)),
    )
    yield (
        "rsa_pss_of_sha512",
        "The hash under the RSA signature is SHA-512.",
        (rsa_keys.sign_pss(message, algorithm="sha512")),
    )


@KEYS.vector(_KEYS)
def second_key_named() -> Case:
    """Two keys are named, and the second one signed."""
    signed = small().sign()
    signed.files["other.pub"] = signers.OTHER.pem
    return signed.passes(keys=["other.pub", "signer.pub"])


@KEYS.vector(_KEYS)
def key_in_der() -> Case:
    """The key file is DER."""
    signed = small().sign()
    signed.files["signer.pub"] = signers.SIGNER.spki
    return signed.passes()


@KEYS.vector(f"{_KEYS} [R-ENV-32]")
def key_with_compressed_point() -> Case:
    """A key with a compressed point is the same key."""
    point = signers.SIGNER.public.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
    )
    algorithm = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")
    bits = b"\x03" + bytes([len(point) + 1]) + b"\x00" + point
    signed = small().sign()
    signed.files["signer.pub"] = signers.spki_pem(
        b"\x30" + bytes([len(algorithm) + len(bits)]) + algorithm + bits
    )
    return signed.passes()


@KEYS.vector(_KEYS)
def signature_with_other_s() -> Case:
    """ECDSA is malleable: with s replaced by the order less s the signature still verifies."""
    r, s = _r_s()
    return _with_signature(_der(r, _P256 - s)).passes()


def _bad_signatures() -> Iterable[tuple[str, str, bytes]]:
    r, s = _r_s()
    good = _der(r, s)
    yield "signature_of_zeros", "Both r and s are 0.", _der(0, 0)
    yield "signature_s_zero", "The number s is 0.", _der(r, 0)
    yield "signature_r_is_the_order", "The number r is the order of the curve.", _der(_P256, s)
    yield (
        "signature_s_beyond_the_order",
        "The number s is larger by the order of the curve.",
        _der(r, s + _P256),
    )
    yield "signature_s_negative", "The number s is negative.", _der(r, -s)
    yield (
        "signature_raw",
        "The signature is r and s side by side, not DER.",
        r.to_bytes(32, "big") + s.to_bytes(32, "big"),
    )
    yield (
        "signature_long_form_length",
        "The length of the sequence is in the long form of BER.",
        b"\x30\x81" + good[1:],
    )
    yield (
        "signature_indefinite_length",
        "The length of the sequence is indefinite.",
        b"\x30\x80" + good[2:] + b"\x00\x00",
    )
    yield (
        "signature_padded_integer",
        "An integer has a superfluous zero byte.",
        _padded_integer(r, s),
    )
    yield "signature_with_bytes_behind", "A byte follows the sequence.", good + b"\x00"
    yield (
        "signature_with_bytes_inside",
        "A third integer stands in the sequence.",
        b"\x30" + bytes([len(good) + 1]) + good[2:] + b"\x02\x01\x00",
    )
    yield (
        "signature_one_bit_changed",
        "One bit of the signature is changed.",
        good[:-1] + bytes([good[-1] ^ 1]),
    )
    yield "signature_by_sha384", "The hash is not the one of the scheme.", _sha384()
    yield "signature_as_text", "The signature is text.", b"good"


def _padded_integer(r: int, s: int) -> bytes:
    first = b"\x00" + _integer(r) if _integer(r)[0] == 0 else b"\x00\x00" + _integer(r)
    body = b"\x02" + bytes([len(first)]) + first + _der(r, s)[2 + 2 + len(_integer(r)) :]
    return b"\x30" + bytes([len(body)]) + body


def _sha384() -> bytes:
    handle = signers.SIGNER.handle
    assert isinstance(handle, ec.EllipticCurvePrivateKey)
    return handle.sign(_message(), ec.ECDSA(hashes.SHA384(), deterministic_signing=True))


def _bad_edwards_signatures() -> Iterable[tuple[str, str, bytes]]:
    good = signers.ED25519.sign(_message())
    s = int.from_bytes(good[32:], "little") + signers.ORDERS["ed25519"]
    yield (
        "ed25519_s_beyond_the_order",
        "S is larger by the order of the group.",
        good[:32] + s.to_bytes(32, "little"),
    )
    yield "ed25519_63_bytes", "The last byte of the signature is missing.", good[:-1]
    yield "ed25519_65_bytes", "A byte follows the signature.", good + b"\x00"
    yield (
        "ed25519_of_the_hash",
        "The message was hashed before it was signed.",
        signers.ED25519.sign(hashlib.sha512(_message()).digest()),
    )


def _usage(key: bytes, signature: bytes | None = None) -> Case:
    """Return the case of naming a key that nobody may use."""
    signed = small().sign() if signature is None else _with_signature(signature)
    signed.files["signer.pub"] = key
    return signed.case("USAGE")


def _edwards(raw: str) -> bytes:
    return signers.spki_pem(_ED25519_PREFIX + bytes.fromhex(raw))


def _bad_keys() -> Iterable[tuple[str, str, bytes]]:
    pem = signers.SIGNER.pem
    one = "01" + "00" * 31
    yield (
        "key_ed25_not_canonical",
        "The y of an Ed25519 key is not below the prime.",
        _edwards("ee" + "ff" * 30 + "7f"),
    )
    yield "key_ed25_zero", "An Ed25519 key with y = 0 has order 4.", _edwards("00" * 32)
    yield (
        "key_ed25_identity_with_sign",
        "The identity with the other sign bit is no better.",
        _edwards(one[:-2] + "80"),
    )
    yield (
        "key_ed25_order_2",
        "An Ed25519 key with y = -1 has order 2.",
        _edwards("ec" + "ff" * 30 + "7f"),
    )
    yield (
        "key_ed25_order_8",
        "An Ed25519 key of order 8.",
        _edwards("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    )
    yield (
        "key_ed25_no_point",
        "No point of the curve has the y of this Ed25519 key.",
        _edwards("02" + "00" * 31),
    )
    yield "key_rsa_1024", "An RSA key of less than 2,048 bits is weak.", _rsa(1_024)
    yield "key_p224", "A smaller curve is not used.", _curve(ec.SECP224R1())
    yield "key_secp256k1", "A curve of the same length is another curve.", _curve(ec.SECP256K1())
    yield "key_private", "A private key stands where a public one is expected.", _private()
    yield "key_certificate", "A certificate stands where a public key is expected.", _certificate()
    yield "key_twice", "Two keys stand in one file.", pem + signers.OTHER.pem
    yield "key_cut_off", "The key file is cut off.", pem[:80]
    yield (
        "key_point_off_the_curve",
        "The point of the key is not on its curve.",
        signers.spki_pem(signers.SIGNER.spki[:-1] + bytes([signers.SIGNER.spki[-1] ^ 1])),
    )
    yield "key_with_bytes_behind", "Bytes follow the key in DER.", signers.SIGNER.spki + b"\x00"
    yield "key_empty_file", "The key file is empty.", b""
    yield "key_fingerprint", "A fingerprint is no key.", signers.SIGNER.hint.encode() + b"\n"


def _rsa(bits: int) -> bytes:
    # Only the public half is needed: an odd number that nobody has factored.
    blocks = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(bits // 256))
    modulus = int.from_bytes(blocks, "big") | 1 << bits - 1 | 1
    key = rsa.RSAPublicNumbers(65537, modulus).public_key()
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _curve(curve: ec.EllipticCurve) -> bytes:
    key = ec.derive_private_key(7, curve).public_key()
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _private() -> bytes:
    # The private key 7, which is nobody's.
    return ec.derive_private_key(7, ec.SECP256R1()).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _certificate() -> bytes:
    handle = signers.SIGNER.handle
    assert isinstance(handle, ec.EllipticCurvePrivateKey)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Digits Lab")])
    builder = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name)
        .public_key(handle.public_key())
        .serial_number(7)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
    )
    made = builder.sign(handle, hashes.SHA256(), ecdsa_deterministic=True)
    return made.public_bytes(serialization.Encoding.PEM)


@KEYS.vector(f"{_KEYS} [R-ENV-31]")
def key_ed25_identity() -> Case:
    """Under the identity as a key one constant signature fits every message."""
    one = "01" + "00" * 31
    return _usage(_edwards(one), bytes.fromhex(one + "00" * 32))


@KEYS.vector(_KEYS)
def key_weak_beside_a_good_one() -> Case:
    """A key that nobody may use is refused even if another one signed."""
    signed = small().sign()
    signed.files["weak.pub"] = _edwards("00" * 32)
    return signed.case("USAGE", keys=["signer.pub", "weak.pub"])


def _fails(signature: bytes, signer: Signer) -> Case:
    return _with_signature(signature, signer).fails(("signature-invalid", ""))


def _declare_rows() -> None:
    for name, description, signature in _bad_signatures():
        KEYS.add(name, description, _SIGNATURES, partial(_fails, signature, signers.SIGNER))
    for name, description, signature in _bad_edwards_signatures():
        KEYS.add(name, description, _SIGNATURES, partial(_fails, signature, signers.ED25519))
    for name, description, signature in _bad_rsa_signatures():
        KEYS.add(name, description, _SIGNATURES, partial(_fails, signature, rsa_keys.SIGNER))
    for name, description, key in _bad_keys():
        rule = "R-ENV-31" if name.startswith("key_ed25") else "R-ENV-33"
        KEYS.add(name, description, f"{_KEYS} [{rule}]", partial(_usage, key))


_declare_rows()
