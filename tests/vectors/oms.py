"""Group `oms`: models under OpenSSF Model Signing bundles, most of which are not to be believed."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from blake3 import blake3
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from vectors import formulas
from vectors.authorities import START, authority, leaf
from vectors.groups import OMS
from vectors.kit import NOW, Case, base64
from vectors.signers import ED25519, OTHER, P384, PAYLOAD_TYPE, SIGNER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectors.authorities import Issued
    from vectors.formulas import Tree
    from vectors.signers import Signer

__all__ = ["signed_model"]

PREDICATE_TYPE = "https://model_signing/signature/v1.0"

#: The model. `a-b/x` stands before `a/x` by code points, and behind it by components.
FILES: Mapping[str, bytes] = {
    "a-b/x": b"one\n",
    "a/x": b"two\n",
    "config.json": b"{}\n",
    "empty": b"",
    "weights.bin": bytes(range(256)),
}
_WHERE = "/predicate/resources"


def _digest(data: bytes, algorithm: str) -> str:
    if algorithm == "blake3":
        return blake3(data).hexdigest()
    return hashlib.new(algorithm, data).hexdigest()


def _resource(name: str, data: bytes, algorithm: str = "sha256", **more: object) -> Tree:
    return {"name": name, "algorithm": algorithm, "digest": _digest(data, algorithm), **more}


def _all(algorithm: str = "sha256") -> list[Tree]:
    return [_resource(name, data, algorithm) for name, data in FILES.items()]


def _shards(size: int, *, algorithm: str = "sha256") -> list[Tree]:
    return [
        {
            **_resource(f"{name}:{at}:{min(at + size, len(data))}", data[at : at + size]),
            "algorithm": algorithm,
        }
        for name, data in FILES.items()
        for at in range(0, len(data), size)
    ]


def _statement(
    resources: Sequence[Tree] | None = None, *, root: str | None = None, **serialization: object
) -> Tree:
    listed = _all() if resources is None else list(resources)
    raw = b"".join(bytes.fromhex(item["digest"]) for item in listed) if root is None else b""
    options = {"method": "files", "hash_type": "sha256", "allow_symlinks": False, **serialization}
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model", "digest": {"sha256": root or _digest(raw, "sha256")}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"serialization": options, "resources": listed},
    }


def _bundle(
    statement: Tree | bytes | None = None,
    signer: Signer = SIGNER,
    *,
    material: Tree | None = None,
    **signature: object,
) -> Tree:
    if isinstance(statement, bytes):
        payload = statement
    else:
        payload = json.dumps(statement or _statement(), indent=1).encode("ascii")
    signed = signer.sign(formulas.pae(PAYLOAD_TYPE.encode(), payload))
    hint = hashlib.sha256(signer.pem).hexdigest()
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": material or {"publicKey": {"hint": hint}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": base64(payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": base64(signed), "keyid": "", **signature}],
        },
    }


def signed_model(files: Mapping[str, bytes]) -> bytes:
    """Return the bundle of a model of these files, as a document."""
    listed = [_resource(name, data) for name, data in sorted(files.items())]
    return json.dumps(_bundle(_statement(listed))).encode("ascii")


def _case(
    bundle: Tree | bytes,
    word: str,
    *findings: tuple[str, str],
    files: Mapping[str, bytes] = FILES,
    signer: Signer = SIGNER,
    request: Mapping[str, Any] | None = None,
) -> Case:
    data = bundle if isinstance(bundle, bytes) else json.dumps(bundle).encode("ascii")
    asked = {
        "operation": "verify-oms",
        "folder": "model",
        "bundle": "model.sig",
        "keys": ["signer.pub"],
        "now": NOW,
        **(request or {}),
    }
    inside = {f"model/{name}": content for name, content in files.items()}
    listed = [{"code": code, "path": path} for code, path in findings]
    return Case(
        {name: value for name, value in asked.items() if value is not None},
        {"verdict": word, "findings": listed},
        {**inside, "model.sig": data, "signer.pub": signer.pem},
    )


def _passes(bundle: Tree, *findings: tuple[str, str], **options: Any) -> partial[Case]:  # noqa: ANN401 - those of `_case`
    return partial(_case, bundle, "PASS", *findings, **options)


def _fails(bundle: Tree | bytes, *findings: tuple[str, str], **options: Any) -> partial[Case]:  # noqa: ANN401 - those of `_case`
    return partial(_case, bundle, "FAIL", *findings, **options)


def _named(name: str) -> Tree:
    """Return a bundle whose list calls `config.json` something else."""
    listed = [*_all()[:2], _resource(name, FILES["config.json"]), *_all()[3:]]
    return _bundle(_statement(listed))


def _edited(**members: object) -> Tree:
    return _bundle({**_statement(), **members})


def _predicate(**members: object) -> Tree:
    statement = _statement()
    return _bundle({**statement, "predicate": {**statement["predicate"], **members}})


def _with(name: str, data: bytes) -> dict[str, bytes]:
    return {**FILES, name: data}


_BY_PARTS = [_resource(name, FILES[name]) for name in sorted(FILES, key=lambda it: it.split("/"))]
_RAW = {"publicKey": {"rawBytes": base64(SIGNER.pem), "keyDetails": "PKIX_ECDSA_P256_SHA_256"}}
_HINT = hashlib.sha256(OTHER.pem).hexdigest()
_LEGACY = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [
        {"name": name, "digest": {"sha256": _digest(data, "sha256")}}
        for name, data in FILES.items()
    ],
    "predicateType": "https://model_signing/Digests/v0.1",
    "predicate": {"unused": ""},
}
_TWICE = json.dumps(_statement()).replace('"predicate": {', '"predicate": {}, "predicate": {', 1)

_ACCEPTED: tuple[tuple[str, str, str, partial[Case]], ...] = (
    ("untouched", "A model is what its bundle says.", "Files [R-OMS-14]", _passes(_bundle())),
    (
        "listed_by_components",
        "The list stands in the order of path components, and the root is over that order.",
        "Statement [R-OMS-11]",
        _passes(_bundle(_statement(_BY_PARTS))),
    ),
    (
        "blake3",
        "The files are hashed by BLAKE3, the root by SHA-256.",
        "Statement [R-OMS-9]",
        _passes(_bundle(_statement(_all("blake3"), hash_type="blake3"))),
    ),
    (
        "shards_of_the_reference",
        "Shards under the algorithm name and the shard size that the reference implementation writes.",
        "Statement [R-OMS-13]",
        _passes(
            _bundle(
                _statement(
                    _shards(100, algorithm="sha256-sharded-100"), method="shards", shard_size=100.0
                )
            ),
            ("oms-not-covered", "empty"),
        ),
    ),
    (
        "raw_key_of_older_versions",
        "The bundle has the raw key of older versions, a null key id and no list of log entries.",
        "Bundle [R-OMS-3]",
        _passes(_bundle(material=_RAW, keyid=None)),
    ),
    (
        "later_minor_version",
        "A later minor version has a field that nobody knows yet.",
        "Statement [R-OMS-10]",
        _passes(
            _bundle(
                {
                    **_statement(),
                    "predicateType": "https://model_signing/signature/v1.1",
                    "predicate": {**_statement()["predicate"], "later": 1},
                }
            ),
            ("oms-newer", "/predicateType"),
        ),
    ),
    (
        "left_out_by_the_signer",
        "Files below a path that the signer left out are not covered.",
        "Files [R-OMS-15]",
        _passes(
            _bundle(_statement(ignore_paths=["cache"])),
            ("oms-not-covered", "cache"),
            files=_with("cache/x", b"?"),
        ),
    ),
    (
        "unsigned_files_let_be",
        "The caller lets files be that nobody signed.",
        "Files [R-OMS-16]",
        _passes(
            _bundle(),
            ("oms-not-covered", "more"),
            files=_with("more", b"?"),
            request={"ignoreUnsigned": True},
        ),
    ),
    (
        "single_file",
        "A model that is a file is called `.` in its list.",
        "Files [R-OMS-19]",
        _passes(
            _bundle(_statement([_resource(".", FILES["weights.bin"])])),
            files={"weights.bin": FILES["weights.bin"]},
            request={"folder": None, "file": "model/weights.bin"},
        ),
    ),
    (
        "legacy_allowed",
        "A bundle of version 0.2 is read because the caller allows it.",
        "Version 0.2 [R-OMS-24]",
        _passes(_bundle(_LEGACY), ("oms-legacy-read", "/predicateType"), request={"legacy": True}),
    ),
)

_REFUSED: tuple[tuple[str, str, str, partial[Case]], ...] = (
    (
        "changed",
        "One byte of a file is another.",
        "Files [R-OMS-14]",
        _fails(_bundle(), ("digest-mismatch", "a/x"), files=_with("a/x", b"tow\n")),
    ),
    (
        "missing",
        "A listed file is not there.",
        "Files [R-OMS-14]",
        _fails(
            _bundle(),
            ("file-missing", "empty"),
            files={name: data for name, data in FILES.items() if name != "empty"},
        ),
    ),
    (
        "extra",
        "A file is there that is not listed.",
        "Files [R-OMS-15]",
        _fails(_bundle(), ("file-extra", "evil.py"), files=_with("evil.py", b"")),
    ),
    (
        "another_signature_file",
        "A file called like the signature lies in the model, and is not the one that is verified.",
        "Files [R-OMS-15]",
        _fails(_bundle(), ("file-extra", "model.sig"), files=_with("model.sig", b"{}")),
    ),
    (
        "left_out_is_no_suffix",
        "A left-out path leaves out no path that only ends with it.",
        "Files [R-OMS-15]",
        _fails(
            _bundle(_statement(ignore_paths=["cache"])),
            ("file-extra", "a/cache"),
            files=_with("a/cache", b""),
        ),
    ),
    (
        "shard_changed",
        "One byte of the last shard of a file is another.",
        "Files [R-OMS-14]",
        _fails(
            _bundle(_statement(_shards(100), method="shards", shard_size=100)),
            ("digest-mismatch", "weights.bin"),
            files=_with("weights.bin", bytes(range(255)) + b"?"),
        ),
    ),
    (
        "shards_longer_file",
        "A file goes on behind its last shard.",
        "Files [R-OMS-14]",
        _fails(
            _bundle(_statement(_shards(100), method="shards", shard_size=100)),
            ("size-mismatch", "config.json"),
            files=_with("config.json", b"{}\n\n"),
        ),
    ),
    (
        "single_file_renamed",
        "A model that is a file lies under another name than the listed one.",
        "Files [R-OMS-19]",
        _fails(
            _bundle(_statement([_resource("weights.bin", b"x")])),
            ("file-missing", "weights.bin"),
            ("file-extra", "other.bin"),
            files={"other.bin": b"x"},
            request={"folder": None, "file": "model/other.bin"},
        ),
    ),
    (
        "another_key",
        "Another key signed than the caller named.",
        "Signature [R-OMS-5]",
        _fails(_bundle(signer=OTHER), ("signature-invalid", "")),
    ),
    (
        "ed25519",
        "The key that signed is of a kind that OMS does not take.",
        "Signature [R-OMS-5]",
        _fails(_bundle(signer=ED25519), ("oms-method", "/verificationMaterial"), signer=ED25519),
    ),
    (
        "hint_at_another_key",
        "The hint names another key than the one that signed.",
        "Signature [R-OMS-6]",
        _fails(
            _bundle(material={"publicKey": {"hint": _HINT}}),
            ("oms-hint", "/verificationMaterial/publicKey/hint"),
        ),
    ),
    (
        "certificate_without_log_entry",
        "One certificate and no log entry is no method of signing.",
        "Bundle [R-OMS-2]",
        _fails(
            _bundle(material={"certificate": {"rawBytes": "AAAA"}}),
            ("oms-method", "/verificationMaterial"),
        ),
    ),
    (
        "two_signatures",
        "A second signature stands beside the good one.",
        "Bundle [R-OMS-4]",
        _fails(
            {
                **_bundle(),
                "dsseEnvelope": {
                    **_bundle()["dsseEnvelope"],
                    "signatures": _bundle()["dsseEnvelope"]["signatures"] * 2,
                },
            },
            ("bundle-signature-count", "/dsseEnvelope/signatures"),
        ),
    ),
    (
        "media_type",
        "The bundle is of a media type that nobody defined.",
        "Bundle [R-OMS-1]",
        _fails({**_bundle(), "mediaType": "application/json"}, ("bundle-media-type", "/mediaType")),
    ),
    (
        "predicate_twice",
        "The signed statement has two predicates, and the first one is empty.",
        "Statement [R-OMS-9]",
        _fails(_bundle(_TWICE.encode("ascii")), ("json-duplicate-key", "/predicate")),
    ),
    (
        "root",
        "The root is not the one of the list.",
        "Statement [R-OMS-11]",
        _fails(
            _bundle(_statement(root=_digest(b"", "sha256"))),
            ("oms-root", "/subject/0/digest/sha256"),
        ),
    ),
    (
        "root_of_the_sorted_list",
        "The root is over the sorted list, and the list stands in another order.",
        "Statement [R-OMS-11]",
        _fails(
            _bundle(_statement(_BY_PARTS, root=_statement()["subject"][0]["digest"]["sha256"])),
            ("oms-root", "/subject/0/digest/sha256"),
        ),
    ),
    (
        "upper_case_digest",
        "A digest is written in upper case.",
        "Statement [R-OMS-9]",
        _fails(
            _bundle(
                _statement([{**_all()[0], "digest": _all()[0]["digest"].upper()}, *_all()[1:]])
            ),
            ("digest-format", f"{_WHERE}/0/digest"),
        ),
    ),
    (
        "another_algorithm",
        "The algorithm of a file is not the one of the list.",
        "Statement [R-OMS-9]",
        _fails(
            _bundle(_statement([{**_all()[0], "algorithm": "blake3"}, *_all()[1:]])),
            ("oms-malformed", f"{_WHERE}/0/algorithm"),
        ),
    ),
    (
        "weak_hash",
        "The hash is MD5.",
        "Statement [R-OMS-9]",
        _fails(
            _bundle(_statement(hash_type="md5")),
            ("oms-malformed", "/predicate/serialization/hash_type"),
        ),
    ),
    (
        "nothing_listed",
        "No file is listed, so that nothing was signed.",
        "Statement [R-OMS-9]",
        _fails(_bundle(_statement([])), ("oms-malformed", _WHERE)),
    ),
    (
        "unknown_predicate_field",
        "The predicate of version 1.0 has one field more.",
        "Statement [R-OMS-9]",
        _passes(_predicate(more=1), ("oms-newer", "/predicate/more")),
    ),
    (
        "two_subjects",
        "There are two subjects.",
        "Statement [R-OMS-9]",
        _fails(_edited(subject=_statement()["subject"] * 2), ("oms-malformed", "/subject")),
    ),
    (
        "another_predicate_type",
        "The statement is SLSA provenance.",
        "Statement [R-OMS-10]",
        _fails(
            _edited(predicateType="https://slsa.dev/provenance/v1"),
            ("oms-predicate-type", "/predicateType"),
        ),
    ),
    (
        "version_2",
        "The predicate is of version 2.",
        "Statement [R-OMS-10]",
        _fails(
            _edited(predicateType="https://model_signing/signature/v2.0"),
            ("oms-predicate-type", "/predicateType"),
        ),
    ),
    (
        "name_traversal",
        "A name leads out of the model.",
        "Statement [R-OMS-12]",
        _fails(_named("../config.json"), ("oms-name", f"{_WHERE}/2/name")),
    ),
    (
        "name_alias",
        "A name begins with `./`, a second spelling.",
        "Statement [R-OMS-12]",
        _fails(_named("./config.json"), ("oms-name", f"{_WHERE}/2/name")),
    ),
    (
        "name_twice",
        "A file is listed twice, first with a digest that does not fit.",
        "Statement [R-OMS-12]",
        _fails(
            _bundle(_statement([_resource("a/x", b"?"), *_all()])),
            ("oms-name", f"{_WHERE}/2/name"),
        ),
    ),
    (
        "listed_and_left_out",
        "A file is listed and left out.",
        "Statement [R-OMS-12]",
        _fails(_bundle(_statement(ignore_paths=["a"])), ("oms-name", f"{_WHERE}/1/name")),
    ),
    (
        "ignored_by_wildcard",
        "A path to leave out holds a wildcard.",
        "Statement [R-OMS-12]",
        _fails(
            _bundle(_statement(ignore_paths=["*.py"])),
            ("oms-name", "/predicate/serialization/ignore_paths/0"),
        ),
    ),
    (
        "shards_with_a_gap",
        "The ranges of a file leave a gap.",
        "Statement [R-OMS-13]",
        _fails(
            _bundle(
                _statement(
                    [it for it in _shards(100) if it["name"] != "weights.bin:100:200"],
                    method="shards",
                    shard_size=100,
                )
            ),
            ("oms-shards", f"{_WHERE}/4"),
        ),
    ),
    (
        "shards_of_another_size",
        "The ranges of a file are not cut by the shard size.",
        "Statement [R-OMS-13]",
        _fails(
            _bundle(_statement(_shards(100), method="shards", shard_size=120)),
            ("oms-shards", f"{_WHERE}/3"),
        ),
    ),
    (
        "legacy_unasked",
        "A bundle of version 0.2 is not read unasked.",
        "Version 0.2 [R-OMS-24]",
        _fails(_bundle(_LEGACY), ("oms-legacy", "/predicateType")),
    ),
)

for _name, _description, _section, _make in (*_ACCEPTED, *_REFUSED):
    OMS.add(_name, _description, f"section {_section}", _make)


@OMS.vector("section Signature [R-OMS-5]")
def p384() -> Case:
    """A key on P-384 signs with SHA-384."""
    return _case(_bundle(signer=P384), "PASS", signer=P384)


@OMS.vector("section Signature [R-OMS-5]")
def nobody_named() -> Case:
    """Nobody is named, so that nobody is known to have signed."""
    found = (("signer-unknown", ""), ("required-not-checked", ""))
    return _case(_bundle(), "INCOMPLETE", *found, request={"keys": []})


@OMS.vector("section In place of a manifest and beside one [R-OMS-20]")
def no_manifest() -> Case:
    """A folder holds an OMS signature and no manifest, which says nothing about the training."""
    inside = {f"release/{name}": data for name, data in FILES.items()}
    inside["release/model.sig"] = json.dumps(_bundle()).encode("ascii")
    request = {"operation": "verify", "folder": "release", "keys": ["signer.pub"], "now": NOW}
    codes = ("oms-only", "model.sig"), ("signature-verified", ""), ("required-not-checked", "")
    listed = [{"code": code, "path": path} for code, path in codes]
    return Case(
        request, {"verdict": "INCOMPLETE", "findings": listed}, {**inside, "signer.pub": SIGNER.pem}
    )


# The certificate method

_WHO = "trainer@lab.example"


def _root() -> Issued:
    return authority("root")


def _certified(signer: Issued, *chain: Issued, field: str = "x509CertificateChain") -> Tree:
    payload = json.dumps(_statement(), indent=1).encode("ascii")
    message = formulas.pae(PAYLOAD_TYPE.encode(), payload)
    algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    certificates = [{"rawBytes": base64(one.der)} for one in (signer, *chain)]
    material: Tree = {field: {"certificates": certificates}}
    if field == "certificate":
        material = {field: certificates[0], "tlogEntries": [{"logIndex": "1"}]}
    bundle = _bundle(payload, material=material)
    signature = {"sig": base64(signer.key.sign(message, algorithm))}
    return {**bundle, "dsseEnvelope": {**bundle["dsseEnvelope"], "signatures": [signature]}}


def _by_certificate(
    bundle: Tree, trusted: Issued, code: str = "", *, path: str = "", identity: str = _WHO
) -> Case:
    request = {"keys": None, "authorities": ["ca.pem"], "identity": identity}
    found = ((code, path),) if code else ()
    case = _case(bundle, "FAIL" if code else "PASS", *found, request=request)
    return Case(case.request, case.expected, {**case.files, "ca.pem": trusted.pem})


@OMS.vector("section Signature [R-OMS-7]")
def certificate_under_the_root() -> Case:
    """A chain over an intermediate leads to the authority that is trusted."""
    between = authority("between", _root())
    return _by_certificate(_certified(leaf(between), between, _root()), _root())


@OMS.vector("section Signature [R-OMS-7]")
def certificate_trusted_itself() -> Case:
    """The certificate that signed is the one that is trusted."""
    signer = leaf(None)
    return _by_certificate(_certified(signer), signer)


@OMS.vector("section Signature [R-OMS-7]")
def certificate_of_its_own_word() -> Case:
    """The chain brings its own root, which nobody trusts."""
    other = authority("root", key="other root")
    bundle = _certified(leaf(other), other)
    return _by_certificate(bundle, _root(), "certificate-chain-signature")


@OMS.vector("section Signature [R-OMS-7]")
def certificate_of_another_name() -> Case:
    """The authority issued the certificate to somebody else."""
    bundle = _certified(leaf(_root()), _root())
    return _by_certificate(bundle, _root(), "identity-mismatch", identity="mallory@lab.example")


@OMS.vector("section Signature [R-OMS-7]")
def certificate_expired() -> Case:
    """The certificate had expired, and was valid when it was issued."""
    end = START + timedelta(days=30)
    bundle = _certified(leaf(_root(), end=end), _root())
    return _by_certificate(bundle, _root(), "certificate-expired")


@OMS.vector("section Signature [R-OMS-7]")
def certificate_trusted_itself_expired() -> Case:
    """The certificate that is trusted itself had expired."""
    signer = leaf(None, end=START + timedelta(days=30))
    return _by_certificate(_certified(signer), signer, "certificate-expired")


@OMS.vector("section Signature [R-OMS-7]")
def certificate_for_the_web() -> Case:
    """The certificate is for a web server, and for agreeing on keys alone."""
    web = ExtendedKeyUsageOID.SERVER_AUTH
    signer = leaf(_root(), purpose=web, bits=("key_agreement",))
    return _by_certificate(_certified(signer, _root()), _root(), "certificate-usage")


@OMS.vector("section Signature [R-OMS-5]")
def certificate_in_the_field_of_sigstore() -> Case:
    """A good certificate stands in the field of the Sigstore method."""
    bundle = _certified(leaf(_root()), field="certificate")
    return _by_certificate(bundle, _root(), "oms-method", path="/verificationMaterial")


@OMS.vector("section Signature [R-OMS-5]")
def key_bundle_under_an_authority() -> Case:
    """A bare key signed, and an authority is trusted."""
    return _by_certificate(_bundle(), _root(), "signature-unsupported")
