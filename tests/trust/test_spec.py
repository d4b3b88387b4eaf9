"""`spec/trust-policy.md` says what the code does: fields, codes, limits, examples, rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from provenance.canonical import (
    MAX_DEPTH,
    MAX_POLICY_BYTES,
    MAX_POLICY_REQUIREMENTS,
    MAX_POLICY_REVOCATIONS,
    MAX_POLICY_ROLES,
    MAX_POLICY_SIGNERS,
    MAX_POLICY_UPDATES,
    MAX_SIGNED_POLICY_BYTES,
    MAX_STATE_BYTES,
    MAX_STATE_ENTRIES,
    MAX_VOTE_STEPS,
    MAX_VOTE_TRIPLES,
)
from provenance.findings import CODES
from provenance.manifest.base import wire_fields
from provenance.signing import VerifiedSigner, generate_private_key
from provenance.trust import PolicyDocument, count_votes, load_policy
from provenance.trust.compiling import DEFAULT_PREDICATE_TYPES
from provenance.trust.documents import (
    AncestorsDocument,
    RevokedDocument,
    RoleDocument,
    SignerDocument,
)
from provenance.trust.signer_compiling import MAX_NAMED_FILE_BYTES
from support.source import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.manifest import Document

TEXT = (REPOSITORY / "spec" / "trust-policy.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    start = re.search(rf"^#+ {re.escape(title)}$", TEXT, re.MULTILINE)
    assert start, title
    following = re.search(r"^#", TEXT[start.end() :], re.MULTILINE)
    return TEXT[start.end() : start.end() + following.start()] if following else TEXT[start.end() :]


def first_cells(text: str) -> list[str]:
    cells = re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)
    return [cell for cell in cells if cell.strip("- ")]


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Policy", PolicyDocument),
        ("Signer", SignerDocument),
        ("Role", RoleDocument),
        ("Ancestors", AncestorsDocument),
        ("Revoked", RevokedDocument),
    ],
)
def test_tables_have_every_field(title: str, kind: type[Document]) -> None:
    rows = [cell for cell in first_cells(section(title)) if cell.startswith("`")]
    named = {name for cell in rows for name in re.findall(r"`(\w+)`", cell)}
    assert set(wire_fields(kind)) == named - set(DEFAULT_PREDICATE_TYPES)


def test_default_predicate_types_are_those_of_the_code() -> None:
    rows = re.findall(
        r"^\| ((?:`\w+`(?:, )?)+) \| `([a-z]+/v1)` \|$", section("Role"), re.MULTILINE
    )
    said = {name: kind for names, kind in rows for name in re.findall(r"`(\w+)`", names)}
    made = {name: types[0] for name, types in DEFAULT_PREDICATE_TYPES.items()}
    assert said.keys() == made.keys()
    assert all(made[name].endswith(f"/{said[name]}") for name in said)


def test_rules_are_counted() -> None:
    anchors = [int(number) for number in re.findall(r"\[R-POL-(\d+)\]", TEXT)]
    assert anchors == list(range(1, len(anchors) + 1))


def test_codes_are_registered_with_their_steps() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", section("Findings"), re.MULTILINE)
    assert {code: int(step) for code, step in rows} == {code: CODES[code].step for code, _ in rows}
    assert {code for code in CODES if code.startswith("policy-")} <= {code for code, _ in rows}


def test_limits_are_those_of_the_code() -> None:
    found = dict(
        re.findall(r"^\| ([^|]+) \| ([\d,]+)(?: each)? \|$", section("Limits"), re.MULTILINE)
    )
    assert {name: int(text.replace(",", "")) for name, text in found.items()} == {
        "policy, bytes": MAX_POLICY_BYTES,
        "signers, and names in one list": MAX_POLICY_SIGNERS,
        "roles": MAX_POLICY_ROLES,
        "requirements of one table": MAX_POLICY_REQUIREMENTS,
        "revoked keys, and revoked artifacts": MAX_POLICY_REVOCATIONS,
        "file that a policy names, bytes": MAX_NAMED_FILE_BYTES,
        "nesting": MAX_DEPTH,
        "signed policy, bytes": MAX_SIGNED_POLICY_BYTES,
        "signatures of a signed policy, and updates followed at once": MAX_POLICY_UPDATES,
        "memory of releases, bytes": MAX_STATE_BYTES,
        "entries of a memory": MAX_STATE_ENTRIES,
        "page of published keys, bytes": MAX_POLICY_BYTES,
    }


def test_the_example_of_the_first_page_compiles(tmp_path: Path) -> None:
    match = re.search(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert match
    for name in ("digits-lab.pub", "review.pub"):
        (tmp_path / name).write_bytes(generate_private_key().public_key.to_pem())
    (tmp_path / "policy.toml").write_text(match[1], encoding="utf-8")
    policy = load_policy(tmp_path / "policy.toml")
    assert policy.roles[0].threshold == 2
    assert [item.pattern for item in policy.requirements] == ["datasets[*].licenses", "evaluations"]


def test_the_example_of_thresholds_is_right() -> None:
    signers = [
        (name, VerifiedSigner("certificate", key, "ed25519", vote, "ca"))
        for name, vote, key in re.findall(r"\((\w), (\w), (\d)\)", section("Thresholds"))
    ]
    assert len(signers) == 8
    assert count_votes(signers[:4]) == 2
    assert count_votes(signers[4:]) == 1


def test_limits_of_the_count_are_those_of_the_code() -> None:
    assert f"| {MAX_VOTE_TRIPLES} and {MAX_VOTE_STEPS:,} |" in section("Limits")
    assert f"{MAX_VOTE_TRIPLES} triples" in section("Thresholds")
    assert f"{MAX_VOTE_STEPS:,} steps" in section("Thresholds")
