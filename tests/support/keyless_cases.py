"""Bundles and trusted roots with one defect each, and some that only look as if they had one.

Every case has the finding code of its refusal (none: it must be accepted), and whether the library
`sigstore` says something else, and why.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from support.keyless import IDENTITY, ISSUER, STATEMENT
from support.logs import Log, b64, encoded, inclusion
from support.timestamps import make_authority

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.keyless import Instance, Signing

    #: Returns a bundle, or a bundle and another trusted root than the instance's.
    Make = Callable[[Instance], dict[str, Any] | tuple[dict[str, Any], dict[str, Any]]]

__all__ = ["CASES", "Case", "Tree"]

Tree = dict[str, Any]
#: What logs of the second version hold.
SECOND_KINDS = {"hashedrekord/0.0.2", "dsse/0.0.2"}
OLDEST = "application/vnd.dev.sigstore.bundle+json;version=0.1"
SECOND = "application/vnd.dev.sigstore.bundle+json;version=0.2"
THIRD = "application/vnd.dev.sigstore.bundle+json;version=0.3"
LOG, STAMP, TIME = "log-entry-invalid", "timestamp-invalid", "signing-time-missing"
PUBLISHED, WHO = "certificate-not-published", "identity-mismatch"


@dataclass(frozen=True)
class Case:
    """One bundle and what must come of it."""

    make: Callable[[Instance], Tree | tuple[Tree, Tree]]
    code: str | None
    differs: str = ""
    """Why the library decides otherwise; empty if it decides the same."""

    def build(self, instance: Instance) -> tuple[bytes, bytes]:
        """Return the bundle and the trusted root, as documents."""
        made = self.make(instance)
        bundle, root = made if isinstance(made, tuple) else (made, instance.trusted_root())
        return json.dumps(bundle).encode(), json.dumps(root).encode()


CASES: dict[str, Case] = {}


def case(code: str | None, *, differs: str = "") -> Callable[[Make], Make]:
    """Register the function below as a case."""

    def register(make: Make) -> Make:
        CASES[make.__name__.removeprefix("_")] = Case(make, code, differs)
        return make

    return register


def entry_of(bundle: Tree) -> Tree:
    """Return the first log entry of a bundle."""
    found: Tree = bundle["verificationMaterial"]["tlogEntries"][0]
    return found


def second(instance: Instance, *, stamps: int = 1, message: bool = False) -> Tree:
    """Return a bundle with an entry of a log of the second version."""
    signing = instance.sign(message=message)
    return instance.bundle(signing, [instance.entry(signing, second=True)], stamps=stamps)


def with_stamp_of_nobody(bundle: Tree, instance: Instance) -> Tree:
    """Return a bundle with a further timestamp, by an authority that no trusted root names."""
    stranger = make_authority(instance.folder / "stranger")
    content = bundle.get("dsseEnvelope") or bundle["messageSignature"]
    signature = content.get("signature") or content["signatures"][0]["sig"]
    stamp = {"signedTimestamp": b64(stranger.stamp(b64decode(signature)))}
    bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"].append(stamp)
    return bundle


def flipped(text: str) -> str:
    """Return base64 of the same bytes, the last one changed."""
    data = bytearray(b64decode(text))
    data[-1] ^= 1
    return b64(bytes(data))


# What must be accepted


@case(None)
def _first_log_envelope(instance: Instance) -> Tree:
    return instance.bundle(instance.sign())


@case(None)
def _first_log_file(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(message=True))


@case(None)
def _second_log_envelope(instance: Instance) -> Tree:
    return second(instance)


@case(None)
def _second_log_file(instance: Instance) -> Tree:
    return second(instance, message=True)


@case(None)
def _promise_and_timestamp(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(), stamps=1)


@case(None)
def _two_timestamps(instance: Instance) -> Tree:
    return second(instance, stamps=2)


@case(None)
def _v0_1(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(message=True), chain=True, media_type=OLDEST)


@case(None)
def _v0_2(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(), chain=True, media_type=SECOND)


@case(None)
def _v0_3_older_spelling(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(), media_type=THIRD)


@case(None)
def _v0_2_with_authorities(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign(), chain=True, media_type=SECOND)
    chain = bundle["verificationMaterial"]["x509CertificateChain"]["certificates"]
    for one in (instance.issuing, instance.root):
        chain.append({"rawBytes": b64(one.certificate.public_bytes(Encoding.DER))})
    return bundle


@case(None, differs="it wants a proof in every version")
def _v0_1_promise_alone(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign(), chain=True, media_type=OLDEST)
    del entry_of(bundle)["inclusionProof"]
    return bundle


@case(None, differs="it reads tree heads in every version")
def _v0_1_proof_without_tree_head(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign(), chain=True, media_type=OLDEST)
    del entry_of(bundle)["inclusionProof"]["checkpoint"]
    return bundle


@case(None, differs="it knows no intoto entries")
def _intoto_entry(instance: Instance) -> Tree:
    signing = instance.sign()
    return instance.bundle(signing, [instance.entry(signing, "intoto/0.0.2")])


@case(None, differs="it knows no dsse entries of the second log, which were made for months")
def _dsse_2_entry(instance: Instance) -> Tree:
    signing = instance.sign()
    return instance.bundle(signing, [instance.entry(signing, "dsse/0.0.2", second=True)], stamps=1)


@case(None, differs="it takes one entry")
def _two_logs(instance: Instance) -> Tree:
    signing = instance.sign()
    entries = [instance.entry(signing), instance.entry(signing, second=True)]
    return instance.bundle(signing, entries, stamps=1)


@case(None, differs="it misses the fields that proto3 leaves out")
def _first_of_its_log(instance: Instance) -> Tree:
    """Proto3 JSON leaves out what is 0 or empty."""
    signing = instance.sign()
    body = encoded(signing.body("hashedrekord/0.0.2"))
    entry = instance.second.entry(body, index=0, others=())
    del entry["logIndex"], entry["inclusionProof"]["logIndex"], entry["inclusionProof"]["hashes"]
    return instance.bundle(signing, [entry], stamps=1)


@case(None, differs="it wants 64-bit numbers as strings")
def _numbers_as_numbers(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign())
    entry = entry_of(bundle)
    for place, name in (
        (entry, "logIndex"),
        (entry, "integratedTime"),
        (entry["inclusionProof"], "logIndex"),
        (entry["inclusionProof"], "treeSize"),
    ):
        place[name] = int(place[name])
    return bundle


@case(None)
def _tree_head_with_witness(instance: Instance) -> Tree:
    bundle = second(instance)
    witness = Log("witness.example.org", ed25519.Ed25519PrivateKey.generate(), second=True)
    head = entry_of(bundle)["inclusionProof"]["checkpoint"]
    text, _, lines = head["envelope"].rpartition("\n\n")
    head["envelope"] = f"{text}\n\n{witness.line(text)}{lines}"
    return bundle


@case(None)
def _tree_head_with_extension(instance: Instance) -> Tree:
    bundle = second(instance)
    proof = entry_of(bundle)["inclusionProof"]
    root = b64decode(proof["rootHash"])
    proof["checkpoint"]["envelope"] = instance.second.tree_head(5, root, more="an extension\n")
    return bundle


@case(None)
def _null_where_absent(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign())
    bundle["verificationMaterial"]["timestampVerificationData"] = None
    return bundle


@case(None)
def _old_issuer_alone(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(leaf=instance.leaf(issuer=None)))


@case(None, differs="it reads the older of the two extensions alone")
def _new_issuer_alone(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(leaf=instance.leaf(old_issuer=None)))


@case(None)
def _identity_as_uri(instance: Instance) -> Tree:
    names = [x509.UniformResourceIdentifier(IDENTITY)]
    return instance.bundle(instance.sign(leaf=instance.leaf(names=names)))


@case(None)
def _timestamp_of_nobody_beside_promise(instance: Instance) -> Tree:
    """What nobody named has no say, neither for nor against."""
    bundle = instance.bundle(instance.sign(), stamps=1)
    return with_stamp_of_nobody(bundle, instance)


@case(None)
def _timestamp_of_nobody_beside_another(instance: Instance) -> Tree:
    return with_stamp_of_nobody(second(instance), instance)


@case(None)
def _p384_with_sha256(instance: Instance) -> Tree:
    """Clients sign by SHA-256 on every curve."""
    key = ec.generate_private_key(ec.SECP384R1())
    leaf = instance.leaf(public=key.public_key())
    signing = instance.sign(message=True, leaf=replace(leaf, key=key))
    return instance.bundle(signing)


@case(None)
def _an_instance_of_no_use_among_others(instance: Instance) -> tuple[Tree, Tree]:
    root = instance.trusted_root()
    spare = json.loads(json.dumps(root["tlogs"][0]))
    spare["logId"]["keyId"] = b64(b"another log")
    key = ec.generate_private_key(ec.SECP256K1()).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    spare["publicKey"]["rawBytes"] = b64(der)
    root["tlogs"].append(spare)
    return instance.bundle(instance.sign()), root


@case(None)
def _times_with_a_zone(instance: Instance) -> tuple[Tree, Tree]:
    root = instance.trusted_root()
    root["tlogs"][0]["publicKey"]["validFor"]["start"] = "2020-01-01T01:00:00+01:00"
    return instance.bundle(instance.sign()), root


# 1. Shape


@case(LOG)
def _no_entry(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(), [], stamps=1)


@case("bundle-malformed")
def _v0_3_chain(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign(), chain=True)
    chain = bundle["verificationMaterial"]["x509CertificateChain"]["certificates"]
    chain.append({"rawBytes": b64(instance.issuing.certificate.public_bytes(Encoding.DER))})
    return bundle


@case("bundle-malformed")
def _v0_3_chain_of_the_leaf_alone(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(), chain=True)


@case("bundle-malformed")
def _v0_2_certificate(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(), media_type=SECOND)


@case("bundle-malformed")
def _v0_1_certificate(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(), media_type=OLDEST)


@case("bundle-media-type")
def _unknown_media_type(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(), media_type="application/vnd.dev.sigstore.bundle.v0.9")


@case("signature-unsupported")
def _bare_key(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign())
    del bundle["verificationMaterial"]["certificate"]
    bundle["verificationMaterial"]["publicKey"] = {"hint": ""}
    return bundle


@case("bundle-signature-count")
def _two_signatures(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign())
    bundle["dsseEnvelope"]["signatures"] *= 2
    return bundle


@case(LOG)
def _same_entry_twice(instance: Instance) -> Tree:
    signing = instance.sign()
    return instance.bundle(signing, [instance.entry(signing)] * 2)


@case(LOG)
def _same_leaf_twice_under_two_numbers(instance: Instance) -> Tree:
    """The outer number is covered by the promise alone, and the promise may be left out."""
    signing = instance.sign()
    entry = instance.entry(signing)
    again = json.loads(json.dumps(entry))
    again["logIndex"], again["integratedTime"] = str(int(entry["logIndex"]) + 1), "0"
    del again["inclusionPromise"]
    return instance.bundle(signing, [entry, again])


@case(LOG)
def _log_ended_before_the_time_of_another(instance: Instance) -> tuple[Tree, Tree]:
    """The entry that states no time of its own is judged by the time of the other one."""
    signing = instance.sign()
    entries = [instance.entry(signing), instance.entry(signing, second=True)]
    root = instance.trusted_root()
    root["tlogs"][1]["publicKey"]["validFor"]["end"] = "2021-01-01T00:00:00Z"
    return instance.bundle(signing, entries), root


@case(LOG)
def _body_with_certificate_and_key(instance: Instance) -> Tree:
    signing = instance.sign(message=True)
    body = signing.body("hashedrekord/0.0.2")
    verifier = body["spec"]["hashedRekordV002"]["signature"]["verifier"]
    verifier["publicKey"] = {"rawBytes": b64(signing.der)}
    return instance.bundle(signing, [instance.second.entry(encoded(body))], stamps=1)


@case("bundle-malformed")
def _unknown_field(instance: Instance) -> Tree:
    return {**instance.bundle(instance.sign()), "more": 1}


@case(LOG)
def _unknown_field_in_entry(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign())
    entry_of(bundle)["more"] = 1
    return bundle


# 2. Times


@case(TIME)
def _second_log_without_timestamp(instance: Instance) -> Tree:
    return second(instance, stamps=0)


@case(TIME)
def _no_promise(instance: Instance) -> Tree:
    """A stated time that no promise covers is none."""
    bundle = instance.bundle(instance.sign())
    del entry_of(bundle)["inclusionPromise"]
    return bundle


@case(STAMP)
def _timestamp_of_other_signature(instance: Instance) -> Tree:
    bundle = second(instance)
    stamp = b64(instance.stamps.stamp(b"another signature"))
    stamped = {"rfc3161Timestamps": [{"signedTimestamp": stamp}]}
    bundle["verificationMaterial"]["timestampVerificationData"] = stamped
    return bundle


@case(STAMP)
def _timestamp_twice(instance: Instance) -> Tree:
    bundle = second(instance)
    bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"] *= 2
    return bundle


@case(STAMP)
def _timestamp_malformed(instance: Instance) -> Tree:
    bundle = second(instance)
    stamped = {"rfc3161Timestamps": [{"signedTimestamp": b64(b"0\x03\x02\x01\x00")}]}
    bundle["verificationMaterial"]["timestampVerificationData"] = stamped
    return bundle


@case(STAMP, differs="it overlooks a timestamp that it cannot verify, as the log has a time")
def _false_timestamp_beside_promise(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign())
    stamp = b64(instance.stamps.stamp(b"another signature"))
    stamped = {"rfc3161Timestamps": [{"signedTimestamp": stamp}]}
    bundle["verificationMaterial"]["timestampVerificationData"] = stamped
    return bundle


@case(TIME)
def _no_timestamp_authority(instance: Instance) -> tuple[Tree, Tree]:
    return second(instance), instance.trusted_root(authority=False)


@case(STAMP)
def _timestamp_authority_ended(instance: Instance) -> tuple[Tree, Tree]:
    root = instance.trusted_root()
    end = instance.now - timedelta(hours=1)
    root["timestampAuthorities"][0]["validFor"]["end"] = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    return second(instance), root


# 3. Chain


@case("certificate-untrusted")
def _other_authority(instance: Instance) -> Tree:
    other = type(instance)(instance.folder)
    return instance.bundle(instance.sign(leaf=instance.leaf(by=other.issuing)))


@case("certificate-expired")
def _expired_at_log_time(instance: Instance) -> Tree:
    end = instance.now - timedelta(seconds=1)
    return instance.bundle(instance.sign(leaf=instance.leaf(end=end)))


@case("certificate-not-yet-valid")
def _not_yet_valid_at_log_time(instance: Instance) -> Tree:
    start = instance.now + timedelta(seconds=1)
    return instance.bundle(instance.sign(leaf=instance.leaf(start=start)))


@case(None)
def _expires_in_the_second_of_the_log(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(leaf=instance.leaf(end=instance.now)))


_HOUR = timedelta(hours=1)


@case("certificate-expired")
def _one_of_two_times_outside(instance: Instance) -> Tree:
    """The log's time is inside, the later timestamp is not: all times must fit."""
    leaf = instance.leaf(start=instance.now - timedelta(hours=2), end=instance.now - _HOUR)
    signing = instance.sign(leaf=leaf)
    time = int((instance.now - timedelta(minutes=90)).timestamp())
    entry = instance.first.entry(encoded(signing.body("dsse/0.0.1")), time=time)
    return instance.bundle(signing, [entry], stamps=1)


@case("certificate-untrusted", differs="it looks at no window of an authority")
def _authority_ended(instance: Instance) -> tuple[Tree, Tree]:
    root = instance.trusted_root()
    end = instance.now - timedelta(seconds=1)
    root["certificateAuthorities"][0]["validFor"]["end"] = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    return instance.bundle(instance.sign()), root


@case(None)
def _authority_ends_in_that_second(instance: Instance) -> tuple[Tree, Tree]:
    root = instance.trusted_root()
    end = instance.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    root["certificateAuthorities"][0]["validFor"]["end"] = end
    return instance.bundle(instance.sign()), root


@case("certificate-untrusted")
def _authority_not_yet(instance: Instance) -> tuple[Tree, Tree]:
    root = instance.trusted_root()
    start = instance.now + _HOUR  # the library looks at this end of a window alone, and at present
    root["certificateAuthorities"][0]["validFor"]["start"] = start.strftime("%Y-%m-%dT%H:%M:%SZ")
    return instance.bundle(instance.sign()), root


@case(None)
def _two_authorities(instance: Instance) -> tuple[Tree, Tree]:
    root = instance.trusted_root()
    other = type(instance)(instance.folder).trusted_root(authority=False)
    root["certificateAuthorities"] = (
        other["certificateAuthorities"] + root["certificateAuthorities"]
    )
    return instance.bundle(instance.sign()), root


@case(None)
def _anchor_is_an_intermediate(instance: Instance) -> tuple[Tree, Tree]:
    root = instance.trusted_root()
    root["certificateAuthorities"][0]["certChain"]["certificates"].pop()
    return instance.bundle(instance.sign()), root


# 4. Profile of the leaf


@case("certificate-usage")
def _no_key_usage(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(leaf=instance.leaf(usage=None)))


@case("certificate-usage")
def _other_key_usage(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(leaf=instance.leaf(usage=("key_agreement",))))


@case("certificate-usage")
def _no_extended_usage(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(leaf=instance.leaf(extended=None)))


@case("certificate-usage")
def _other_extended_usage(instance: Instance) -> Tree:
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    return instance.bundle(instance.sign(leaf=instance.leaf(extended=usage)))


@case("certificate-usage")
def _any_extended_usage(instance: Instance) -> Tree:
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
    return instance.bundle(instance.sign(leaf=instance.leaf(extended=usage)))


@case("certificate-is-authority")
def _authority_as_leaf(instance: Instance) -> Tree:
    leaf = instance.leaf(authority=True, by=instance.root, usage=("digital_signature",))
    return instance.bundle(instance.sign(leaf=leaf))


# 5. Certificate transparency


@case(PUBLISHED)
def _not_published(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(leaf=instance.leaf(scts=0)))


@case(PUBLISHED)
def _published_twice(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(leaf=instance.leaf(scts=2)))


@case(PUBLISHED)
def _published_in_unknown_log(instance: Instance) -> Tree:
    log = Log("ctfe.example.com", ec.generate_private_key(ec.SECP256R1()))
    return instance.bundle(instance.sign(leaf=instance.leaf(sct_key=log)))


@case(PUBLISHED)
def _published_other_certificate(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(leaf=instance.leaf(sct_over=b"another")))


@case(PUBLISHED, differs="it looks at no window of a certificate log")
def _published_after_the_log_ended(instance: Instance) -> tuple[Tree, Tree]:
    root = instance.trusted_root()
    end = instance.now - timedelta(minutes=6)
    valid = root["ctlogs"][0]["publicKey"]["validFor"]
    valid["end"] = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    return instance.bundle(instance.sign()), root


@case(None)
def _published_as_the_log_ended(instance: Instance) -> tuple[Tree, Tree]:
    root = instance.trusted_root()
    end = instance.now - timedelta(minutes=5)
    valid = root["ctlogs"][0]["publicKey"]["validFor"]
    valid["end"] = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    return instance.bundle(instance.sign()), root


# 6. Identity


@case(WHO)
def _other_identity(instance: Instance) -> Tree:
    names = [x509.RFC822Name("somebody@example.org")]
    return instance.bundle(instance.sign(leaf=instance.leaf(names=names)))


@case(WHO)
def _identity_as_part(instance: Instance) -> Tree:
    names = [x509.RFC822Name("x" + IDENTITY)]
    return instance.bundle(instance.sign(leaf=instance.leaf(names=names)))


@case(WHO)
def _other_issuer(instance: Instance) -> Tree:
    leaf = instance.leaf(issuer="https://evil.example.org", old_issuer="https://evil.example.org")
    return instance.bundle(instance.sign(leaf=leaf))


@case(WHO, differs="it reads the older of the two extensions alone")
def _issuers_disagree(instance: Instance) -> Tree:
    leaf = instance.leaf(issuer="https://evil.example.org", old_issuer=ISSUER)
    return instance.bundle(instance.sign(leaf=leaf))


@case(WHO)
def _no_issuer(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(leaf=instance.leaf(issuer=None, old_issuer=None)))


# 7. Inclusion proof


def proof_case(change: Callable[[Tree], None]) -> Callable[[Instance], Tree]:
    """Return a maker of a bundle whose inclusion proof is changed."""

    def make(instance: Instance) -> Tree:
        bundle = second(instance)
        change(entry_of(bundle)["inclusionProof"])
        return bundle

    return make


_PROOFS: dict[str, Callable[[Tree], None]] = {
    "one_hash_too_many": lambda proof: proof["hashes"].append(proof["hashes"][0]),
    "one_hash_too_few": lambda proof: proof["hashes"].pop(),
    "hashes_exchanged": lambda proof: proof["hashes"].reverse(),
    "hash_flipped": lambda proof: proof["hashes"].__setitem__(0, flipped(proof["hashes"][0])),
    "hash_short": lambda proof: proof["hashes"].__setitem__(0, b64(b"short")),
    "other_index": lambda proof: proof.update(logIndex="2"),
    "index_is_size": lambda proof: proof.update(logIndex="5"),
    "index_above_size": lambda proof: proof.update(logIndex="6"),
    "index_negative": lambda proof: proof.update(logIndex="-1"),
    "size_zero": lambda proof: proof.update(treeSize="0"),
    "other_root": lambda proof: proof.update(rootHash=flipped(proof["rootHash"])),
    "no_tree_head": lambda proof: proof.pop("checkpoint"),
}
for _name, _change in _PROOFS.items():
    CASES[_name] = Case(proof_case(_change), LOG)


@case(LOG, differs="it compares the root of the tree head, and not its size")
def _other_size(instance: Instance) -> Tree:
    bundle = second(instance)
    entry_of(bundle)["inclusionProof"]["treeSize"] = "6"
    return bundle


@case(LOG, differs="it compares the root of the tree head, and not its size")
def _tree_head_of_other_size(instance: Instance) -> Tree:
    bundle = second(instance)
    proof = entry_of(bundle)["inclusionProof"]
    head = instance.second.tree_head(6, b64decode(proof["rootHash"]))
    proof["checkpoint"]["envelope"] = head
    return bundle


@case(LOG)
def _no_proof(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign())
    del entry_of(bundle)["inclusionProof"]
    return bundle


@case(LOG)
def _body_changed(instance: Instance) -> Tree:
    bundle = second(instance)
    body = b64decode(entry_of(bundle)["canonicalizedBody"])
    entry_of(bundle)["canonicalizedBody"] = b64(body + b" ")
    return bundle


# 8. Tree head


def head_case(change: Callable[[Log, int, bytes], str]) -> Callable[[Instance], Tree]:
    """Return a maker of a bundle with another tree head."""

    def make(instance: Instance) -> Tree:
        bundle = second(instance)
        proof = entry_of(bundle)["inclusionProof"]
        root, size = b64decode(proof["rootHash"]), int(proof["treeSize"])
        proof["checkpoint"]["envelope"] = change(instance.second, size, root)
        return bundle

    return make


def _unsigned(log: Log, size: int, root: bytes) -> str:
    return log.tree_head(size, root).partition("\n\n")[0] + "\n\n"


def _by_stranger(log: Log, size: int, root: bytes) -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    return Log(log.host, key, second=True).tree_head(size, root)


def _stranger_with_its_id(log: Log, size: int, root: bytes) -> str:
    text = f"{log.origin}\n{size}\n{b64(root)}\n"
    stranger = Log(log.host, ed25519.Ed25519PrivateKey.generate(), second=True)
    return f"{text}\n{stranger.line(text, number=log.log_id[:4])}"


def _other_key_id(log: Log, size: int, root: bytes) -> str:
    text = f"{log.origin}\n{size}\n{b64(root)}\n"
    return f"{text}\n{log.line(text, number=b'none')}"


def _other_name(log: Log, size: int, root: bytes) -> str:
    text = f"{log.origin}\n{size}\n{b64(root)}\n"
    return f"{text}\n{log.line(text, name='log.example.com')}"


def _malformed(_log: Log, _size: int, _root: bytes) -> str:
    return "text"


_HEADS: dict[str, tuple[Callable[[Log, int, bytes], str], str]] = {
    "tree_head_unsigned": (_unsigned, ""),
    "tree_head_by_stranger": (_by_stranger, ""),
    "tree_head_by_stranger_with_key_id": (_stranger_with_its_id, ""),
    "tree_head_other_key_id": (_other_key_id, ""),
    "tree_head_other_name": (_other_name, "it looks at the id of the key alone"),
    "tree_head_other_origin": (
        lambda log, size, root: log.tree_head(size, root, origin="log.example.com"),
        "it does not look at the origin",
    ),
    "tree_head_of_other_root": (
        lambda log, size, root: log.tree_head(size, hashlib.sha256(root).digest()),
        "",
    ),
    "tree_head_malformed": (_malformed, ""),
    "tree_head_size_with_zero": (
        lambda log, size, root: log.tree_head(f"0{size}", root),  # type: ignore[arg-type]
        "it reads sizes like int()",
    ),
}
for _name, (_head, _why) in _HEADS.items():
    CASES[_name] = Case(head_case(_head), LOG, _why)


@case(LOG)
def _log_unknown(instance: Instance) -> tuple[Tree, Tree]:
    root = instance.trusted_root()
    root["tlogs"] = root["tlogs"][:1]
    return second(instance), root


@case(LOG, differs="it looks at no window of a log")
def _log_ended(instance: Instance) -> tuple[Tree, Tree]:
    root = instance.trusted_root()
    end = instance.now - timedelta(seconds=1)
    valid = root["tlogs"][0]["publicKey"]["validFor"]
    valid["end"] = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    return instance.bundle(instance.sign()), root


@case(None)
def _log_ends_in_that_second(instance: Instance) -> tuple[Tree, Tree]:
    root = instance.trusted_root()
    valid = root["tlogs"][0]["publicKey"]["validFor"]
    valid["end"] = instance.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return instance.bundle(instance.sign()), root


@case(None)
def _log_begins_in_that_second(instance: Instance) -> tuple[Tree, Tree]:
    root = instance.trusted_root()
    valid = root["tlogs"][0]["publicKey"]["validFor"]
    valid["start"] = instance.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return instance.bundle(instance.sign()), root


@case(LOG, differs="it looks at no window of a log")
def _second_log_ended(instance: Instance) -> tuple[Tree, Tree]:
    """A log that states no time is held to the time of the timestamp."""
    root = instance.trusted_root()
    end = instance.now - timedelta(days=1)
    valid = root["tlogs"][1]["publicKey"]["validFor"]
    valid["end"] = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    return second(instance), root


# 9. Promise


@case(LOG)
def _promise_flipped(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign())
    promise = entry_of(bundle)["inclusionPromise"]
    promise["signedEntryTimestamp"] = flipped(promise["signedEntryTimestamp"])
    return bundle


@case(LOG)
def _promise_of_other_time(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign())
    entry_of(bundle)["integratedTime"] = str(int(instance.now.timestamp()) + 1)
    return bundle


@case(LOG)
def _promise_of_other_index(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign())
    entry_of(bundle)["logIndex"] = "7"
    return bundle


@case(LOG)
def _v0_1_no_promise(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign(), stamps=1, chain=True, media_type=OLDEST)
    del entry_of(bundle)["inclusionPromise"]
    return bundle


@case(LOG)
def _promise_without_time(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign())
    entry_of(bundle)["integratedTime"] = "0"
    return bundle


# 10. Signature


@case("signature-invalid")
def _signature_flipped(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign())
    signature = bundle["dsseEnvelope"]["signatures"][0]
    signature["sig"] = flipped(signature["sig"])
    return bundle


@case("signature-invalid")
def _payload_changed(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign())
    bundle["dsseEnvelope"]["payload"] = b64(STATEMENT.replace(b"0.25", b"0.125"))
    return bundle


@case("signature-invalid")
def _certificate_of_somebody_else(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign())
    other = instance.leaf().certificate.public_bytes(Encoding.DER)
    bundle["verificationMaterial"]["certificate"]["rawBytes"] = b64(other)
    return bundle


@case("signature-invalid")
def _file_signature_flipped(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign(message=True))
    message = bundle["messageSignature"]
    message["signature"] = flipped(message["signature"])
    return bundle


@case("artifact-mismatch")
def _hint_of_other_file(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign(message=True))
    digest = bundle["messageSignature"]["messageDigest"]
    digest["digest"] = flipped(digest["digest"])
    return bundle


# 11. Body of the entry


def body_case(kind: str, change: Callable[[Tree, Signing], None]) -> Callable[[Instance], Tree]:
    """Return a maker of a bundle whose entry is honestly logged, and about something else."""

    def make(instance: Instance) -> Tree:
        signing = instance.sign(message=kind.startswith("hashedrekord"))
        other = instance.sign(message=signing.message)
        body = signing.body(kind)
        change(body, other)
        log = instance.second if kind in SECOND_KINDS else instance.first
        entry = log.entry(encoded(body), time=int(instance.now.timestamp()))
        return instance.bundle(signing, [entry], stamps=int(log.second))

    return make


def _set(*path: str | int, to: Callable[[Signing], object]) -> Callable[[Tree, Signing], None]:
    def change(body: Tree, other: Signing) -> None:
        place: Any = body
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to(other)

    return change


_V2 = ("spec", "hashedRekordV002")
_INTOTO = ("spec", "content")
_BODIES: dict[str, tuple[str, Callable[[Tree, Signing], None]]] = {
    "record_of_other_signature": (
        "hashedrekord/0.0.1",
        _set("spec", "signature", "content", to=lambda it: b64(it.signature)),
    ),
    "record_of_other_digest": (
        "hashedrekord/0.0.1",
        _set("spec", "data", "hash", "value", to=lambda _: "00" * 32),
    ),
    "record_of_other_certificate": (
        "hashedrekord/0.0.1",
        _set("spec", "signature", "publicKey", "content", to=lambda it: b64(it.pem)),
    ),
    "record_2_of_other_signature": (
        "hashedrekord/0.0.2",
        _set(*_V2, "signature", "content", to=lambda it: b64(it.signature)),
    ),
    "record_2_of_other_digest": (
        "hashedrekord/0.0.2",
        _set(*_V2, "data", "digest", to=lambda _: b64(bytes(32))),
    ),
    "record_2_of_other_hash": (
        "hashedrekord/0.0.2",
        _set(*_V2, "data", "algorithm", to=lambda _: "SHA2_384"),
    ),
    "record_2_of_other_certificate": (
        "hashedrekord/0.0.2",
        _set(
            *(*_V2, "signature", "verifier", "x509Certificate", "rawBytes"),
            to=lambda it: b64(it.der),
        ),
    ),
    "record_2_of_other_key_kind": (
        "hashedrekord/0.0.2",
        _set(*_V2, "signature", "verifier", "keyDetails", to=lambda _: "PKIX_ECDSA_P384_SHA_384"),
    ),
    "dsse_of_other_payload": (
        "dsse/0.0.1",
        _set("spec", "payloadHash", "value", to=lambda _: "00" * 32),
    ),
    "dsse_of_other_signature": (
        "dsse/0.0.1",
        _set("spec", "signatures", 0, "signature", to=lambda it: b64(it.signature)),
    ),
    "dsse_of_other_certificate": (
        "dsse/0.0.1",
        _set("spec", "signatures", 0, "verifier", to=lambda it: b64(it.pem)),
    ),
    "dsse_without_signature": ("dsse/0.0.1", _set("spec", "signatures", to=lambda _: [])),
    "dsse_2_of_other_payload": (
        "dsse/0.0.2",
        _set("spec", "dsseV002", "payloadHash", "digest", to=lambda _: b64(bytes(32))),
    ),
    "dsse_2_of_other_hash": (
        "dsse/0.0.2",
        _set("spec", "dsseV002", "payloadHash", "algorithm", to=lambda _: "SHA2_512"),
    ),
    "dsse_2_of_other_signature": (
        "dsse/0.0.2",
        _set("spec", "dsseV002", "signatures", 0, "content", to=lambda it: b64(it.signature)),
    ),
    "dsse_2_without_signature": (
        "dsse/0.0.2",
        _set("spec", "dsseV002", "signatures", to=lambda _: []),
    ),
    "intoto_of_other_payload": (
        "intoto/0.0.2",
        _set(*_INTOTO, "payloadHash", "value", to=lambda _: "00" * 32),
    ),
    "intoto_encoded_once": (
        "intoto/0.0.2",
        _set(*_INTOTO, "envelope", "signatures", 0, "sig", to=lambda it: b64(it.signature)),
    ),
    "intoto_of_other_certificate": (
        "intoto/0.0.2",
        _set(*_INTOTO, "envelope", "signatures", 0, "publicKey", to=lambda it: b64(it.pem)),
    ),
    "unknown_kind": ("dsse/0.0.1", _set("kind", to=lambda _: "rfc3161")),
    "unknown_version": ("dsse/0.0.1", _set("apiVersion", to=lambda _: "0.0.9")),
}
for _name, (_kind, _body) in _BODIES.items():
    CASES[_name] = Case(body_case(_kind, _body), LOG)


@case(LOG)
def _kind_differs_from_body(instance: Instance) -> Tree:
    bundle = instance.bundle(instance.sign())
    entry_of(bundle)["kindVersion"]["kind"] = "hashedrekord"
    return bundle


@case(LOG)
def _file_record_for_an_envelope(instance: Instance) -> Tree:
    signing = instance.sign()
    return instance.bundle(signing, [instance.entry(signing, "hashedrekord/0.0.1")])


@case(LOG)
def _entry_of_other_bundle(instance: Instance) -> Tree:
    return instance.bundle(instance.sign(), [instance.entry(instance.sign())])


@case(LOG)
def _body_no_json(instance: Instance) -> Tree:
    bundle = second(instance)
    root, path = inclusion(0, [b"{"])
    entry = entry_of(bundle)
    entry["canonicalizedBody"] = b64(b"{")
    entry["inclusionProof"] = {
        "logIndex": "0",
        "treeSize": "1",
        "rootHash": b64(root),
        "hashes": path,
        "checkpoint": {"envelope": instance.second.tree_head(1, root)},
    }
    return bundle
