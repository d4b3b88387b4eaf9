"""Group `policy`: who may sign what, how many have to, and what a policy requires."""

from __future__ import annotations

import datetime as dt
import json
from functools import partial
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from vectors import formulas
from vectors.authorities import authority, leaf
from vectors.groups import POLICY
from vectors.kit import base64
from vectors.releases import FOLDER, PREFIX, Release, Signed, small
from vectors.signers import (
    ED25519,
    OTHER,
    P384,
    PAYLOAD_TYPE,
    SIGNER,
    Signer,
    bundle,
    bundle_bytes,
)
from vectors.whole import whole

if TYPE_CHECKING:
    from vectors.formulas import Tree
    from vectors.kit import Case

#: Everybody, by the name that the policies of this group use.
EVERYBODY = {"a": SIGNER, "b": OTHER, "c": P384, "d": ED25519}
#: A file that no release holds, and its fingerprint as a key would have it.
NOBODY = "SHA256:" + "A" * 43
TRAINER = {"trainer": {"signers": ["a"]}}
BOTH = {"trainer": {"signers": ["a", "b"], "threshold": 2}}
VERIFIED = ("signature-verified", "")


def fingerprint(signer: Signer) -> str:
    """Return what people compare: `SHA256:` and base64 without padding."""
    return "SHA256:" + signer.hint.rstrip("=")


def policy(names: str = "abcd", **changes: Any) -> Tree:  # noqa: ANN401 - JSON
    """Return a policy with these signers in which `a` trains; `None` leaves a member out."""
    tree = {
        "policyVersion": "1.0",
        "name": "vectors",
        "signers": {name: {"key": EVERYBODY[name].pem.decode()} for name in names},
        "roles": TRAINER,
        **changes,
    }
    return {name: value for name, value in tree.items() if value is not None}


def signer_with(**members: Any) -> Tree:  # noqa: ANN401 - JSON
    """Return the signers, `a` with these members."""
    signers: Tree = policy()["signers"]
    return {**signers, "a": {**signers["a"], **members}}


def co_signed(release: Release, *others: Signer, by: Signer = SIGNER) -> Signed:
    """Return a release that somebody signed, with co-signatures by others beside it."""
    signed = release.sign(signer=by)
    for number, other in enumerate(others):
        name = f"release/{FOLDER}/attestations/co-{number}.sigstore.json"
        signed.files[name] = bundle_bytes(bundle(release.payload, other))
    return signed


def place(number: int) -> str:
    """Return where a co-signature lies, as findings name it."""
    return f"{FOLDER}/attestations/co-{number}.sigstore.json"


def under(rules: Tree | bytes, signed: Signed, word: str, *findings: tuple[str, str]) -> Case:
    """Return the case of verifying under a policy; a signature that counts is always a finding."""
    name = "policy.json" if isinstance(rules, dict) else "policy.toml"
    data = json.dumps(rules, indent=2).encode() if isinstance(rules, dict) else rules
    signed.files.pop("signer.pub", None)
    signed.files[name] = data
    return signed.case(word, *findings, keys=[], policy=name)


def passes(rules: Tree, signed: Signed, *findings: tuple[str, str]) -> Case:
    return under(rules, signed, "PASS", VERIFIED, *findings)


def fails(rules: Tree, signed: Signed, *findings: tuple[str, str]) -> Case:
    return under(rules, signed, "FAIL", *findings)


def refused(rules: Tree | bytes) -> Case:
    return under(rules, small().sign(), "USAGE")


@POLICY.vector("section Roles")
def one_signer() -> Case:
    """The one signer of the one role signed."""
    return passes(policy("a"), small().sign())


@POLICY.vector("section Reading")
def policy_in_toml() -> Case:
    """The policy is written in TOML."""
    key = SIGNER.pem.decode()
    text = (
        'policyVersion = "1.0"\nname = "vectors"\nexpires = 2026-11-22T13:00:00+00:30\n'
        f'[signers.a]\nkey = """{key}"""\n[roles.trainer]\nsigners = ["a"]\n'
    )
    return under(text.encode(), small().sign(), "PASS", VERIFIED)


@POLICY.vector("section Roles")
def role_of_somebody_else() -> Case:
    """Somebody signed the manifest who may sign evaluations only."""
    rules = policy(roles={**TRAINER, "evaluator": {"signers": ["b"], "required": False}})
    return fails(rules, small().sign(signer=OTHER), ("policy-role", ""), ("policy-threshold", ""))


@POLICY.vector("section Roles")
def signer_in_no_role() -> Case:
    """A signer of the policy signed who is in none of its roles."""
    return fails(policy(), small().sign(signer=P384), ("policy-role", ""), ("policy-threshold", ""))


@POLICY.vector("section Roles")
def signer_unknown_to_the_policy() -> Case:
    """Somebody signed whom the policy does not name."""
    return fails(policy("a"), small().sign(signer=OTHER), ("signature-invalid", ""))


@POLICY.vector("section Roles [R-POL-17]")
def model_of_another_name() -> Case:
    """The signer may sign for another model only."""
    rules = policy(roles={"trainer": {"signers": ["a"], "models": ["digits"]}})
    found = (("policy-model-name", "/model/name"), ("policy-threshold", ""))
    return fails(rules, small().sign(), *found)


@POLICY.vector("section Roles [R-POL-17]")
def model_of_another_case() -> Case:
    """The name differs from the one allowed by the case of a letter."""
    rules = policy(roles={"trainer": {"signers": ["a"], "models": ["Digits-mlp"]}})
    found = (("policy-model-name", "/model/name"), ("policy-threshold", ""))
    return fails(rules, small().sign(), *found)


@POLICY.vector("section Roles")
def model_by_its_beginning() -> Case:
    """The signer may sign for models whose names begin so."""
    return passes(
        policy(roles={"trainer": {"signers": ["a"], "models": ["x", "digits-*"]}}), small().sign()
    )


@POLICY.vector("section Thresholds")
def two_of_two() -> Case:
    """Both of two signers signed the same bytes."""
    return passes(policy(roles=BOTH), co_signed(small(), OTHER), ("attestation-verified", place(0)))


@POLICY.vector("section Thresholds")
def two_of_two_the_other_way_round() -> Case:
    """Both signed; which of the two bundles is that of the manifest does not count."""
    signed = co_signed(small(), SIGNER, by=OTHER)
    return passes(policy(roles=BOTH), signed, ("attestation-verified", place(0)))


@POLICY.vector("section Thresholds [R-POL-20]")
def one_of_two() -> Case:
    """Only one of two signers signed."""
    return fails(policy(roles=BOTH), small().sign(), ("policy-threshold", ""))


@POLICY.vector("section Thresholds [R-POL-20]")
def one_key_twice() -> Case:
    """One of two signers signed twice."""
    return fails(policy(roles=BOTH), co_signed(small(), SIGNER), ("policy-threshold", ""))


@POLICY.vector("section Thresholds [R-POL-18]")
def stranger_in_place_of_the_second() -> Case:
    """The second signature is by somebody whom the policy does not name."""
    found = (("policy-threshold", ""), ("attestation-unverified", place(0)))
    rules = policy("ab", roles=BOTH)
    return fails(rules, co_signed(small(), P384), *found)


@POLICY.vector("section Thresholds [R-POL-18]")
def stranger_beside_enough_signatures() -> Case:
    """A third signature by a stranger does no harm."""
    found = ("attestation-unverified", place(1))
    return passes(policy("ab", roles=BOTH), co_signed(small(), OTHER, P384), found)


@POLICY.vector("section Thresholds [R-POL-19]")
def second_signature_over_other_bytes() -> Case:
    """The second signer signed another manifest, and its bundle was put beside this one."""
    signed = co_signed(small())
    other = small(producer={"name": "Mallory"})
    name = f"release/{place(0)}"
    signed.files[name] = bundle_bytes(bundle(other.payload, OTHER))
    found = (("policy-threshold", ""), ("attestation-malformed", place(0)))
    return fails(policy(roles=BOTH), signed, *found)


@POLICY.vector("section Thresholds")
def two_roles() -> Case:
    """The trainer and the auditor signed."""
    roles = {**TRAINER, "auditor": {"signers": ["d"]}}
    return passes(policy(roles=roles), co_signed(small(), ED25519))


@POLICY.vector("section Thresholds [R-POL-20]")
def auditor_is_missing() -> Case:
    """The trainer signed, and the auditor did not."""
    roles = {**TRAINER, "auditor": {"signers": ["d"]}}
    return fails(policy(roles=roles), small().sign(), ("policy-threshold", ""))


@POLICY.vector("section Thresholds")
def auditor_is_only_allowed() -> Case:
    """The auditor may sign and has not."""
    roles = {**TRAINER, "auditor": {"signers": ["d"], "required": False}}
    return passes(policy(roles=roles), small().sign())


def _evaluation(
    release: Release,
    by: Signer,
    name: str = "",
    kind: str = "evaluation",
    **changes: Any,  # noqa: ANN401 - JSON
) -> tuple[str, bytes]:
    tree: Tree = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": f"{PREFIX}{kind}/v1",
        "subject": release.statement["subject"],
        "predicate": {
            "manifestVersion": "1.0",
            "createdAt": "2026-11-22T11:30:00Z",
            "producer": {"name": f"Evaluator {name}".strip()},
            "manifest": {"digest": formulas.digests(release.payload, "sha256")},
            "evaluations": [
                {"id": "e", "task": "accuracy", "metrics": [{"name": "a", "value": 1}]}
            ],
            **changes,
        },
    }
    if kind != "evaluation":
        del tree["predicate"]["evaluations"]
    return f"evaluation{name}.sigstore.json", bundle_bytes(bundle(formulas.canonical(tree), by))


def evaluated(*evaluators: tuple[str, Signer]) -> Signed:
    release = small()
    signed = release.sign()
    for name, by in evaluators:
        file, data = _evaluation(release, by, name)
        signed.files[f"release/{FOLDER}/attestations/{file}"] = data
    return signed


_ABOUT = f"{FOLDER}/attestations/evaluation.sigstore.json"


def _stated(word: str, kind: str = "evaluation", **changes: Any) -> Case:  # noqa: ANN401 - JSON
    """Return the case of one attestation by the signer of the role that it is for."""
    release = small(evaluations=[{"id": "e1", "task": "accuracy"}])
    if "model" in changes:
        digest = formulas.digests(release.payload, "sha256")
        changes["manifest"] = {"digest": digest, "model": changes.pop("model")}
    signed = release.sign()
    file, data = _evaluation(release, OTHER, "", kind, **changes)
    signed.files[f"release/{FOLDER}/attestations/{file}"] = data
    role = "evaluator" if kind == "evaluation" else "reproducer"
    rules = policy(roles={**TRAINER, role: {"signers": ["b"]}})
    if word == "PASS":
        return passes(rules, signed, ("attestation-verified", _ABOUT))
    return fails(rules, signed, ("policy-threshold", ""), ("signature-not-counted", _ABOUT))


def _again(word: str, **changes: str) -> Case:
    one = {"kind": "evaluation", "id": "e1", "comparison": "bitwise", "outcome": "equal"}
    return _stated(word, "reproduction", reproduced=[{**one, **changes}])


def _measured(word: str, *items: Tree) -> Case:
    return _stated(word, evaluations=[{"id": "e", "task": "accuracy", **item} for item in items])


for _name, _said, _make in (
    ("evaluation_that_failed", "The evaluation did not run to its end.", partial(_measured, "FAIL", {"status": "failed"})),
    ("evaluation_that_was_interrupted", "The evaluation was interrupted.", partial(_measured, "FAIL", {"status": "interrupted"})),
    ("evaluation_that_completed", "The evaluation completed.", partial(_measured, "PASS", {"status": "completed"})),
    ("evaluation_id_twice", "Two evaluations have one id.", partial(_measured, "FAIL", {}, {})),
    ("evaluation_of_no_checkpoint", "It is of a checkpoint that the manifest does not have.", partial(_measured, "FAIL", {"checkpoint": "c9"})),
    ("evaluation_that_expires_now", "The statement expires at this second.", partial(_stated, "FAIL", expiresAt="2026-11-22T12:00:00Z")),
    ("evaluation_good_for_a_second", "The statement is good for one more second.", partial(_stated, "PASS", expiresAt="2026-11-22T12:00:01Z")),
    ("evaluation_from_the_future", "It was made a second more than the allowance for clocks ahead.", partial(_stated, "FAIL", createdAt="2026-11-22T12:05:01Z")),
    ("evaluation_ahead_within_the_allowance", "It was made as far ahead as clocks may differ.", partial(_stated, "PASS", createdAt="2026-11-22T12:05:00Z")),
    ("evaluation_of_another_model", "It names another model beside the digest of this manifest.", partial(_stated, "FAIL", model="digits-2")),
    ("evaluation_of_this_model_by_name", "It names this model too.", partial(_stated, "PASS", model="digits-mlp")),
    ("reproduction_that_is_equal", "The evaluation was reproduced to the bit.", partial(_again, "PASS")),
    ("reproduction_within_its_tolerance", "It was reproduced within a tolerance.", partial(_again, "PASS", outcome="within", comparison="numeric")),
    ("reproduction_that_differs", "It came out differently.", partial(_again, "FAIL", outcome="different")),
    ("reproduction_that_failed", "It did not run.", partial(_again, "FAIL", outcome="failed")),
    ("reproduction_of_nothing", "The manifest has no evaluation of that id.", partial(_again, "FAIL", id="e9")),
    ("reproduction_of_another_kind", "The id is that of an evaluation, and a segment is said to be reproduced.", partial(_again, "FAIL", kind="segment")),
):  # fmt: skip
    POLICY.add(_name, _said, "section Roles [R-POL-18]", _make)


_TWO_KINDS = {
    "signers": ["b"],
    "predicateTypes": [f"{PREFIX}manifest/v1", f"{PREFIX}evaluation/v1"],
}


def _two_kinds(word: str, *, co_signs: bool, evaluates: bool) -> Case:
    release = small()
    signed = co_signed(release, *([OTHER] if co_signs else []))
    if evaluates:
        file, data = _evaluation(release, OTHER)
        signed.files[f"release/{FOLDER}/attestations/{file}"] = data
    rules = policy(roles={**TRAINER, "auditor": _TWO_KINDS})
    if word == "PASS":
        return passes(rules, signed)
    return fails(rules, signed, ("policy-threshold", ""))


@POLICY.vector("section Thresholds [R-POL-19]")
def role_of_two_types_that_signed_both() -> Case:
    """The auditor has to sign the manifest and an evaluation, and did."""
    return _two_kinds("PASS", co_signs=True, evaluates=True)


@POLICY.vector("section Thresholds [R-POL-19]")
def role_of_two_types_that_signed_the_manifest_alone() -> Case:
    """The auditor has to sign the manifest and an evaluation, and signed the manifest."""
    return _two_kinds("FAIL", co_signs=True, evaluates=False)


@POLICY.vector("section Thresholds [R-POL-19]")
def role_of_two_types_that_signed_an_evaluation_alone() -> Case:
    """The auditor has to sign the manifest and an evaluation, and signed the evaluation."""
    return _two_kinds("FAIL", co_signs=False, evaluates=True)


@POLICY.vector("section Times, revoked artifacts, ancestors [R-POL-28]")
def role_of_datasets_among_other_types() -> Case:
    """A role has to sign the manifest, which it did, and datasets, which lie in no release."""
    types = [f"{PREFIX}manifest/v1", f"{PREFIX}dataset/v1"]
    rules = policy(roles={"trainer": {"signers": ["a"], "predicateTypes": types}})
    return under(rules, small().sign(), "INCOMPLETE", VERIFIED, ("required-not-checked", ""))


@POLICY.vector("section Times, revoked artifacts, ancestors [R-POL-26]")
def revoked_file_whose_digest_is_a_lie() -> Case:
    """A file is revoked, and the manifest and its list record another SHA-256 of it."""
    release = small()
    entries = release.manifest["release"]["inventory"]
    true = entries[0]["digest"]["sha256"]
    entries[0]["digest"]["sha256"] = "ab" * 32
    name = entries[0]["path"]
    rules = policy(revoked={"artifacts": [{"sha256": true}]})
    found = (("digest-mismatch", name), ("policy-artifact-revoked", name))
    return fails(rules, release.list(entries).sign(), *found)


EVALUATORS = {**TRAINER, "evaluator": {"signers": ["b", "d"], "threshold": 2}}


@POLICY.vector("section Thresholds [R-POL-19]")
def two_evaluators() -> Case:
    """Two evaluators signed what each of them found."""
    return passes(policy(roles=EVALUATORS), evaluated(("1", OTHER), ("2", ED25519)))


@POLICY.vector("section Thresholds [R-POL-20]")
def one_evaluator_twice() -> Case:
    """One evaluator signed two evaluations, and two evaluators are needed."""
    signed = evaluated(("1", OTHER), ("2", OTHER))
    return fails(policy(roles=EVALUATORS), signed, ("policy-threshold", ""))


@POLICY.vector("section Roles [R-POL-18]")
def evaluation_by_the_trainer() -> Case:
    """The trainer signed an evaluation, which only the evaluator may."""
    roles = {**TRAINER, "evaluator": {"signers": ["b"]}}
    found = (
        ("policy-threshold", ""),
        ("signature-not-counted", f"{FOLDER}/attestations/evaluation.sigstore.json"),
    )
    return fails(policy(roles=roles), evaluated(("", SIGNER)), *found)


def _revoked(signed: Signed, word: str, *findings: tuple[str, str], **key: str) -> Case:
    rules = policy(revoked={"keys": [{"fingerprint": fingerprint(SIGNER), **key}]})
    return under(rules, signed, word, *findings)


@POLICY.vector("section Whether a signature counts [R-POL-15]")
def revoked_key() -> Case:
    """The key that signed is revoked."""
    return _revoked(small().sign(), "FAIL", ("policy-revoked", ""), ("policy-threshold", ""))


@POLICY.vector("section Whether a signature counts [R-POL-15]")
def key_revoked_from_a_later_time() -> Case:
    """The key is revoked from tomorrow, and no time proves that the signature is older."""
    found = (("policy-revoked", ""), ("policy-threshold", ""))
    return _revoked(small().sign(), "FAIL", *found, **{"from": "2026-11-23T00:00:00Z"})


@POLICY.vector("section Whether a signature counts [R-POL-15]")
def revoked_key_in_hexadecimal() -> Case:
    """The revoked key is named by 64 hexadecimal characters."""
    digest = formulas.digests(SIGNER.spki, "sha256")["sha256"]
    rules = policy(revoked={"keys": [{"fingerprint": digest}]})
    return fails(rules, small().sign(), ("policy-revoked", ""), ("policy-threshold", ""))


def _openssh_blob(spki: bytes) -> bytes:
    """Return a P-256 key as OpenSSH writes it: three strings, each behind its length."""
    parts = (b"ecdsa-sha2-nistp256", b"nistp256", spki[-65:])
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


@POLICY.vector("section Whether a signature counts [R-POL-15]")
def revoked_key_as_openssh_shows_it() -> Case:
    """The revoked key is named by the fingerprint that OpenSSH shows of it."""
    digest = formulas.digests(_openssh_blob(SIGNER.spki), "sha256")["sha256"]
    shown = "SHA256:" + base64(bytes.fromhex(digest)).rstrip("=")
    rules = policy(revoked={"keys": [{"fingerprint": shown}]})
    return fails(rules, small().sign(), ("policy-revoked", ""), ("policy-threshold", ""))


@POLICY.vector("section Whether a signature counts")
def other_key_revoked() -> Case:
    """A key is revoked that has nothing to do with this."""
    return passes(policy(revoked={"keys": [{"fingerprint": NOBODY}]}), small().sign())


@POLICY.vector("section Thresholds [R-POL-18]")
def co_signature_by_a_revoked_key() -> Case:
    """The second of two signatures is by a revoked key."""
    rules = policy(roles=BOTH, revoked={"keys": [{"fingerprint": fingerprint(OTHER)}]})
    found = (("policy-threshold", ""), ("signature-not-counted", place(0)))
    return fails(rules, co_signed(small(), OTHER), *found)


def _artifact(sha256: str, release: Release, *findings: tuple[str, str]) -> Case:
    rules = policy(revoked={"artifacts": [{"sha256": sha256, "reason": "known to be wrong"}]})
    if not findings:
        return passes(rules, release.sign())
    return fails(rules, release.sign(), *findings)


def _sha256(data: bytes) -> str:
    return formulas.digests(data, "sha256")["sha256"]


@POLICY.vector("section Times, revoked artifacts, ancestors [R-POL-26]")
def revoked_manifest() -> Case:
    """The manifest itself is revoked."""
    release = small()
    return _artifact(_sha256(release.payload), release, ("policy-artifact-revoked", ""))


@POLICY.vector("section Times, revoked artifacts, ancestors [R-POL-26]")
def revoked_release() -> Case:
    """The release is revoked, whatever manifest describes it."""
    release = small()
    return _artifact(_sha256(release.listing), release, ("policy-artifact-revoked", "/release"))


@POLICY.vector("section Times, revoked artifacts, ancestors [R-POL-26]")
def revoked_file() -> Case:
    """One file of the release is revoked."""
    release = small()
    digest = _sha256(release.files["model.safetensors"])
    return _artifact(digest, release, ("policy-artifact-revoked", "model.safetensors"))


@POLICY.vector("section Times, revoked artifacts, ancestors")
def other_file_revoked() -> Case:
    """A file is revoked that is not in the release."""
    return _artifact("0" * 64, small())


#: Times around the verifier's clock, 2026-11-22T12:00:00Z.
_NOW, _BEFORE, _AFTER = "2026-11-22T12:00:00Z", "2026-11-22T11:59:59Z", "2026-11-22T12:00:01Z"


def _window(word: str, **members: str) -> Case:
    rules = policy(signers=signer_with(**members))
    if word == "PASS":
        return passes(rules, small().sign())
    return fails(rules, small().sign(), ("policy-validity", ""), ("policy-threshold", ""))


for _name, _said, _members, _word in (
    ("signer_until_now", "The window of the signer ends at this second.", {"notAfter": _NOW}, "PASS"),
    ("signer_until_a_second_ago", "The window of the signer ended a second ago, and no time is proven.", {"notAfter": _BEFORE}, "FAIL"),
    ("signer_from_now", "The window of the signer begins at this second.", {"notBefore": _NOW}, "PASS"),
    ("signer_from_the_next_second", "The window of the signer begins in a second.", {"notBefore": _AFTER}, "FAIL"),
):  # fmt: skip
    POLICY.add(
        _name, _said, "section Whether a signature counts", partial(_window, _word, **_members)
    )


@POLICY.vector("section Whether a signature counts")
def algorithm_that_is_not_allowed() -> Case:
    """The signer signed with a scheme of its key that the policy allows to others only."""
    both = {"algorithms": ["ecdsa-p256-sha256", "ed25519"]}
    rules = policy("ad", signers=None, roles={"trainer": {"signers": ["a", "d"]}}, **both)
    rules["signers"] = {
        "a": {"key": SIGNER.pem.decode(), "algorithms": ["ed25519"]},
        "d": {"key": ED25519.pem.decode()},
    }
    return refused(rules)


#: The name in the certificate of the signers below.
_TRAINER = "trainer@lab.example"


def certified(release: Release) -> Signed:
    """Return a release that somebody signed with a certificate of a private authority."""
    signer = leaf(authority("root"))
    message = formulas.pae(PAYLOAD_TYPE.encode(), release.payload)
    signature = signer.key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    signed = release.sign()
    material = {"certificate": {"rawBytes": base64(signer.der)}, "tlogEntries": []}
    signed.tree["verificationMaterial"] = material
    signed.tree["dsseEnvelope"]["signatures"] = [{"sig": base64(signature)}]
    return signed.rewrite()


def _by_name(identity: str = _TRAINER, **changes: Any) -> Tree:  # noqa: ANN401 - JSON
    known = {"authority": authority("root").pem.decode(), "identity": identity, "kind": "email"}
    return policy(signers={"a": {"certificate": known}}, **changes)


@POLICY.vector("section Signer")
def signer_by_a_name_in_a_certificate() -> Case:
    """The signer is known by its name in a certificate of a private authority."""
    return passes(_by_name(), certified(small()))


@POLICY.vector("section Signer")
def signer_by_another_name() -> Case:
    """The certificate holds another name than the policy asks for."""
    signed = certified(small())
    return fails(_by_name("mallory@lab.example"), signed, ("identity-mismatch", ""))


@POLICY.vector("section Whether a signature counts")
def algorithm_of_a_certificate() -> Case:
    """The certificate's key signed with a scheme that the policy does not allow."""
    found = (("policy-algorithm", ""), ("policy-threshold", ""))
    return fails(_by_name(algorithms=["ed25519"]), certified(small()), *found)


@POLICY.vector("section Whether a signature counts [R-POL-15]")
def revoked_key_of_a_certificate() -> Case:
    """The key in the certificate is revoked; that it has a name now does not help."""
    spki = (
        leaf(authority("root"))
        .key.public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    rules = _by_name(revoked={"keys": [{"fingerprint": _sha256(spki)}]})
    found = (("policy-revoked", ""), ("policy-threshold", ""))
    return fails(rules, certified(small()), *found)


@POLICY.vector("section Whether a signature counts [R-POL-15]")
def revoked_key_of_an_authority() -> Case:
    """The key of the authority that vouches for the name is revoked."""
    certificate = x509.load_pem_x509_certificate(authority("root").pem)
    spki = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    rules = _by_name(revoked={"keys": [{"fingerprint": _sha256(spki)}]})
    found = (("policy-revoked", ""), ("policy-threshold", ""))
    return fails(rules, certified(small()), *found)


@POLICY.vector("section First contact [R-POL-30]")
def certificate_of_a_stranger() -> Case:
    """Nobody is named: the signature is valid, and its signer is unknown."""
    return certified(small()).case("INCOMPLETE", ("signer-unknown", ""), keys=[])


@POLICY.vector("section First contact [R-POL-30]")
def certificate_beside_a_worthless_signature() -> Case:
    """Nobody is named, and the signature does not verify under the certificate beside it."""
    signed = certified(small())
    other = signed.tree["dsseEnvelope"]["signatures"][0]["sig"]
    signed.tree["dsseEnvelope"]["signatures"] = [{"sig": other[:-8] + "AAAAAAA="}]
    return signed.rewrite().case("FAIL", ("signature-invalid", ""), keys=[])


def _authority() -> bytes:
    """Return the certificate of a timestamp authority that stamped nothing here."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Vector TSA")])
    begin = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - certificates are in UTC
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(ED25519.public)
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin.replace(year=2036))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(ED25519.handle, None)
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


@POLICY.vector("section Whether a signature counts")
def timestamp_is_missing() -> Case:
    """The policy requires a timestamp, and there is none."""
    signed = small().sign()
    signed.files["tsa.pem"] = _authority()
    rules = policy(timestamps={"authorities": ["tsa.pem"], "required": True})
    return fails(rules, signed, ("policy-timestamp-required", ""), ("policy-threshold", ""))


@POLICY.vector("section Whether a signature counts")
def log_entry_is_missing() -> Case:
    """The policy requires a time proven by a log, and there is none."""
    rules = policy(log={"required": True})
    return fails(rules, small().sign(), ("policy-log-required", ""), ("policy-threshold", ""))


def _expires(word: str, at: str) -> Case:
    rules = policy(expires=at)
    if word == "PASS":
        return passes(rules, small().sign())
    return fails(rules, small().sign(), ("policy-expired", ""))


for _name, _said, _at, _word in (
    ("policy_expires_in_a_second", "The policy is good for one more second.", _AFTER, "PASS"),
    ("policy_expires_now", "The policy expires at this second.", _NOW, "FAIL"),
    ("policy_expired", "The policy expired long ago.", "2020-01-01T00:00:00Z", "FAIL"),
):
    POLICY.add(
        _name,
        _said,
        "section Times, revoked artifacts, ancestors [R-POL-25]",
        partial(_expires, _word, _at),
    )


@POLICY.vector("section Times, revoked artifacts, ancestors [R-POL-25]")
def as_old_as_allowed() -> Case:
    """The manifest is as old as the policy allows, to the second."""
    release = small(createdAt="2026-11-21T12:00:00Z")
    return passes(policy(maxAgeDays=1), release.sign())


@POLICY.vector("section Times, revoked artifacts, ancestors [R-POL-25]")
def older_than_allowed() -> Case:
    """The manifest is a second older than the policy allows."""
    release = small(createdAt="2026-11-21T11:59:59Z")
    return fails(policy(maxAgeDays=1), release.sign(), ("policy-age", "/createdAt"))


def _requires(
    require: Tree, word: str, where: str = "", *, release: Release | None = None, **more: str
) -> Case:
    signed = (whole() if release is None else release).sign()
    rules = policy(require=require, **more)
    if word == "PASS":
        return passes(rules, signed)
    return under(rules, signed, word, VERIFIED, ("requirement-not-met", where))


def _lists(*datasets: Tree, **members: Any) -> Release:  # noqa: ANN401 - JSON
    return small(datasets=list(datasets), **members)


_STATED = {"id": "one", "name": "One", "licenses": ["CC0-1.0"]}
_UNSTATED = {"id": "two", "name": "Two"}
_WITHHELD = [{"path": "/datasets/1/licenses", "status": "withheld", "reason": "contract"}]
_NOT_APPLICABLE = [{"path": "/datasets/1/licenses", "status": "notApplicable", "reason": "facts"}]
_LICENCES = {"datasets[*].licenses": "declared"}

for _name, _said, _make in (
    ("required_words_are_there", "Every dataset states its licences, as required.", partial(_requires, _LICENCES, "PASS")),
    ("required_words_are_missing", "The second dataset states no licence.", partial(_requires, _LICENCES, "INCOMPLETE", "/datasets/1/licenses", release=_lists(_STATED, _UNSTATED))),
    ("required_words_are_withheld", "The licence of the second dataset is withheld with a reason.", partial(_requires, _LICENCES, "INCOMPLETE", "/datasets/1/licenses", release=_lists(_STATED, _UNSTATED, disclosures=_WITHHELD))),
    ("withheld_is_enough", "The licence is withheld, and the policy asks for no more.", partial(_requires, {"datasets[*].licenses": "withheld"}, "PASS", release=_lists(_STATED, _UNSTATED, disclosures=_WITHHELD))),
    ("required_words_do_not_apply", "The licence does not apply, and the policy does not take that.", partial(_requires, _LICENCES, "INCOMPLETE", "/datasets/1/licenses", release=_lists(_STATED, _UNSTATED, disclosures=_NOT_APPLICABLE))),
    ("not_applicable_is_enough", "The licence does not apply, and the policy takes that.", partial(_requires, _LICENCES, "PASS", release=_lists(_STATED, _UNSTATED, disclosures=_NOT_APPLICABLE), requireNotApplicable="met")),
    ("requirement_matches_nothing", "There is no dataset to have a licence.", partial(_requires, _LICENCES, "INCOMPLETE", "/datasets", release=small())),
    ("nothing_is_enough", "There is no dataset, and the policy takes that.", partial(_requires, _LICENCES, "PASS", release=small(), requireEmpty="met")),
    ("digest_is_there", "Every dataset is bound by a digest, as required.", partial(_requires, {"datasets": "bound"}, "PASS")),
    ("digest_is_missing", "A dataset is words alone, and a digest is required.", partial(_requires, {"datasets[*]": "bound"}, "INCOMPLETE", "/datasets/0", release=_lists(_STATED))),
    ("bytes_are_not_held", "Datasets are bound, and the policy requires that they match bytes.", partial(_requires, {"datasets": "matched"}, "INCOMPLETE", "/datasets/0")),
    ("evaluations_are_missing", "Evaluations are required, and there are none.", partial(_requires, {"evaluations": "declared"}, "INCOMPLETE", "/evaluations", release=small())),
    ("field_is_missing", "A field of an object is required that is not stated.", partial(_requires, {"model.intendedUse": "declared"}, "INCOMPLETE", "/model/intendedUse", release=small())),
    ("empty_list_is_no_word", "The list of licences of a dataset is there, and empty.", partial(_requires, _LICENCES, "INCOMPLETE", "/datasets/0/licenses", release=_lists({**_STATED, "licenses": []}))),
    ("empty_list_of_the_model", "The list of licences of the model is there, and empty.", partial(_requires, {"model.licenses": "declared"}, "INCOMPLETE", "/model/licenses", release=small(model={"name": "digits-mlp", "licenses": []}))),
    ("empty_object_is_no_word", "Extensions are required, and the object of them is empty.", partial(_requires, {"extensions": "declared"}, "INCOMPLETE", "/extensions", release=small(extensions={}))),
    ("evaluation_matches", "The results of the evaluation lie in the release.", partial(_requires, {"evaluations": "matched"}, "PASS")),
):  # fmt: skip
    POLICY.add(_name, _said, "section Requirements [R-POL-22]", _make)


@POLICY.vector("section Requirements [R-POL-24]")
def part_stands_too_low() -> Case:
    """A whole part of open training is required to be bound, and one of its facts is words."""
    rules = policy(requireParts={"data-criteria": "bound"})
    return under(rules, whole().sign(), "INCOMPLETE", VERIFIED, ("requirement-not-met", ""))


@POLICY.vector("section Times, revoked artifacts, ancestors [R-POL-27]")
def base_model_without_a_digest() -> Case:
    """A base model is named, and nothing binds it."""
    release = small()
    release.manifest["model"]["baseModels"] = [{"id": "base", "name": "Base"}]
    signed = release.seal().sign()
    rules = policy(ancestors={"bound": True})
    found = ("requirement-not-met", "/model/baseModels/0")
    return under(rules, signed, "INCOMPLETE", VERIFIED, found)


@POLICY.vector("section Times, revoked artifacts, ancestors [R-POL-28]")
def rules_for_a_base_model_that_is_not_here() -> Case:
    """The policy says who may sign the base model's manifest, which is not at hand."""
    release = small()
    bound = {"id": "base", "name": "Base", "manifest": {"sha256": "0" * 64}}
    release.manifest["model"]["baseModels"] = [bound]
    rules = policy(ancestors={"bound": True, "signers": ["a"]})
    found = ("required-not-checked", "/model/baseModels")
    return under(rules, release.seal().sign(), "INCOMPLETE", VERIFIED, found)


def _with_key(file: str) -> Tree:
    return {**policy()["signers"], "e": {"key": file}}


_HEAD = b'policyVersion = "1.0"\nname = "x"\n'

for _name, _said, _rules, _section in (
    ("unknown_member", "The policy has a member that its version does not have.", policy(maxAge=90), "Reading [R-POL-4]"),
    ("unknown_member_inside", "A role has a member that its version does not have.", policy(roles={"trainer": {"signers": ["a"], "quorum": 1}}), "Reading [R-POL-4]"),
    ("newer_version", "The policy is of a newer version.", policy(policyVersion="1.1"), "Reading [R-POL-4]"),
    ("no_version", "The policy has no version of its format.", policy(policyVersion=None), "Reading [R-POL-4]"),
    ("placeholder", "A placeholder of a template was not filled in.", policy(name="<name>"), "Reading [R-POL-5]"),
    ("toml_with_a_key_twice", "A key stands twice in TOML.", _HEAD + b'name = "y"\n', "Reading [R-POL-3]"),
    ("toml_that_is_none", "The policy is neither JSON nor TOML.", b"policyVersion: 1.0\n", "Reading [R-POL-3]"),
    ("toml_time_without_an_offset", "A time in TOML has no offset.", _HEAD + b"expires = 2027-01-01T00:00:00\n", "Reading [R-POL-3]"),
    ("json_with_a_key_twice", "A key stands twice in JSON.", b'{"policyVersion": "1.0", "policyVersion": "1.0"}', "Reading [R-POL-2]"),
    ("threshold_of_zero", "The threshold is zero, so nobody would have to sign.", policy(roles={"trainer": {"signers": ["a"], "threshold": 0}}), "Role"),
    ("threshold_above_the_signers", "Two of one signer are needed.", policy(roles={"trainer": {"signers": ["a"], "threshold": 2}}), "Compiling [R-POL-7]"),
    ("threshold_by_a_name_twice", "The same name stands twice to reach the threshold.", policy(roles={"trainer": {"signers": ["a", "a"], "threshold": 2}}), "Compiling [R-POL-7]"),
    ("role_without_signers", "A role has no signers.", policy(roles={"trainer": {"signers": []}}), "Role"),
    ("no_signers", "The policy trusts nobody.", policy(signers={}), "Policy"),
    ("signer_that_nobody_defined", "A role names a signer that the policy does not have.", policy("a", roles={"trainer": {"signers": ["b"]}}), "Compiling [R-POL-7]"),
    ("one_key_under_two_names", "Two signers have the same key.", policy("a", signers={"a": {"key": SIGNER.pem.decode()}, "b": {"key": SIGNER.pem.decode().replace("\n", "\r\n")}}), "Compiling [R-POL-8]"),
    ("nobody_signs_the_manifest", "No role signs the manifest.", policy(roles={"evaluator": {"signers": ["a"]}}), "Compiling [R-POL-9]"),
    ("nobody_has_to_sign_the_manifest", "The only role that signs the manifest is not required.", policy(roles={"trainer": {"signers": ["a"], "required": False}}), "Compiling [R-POL-9]"),
    ("unknown_algorithm", "The policy allows an algorithm that no registry has.", policy(algorithms=["ecdsa-p256-sha1"]), "Compiling [R-POL-10]"),
    ("unknown_predicate_type", "A role may sign what no registry has.", policy(roles={"trainer": {"signers": ["a"], "predicateTypes": ["https://slsa.dev/provenance/v1"]}}), "Compiling [R-POL-10]"),
    ("key_file_is_missing", "The policy names a key file that is not there.", policy(signers=_with_key("e.pub")), "Compiling [R-POL-11]"),
    ("two_kinds_of_one_signer", "A signer has two kinds of keys.", policy(signers={**policy()["signers"], "e": {"key": SIGNER.pem.decode(), "ssh": "ssh-ed25519 AAAA"}}), "Signer"),
    ("requirement_of_no_field", "A requirement names a field that no manifest has.", policy(require={"datasets[*].licences": "declared"}), "Requirements [R-POL-21]"),
    ("requirement_of_no_rung", "A requirement names a rung that there is not.", policy(require={"datasets": "trusted"}), "Requirements [R-POL-21]"),
    ("every_model", "A pattern of model names would fit every name.", policy(roles={"trainer": {"signers": ["a"], "models": ["*"]}}), "Role"),
    ("age_without_a_unit", "The largest age is a text with a unit.", policy(maxAgeDays="90d"), "Policy"),
):  # fmt: skip
    POLICY.add(_name, _said, f"section {_section}", partial(refused, _rules))


@POLICY.vector("section Compiling [R-POL-12]")
def key_beside_roles() -> Case:
    """The caller names a key beside a policy with roles."""
    signed = small().sign()
    signed.files["policy.json"] = json.dumps(
        policy("b", roles={"trainer": {"signers": ["b"]}})
    ).encode()
    return signed.case("USAGE", policy="policy.json")
