"""The fixed test keys, and the bundles that they sign.

Each private key is made from a text that everybody can read, so that anybody can make further vectors,
and nobody should trust what these keys sign. ECDSA signatures follow RFC 6979: equal each time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from vectors import formulas
from vectors.kit import base64

if TYPE_CHECKING:
    from vectors.formulas import Tree

__all__ = [
    "ED25519",
    "MEDIA_TYPE",
    "ORDERS",
    "OTHER",
    "P384",
    "P521",
    "PAYLOAD_TYPE",
    "SIGNER",
    "Signer",
    "bundle",
    "bundle_bytes",
    "spki_pem",
]

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"

#: Orders of the base points: NIST P-256, P-384, P-521 and edwards25519.
ORDERS = {
    "p256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "p384": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    "p521": 0x1FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
    "ed25519": 2**252 + 27742317777372353535851937790883648493,
}

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}

_Handle = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class Signer:
    """A test key."""

    handle: _Handle
    """The private key."""

    @property
    def public(self) -> Any:  # noqa: ANN401 - one of the public key classes of cryptography
        """The public key."""
        return self.handle.public_key()

    @property
    def spki(self) -> bytes:
        """The SubjectPublicKeyInfo in DER."""
        return self.public.public_bytes(  # type: ignore[no-any-return]  # see `public`
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def hint(self) -> str:
        """The hint that bundles carry: base64(SHA-256(SPKI))."""
        return base64(hashlib.sha256(self.spki).digest())

    @property
    def pem(self) -> bytes:
        """The key file of the public half."""
        return spki_pem(self.spki)

    def sign(self, message: bytes) -> bytes:
        """Sign a message in the one scheme of the key."""
        if isinstance(self.handle, ed25519.Ed25519PrivateKey):
            return self.handle.sign(message)
        algorithm = _HASHES[self.handle.curve.name]
        return self.handle.sign(message, ec.ECDSA(algorithm, deterministic_signing=True))


def _seed(name: str) -> bytes:
    return hashlib.sha384(f"training-provenance vector key {name}".encode("ascii")).digest()


def _ecdsa(name: str, curve: ec.EllipticCurve, order: int) -> Signer:
    # private value = 1 + (SHA-384("training-provenance vector key NAME") mod (order - 1))
    value = 1 + int.from_bytes(_seed(name), "big") % (order - 1)
    return Signer(ec.derive_private_key(value, curve))


#: The key that vectors trust.
SIGNER = _ecdsa("signer", ec.SECP256R1(), ORDERS["p256"])
#: A key that nobody named.
OTHER = _ecdsa("other", ec.SECP256R1(), ORDERS["p256"])
#: A key on the larger curve.
P384 = _ecdsa("p384", ec.SECP384R1(), ORDERS["p384"])
#: A key on the largest curve.
P521 = _ecdsa("p521", ec.SECP521R1(), ORDERS["p521"])
#: An Ed25519 key, made from the first 32 bytes of the same kind of hash.
ED25519 = Signer(ed25519.Ed25519PrivateKey.from_private_bytes(_seed("ed25519")[:32]))


def bundle(payload: bytes, signer: Signer = SIGNER, *, signature: bytes | None = None) -> Tree:
    """Return the tree of a bundle over a payload.

    Args:
        payload: The signed bytes.
        signer: The key.
        signature: Something else in place of its signature.
    """
    made = signer.sign(formulas.pae(PAYLOAD_TYPE.encode(), payload))
    return {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": signer.hint}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": base64(payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [
                {"sig": base64(made if signature is None else signature), "keyid": signer.hint}
            ],
        },
    }


def bundle_bytes(tree: Tree) -> bytes:
    """Return a bundle as producers write it: one line, in the order of its fields."""
    return formulas.compact(tree)


def spki_pem(spki: bytes) -> bytes:
    """Return a key file of a SubjectPublicKeyInfo, whatever is in it."""
    text = base64(spki)
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join(
        ["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""]
    ).encode()
