"""Group `policy`, continued: the memory of releases, and policies that are signed and updated."""

from __future__ import annotations

import json
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from vectors import formulas
from vectors.groups import POLICY
from vectors.policy import VERIFIED, co_signed, fingerprint, place, policy
from vectors.releases import PREFIX, Release, Signed, small
from vectors.signers import ED25519, OTHER, P384, SIGNER, Signer, bundle, bundle_bytes
from vectors.whole import whole

if TYPE_CHECKING:
    from vectors.formulas import Tree
    from vectors.kit import Case

_MEMORY = "section Rollback memory"
_SIGNED = "section Signed policies"
_FILE = "memory.json"
_AT = "2026-11-22T11:00:00Z"
_SECOND_BEFORE, _SECOND_AFTER = "2026-11-22T10:59:59Z", "2026-11-22T11:00:01Z"


# The memory of releases


def entry(**changes: Any) -> Tree:  # noqa: ANN401 - JSON
    """Return an entry of the memory: the trusted signer, a second before the release."""
    who = fingerprint(SIGNER)
    return {
        "createdAt": _SECOND_BEFORE,
        "log": False,
        "manifestDigest": "0" * 64,
        "model": "digits-mlp",
        "signer": who,
        "signers": [who],
        "timestamp": False,
        **changes,
    }


def memory(*entries: Tree, **changes: Any) -> bytes:  # noqa: ANN401 - JSON
    """Return the file of a memory."""
    return formulas.canonical({"stateVersion": "1.0", "seen": list(entries), **changes})


def remembering(
    data: bytes,
    word: str,
    *codes: str,
    signed: Signed | None = None,
    release: Release | None = None,
) -> Case:
    """Return the case of verifying a release beside a memory."""
    made = signed or (release or small(createdAt=_AT)).sign()
    made.files[_FILE] = data
    places = {"rollback": "/createdAt", "manifest-conflict": "/createdAt"}
    found = [(code, places.get(code, "")) for code in codes]
    if word == "PASS":
        return made.passes(*found, state=_FILE)
    return made.case(word, *found, state=_FILE)


def _digest_of(release: Release) -> str:
    return sha256(release.payload).hexdigest()


_BOTH = sorted((fingerprint(SIGNER), fingerprint(OTHER)))

for _name, _said, _data, _word, _codes in (
    ("memory_is_empty", "Nothing is remembered.", memory(), "PASS", ()),
    ("memory_of_an_older_release", "An older release by the signer is remembered.", memory(entry()), "PASS", ()),
    ("memory_of_a_newer_release", "A release by the signer that is a second newer is remembered.", memory(entry(createdAt=_SECOND_AFTER)), "FAIL", ("rollback",)),
    ("memory_of_another_manifest_of_the_moment", "Another manifest of the very same moment is remembered.", memory(entry(createdAt=_AT)), "FAIL", ("manifest-conflict",)),
    ("memory_of_the_same_manifest", "This manifest is remembered.", memory(entry(createdAt=_AT, manifestDigest=_digest_of(small(createdAt=_AT)))), "PASS", ()),
    ("memory_of_another_model", "A newer release of a model whose name differs in case is remembered.", memory(entry(createdAt=_SECOND_AFTER, model="Digits-mlp")), "PASS", ()),
    ("memory_of_another_signer", "A newer release by somebody else is remembered.", memory(entry(createdAt=_SECOND_AFTER, signer=fingerprint(OTHER), signers=[fingerprint(OTHER)])), "PASS", ("signer-changed",)),
    ("memory_of_more_signers", "Two have signed the release that is remembered.", memory(entry(signers=_BOTH)), "PASS", ("provenance-weaker",)),
    ("memory_of_a_timestamp", "A timestamp proved the time of the release that is remembered.", memory(entry(timestamp=True)), "PASS", ("provenance-weaker",)),
    ("memory_of_a_log", "A log proved the time of the release that is remembered.", memory(entry(log=True)), "PASS", ("provenance-weaker",)),
    ("memory_of_a_higher_rung", "Its datasets were bound by digests; now there are none.", memory(entry(rungs={"datasets": "bound"})), "PASS", ("provenance-weaker",)),
    ("memory_of_everything_less", "Fewer signers, no timestamp, no log.", memory(entry(signers=_BOTH, timestamp=True, log=True)), "PASS", ("provenance-weaker",)),
    ("memory_that_is_empty_of_bytes", "The file is there, and empty.", b"", "USAGE", ()),
    ("memory_of_another_format", "The file is JSON of another kind.", b'{"pins":[],"version":1}', "USAGE", ()),
    ("memory_of_a_newer_version", "The file is of a newer version.", memory(stateVersion="2.0"), "USAGE", ()),
    ("memory_with_an_unknown_member", "The file has a member that its version does not have.", memory(more=1), "USAGE", ()),
    ("memory_that_is_not_canonical", "The file is JSON with blanks in it.", json.dumps({"seen": [], "stateVersion": "1.0"}).encode(), "USAGE", ()),
    ("memory_with_an_entry_twice", "A model name and signer stand twice.", memory(entry(), entry(createdAt=_SECOND_AFTER)), "USAGE", ()),
    ("memory_with_a_time_that_is_none", "A time has no zone.", memory(entry(createdAt="2026-11-22T11:00:00")), "USAGE", ()),
):  # fmt: skip
    POLICY.add(_name, _said, _MEMORY, partial(remembering, _data, _word, *_codes))


@POLICY.vector(_MEMORY)
def memory_and_matched_parts() -> Case:
    """Parts that were matched count as bound: what is matched depends on what a verifier holds."""
    rungs = {"processing": "matched", "datasets": "matched"}
    return remembering(
        memory(entry(createdAt="2026-01-01T00:00:00Z", rungs=rungs)), "PASS", release=whole()
    )


@POLICY.vector(_MEMORY)
def memory_of_a_newer_release_by_a_second_signer() -> Case:
    """Of two who signed, the second has signed a newer release that passed."""
    rules = policy("ab", roles={"trainer": {"signers": ["a", "b"], "threshold": 2}})
    signed = co_signed(small(createdAt=_AT), OTHER)
    signed.files.pop("signer.pub")
    second = entry(createdAt=_SECOND_AFTER, signer=fingerprint(OTHER), signers=_BOTH)
    signed.files |= {_FILE: memory(second), "policy.json": json.dumps(rules).encode()}
    found = (("rollback", "/createdAt"), ("attestation-verified", place(0)), VERIFIED)
    return signed.case("FAIL", *found, keys=[], policy="policy.json", state=_FILE)


@POLICY.vector(_MEMORY)
def memory_of_a_newer_release_by_another_trusted_signer() -> Case:
    """Another trainer of the policy has signed a newer release; the old one bears one signature."""
    rules = policy("ab", roles={"trainer": {"signers": ["a", "b"]}})
    signed = small(createdAt=_AT).sign(signer=OTHER)
    signed.files.pop("signer.pub")
    signed.files |= {
        _FILE: memory(entry(createdAt=_SECOND_AFTER)),
        "policy.json": json.dumps(rules).encode(),
    }
    found = (("rollback", "/createdAt"), ("signer-changed", ""), VERIFIED)
    return signed.case("FAIL", *found, keys=[], policy="policy.json", state=_FILE)


@POLICY.vector(_MEMORY)
def memory_of_a_newer_release_by_a_signer_of_no_role() -> Case:
    """The newer release is by a signer of the policy who may not sign manifests any more."""
    rules = policy("ab", roles={"trainer": {"signers": ["b"]}})
    signed = small(createdAt=_AT).sign(signer=OTHER)
    signed.files.pop("signer.pub")
    signed.files |= {
        _FILE: memory(entry(createdAt=_SECOND_AFTER)),
        "policy.json": json.dumps(rules).encode(),
    }
    found = (("signer-changed", ""), VERIFIED)
    return signed.case("PASS", *found, keys=[], policy="policy.json", state=_FILE)


@POLICY.vector(_MEMORY)
def memory_beside_an_unknown_signer() -> Case:
    """No key is named, so nothing is compared with the memory."""
    signed = small(createdAt=_AT).sign()
    signed.files.pop("signer.pub")
    signed.files[_FILE] = memory(entry(createdAt=_SECOND_AFTER))
    found = (("signer-unknown", ""), ("required-not-checked", ""))
    return signed.case("INCOMPLETE", *found, keys=[], state=_FILE)


@POLICY.vector(f"{_MEMORY} [R-POL-41]")
def memory_in_the_release() -> Case:
    """The memory lies in the folder that is verified."""
    signed = small(createdAt=_AT).sign()
    signed.files[f"release/{_FILE}"] = memory()
    return signed.case("USAGE", state=f"release/{_FILE}")


# Signed policies


def document(version: int = 1, names: str = "ab", threshold: int = 2, **changes: Any) -> bytes:  # noqa: ANN401 - JSON
    """Return a policy of a version, and who may sign it."""
    rules = {"signers": list(names), "threshold": threshold}
    return json.dumps(policy(version=version, policySigners=rules, **changes)).encode()


def signed_policy(
    data: bytes,
    *signers: Signer,
    previous: bytes | str | None = None,
    **changes: Any,  # noqa: ANN401 - JSON
) -> bytes:
    """Return a signed policy: a bundle for each signer, one a line."""
    predicate: Tree = {"document": data.decode()}
    if previous is not None:
        known = previous if isinstance(previous, str) else sha256(previous).hexdigest()
        predicate["previous"] = {"sha256": known}
    statement: Tree = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": f"{PREFIX}policy/v1",
        "subject": [{"name": "vectors", "digest": {"sha256": sha256(data).hexdigest()}}],
        "predicate": predicate,
    }
    for name, value in changes.items():
        statement[name] = {**predicate, **value} if name == "predicate" else value
    payload = formulas.canonical(statement)
    return b"".join(bundle_bytes(bundle(payload, signer)) + b"\n" for signer in signers)


def with_signed(
    word: str, first: bytes, *updates: bytes, keys: tuple[Signer, ...] = (SIGNER,)
) -> Case:
    """Return the case of verifying under a signed policy, or under the last of its updates."""
    signed = small(createdAt=_AT).sign()
    signed.files.pop("signer.pub")
    signed.files["policy.signed"] = first
    request: Tree = {"keys": [], "policy": "policy.signed"}
    names = [f"update-{number}.signed" for number in range(len(updates))]
    signed.files |= dict(zip(names, updates, strict=True))
    if names:
        request["policyUpdates"] = names
    else:
        owners = [f"owner-{number}.pub" for number in range(len(keys))]
        signed.files |= {name: key.pem for name, key in zip(owners, keys, strict=True)}
        request["policyKeys"] = owners
    found = {"PASS": (VERIFIED,), "FAIL": (VERIFIED, ("policy-expired", ""))}.get(word, ())
    return signed.case(word, *found, **request)


_ONE, _TWO, _THREE = document(1), document(2), document(3)
_OF_TWO = (SIGNER, OTHER)
_FIRST = signed_policy(_ONE, *_OF_TWO)
_SECOND = signed_policy(_TWO, *_OF_TWO, previous=_ONE)
_THIRD = signed_policy(_THREE, *_OF_TWO, previous=_TWO)
_OTHERS = document(2, "c", 1)
_PAST = "2026-11-22T12:00:00Z"
_EXPIRED = document(2, expires=_PAST)

for _name, _said, _make in (
    ("signed_policy", "Both of the two who may sign the policy have.", partial(with_signed, "PASS", _FIRST)),
    ("signed_policy_by_a_stranger", "The key that is named has not signed it.", partial(with_signed, "USAGE", _FIRST, keys=(ED25519,))),
    ("signed_policy_without_a_key", "Nobody is named who may have signed it.", partial(with_signed, "USAGE", _FIRST, keys=())),
    ("signed_policy_by_one_of_two", "One of the two who are needed has signed it.", partial(with_signed, "USAGE", signed_policy(_ONE, SIGNER))),
    ("signed_policy_by_one_key_twice", "One of the two who are needed has signed it twice.", partial(with_signed, "USAGE", signed_policy(_ONE, SIGNER, SIGNER))),
    ("signed_policy_by_somebody_else_as_second", "The second signature is by a signer who may not sign policies.", partial(with_signed, "USAGE", signed_policy(_ONE, SIGNER, P384))),
    ("signed_policy_about_two_documents", "The two lines are about different documents.", partial(with_signed, "USAGE", signed_policy(_ONE, SIGNER) + signed_policy(_TWO, OTHER))),
    ("signed_policy_whose_subject_is_another", "The subject is not the document.", partial(with_signed, "USAGE", signed_policy(_ONE, *_OF_TWO, subject=[{"name": "vectors", "digest": {"sha256": "0" * 64}}]))),
    ("signed_policy_of_another_predicate", "The statement is of another predicate type.", partial(with_signed, "USAGE", signed_policy(_ONE, *_OF_TWO, predicateType=f"{PREFIX}manifest/v1"))),
    ("signed_policy_with_an_unknown_member", "The predicate has a member that it does not know.", partial(with_signed, "USAGE", signed_policy(_ONE, *_OF_TWO, predicate={"expires": _AT}))),
    ("signed_policy_that_names_a_file", "The document names a key file.", partial(with_signed, "USAGE", signed_policy(document(1, signers={**policy()["signers"], "e": {"key": "owner-0.pub"}}), *_OF_TWO))),
    ("signed_policy_that_has_expired", "The policy expired at this very second.", partial(with_signed, "FAIL", signed_policy(document(1, expires=_PAST), *_OF_TWO))),
    ("signed_policy_with_a_blank_line", "A line is empty.", partial(with_signed, "USAGE", _FIRST + b"\n")),
    ("policy_update", "Version 2 follows version 1.", partial(with_signed, "PASS", _FIRST, _SECOND)),
    ("policy_update_by_two_versions", "Versions 2 and 3 follow version 1.", partial(with_signed, "PASS", _FIRST, _SECOND, _THIRD)),
    ("policy_update_skips_a_version", "Version 3 comes after version 1.", partial(with_signed, "USAGE", _FIRST, _THIRD)),
    ("policy_update_goes_back", "Version 1 comes after version 2.", partial(with_signed, "USAGE", _SECOND, _FIRST)),
    ("policy_update_is_the_same", "The update is the policy in use.", partial(with_signed, "USAGE", _FIRST, _FIRST)),
    ("policy_update_of_the_same_version", "The update is another document of version 1.", partial(with_signed, "USAGE", _FIRST, signed_policy(document(1, maxAgeDays=9), *_OF_TWO))),
    ("policy_update_names_no_previous", "Version 2 does not say which document it follows.", partial(with_signed, "USAGE", _FIRST, signed_policy(_TWO, *_OF_TWO))),
    ("policy_update_names_another_previous", "Version 2 follows another document.", partial(with_signed, "USAGE", _FIRST, signed_policy(_TWO, *_OF_TWO, previous="0" * 64))),
    ("policy_update_of_another_policy", "The update is of a policy with another name.", partial(with_signed, "USAGE", _FIRST, signed_policy(document(2, name="others"), *_OF_TWO, previous=_ONE))),
    ("policy_update_by_the_old_alone", "The signers of version 1 have signed, the new one has not.", partial(with_signed, "USAGE", _FIRST, signed_policy(_OTHERS, *_OF_TWO, previous=_ONE))),
    ("policy_update_by_the_new_alone", "The signer of version 2 has signed, the old ones have not.", partial(with_signed, "USAGE", _FIRST, signed_policy(_OTHERS, P384, previous=_ONE))),
    ("policy_update_by_old_and_new", "Both signers of version 1 and the one of version 2 have signed.", partial(with_signed, "PASS", _FIRST, signed_policy(_OTHERS, *_OF_TWO, P384, previous=_ONE))),
    ("policy_update_that_has_expired", "The last version has expired.", partial(with_signed, "USAGE", _FIRST, signed_policy(_EXPIRED, *_OF_TWO, previous=_ONE))),
    ("policy_update_over_an_expired_one", "A version on the way has expired, the last one has not.", partial(with_signed, "PASS", _FIRST, signed_policy(_EXPIRED, *_OF_TWO, previous=_ONE), signed_policy(_THREE, *_OF_TWO, previous=_EXPIRED))),
):  # fmt: skip
    POLICY.add(_name, _said, _SIGNED, _make)


@POLICY.vector(f"{_SIGNED} [R-POL-40]")
def policy_update_of_one_without_policy_signers() -> Case:
    """The policy in use says of nobody that he may sign the next version."""
    alone = json.dumps(policy()).encode()
    update = signed_policy(_TWO, *_OF_TWO, previous=alone)
    return with_signed("USAGE", signed_policy(alone, SIGNER), update)
