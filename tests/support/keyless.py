"""A whole Sigstore instance made on the spot: authorities, logs, and bundles as clients write them.

Bundles are trees of JSON, which a test changes as it likes. Written from the published rules, and
checked against the library `sigstore` by the tests.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from support import certificates as made
from support.logs import Log, b64, encoded, sct, sct_list, sct_message, spki_of
from support.timestamps import make_authority

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from support.timestamps import OpensslAuthority

__all__ = [
    "ARTIFACT",
    "IDENTITY",
    "ISSUER",
    "STATEMENT",
    "Instance",
    "Signing",
    "managed_bundle",
    "pae_of",
]

IDENTITY = "trainer@example.org"
ISSUER = "https://accounts.example.org"
ARTIFACT = b"the bytes of a model\n"
_DIGEST = hashlib.sha256(ARTIFACT).hexdigest()
STATEMENT = json.dumps(
    {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "a model", "digest": {"sha256": _DIGEST}}],
        "predicateType": "https://example.org/predicate/v1",
        "predicate": {"loss": 0.25},
    }
).encode()
PAYLOAD_TYPE = "application/vnd.in-toto+json"
V3 = "application/vnd.dev.sigstore.bundle.v0.3+json"
SCTS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
NEW_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
OLD_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")


def pae_of(payload: bytes) -> bytes:
    """Return the bytes that the signature of an envelope covers."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True)
class Signing:
    """One signature: the certificate of minutes, its key, and what was signed."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    message: bool
    signature: bytes

    @property
    def pem(self) -> bytes:
        """The certificate as logs of the first version have it."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.DER)

    def body(self, kind: str, verifier: bytes = b"") -> dict[str, Any]:
        """Return the body of a log entry about it.

        Args:
            kind: `hashedrekord/0.0.1`, `hashedrekord/0.0.2`, `dsse/0.0.1` or `intoto/0.0.2`.
            verifier: A public key in PEM; the certificate by default.
        """
        name, version = kind.split("/")
        pem = verifier or self.pem
        signed = ARTIFACT if self.message else pae_of(STATEMENT)
        payload = {"algorithm": "sha256", "value": hashlib.sha256(STATEMENT).hexdigest()}
        spec: dict[str, Any]
        if kind == "hashedrekord/0.0.2":
            if verifier:
                public = load_pem_public_key(verifier)
                der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
                named = {"publicKey": {"rawBytes": b64(der)}}
            else:
                named = {"x509Certificate": {"rawBytes": b64(self.der)}}
            data = {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(signed).digest())}
            by = {**named, "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
            signature = {"content": b64(self.signature), "verifier": by}
            spec = {"hashedRekordV002": {"data": data, "signature": signature}}
        elif kind == "hashedrekord/0.0.1":
            digest = {"algorithm": "sha256", "value": hashlib.sha256(signed).hexdigest()}
            by = {"content": b64(self.signature), "publicKey": {"content": b64(pem)}}
            spec = {"data": {"hash": digest}, "signature": by}
        elif kind == "dsse/0.0.2":
            certificate = {"x509Certificate": {"rawBytes": b64(self.der)}}
            owner = {**certificate, "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
            digest = {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(STATEMENT).digest())}
            record = [{"content": b64(self.signature), "verifier": owner}]
            spec = {"dsseV002": {"payloadHash": digest, "signatures": record}}
        elif kind == "dsse/0.0.1":
            spec = {
                "envelopeHash": {"algorithm": "sha256", "value": "00" * 32},
                "payloadHash": payload,
                "signatures": [{"signature": b64(self.signature), "verifier": b64(pem)}],
            }
        else:
            twice = b64encode(b64encode(self.signature)).decode()
            listed = [{"publicKey": b64(pem), "sig": twice}]
            envelope = {"payloadType": PAYLOAD_TYPE, "signatures": listed}
            spec = {"content": {"envelope": envelope, "payloadHash": payload}}
        return {"apiVersion": version, "kind": name, "spec": spec}


@dataclass
class Instance:
    """The authorities and logs of one instance; made once for a module of tests."""

    folder: Path
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    first: Log = field(
        default_factory=lambda: Log("rekor.example.org", ec.generate_private_key(ec.SECP256R1()))
    )
    second: Log = field(
        default_factory=lambda: Log(
            "log2025.example.org", ed25519.Ed25519PrivateKey.generate(), second=True
        )
    )
    published: Log = field(
        default_factory=lambda: Log("ctfe.example.org", ec.generate_private_key(ec.SECP256R1()))
    )

    def __post_init__(self) -> None:
        """Make the certificate authorities."""
        self.root = self._authority(None, "fulcio root")
        self.issuing = self._authority(self.root, "fulcio issuing", length=0)

    @cached_property
    def stamps(self) -> OpensslAuthority:
        """The timestamp authority."""
        return make_authority(self.folder / "tsa")

    def _authority(
        self, issuer: made.Issued | None, name: str, *, length: int | None = None
    ) -> made.Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        above = key if issuer is None else issuer.key
        return made.authority(
            issuer,
            name,
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()),
            length=length,
            key=key,
            start=self.now - timedelta(days=300),
            end=self.now + timedelta(days=300),
        )

    def trusted_root(self, *, authority: bool = True) -> dict[str, Any]:
        """Return the trusted root of the instance, as a tree."""
        start = (self.now - timedelta(days=200)).isoformat().replace("+00:00", "Z")
        window = {"start": start}
        chain = [self.issuing.certificate, self.root.certificate]
        tree: dict[str, Any] = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [self.first.instance, self.second.instance],
            "certificateAuthorities": [self._chain("fulcio", chain, window)],
            "ctlogs": [self.published.instance],
        }
        if authority:
            chain = [self.stamps.certificate, self.stamps.root]
            tree["timestampAuthorities"] = [self._chain("tsa", chain, window)]
        return tree

    def _chain(
        self, name: str, chain: list[x509.Certificate], window: dict[str, str]
    ) -> dict[str, Any]:
        listed = [{"rawBytes": b64(it.public_bytes(Encoding.DER))} for it in chain]
        return {
            "subject": {"organization": "example", "commonName": name},
            "uri": f"https://{name}.example.org",
            "certChain": {"certificates": listed},
            "validFor": window,
        }

    def leaf(
        self,
        *,
        names: Sequence[x509.GeneralName] | None = None,
        issuer: str | None = ISSUER,
        old_issuer: str | None = ISSUER,
        usage: tuple[str, ...] | None = ("digital_signature",),
        extended: x509.ExtendedKeyUsage | None = made.CODE_USAGE,
        authority: bool = False,
        start: datetime | None = None,
        end: datetime | None = None,
        by: made.Issued | None = None,
        scts: int = 1,
        sct_key: Log | None = None,
        sct_over: bytes | None = None,
        sct_time: datetime | None = None,
        public: ec.EllipticCurvePublicKey | None = None,
    ) -> made.Issued:
        """Return a certificate of minutes, published in the certificate log."""
        by = by or self.issuing
        key = ec.generate_private_key(ec.SECP256R1())
        public = public or key.public_key()
        listed: list[Any] = [
            (x509.BasicConstraints(ca=authority, path_length=None), True),
            (x509.SubjectAlternativeName(names or [x509.RFC822Name(IDENTITY)]), True),
            x509.SubjectKeyIdentifier.from_public_key(public),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()),
        ]
        if usage is not None:
            listed.append((made.key_usage(*usage), True))
        if extended is not None:
            listed.append(extended)
        if issuer is not None:
            text = issuer.encode()
            listed.append(
                x509.UnrecognizedExtension(NEW_ISSUER, b"\x0c" + bytes([len(text)]) + text)
            )
        if old_issuer is not None:
            listed.append(x509.UnrecognizedExtension(OLD_ISSUER, old_issuer.encode()))
        start = start or self.now - timedelta(minutes=5)
        end = end or self.now + timedelta(minutes=5)
        serial = x509.random_serial_number()

        def issue(timestamps: bytes | None) -> x509.Certificate:
            builder = (
                x509.CertificateBuilder()
                .subject_name(x509.Name([]))
                .issuer_name(by.certificate.subject)
                .public_key(public)
                .serial_number(serial)
                .not_valid_before(start)
                .not_valid_after(end)
            )
            for one in listed:
                value, critical = one if isinstance(one, tuple) else (one, False)
                builder = builder.add_extension(value, critical=critical)
            if timestamps is not None:
                value = x509.UnrecognizedExtension(SCTS, timestamps)
                builder = builder.add_extension(value, critical=False)
            return builder.sign(by.key, hashes.SHA256())

        if not scts:
            return made.Issued(issue(None), key)
        log = sct_key or self.published
        at = sct_time or self.now - timedelta(minutes=5)
        draft = issue(sct_list(sct(log, b"", at)))
        covered = sct_over or draft.tbs_precertificate_bytes
        signed = sct_message(covered, spki_of(by.key), at)  # type: ignore[arg-type]  # made above
        return made.Issued(issue(sct_list(*[sct(log, log.sign(signed), at)] * scts)), key)

    def sign(self, *, message: bool = False, leaf: made.Issued | None = None) -> Signing:
        """Return a signature over the artifact, or over the statement about it."""
        leaf = leaf or self.leaf()
        signed = ARTIFACT if message else pae_of(STATEMENT)
        assert isinstance(leaf.key, ec.EllipticCurvePrivateKey)
        signature = leaf.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return Signing(leaf.certificate, leaf.key, message, signature)

    def entry(self, signing: Signing, kind: str = "", *, second: bool = False) -> dict[str, Any]:
        """Return the log entry of a signature, of the usual kind."""
        usual = "hashedrekord/0.0.1" if signing.message else "dsse/0.0.1"
        kind = kind or ("hashedrekord/0.0.2" if second else usual)
        log = self.second if second else self.first
        return log.entry(encoded(signing.body(kind)), time=int(self.now.timestamp()))

    def bundle(
        self,
        signing: Signing,
        entries: list[dict[str, Any]] | None = None,
        *,
        stamps: int = 0,
        chain: bool = False,
        media_type: str = V3,
    ) -> dict[str, Any]:
        """Return a bundle, as a tree."""
        leaf = {"rawBytes": b64(signing.der)}
        material: dict[str, Any] = (
            {"x509CertificateChain": {"certificates": [leaf]}} if chain else {"certificate": leaf}
        )
        material["tlogEntries"] = [self.entry(signing)] if entries is None else entries
        stamped = [
            {"signedTimestamp": b64(self.stamps.stamp(signing.signature))} for _ in range(stamps)
        ]
        if stamped:
            material["timestampVerificationData"] = {"rfc3161Timestamps": stamped}
        tree: dict[str, Any] = {"mediaType": media_type, "verificationMaterial": material}
        if signing.message:
            digest = {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(ARTIFACT).digest())}
            signature = {"messageDigest": digest, "signature": b64(signing.signature)}
            return {**tree, "messageSignature": signature}
        envelope = {
            "payload": b64(STATEMENT),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": b64(signing.signature)}],
        }
        return {**tree, "dsseEnvelope": envelope}


def managed_bundle(
    instance: Instance, *, message: bool = True, second: bool = False, stamps: int = 0
) -> tuple[dict[str, Any], bytes]:
    """Return a bundle of a managed key with a log entry, and the key in PEM."""
    signing = instance.sign(message=message)
    pem = signing.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    kind = "hashedrekord/0.0.2" if second else ("hashedrekord/0.0.1" if message else "dsse/0.0.1")
    log = instance.second if second else instance.first
    entry = log.entry(encoded(signing.body(kind, pem)), time=int(instance.now.timestamp()))
    bundle = instance.bundle(signing, [entry], stamps=stamps)
    del bundle["verificationMaterial"]["certificate"]
    bundle["verificationMaterial"]["publicKey"] = {"hint": "any"}
    return bundle, pem
