"""Group `logs`: entries of transparency logs, and identities that a log vouches for."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from support.logs import Log, b64, encoded, sct, sct_list, sct_message, spki_of
from vectors import formulas, signers
from vectors.authorities import END, START, Issued, authority, key_named, leaf
from vectors.groups import LOGS
from vectors.kit import NOW, base64, refuses, returns

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectors.kit import Case

    Tree = dict[str, Any]

_ENTRIES = "section Log entries"
_HEADS = "section Tree heads"
_ROOTS = "section Trusted roots"
_KEYLESS = "section Keyless signatures"
_WHO, _ISSUER = "trainer@lab.example", "https://accounts.lab.example"
PAYLOAD = b'{"_type":"https://in-toto.io/Statement/v1"}'
MESSAGE = formulas.pae(signers.PAYLOAD_TYPE.encode(), PAYLOAD)
TIME = datetime(2026, 11, 1, tzinfo=UTC)
SECONDS = int(TIME.timestamp())
_NEW_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_SCTS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")


def _edwards(name: str) -> ed25519.Ed25519PrivateKey:
    seed = hashlib.sha256(f"training-provenance vector log {name}".encode()).digest()
    return ed25519.Ed25519PrivateKey.from_private_bytes(seed)


FIRST = Log("rekor.lab.example", key_named("log"))
SECOND = Log("log2026.lab.example", _edwards("second"), second=True)
STRANGER = Log("log2026.lab.example", _edwards("stranger"), second=True)
PUBLISHED = Log("ct.lab.example", key_named("certificate log"))
ROOT = authority("root")


def _signed(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.sign(MESSAGE, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


def _short_lived(
    *,
    issuer: str = _ISSUER,
    logs: tuple[Log, ...] = (PUBLISHED,),
    **changes: Any,  # noqa: ANN401 - parts of a JSON tree, or arguments handed on
) -> Issued:
    """Return a certificate that a certificate log has taken."""
    text = issuer.encode()
    value = b"\x0c" + bytes([len(text)]) + text
    extensions = [(x509.UnrecognizedExtension(_NEW_ISSUER, value), False)]

    def issue(timestamps: bytes) -> Issued:
        scts = (x509.UnrecognizedExtension(_SCTS, timestamps), False)
        return leaf(ROOT, extensions=[*extensions, scts], **changes)

    draft = issue(sct_list(sct(PUBLISHED, b"", TIME)))
    message = sct_message(draft.certificate.tbs_precertificate_bytes, spki_of(ROOT.key), TIME)
    return issue(sct_list(*(sct(log, log.sign(message), TIME) for log in logs)))


def _verifier(signer: Issued | None) -> tuple[bytes, bytes]:
    """Return certificate or key: DER, and PEM."""
    if signer is not None:
        return signer.der, signer.pem
    return signers.SIGNER.spki, signers.SIGNER.pem


def _body(signature: bytes, signer: Issued | None, *, second: bool) -> Tree:
    der, pem = _verifier(signer)
    payload = {"algorithm": "sha256", "value": hashlib.sha256(PAYLOAD).hexdigest()}
    if not second:
        listed = [{"signature": b64(signature), "verifier": b64(pem)}]
        spec: Tree = {"payloadHash": payload, "signatures": listed}
        return {"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}
    named = "publicKey" if signer is None else "x509Certificate"
    by = {named: {"rawBytes": b64(der)}, "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
    spec = {
        "data": {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(MESSAGE).digest())},
        "signature": {"content": b64(signature), "verifier": by},
    }
    return {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": spec}}


def _trusted() -> Tree:
    window = {"start": "2026-01-01T00:00:00Z"}
    chain = {"certificates": [{"rawBytes": b64(ROOT.der)}]}
    return {
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": [FIRST.instance, SECOND.instance],
        "ctlogs": [PUBLISHED.instance],
        "certificateAuthorities": [{"certChain": chain, "validFor": window}],
    }


def _case(
    error: str = "",
    *,
    signer: Issued | None = None,
    second: bool = False,
    body: Callable[[Tree], object] = lambda _: None,
    entry: Callable[[Tree], object] = lambda _: None,
    bundle: Callable[[Tree], object] = lambda _: None,
    root: Callable[[Tree], object] = lambda _: None,
    **request: Any,  # noqa: ANN401 - parts of a JSON tree, or arguments handed on
) -> Case:
    """Return the case of a bundle with one log entry, each part of it changed if wished.

    Args:
        error: What must come out; empty for a signature that holds.
        signer: The certificate; a managed key by default.
        second: Whether the log is one of the second version.
        body: Changes the body before it is logged.
        entry: Changes the entry.
        bundle: Changes the bundle.
        root: Changes the trusted root.
        request: More members of the request.
    """
    signature = signers.SIGNER.sign(MESSAGE) if signer is None else _signed(signer.key)
    logged = _body(signature, signer, second=second)
    body(logged)
    made = (SECOND if second else FIRST).entry(encoded(logged), time=SECONDS)
    entry(made)
    if signer is None:
        material: Tree = {"publicKey": {"hint": signers.SIGNER.hint}}
    else:
        material = {"certificate": {"rawBytes": b64(signer.der)}}
    material["tlogEntries"] = [made]
    tree: Tree = {
        "mediaType": signers.MEDIA_TYPE,
        "verificationMaterial": material,
        "dsseEnvelope": {
            "payload": b64(PAYLOAD),
            "payloadType": signers.PAYLOAD_TYPE,
            "signatures": [{"sig": b64(signature)}],
        },
    }
    bundle(tree)
    trusted = _trusted()
    root(trusted)
    files = {
        "bundle.sigstore.json": json.dumps(tree, separators=(",", ":")).encode("ascii"),
        "root.json": json.dumps(trusted, separators=(",", ":")).encode("ascii"),
    }
    asked: Tree = {
        "operation": "verify-bundle",
        "bundle": "bundle.sigstore.json",
        "trustedRoot": "root.json",
        "now": NOW,
    }
    if signer is None:
        files["publisher.pub"] = signers.SIGNER.pem
        asked["keys"] = ["publisher.pub"]
    else:
        asked |= {"identity": _WHO, "issuer": _ISSUER}
    asked |= request
    return refuses(asked, error, files) if error else returns(asked, _output(signer), files)


def _output(signer: Issued | None) -> Tree:
    spki = signers.SIGNER.spki
    if signer is not None:
        spki = signer.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    fingerprint = "SHA256:" + base64(hashlib.sha256(spki).digest()).rstrip("=")
    output = {"kind": "key", "fingerprint": fingerprint, "scheme": "ecdsa-p256-sha256"}
    return output if signer is None else {**output, "kind": "keyless", "identity": _WHO}


def _proof(**changes: Any) -> Callable[[Tree], object]:  # noqa: ANN401 - parts of a JSON tree, or arguments handed on
    return lambda entry: entry["inclusionProof"].update(changes)


def _hashes(change: Callable[[list[str]], object]) -> Callable[[Tree], object]:
    return lambda entry: change(entry["inclusionProof"]["hashes"])


def _head(make: Callable[[bytes, int], str]) -> Callable[[Tree], object]:
    def change(entry: Tree) -> None:
        proof = entry["inclusionProof"]
        root, size = b64decode(proof["rootHash"]), int(proof["treeSize"])
        proof["checkpoint"]["envelope"] = make(root, size)

    return change


def _line(log: Log, root: bytes, size: int, **changes: Any) -> str:  # noqa: ANN401 - parts of a JSON tree, or arguments handed on
    text = f"{SECOND.origin}\n{size}\n{b64(root)}\n"
    return f"{text}\n{log.line(text, **changes)}"


def _window(kind: str, place: int, **window: str) -> Callable[[Tree], object]:
    return lambda root: root[kind][place]["publicKey"].update(validFor=window)


def _drop(name: str) -> Callable[[Tree], object]:
    return lambda tree: tree.pop(name)


_WITNESS = Log("witness.lab.example", _edwards("witness"), second=True)


def _witnessed(root: bytes, size: int) -> str:
    head = SECOND.tree_head(size, root)
    text, _, line = head.rpartition("\n\n")
    return f"{text}\n\n{_WITNESS.line(text + chr(10))}{line}"


BAD = "log-entry-invalid"
_MANAGED: dict[str, tuple[str, str, str, Tree]] = {
    "first_log": (_ENTRIES, "A managed key and an entry of the first version of a log.", "", {}),
    "second_log": (_ENTRIES, "An entry of the second version.", "", {"second": True}),
    "numbers_as_numbers": (
        _ENTRIES,
        "64-bit numbers stand as JSON numbers.",
        "",
        {"second": True, "entry": _proof(logIndex=1, treeSize=5)},
    ),
    "head_with_witness": (
        _HEADS,
        "A witness signed the tree head before the log did.",
        "",
        {"second": True, "entry": _head(_witnessed)},
    ),
    "no_entry": (
        _ENTRIES,
        "No log has an entry.",
        BAD,
        {"bundle": lambda it: it["verificationMaterial"].update(tlogEntries=[])},
    ),
    "entry_twice": (
        _ENTRIES,
        "The same entry stands there twice.",
        BAD,
        {
            "bundle": lambda it: it["verificationMaterial"].update(
                tlogEntries=it["verificationMaterial"]["tlogEntries"] * 2
            )
        },
    ),
    "entry_unknown_member": (
        _ENTRIES,
        "A member too many.",
        BAD,
        {"entry": lambda it: it.update(x=1)},
    ),
    "body_of_another_payload": (
        _ENTRIES,
        "The log has an entry about another payload.",
        BAD,
        {"body": lambda it: it["spec"]["payloadHash"].update(value="00" * 32)},
    ),
    "body_of_another_signature": (
        _ENTRIES,
        "The log has an entry about another signature.",
        BAD,
        {"body": lambda it: it["spec"]["signatures"][0].update(signature=b64(b"another"))},
    ),
    "body_of_another_key": (
        _ENTRIES,
        "The log has an entry about another key.",
        BAD,
        {"body": lambda it: it["spec"]["signatures"][0].update(verifier=b64(signers.OTHER.pem))},
    ),
    "body_of_another_digest": (
        _ENTRIES,
        "The entry of the second version is about another digest.",
        BAD,
        {
            "second": True,
            "body": lambda it: it["spec"]["hashedRekordV002"]["data"].update(digest=b64(bytes(32))),
        },
    ),
    "body_of_unknown_kind": (
        _ENTRIES,
        "A kind of entry that nobody knows.",
        BAD,
        {"body": lambda it: it.update(kind="none")},
    ),
    "kind_differs_from_body": (
        _ENTRIES,
        "The entry says another kind than its body.",
        BAD,
        {"entry": lambda it: it["kindVersion"].update(kind="hashedrekord")},
    ),
    "hash_more": (
        _ENTRIES,
        "One hash too many.",
        BAD,
        {"second": True, "entry": _hashes(lambda it: it.append(it[0]))},
    ),
    "hash_less": (
        _ENTRIES,
        "One hash too few.",
        BAD,
        {"second": True, "entry": _hashes(lambda it: it.pop())},
    ),
    "hashes_exchanged": (
        _ENTRIES,
        "The hashes in another order.",
        BAD,
        {"second": True, "entry": _hashes(lambda it: it.reverse())},
    ),
    "index_is_size": (
        _ENTRIES,
        "The index is the size of the tree.",
        BAD,
        {"second": True, "entry": _proof(logIndex="5")},
    ),
    "no_proof": (_ENTRIES, "No proof in a v0.3 bundle.", BAD, {"entry": _drop("inclusionProof")}),
    "no_head": (
        _ENTRIES,
        "A proof without a tree head.",
        BAD,
        {"entry": lambda it: it["inclusionProof"].pop("checkpoint")},
    ),
    "head_of_another_size": (
        _ENTRIES,
        "The log signed the same root for another size.",
        BAD,
        {"second": True, "entry": _head(lambda root, size: SECOND.tree_head(size + 1, root))},
    ),
    "head_of_another_root": (
        _ENTRIES,
        "The log signed another root.",
        BAD,
        {"second": True, "entry": _head(lambda _, size: SECOND.tree_head(size, bytes(32)))},
    ),
    "head_by_a_stranger": (
        _HEADS,
        "Another key signed the tree head under the name of the log.",
        BAD,
        {"second": True, "entry": _head(partial(_line, STRANGER))},
    ),
    "head_by_a_stranger_with_the_key_id": (
        _HEADS,
        "Another key signed it under the name and the key id of the log.",
        BAD,
        {"second": True, "entry": _head(partial(_line, STRANGER, number=SECOND.log_id[:4]))},
    ),
    "head_under_another_name": (
        _HEADS,
        "The log signed it under another name.",
        BAD,
        {"second": True, "entry": _head(partial(_line, SECOND, name="log.example"))},
    ),
    "head_of_another_origin": (
        _HEADS,
        "The tree head is about another log.",
        BAD,
        {
            "second": True,
            "entry": _head(lambda root, size: SECOND.tree_head(size, root, origin="log.example")),
        },
    ),
    "promise_of_another_time": (
        _ENTRIES,
        "The promise is for another time.",
        BAD,
        {"entry": lambda it: it.update(integratedTime=str(SECONDS + 1))},
    ),
    "promise_of_another_index": (
        _ENTRIES,
        "The promise is for another place.",
        BAD,
        {"entry": lambda it: it.update(logIndex="7")},
    ),
    "log_unknown": (
        _ROOTS,
        "Nobody trusts the log.",
        BAD,
        {"second": True, "root": lambda it: it["tlogs"].pop()},
    ),
    "log_ended": (
        _ROOTS,
        "The log's key counted until a second before.",
        BAD,
        {"root": _window("tlogs", 0, end="2026-10-31T23:59:59Z")},
    ),
    "log_ended_then": (
        _ROOTS,
        "The log's key counted until that very second.",
        "",
        {"root": _window("tlogs", 0, end="2026-11-01T00:00:00Z")},
    ),
    "root_of_another_type": (
        _ROOTS,
        "The trusted root has another media type.",
        "trusted-root-invalid",
        {"root": lambda it: it.update(mediaType="application/json")},
    ),
    "root_key_malformed": (
        _ROOTS,
        "A key of the trusted root is none, and the entry is of its log.",
        "log-entry-invalid",
        {"root": lambda it: it["tlogs"][0]["publicKey"].update(rawBytes="AAAA")},
    ),
}
for _name, (_section, _text, _error, _changes) in _MANAGED.items():
    LOGS.add(_name, _text, _section, partial(_case, _error, **_changes))

_IDENTITIES: dict[str, tuple[str, str, Callable[[], Issued], Tree]] = {
    "identity": ("An identity, by a certificate of minutes and a log.", "", _short_lived, {}),
    "identity_other": (
        "Somebody else signed.",
        "identity-mismatch",
        partial(_short_lived, names=[x509.RFC822Name("mallory@lab.example")]),
        {},
    ),
    "identity_of_another_issuer": (
        "Somebody else vouches for the same name.",
        "identity-mismatch",
        partial(_short_lived, issuer="https://accounts.evil.example"),
        {},
    ),
    "identity_without_time": (
        "Nothing proves when it was signed.",
        "signing-time-missing",
        _short_lived,
        {"second": True},
    ),
    "identity_expired": (
        "The certificate had expired a second before the log took the signature.",
        "certificate-expired",
        partial(_short_lived, end=datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)),
        {},
    ),
    "identity_expires_then": (
        "The certificate expired in the second in which the log took the signature.",
        "",
        partial(_short_lived, end=TIME),
        {},
    ),
    "identity_not_published": (
        "No certificate log has the certificate.",
        "certificate-not-published",
        partial(_short_lived, logs=()),
        {},
    ),
    "identity_published_twice": (
        "Two timestamps of a certificate log.",
        "certificate-not-published",
        partial(_short_lived, logs=(PUBLISHED, PUBLISHED)),
        {},
    ),
    "identity_published_elsewhere": (
        "A certificate log that nobody trusts has the certificate.",
        "certificate-not-published",
        partial(_short_lived, logs=(FIRST,)),
        {},
    ),
    "identity_of_another_purpose": (
        "A certificate for clients of TLS.",
        "certificate-usage",
        partial(_short_lived, purpose=x509.ObjectIdentifier("1.3.6.1.5.5.7.3.2")),
        {},
    ),
    "identity_of_an_authority_that_ended": (
        "The authority counted until a second before.",
        "certificate-untrusted",
        _short_lived,
        {
            "root": lambda it: it["certificateAuthorities"][0].update(
                validFor={"end": "2026-10-31T23:59:59Z"}
            )
        },
    ),
    "identity_log_of_another_certificate": (
        "The log has an entry about the same signature under another certificate.",
        BAD,
        _short_lived,
        {
            "body": lambda it: it["spec"]["signatures"][0].update(
                verifier=b64(leaf(ROOT, start=START, end=END).pem)
            )
        },
    ),
}


def _identity(error: str, make: Callable[[], Issued], changes: Tree) -> Case:
    return _case(error, signer=make(), **changes)


for _name, (_text, _error, _make, _changes) in _IDENTITIES.items():
    LOGS.add(_name, _text, _KEYLESS, partial(_identity, _error, _make, _changes))
