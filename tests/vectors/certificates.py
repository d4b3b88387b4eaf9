"""Group `certificates`: chains to a private authority, and the name that is asked for."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from vectors import formulas, signers
from vectors.authorities import Issued, authority, leaf
from vectors.groups import CERTIFICATES
from vectors.kit import NOW, base64, refuses, returns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vectors.kit import Case

_CHAIN = "section Certificates"
_NAMES = "section Identities"
_WHO = "trainer@lab.example"
PAYLOAD = b'{"_type":"https://in-toto.io/Statement/v1"}'


def _spki(signer: Issued) -> bytes:
    return signer.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _bundle(signer: Issued, **changes: Any) -> bytes:  # noqa: ANN401 - parts of a JSON tree
    message = formulas.pae(signers.PAYLOAD_TYPE.encode(), PAYLOAD)
    signature = signer.key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    material: dict[str, Any] = {"certificate": {"rawBytes": base64(signer.der)}, "tlogEntries": []}
    tree = {
        "mediaType": changes.get("media_type", signers.MEDIA_TYPE),
        "verificationMaterial": changes.get("material", material),
        "dsseEnvelope": {
            "payload": base64(changes.get("payload", PAYLOAD)),
            "payloadType": signers.PAYLOAD_TYPE,
            "signatures": [{"sig": base64(changes.get("signature", signature))}],
        },
    }
    return json.dumps(tree, separators=(",", ":")).encode("ascii")


def _request(**more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "operation": "verify-bundle",
        "bundle": "bundle.sigstore.json",
        "authorities": ["ca.pem"],
        "identity": _WHO,
        "now": NOW,
        **more,
    }


def _files(signer: Issued, *anchors: Issued, **changes: Any) -> dict[str, bytes]:  # noqa: ANN401
    pem = b"".join(anchor.pem for anchor in anchors)
    return {"bundle.sigstore.json": _bundle(signer, **changes), "ca.pem": pem}


def _holds(signer: Issued, *anchors: Issued, identity: str = _WHO, **more: Any) -> Case:  # noqa: ANN401
    fingerprint = "SHA256:" + base64(hashlib.sha256(_spki(signer)).digest()).rstrip("=")
    output = {
        "kind": "certificate",
        "fingerprint": fingerprint,
        "scheme": "ecdsa-p256-sha256",
        "identity": identity,
    }
    files = more.pop("files", {})
    return returns(_request(**more), output, {**_files(signer, *anchors), **files})


def _root(**changes: Any) -> Issued:  # noqa: ANN401
    return authority("root", **changes)


def _between(**changes: Any) -> Issued:  # noqa: ANN401
    return authority("between", _root(), **changes)


@CERTIFICATES.vector(_CHAIN)
def leaf_under_the_root() -> Case:
    """The authority that is trusted issued the signer's certificate."""
    return _holds(leaf(_root()), _root())


@CERTIFICATES.vector(_CHAIN)
def leaf_without_extended_usage() -> Case:
    """A certificate without extended key usages, for digital signatures."""
    return _holds(leaf(_root(), purpose=None), _root())


@CERTIFICATES.vector(_CHAIN)
def intermediate_of_the_verifier() -> Case:
    """An intermediate that the verifier named leads to the authority."""
    between = _between()
    files = {"between.pem": between.pem}
    return _holds(leaf(between), _root(), intermediates=["between.pem"], files=files)


@CERTIFICATES.vector(_CHAIN)
def intermediate_as_anchor() -> Case:
    """The authority that is trusted is itself issued by another one."""
    return _holds(leaf(_between()), _between())


@CERTIFICATES.vector(_CHAIN)
def first_second_of_the_leaf() -> Case:
    """The first second of a certificate counts."""
    return _holds(leaf(_root(), start=datetime(2026, 11, 22, 12, tzinfo=UTC)), _root())


@CERTIFICATES.vector(_CHAIN)
def last_second_of_the_leaf() -> Case:
    """The last second of a certificate counts."""
    return _holds(leaf(_root(), end=datetime(2026, 11, 22, 12, tzinfo=UTC)), _root())


@CERTIFICATES.vector(_NAMES)
def name_with_a_wildcard() -> Case:
    """A wildcard stands for the local part."""
    case = _holds(leaf(_root()), _root())
    request = {**case.request, "identity": "*@lab.example"}
    return returns(request, case.expected["output"], case.files)


@CERTIFICATES.vector(_NAMES)
def pattern_of_a_uri() -> Case:
    """A wildcard stands for one part of the path of a URI."""
    uri = "https://ci.example/lab/train@refs/tags/v1"
    signer = leaf(_root(), names=[x509.UniformResourceIdentifier(uri)])
    case = _holds(signer, _root(), identity=uri)
    request = {**case.request, "identity": "https://ci.example/lab/train@refs/tags/*"}
    return returns(request, case.expected["output"], case.files)


@CERTIFICATES.vector(_NAMES)
def second_name_of_the_certificate() -> Case:
    """Of several names in the certificate one is the name asked for."""
    names = [x509.DNSName("ci.lab.example"), x509.RFC822Name(_WHO)]
    return _holds(leaf(_root(), names=names), _root())


def _refused(error: str, signer: Issued, *anchors: Issued, **more: Any) -> Case:  # noqa: ANN401
    changes = {
        name: more.pop(name)
        for name in ("payload", "signature", "material", "media_type")
        if name in more
    }
    files = more.pop("files", {})
    return refuses(_request(**more), error, {**_files(signer, *anchors, **changes), **files})


def _constrained(**trees: Any) -> Issued:  # noqa: ANN401
    subtrees = {"permitted_subtrees": None, "excluded_subtrees": None, **trees}
    return _root(extensions=[(x509.NameConstraints(**subtrees), True)])


def _chains() -> Iterable[tuple[str, str, str, Issued, tuple[Issued, ...]]]:
    root = _root()
    second = datetime(2026, 11, 22, 11, 59, 59, tzinfo=UTC)
    after = datetime(2026, 11, 22, 12, 0, 1, tzinfo=UTC)
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    yield (
        "other_root_of_the_same_name",
        "Another authority has the same name.",
        ("certificate-chain-signature"),
        leaf(root),
        (_root(key="mallory"),),
    )
    yield (
        "unknown_root",
        "The authority is not the one that is trusted.",
        ("certificate-untrusted"),
        leaf(root),
        (authority("other"),),
    )
    yield (
        "intermediate_missing",
        "Nothing leads from the certificate to the authority.",
        ("certificate-untrusted"),
        leaf(_between()),
        (root,),
    )
    yield (
        "leaf_as_its_own_root",
        "A self-signed certificate is no authority.",
        ("certificate-not-authority"),
        leaf(None),
        (leaf(None),),
    )
    yield (
        "leaf_signed_by_another_key",
        "The authority that is named did not sign.",
        ("certificate-chain-signature"),
        leaf(authority("mallory"), issuer_name="root"),
        (root,),
    )
    yield (
        "leaf_expired",
        "The certificate of the signer had expired a second ago.",
        ("certificate-expired"),
        leaf(root, end=second),
        (root,),
    )
    yield (
        "leaf_not_yet_valid",
        "The certificate is valid from the next second on.",
        ("certificate-not-yet-valid"),
        leaf(root, start=after),
        (root,),
    )
    old = _root(end=second)
    yield (
        "root_expired",
        "The authority had expired a second ago.",
        ("certificate-expired"),
        leaf(old),
        (old,),
    )
    yield (
        "leaf_for_tls",
        "The certificate is for servers of TLS.",
        ("certificate-usage"),
        leaf(root, purpose=ExtendedKeyUsageOID.SERVER_AUTH),
        (root,),
    )
    yield (
        "leaf_for_anything",
        "That a certificate may serve for anything is not enough.",
        ("certificate-usage"),
        leaf(root, purpose=ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE),
        (root,),
    )
    yield (
        "leaf_for_key_encipherment",
        "The key is not for signatures.",
        ("certificate-usage"),
        leaf(root, bits=("key_encipherment",)),
        (root,),
    )
    yield (
        "leaf_without_any_usage",
        "A certificate that says nothing of its use signs nothing.",
        ("certificate-usage"),
        leaf(root, purpose=None, bits=()),
        (root,),
    )
    yield (
        "leaf_is_authority",
        "The certificate of the signer is one of an authority.",
        ("certificate-is-authority"),
        leaf(root, ca=True, bits=("digital_signature", "key_cert_sign")),
        (root,),
    )
    fake = authority("root", ca=False)
    yield (
        "root_that_may_issue_nothing",
        "What is trusted is no authority.",
        ("certificate-not-authority"),
        leaf(fake),
        (fake,),
    )
    weak = authority("root", bits=("crl_sign",))
    yield (
        "root_that_may_not_sign_certificates",
        "The authority's key is for something else.",
        ("certificate-not-authority"),
        leaf(weak),
        (weak,),
    )
    yield (
        "leaf_with_critical_extension",
        "A critical extension is not understood.",
        ("certificate-critical-extension"),
        leaf(root, extensions=[(odd, True)]),
        (root,),
    )
    weak_root = _root(key="weak root")
    yield (
        "root_with_a_weak_key",
        "The authority's key is on no curve that is used.",
        ("certificate-weak-root"),
        leaf(weak_root),
        (weak_root,),
    )
    yield (
        "leaf_with_a_weak_key",
        "The signer's key is on no curve that is used.",
        ("certificate-weak-key"),
        leaf(root, key="weak leaf"),
        (root,),
    )
    excluding = _constrained(excluded_subtrees=[x509.RFC822Name("lab.example")])
    yield (
        "name_excluded",
        "The authority may not name this domain.",
        ("certificate-name-constraints"),
        leaf(excluding),
        (excluding,),
    )
    permitting = _constrained(permitted_subtrees=[x509.RFC822Name("other.example")])
    yield (
        "name_not_permitted",
        "The authority may name another domain alone.",
        ("certificate-name-constraints"),
        leaf(permitting),
        (permitting,),
    )


@CERTIFICATES.vector(_CHAIN)
def path_too_long() -> Case:
    """An authority that allows no intermediate has one below it."""
    root = _root(length=0)
    between = authority("between", root)
    files = {"between.pem": between.pem}
    return _refused(
        "certificate-path-length", leaf(between), root, intermediates=["between.pem"], files=files
    )


@CERTIFICATES.vector(_CHAIN)
def explicit_policy_that_nobody_states() -> Case:
    """The authority requires a certificate policy, and the certificate has none."""
    root = _root()
    constraint = x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None)
    between = authority("between", root, extensions=[(constraint, True)])
    files = {"between.pem": between.pem}
    return _refused(
        "certificate-policy", leaf(between), root, intermediates=["between.pem"], files=files
    )


@CERTIFICATES.vector(_CHAIN)
def payload_changed() -> Case:
    """The signed bytes are not those of the bundle."""
    return _refused("signature-invalid", leaf(_root()), _root(), payload=PAYLOAD + b" ")


@CERTIFICATES.vector(_CHAIN)
def certificate_exchanged() -> Case:
    """The bundle holds another certificate of the same name and authority."""
    other = leaf(_root(), key="other leaf")
    material = {"certificate": {"rawBytes": base64(other.der)}, "tlogEntries": []}
    return _refused("signature-invalid", leaf(_root()), _root(), material=material)


@CERTIFICATES.vector(_CHAIN)
def certificate_with_a_byte_behind() -> Case:
    """A byte follows the certificate."""
    signer = leaf(_root())
    material = {"certificate": {"rawBytes": base64(signer.der + b"\0")}, "tlogEntries": []}
    return _refused("certificate-malformed", signer, _root(), material=material)


@CERTIFICATES.vector(_CHAIN)
def root_inside_the_bundle() -> Case:
    """An authority that the bundle brings along is not trusted for it."""
    root = authority("mallory")
    signer = leaf(root)
    chain = [{"rawBytes": base64(one.der)} for one in (signer, root)]
    material = {"x509CertificateChain": {"certificates": chain}, "tlogEntries": []}
    # Only older bundles have a place for a chain.
    older = "application/vnd.dev.sigstore.bundle+json;version=0.2"
    return _refused("certificate-untrusted", signer, _root(), material=material, media_type=older)


@CERTIFICATES.vector(_CHAIN)
def chain_in_a_later_bundle() -> Case:
    """A bundle of v0.3 carries a chain, where it has a place for one certificate alone."""
    signer = leaf(_root())
    chain = [{"rawBytes": base64(signer.der)}]
    material = {"x509CertificateChain": {"certificates": chain}, "tlogEntries": []}
    return _refused("bundle-malformed", signer, _root(), material=material)


@CERTIFICATES.vector(_CHAIN)
def bare_key_instead() -> Case:
    """The bundle is signed with a bare key, and an identity was asked for."""
    files = {
        "bundle.sigstore.json": signers.bundle_bytes(signers.bundle(PAYLOAD)),
        "ca.pem": _root().pem,
    }
    return refuses(_request(), "signature-unsupported", files)


@CERTIFICATES.vector(_CHAIN)
def key_of_the_certificate_named() -> Case:
    """The bare key does not stand for its certificate, whose limits it lacks."""
    signer = leaf(_root())
    key = {"key.pub": signers.spki_pem(_spki(signer))}
    request = {
        "operation": "verify-bundle",
        "bundle": "bundle.sigstore.json",
        "keys": ["key.pub"],
        "now": NOW,
    }
    return refuses(
        request, "signature-unsupported", {"bundle.sigstore.json": _bundle(signer), **key}
    )


def _names() -> Iterable[tuple[str, str, str]]:
    yield "another_name", "Somebody else of the same authority signed.", "mallory@lab.example"
    yield "name_in_other_case", "Letter case counts.", "Trainer@lab.example"
    yield "name_as_a_part", "What is asked for is a part of the name only.", "trainer@lab.exampl"
    yield "common_name", "The common name counts for nothing.", "signer"
    yield (
        "wildcard_across_the_at",
        "A wildcard does not reach over the `@`.",
        "t*@other.lab.example",
    )


def _declare_rows() -> None:
    for name, description, error, signer, anchors in _chains():
        make = partial(_refused, error, signer, *anchors)
        CERTIFICATES.add(name, description, _CHAIN, make)
    for name, description, identity in _names():
        make = partial(_refused, "identity-mismatch", leaf(_root()), _root(), identity=identity)
        CERTIFICATES.add(name, description, _NAMES, make)


_declare_rows()
