"""Ways around a trust policy, each of which has to fail; an attacker holds no trusted key."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from provenance import verified_open
from provenance.envelope import write_bundle
from provenance.errors import DigestError, UsageError, VerificationError
from provenance.manifest import DATASET_V1, EVALUATION_V1, MANIFEST_V1, REPRODUCTION_V1
from provenance.signing import sign_payload
from provenance.trust import RevokedArtifact, TrustPolicy, compile_policy, read_policy
from provenance.verification import check_proof, find_signed_file, inspect, prove_file
from support.crafted import STRANGER, CraftedRelease, fixed_clock, private_key, public_key
from support.policies import policy_bytes
from support.reports import errors_of, expect
from verification.test_attestations import attestation
from verification.test_remembering import dated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provenance.verification import Report

KEYS = {"lab": public_key(), "other": public_key(STRANGER)}
TRAINER: dict[str, Any] = {"trainer": {"signers": ["lab"]}}
BOTH: dict[str, Any] = {"trainer": {"signers": ["lab", "other"]}}
BUNDLE = "training-provenance/manifest.sigstore.json"


def rules(**changes: Any) -> TrustPolicy:  # noqa: ANN401 - JSON
    options = {"roles": TRAINER, **changes}
    return compile_policy(read_policy(policy_bytes(KEYS, **options)))


def look(folder: Path, policy: TrustPolicy, **options: Any) -> Report:  # noqa: ANN401 - as inspect
    return inspect(folder, policy=policy, **{"clock": fixed_clock, **options})


def codes(report: Report) -> list[str]:
    return [code for code, _ in errors_of(report)]


class Lying(CraftedRelease):
    """A release whose manifest and listing record a wrong SHA-256 of one file."""

    WRONG = "0" * 64

    @override
    def inventory(self) -> list[dict[str, Any]]:
        entries = super().inventory()
        for entry in entries:
            if entry["path"] == "README.md":
                entry["digest"]["sha256"] = self.WRONG
        return entries

    @override
    def listing(self) -> bytes:
        true = sha256(self.files["README.md"]).hexdigest().encode()
        return super().listing().replace(true, self.WRONG.encode())


@pytest.fixture
def lying(tmp_path: Path) -> Path:
    return Lying().write(tmp_path / "lying")


@pytest.fixture
def revoking(lying: Path) -> TrustPolicy:
    """Return a policy that revokes the very file whose digest is a lie."""
    bad = sha256((lying / "README.md").read_bytes()).hexdigest()
    return rules(revoked={"artifacts": [{"sha256": bad}]})


def opened(folder: Path, policy: TrustPolicy, name: str = "README.md") -> bytes:
    with verified_open(folder, name, policy=policy, clock=fixed_clock) as file:
        return file.read()


def role(name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {**TRAINER, name: {"signers": ["other"], **more}}


def attested(tmp_path: Path, kind: str, **changes: Any) -> Path:  # noqa: ANN401 - JSON
    made = CraftedRelease()
    data = write_bundle(sign_payload(attestation(made, kind, **changes), private_key(STRANGER)))
    made.companions["attestations/theirs.sigstore.json"] = data
    return made.write(tmp_path / "attested")


class TestRevokedFiles:
    """Files that a policy names by their SHA-256."""

    def test_lie_about_a_digest_hides_no_revoked_file(
        self, lying: Path, revoking: TrustPolicy
    ) -> None:
        assert look(lying, rules()).verdict == "PASS"  # BLAKE3 alone: the lie is not seen
        report = look(lying, revoking)
        assert codes(report) == ["digest-mismatch", "policy-artifact-revoked"]

    def test_digests_of_a_caller_without_sha256_are_not_enough(
        self, lying: Path, revoking: TrustPolicy
    ) -> None:
        made = Lying()
        held = {
            it["path"]: (it["size"], {"blake3": it["digest"]["blake3"]}) for it in made.inventory()
        }
        report = inspect(held, manifest=lying / BUNDLE, policy=revoking, clock=fixed_clock)
        assert report.verdict == "INCOMPLETE"

    def test_verified_open_refuses_the_file(self, lying: Path, revoking: TrustPolicy) -> None:
        with pytest.raises(DigestError) as caught:
            opened(lying, revoking)
        assert caught.value.code in {"digest-mismatch", "policy-artifact-revoked"}

    def test_verified_open_refuses_a_file_without_a_recorded_sha256(self, tmp_path: Path) -> None:
        class Unrecorded(CraftedRelease):
            @override
            def manifest(self) -> dict[str, Any]:
                tree = super().manifest()
                for entry in tree["release"]["inventory"]:
                    if entry["path"] == "README.md":
                        del entry["digest"]["sha256"]
                return tree

        folder = Unrecorded().write(tmp_path / "model")
        bad = sha256((folder / "README.md").read_bytes()).hexdigest()
        policy = TrustPolicy(keys=(public_key(),), revoked_artifacts=(RevokedArtifact(bad),))
        with pytest.raises((DigestError, VerificationError)):
            opened(folder, policy)


class TestWithoutTheFiles:
    """`verified_open`, streams and proofs hold to what `verify` holds to."""

    @pytest.mark.parametrize(
        "policy",
        [
            rules(roles=role("data")),
            rules(roles=role("data", predicateTypes=[DATASET_V1, MANIFEST_V1])),
            rules(require={"model.licenses": "matched"}),
        ],
        ids=["role of datasets", "role of datasets among others", "rung"],
    )
    def test_unmet_rule_stops_all_of_them(self, folder: Path, policy: TrustPolicy) -> None:
        assert look(folder, policy).verdict != "PASS"
        with pytest.raises(VerificationError):
            opened(folder, policy)
        with pytest.raises(VerificationError):
            find_signed_file(folder, "README.md", policy=policy, clock=fixed_clock)
        assert self.proved(folder, policy) != "PASS"

    def test_all_digests_are_compared_or_nothing_is_handed_out(self, lying: Path) -> None:
        policy = rules(digests="all")
        with pytest.raises(DigestError) as caught:
            opened(lying, policy)
        assert caught.value.code == "digest-mismatch"
        with pytest.raises(VerificationError, match="recomputed"):
            find_signed_file(lying, "README.md", policy=policy, clock=fixed_clock)
        assert self.proved(lying, policy) == "INCOMPLETE"
        assert self.proved(lying, rules()) == "PASS"

    def test_all_digests_that_hold_are_no_hindrance(self, folder: Path) -> None:
        assert opened(folder, rules(digests="all")) == (folder / "README.md").read_bytes()

    @staticmethod
    def proved(folder: Path, policy: TrustPolicy) -> str:
        proof = prove_file(folder, "README.md")
        file = folder / "README.md"
        return check_proof(proof, file=file, manifest=folder, policy=policy).verdict


class TestAttestations:
    """Attestations that are signed by the right key and say the wrong thing."""

    def test_good_ones_count(self, tmp_path: Path) -> None:
        folder = attested(tmp_path, EVALUATION_V1)
        expect(look(folder, rules(roles=role("evaluator"))), "PASS", "attestation-verified")

    @pytest.mark.parametrize(
        ("kind", "changes"),
        [
            (EVALUATION_V1, {"evaluations": [{"id": "e", "task": "t", "status": "failed"}]}),
            (EVALUATION_V1, {"evaluations": [{"id": "e", "task": "t", "status": "interrupted"}]}),
            (EVALUATION_V1, {"evaluations": [{"id": "e", "task": "t"}] * 2}),
            (EVALUATION_V1, {"evaluations": [{"id": "e", "task": "t", "checkpoint": "none"}]}),
            (EVALUATION_V1, {"expiresAt": "2026-11-22T12:00:00Z"}),
            (EVALUATION_V1, {"createdAt": "2026-11-22T12:05:01Z"}),
            (EVALUATION_V1, {"createdAt": "9999-12-31T23:59:59Z"}),
            (REPRODUCTION_V1, {"outcome": "different"}),
            (REPRODUCTION_V1, {"outcome": "failed"}),
            (REPRODUCTION_V1, {"id": "nothing"}),
            (REPRODUCTION_V1, {"kind": "segment"}),
        ],
        ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else value[-16:-3],
    )
    def test_what_does_not_speak_for_the_model_does_not_count(
        self, tmp_path: Path, kind: str, changes: dict[str, Any]
    ) -> None:
        if kind == REPRODUCTION_V1:
            one = {"kind": "evaluation", "id": "e1", "comparison": "bitwise", "outcome": "equal"}
            changes = {"reproduced": [{**one, **changes}]}
        folder = attested(tmp_path, kind, **changes)
        name = "evaluator" if kind == EVALUATION_V1 else "reproducer"
        report = look(folder, rules(roles=role(name)))
        assert codes(report) == ["policy-threshold"]
        assert "signature-not-counted" in report.codes()
        optional = look(folder, rules(roles=role(name, required=False)))
        assert optional.verdict == "PASS"  # whoever can add a file cannot make it fail

    def test_other_model_name_does_not_count(self, tmp_path: Path) -> None:
        digest = json.loads(attestation(CraftedRelease(), EVALUATION_V1))["predicate"]["manifest"][
            "digest"
        ]
        for name, verdict in (("digits-mlp", "PASS"), ("other", "FAIL")):
            folder = attested(
                tmp_path / name, EVALUATION_V1, manifest={"digest": digest, "model": name}
            )
            assert look(folder, rules(roles=role("evaluator"))).verdict == verdict

    @pytest.mark.parametrize("boundary", ["2026-11-22T12:05:00Z", "2026-11-22T12:00:00Z"])
    def test_clock_that_is_a_little_ahead_counts(self, tmp_path: Path, boundary: str) -> None:
        folder = attested(tmp_path, EVALUATION_V1, createdAt=boundary)
        assert look(folder, rules(roles=role("evaluator"))).verdict == "PASS"


class TestSeveralPredicateTypes:
    """Roles that sign more than one kind of statement."""

    @pytest.mark.parametrize("name", ["auditor", "evaluator"])
    def test_each_type_needs_its_signatures(self, tmp_path: Path, name: str) -> None:
        policy = rules(roles=role(name, predicateTypes=[MANIFEST_V1, EVALUATION_V1]))
        made = CraftedRelease()
        co_signed = write_bundle(sign_payload(made.payload(), private_key(STRANGER)))
        made.companions["attestations/co.sigstore.json"] = co_signed
        assert codes(look(made.write(tmp_path / "co"), policy)) == ["policy-threshold"]
        evaluated = attested(tmp_path, EVALUATION_V1)
        assert codes(look(evaluated, policy)) == ["policy-threshold"]
        (evaluated / "training-provenance/attestations/co.sigstore.json").write_bytes(co_signed)
        assert look(evaluated, policy).verdict == "PASS"


class TestEmptyValues:
    """Fields that are there and say nothing."""

    @pytest.mark.parametrize(
        ("pattern", "edit"),
        [
            ("model.licenses", lambda tree: tree["model"].update(licenses=[])),
            ("datasets[*].licenses", lambda tree: tree["datasets"][0].update(licenses=[])),
            ("extensions", lambda tree: tree.update(extensions={})),
            ("extensions", lambda tree: tree.update(extensions={"https://x.example/y": {}})),
        ],
        ids=["list", "list in a list", "object", "object of an object"],
    )
    def test_nothing_meets_no_requirement(
        self, tmp_path: Path, pattern: str, edit: Callable[[dict[str, Any]], object]
    ) -> None:
        folder = CraftedRelease(edit_manifest=edit).write(tmp_path / "model")
        report = look(folder, rules(require={pattern: "declared"}))
        assert "requirement-not-met" in report.codes()
        assert report.verdict == "INCOMPLETE"


class TestMemory:
    """An old release whose signatures were dropped or put in another order."""

    def co_sign(self, folder: Path) -> bytes:
        from provenance.envelope import parse_bundle  # noqa: PLC0415 - this helper alone

        payload = parse_bundle((folder / BUNDLE).read_bytes()).envelope.payload
        return write_bundle(sign_payload(payload, private_key(STRANGER)))

    def test_signer_that_was_promoted_hides_no_rollback(self, tmp_path: Path) -> None:
        policy, state = rules(roles=BOTH), tmp_path / "state.json"
        newer = dated(tmp_path / "newer", "2026-11-22T11:00:00Z")
        older = dated(tmp_path / "older", "2026-11-22T10:59:59Z")
        assert look(newer, policy, state=state).verdict == "PASS"
        (older / BUNDLE).write_bytes(self.co_sign(older))  # the other trainer alone
        assert look(older, policy).verdict == "PASS"
        assert codes(look(older, policy, state=state)) == ["rollback"]

    def test_signer_that_is_trusted_no_more_is_another_publisher(self, tmp_path: Path) -> None:
        state = tmp_path / "state.json"
        newer = dated(tmp_path / "newer", "2026-11-22T11:00:00Z")
        older = dated(tmp_path / "older", "2026-11-22T10:59:59Z")
        assert look(newer, rules(), state=state).verdict == "PASS"
        (older / BUNDLE).write_bytes(self.co_sign(older))
        report = look(older, rules(roles={"trainer": {"signers": ["other"]}}), state=state)
        expect(report, "PASS", "signer-changed")

    def test_co_signature_of_no_role_is_not_remembered(self, tmp_path: Path) -> None:
        from provenance.trust import read_state  # noqa: PLC0415 - this test alone

        state = tmp_path / "state.json"
        folder = dated(tmp_path / "model", "2026-11-22T11:00:00Z")
        place = folder / "training-provenance/attestations"
        place.mkdir()
        (place / "co.sigstore.json").write_bytes(self.co_sign(folder))
        policy = rules(roles=role("evaluator", required=False))
        assert look(folder, policy, state=state).verdict == "PASS"
        (entry,) = read_state(state)
        assert entry.signers == (public_key().fingerprint,)

    @pytest.mark.parametrize("target", ["README.md", BUNDLE])
    def test_memory_in_the_release_of_a_file_is_refused(self, folder: Path, target: str) -> None:
        with pytest.raises(UsageError, match="cannot lie in"):
            look(folder / target, rules(), state=folder / "state.json", manifest=folder / BUNDLE)

    def test_nothing_is_left_where_nothing_passed(self, folder: Path, tmp_path: Path) -> None:
        state = tmp_path / "memory/state.json"
        assert look(folder, rules(), only="README.md", state=state).verdict == "INCOMPLETE"
        assert not state.parent.exists()
