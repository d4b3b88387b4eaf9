"""A policy in plain words: every rule is said, and foreign text draws nothing."""

from __future__ import annotations

from provenance.render import render_policy
from provenance.signing import generate_private_key
from provenance.trust import TrustPolicy, compile_policy, read_policy
from provenance.trust.rules import AncestorRules, Requirement
from support.policies import policy_bytes

A = generate_private_key().public_key
B = generate_private_key("ed25519").public_key


def test_every_rule_is_said() -> None:
    document = policy_bytes(
        {"a": A, "b": B},
        version=3,
        expires="2027-01-01T00:00:00Z",
        roles={
            "trainer": {"signers": ["a", "b"], "threshold": 2, "models": ["x", "digits-*"]},
            "data": {"signers": ["a"]},
            "reproducer": {"signers": ["b"], "required": False},
        },
        policySigners={"signers": ["b"]},
        algorithms=["ecdsa-p256-sha256", "ed25519"],
        log={"required": True},
        maxAgeDays=90,
        digests="all",
        ignore=["hub"],
        require={"datasets[*].licenses": "declared"},
        requireParts={"training-log": "linked"},
        requireEmpty="met",
        requireNotApplicable="met",
        ancestors={
            "bound": True,
            "signers": ["a"],
            "require": {"model.licenses": "declared"},
        },
        revoked={
            "keys": [
                {"fingerprint": "0" * 64, "from": "2026-01-01T00:00:00Z", "reason": "stolen"},
                *({"fingerprint": f"{number:064x}"} for number in range(1, 31)),
            ],
            "artifacts": [{"sha256": "1" * 64, "reason": "wrong"}],
        },
    )
    lines = render_policy(compile_policy(read_policy(document)))
    assert [line for line in lines if not line.startswith(("Key SHA256", "a is", "b is"))] == [
        'Policy "test", version 3.',
        "It expires at 2027-01-01T00:00:00Z; after that, nothing passes with it.",
        (
            "As trainer, 2 of a, b must have signed the manifest, only for models "
            'called "x" or that begin with "digits-".'
        ),
        "As data, a must have signed statements about datasets.",
        "As reproducer, b may sign statements about reproductions.",
        "Statements about datasets do not lie in a release, so the verdict is never PASS.",
        "The next version of this policy: b must sign it.",
        "Only signatures by ecdsa-p256-sha256, ed25519 count.",
        "A signature counts only with a time that a transparency log proves.",
        "A manifest made more than 90 days ago is refused.",
        "Every recorded digest is recomputed.",
        "datasets[*].licenses: must be stated.",
        "The whole part training-log: must be linked to the training log by a proof.",
        "A requirement that matches nothing is met.",
        "A requirement of something that does not apply is met.",
        "Files of the preset hub are not checked.",
        "Every model that this one was made from must be bound by a digest.",
        "Their manifests must be signed by one of a.",
        "They are not at hand when a release is verified, so the verdict is then INCOMPLETE.",
        "In their manifests, model.licenses: must be stated.",
        f"Whatever has the SHA-256 {'1' * 64} is revoked (wrong).",
        "11 more are revoked.",
    ]
    assert f"a is {A.fingerprint}." in lines
    (dated,) = (line for line in lines if "stolen" in line)
    assert dated.endswith(
        "is revoked from 2026-01-01T00:00:00Z; signatures proven to be older stay good (stolen)."
    )


def test_foreign_text_is_escaped() -> None:
    policy = TrustPolicy(
        name="\x1b[2J\u202e\n\x07",
        ancestors=AncestorRules(requirements=(Requirement("model.licenses", "bound"),)),
    )
    text = "".join(render_policy(policy))
    assert text.isprintable()
    assert text.isascii()


def test_a_name_cannot_close_its_quotation_marks() -> None:
    roles = {"trainer": {"signers": ["a"], "models": ['a" or called "z']}}
    document = policy_bytes({"a": A}, name='x". The policy "y', roles=roles)
    text = render_policy(compile_policy(read_policy(document)))
    assert text[0].startswith(r'Policy "x\". The policy \"y"')
    assert any(r'called "a\" or called \"z"' in line for line in text)


def test_an_allowance_for_clocks_of_its_own_is_said() -> None:
    said = "The clock of a signer may be ahead of yours by 86400 seconds."
    wide = compile_policy(read_policy(policy_bytes({"a": A}, clockSkewSeconds=86_400)))
    assert said in render_policy(wide)
    plain = compile_policy(read_policy(policy_bytes({"a": A})))
    assert not [line for line in render_policy(plain) if "clock" in line]
