"""`verify --state`, `verify --attest` and `check-summary`: what a verification leaves behind."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from cli.small_release import BUNDLE, make_draft
from cli.test_json_output import documented
from provenance.envelope import write_bundle
from provenance.signing import generate_private_key, sign_payload, write_key_pair
from support.policies import policy_bytes
from support.ssh_keys import public_line

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command
    from provenance.signing import PrivateKey

LISTING = "training-provenance/SHA256SUMS"
SUMMARY = "out/verification-summary.sigstore.json"
ATTEST = ("--attest", "gate.key", "--attest-output", "out")


@pytest.fixture
def gate(work: Path) -> PrivateKey:
    """Return the key of whoever verifies; its files are `gate.key` and `gate.key.pub`."""
    made = generate_private_key()
    write_key_pair(work / "gate.key", made)
    return made


@pytest.fixture
def attested(cli: Command, signed: Path, gate: PrivateKey) -> Path:
    """Return the summary of a release that passed."""
    assert gate.fingerprint
    result = cli("verify", signed, "--key", "me.key.pub", *ATTEST)
    assert result.code == 0, result.err
    return signed.parent / SUMMARY


# --state


def test_older_release_is_refused(cli: Command, signed: Path, key: PrivateKey) -> None:
    older = make_draft(signed.parent / "older", createdAt="2026-10-31T12:00:00Z")
    payload = (older.with_name("older.draft") / "statement.json").read_bytes()
    (older / BUNDLE).write_bytes(write_bundle(sign_payload(payload, key)))
    options = ("--key", "me.key.pub", "--state", "memory/state.json")
    assert cli("verify", older, *options).code == 0
    assert cli("verify", signed, *options).code == 0
    refused = cli("verify", older, *options)
    assert refused.code == 1
    assert refused.out.startswith("FAIL: /createdAt: created at 2026-10-31T12:00:00Z")
    assert "rollback" in refused.out or "Get the newest release" in refused.out
    assert cli("verify", older, "--key", "me.key.pub").code == 0


def test_foreign_state_is_a_wrong_option(cli: Command, signed: Path, work: Path) -> None:
    (work / "state.json").write_text("precious")
    result = cli("verify", signed, "--key", "me.key.pub", "--state", "state.json")
    assert (result.code, result.out) == (2, "")
    assert "is no memory of releases" in result.err
    assert (work / "state.json").read_text() == "precious"


def test_state_in_the_release_is_a_wrong_option(cli: Command, signed: Path) -> None:
    result = cli("verify", signed, "--key", "me.key.pub", "--state", signed / "state.json")
    assert (result.code, result.out) == (2, "")


# --attest


@pytest.mark.parametrize(
    "options",
    [
        ("--attest-output", "out"),
        ("--verifier-id", "https://gate.example"),
        ("--resource", "pkg:generic/x"),
        ("--policy-uri", "https://gate.example/policy"),
        ("--attest", "gate.key"),
        ("--attest", "nothing:key", "--attest-output", "out"),
        (*ATTEST, "--verifier-id", "me"),
        (*ATTEST, "--policy-uri", "policy"),
        (*ATTEST, "--resource", "a b"),
        ("--attest", "gate.key", "--attest-output", "model/out"),
        ("--attest", "gate.key", "--attest-output", "model"),
    ],
    ids=" ".join,
)
def test_options_that_make_no_sense(
    cli: Command, signed: Path, gate: PrivateKey, options: tuple[str, ...]
) -> None:
    assert gate.fingerprint
    result = cli("verify", signed, "--key", "me.key.pub", *options)
    assert (result.code, result.out) == (2, ""), result.err
    assert not (signed.parent / "out").exists()
    assert not (signed / "out").exists()


def test_key_that_is_not_there_is_said_before_anything_is_verified(
    cli: Command, signed: Path
) -> None:
    result = cli("verify", signed, "--key", "me.key.pub", *ATTEST)
    assert (result.code, result.out) == (4, "")


def test_both_forms_are_written_and_replaced(cli: Command, attested: Path, signed: Path) -> None:
    assert sorted(path.name for path in attested.parent.iterdir()) == [
        "verification-result.sigstore.json",
        "verification-summary.sigstore.json",
    ]
    (signed / "config.json").write_bytes(b"x")
    assert cli("verify", signed, "--key", "me.key.pub", *ATTEST).code == 1
    checked = cli("check-summary", SUMMARY, "--key", "gate.key.pub", "--release", signed)
    assert checked.code == 1
    assert "the summary says 'FAILED' and 'FAIL'" in checked.out


def test_nothing_to_attest_is_said(cli: Command, signed: Path, gate: PrivateKey) -> None:
    assert gate.fingerprint
    result = cli("verify", signed, *ATTEST)
    assert result.code == 3
    assert "the outcome was not signed: no key that was named has signed this" in result.err
    assert not (signed.parent / "out").exists()


def test_folder_that_cannot_be_made_is_an_error(
    cli: Command, signed: Path, gate: PrivateKey, work: Path
) -> None:
    assert gate.fingerprint
    (work / "file").write_bytes(b"")
    options = ("--attest", "gate.key", "--attest-output", "file/out")
    assert cli("verify", signed, "--key", "me.key.pub", *options).code == 4


def test_policy_file_is_named_with_its_digest(
    cli: Command, signed: Path, key: PrivateKey, gate: PrivateKey, work: Path
) -> None:
    assert gate.fingerprint
    data = policy_bytes({"me": key.public_key}, name="in production", version=4)
    (work / "policy.json").write_bytes(data)
    assert cli("verify", signed, "--policy", "policy.json", *ATTEST).code == 0
    options = ("--key", "gate.key.pub", "--release", signed)
    uri = "https://training-provenance.github.io/policy/v1?name=in%20production&version=4"
    digest = sha256(data).hexdigest()
    good = cli("check-summary", SUMMARY, *options, "--policy-uri", uri, "--policy-sha256", digest)
    assert good.code == 0, good.out
    assert cli("check-summary", SUMMARY, *options, "--policy-sha256", "0" * 64).code == 1


# check-summary


def test_summary_lets_the_release_in(cli: Command, attested: Path, signed: Path) -> None:
    listing = (signed / "training-provenance" / "SHA256SUMS").read_bytes()
    for which in (("--release", signed), ("--sha256", sha256(listing).hexdigest())):
        result = cli("check-summary", attested, "--key", "gate.key.pub", *which, "--max-age", "1")
        assert (result.code, result.err) == (0, "")
        assert result.out.startswith("PASS: key SHA256:")
        assert "The files were not read here." in result.out


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), 2),
        (("--release", "model", "--sha256", "0" * 64), 2),
        (("--sha256", "x"), 2),
        (("--sha256", "0" * 64), 1),
        (("--release", "nothing"), 4),
        (("--release", "model", "--max-age", "0"), 1),
        (("--release", "model", "--max-age", "-1"), 2),
        (("--release", "model", "--max-age", "nan"), 2),
        (("--release", "model", "--verifier-id", "https://other.example"), 1),
        (("--release", "model", "--resource", "pkg:generic/other"), 1),
        (("--release", "model", "--key", "nothing.pub"), 2),
    ],
    ids=[
        "nothing", "both", "no digest", "other release", "no release", "old", "negative",
        "no number", "other verifier", "other resource", "no key file",
    ],
)  # fmt: skip
def test_summary_that_lets_nothing_in(
    cli: Command, attested: Path, options: tuple[str, ...], code: int
) -> None:
    result = cli("check-summary", attested, "--key", "gate.key.pub", *options)
    assert result.code == code, result.out + result.err
    assert "PASS" not in result.out


def test_without_a_key_it_is_incomplete(cli: Command, attested: Path, signed: Path) -> None:
    result = cli("check-summary", attested, "--release", signed)
    assert result.code == 3
    assert result.out.startswith("INCOMPLETE: no key was named")


def test_publishers_own_summary_is_not_believed(cli: Command, attested: Path, signed: Path) -> None:
    result = cli("check-summary", attested, "--key", "me.key.pub", "--release", signed)
    assert result.code == 1


def test_summary_that_is_not_there_is_an_error(cli: Command, attested: Path, signed: Path) -> None:
    attested.unlink()
    result = cli("check-summary", attested, "--key", "gate.key.pub", "--release", signed)
    assert result.code == 4


def test_summary_as_json(cli: Command, attested: Path, signed: Path) -> None:
    result = cli(
        "check-summary", attested, "--key", "gate.key.pub", "--release", signed, "--format", "json"
    )
    tree = json.loads(result.out)
    assert set(tree) == documented("check-summary")
    assert (tree["verdict"], tree["problems"]) == ("PASS", [])
    assert "TRAINING_PROVENANCE_PASS" in tree["levels"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--policy-sha256", "abc"), "expected 64 lower-case hexadecimal characters"),
        (("--policy-sha256", "A" * 64), "expected 64 lower-case hexadecimal characters"),
        (("--policy-key", "me.key.pub"), "goes with --policy"),
        (("--policy", "p.json", "--policy-sha256", "0" * 64), "named twice"),
        (("--policy", "nowhere.json"), "nowhere.json"),
        (("--identity", "a@b.example"), "--ca"),
    ],
    ids=["short", "upper case", "key alone", "twice", "no file", "no authority"],
)
def test_a_wrong_option_of_the_gate_is_2(
    cli: Command, attested: Path, signed: Path, options: tuple[str, ...], said: str
) -> None:
    gate = ("--key", "gate.key.pub", "--release", signed)
    result = cli("check-summary", attested, *gate, *options)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_the_gate_takes_the_policy_itself(
    cli: Command, work: Path, signed: Path, key: PrivateKey, gate: PrivateKey
) -> None:
    assert gate.fingerprint
    document = policy_bytes({"me": key.public_key}, policySigners={"signers": ["me"]})
    (work / "p.json").write_bytes(document)
    (work / "q.json").write_bytes(policy_bytes({"me": key.public_key}, name="another"))
    assert cli("policy", "sign", "p.json", "--key", "me.key", "-o", "p.signed").code == 0
    by = ("--policy", "p.signed", "--policy-key", "me.key.pub")
    assert cli("verify", signed, *by, *ATTEST).code == 0
    asked = ("check-summary", SUMMARY, "--key", "gate.key.pub", "--release", signed)
    assert cli(*asked, *by).code == 0
    assert cli(*asked, "--policy", "p.json").code == 0  # the document that was signed
    refused = cli(*asked, "--policy", "q.json")
    assert refused.code == 1
    assert "/policy/digest/sha256 is" in refused.out
    assert cli(*asked, "--policy", "p.signed").code == 2


def test_whoever_verifies_may_be_known_by_an_ssh_list(
    cli: Command, work: Path, attested: Path, signed: Path, gate: PrivateKey
) -> None:
    line = public_line(gate.public_key)
    (work / "signers").write_text(f"gate@lab.example {line}\n")
    asked = ("check-summary", attested, "--release", signed)
    assert cli(*asked, "--allowed-signers", "signers").code == 0


# Ways to an outcome that says more than was verified


def test_long_names_are_signed_all_the_same(
    cli: Command, signed: Path, key: PrivateKey, gate: PrivateKey, work: Path
) -> None:
    assert gate.fingerprint
    data = policy_bytes({"me": key.public_key}, name="é" * 400)
    (work / "policy.json").write_bytes(data)
    result = cli("verify", signed, "--policy", "policy.json", *ATTEST)
    assert (result.code, (work / SUMMARY).exists()) == (0, True)


def test_pass_that_is_not_signed_is_no_success(
    cli: Command, signed: Path, gate: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gate.fingerprint
    monkeypatch.setattr("provenance.cli.attest_options.Attester.write", lambda *_: False)
    assert cli("verify", signed, "--key", "me.key.pub", *ATTEST).code == 4


def test_earlier_outcome_does_not_stay(cli: Command, attested: Path, signed: Path) -> None:
    other = generate_private_key()
    write_key_pair(signed.parent / "other.key", other)
    assert cli("verify", signed, "--key", "other.key.pub", *ATTEST).code == 1
    assert not list(attested.parent.iterdir())


def test_policy_that_other_options_loosen_is_not_named(
    cli: Command, signed: Path, key: PrivateKey, gate: PrivateKey, work: Path
) -> None:
    option = ("--preset", "hub")
    assert gate.fingerprint
    (work / "policy.json").write_bytes(policy_bytes({"me": key.public_key}))
    result = cli("verify", signed, "--policy", "policy.json", *option, *ATTEST)
    assert (result.code, result.out) == (2, "")
    assert "loosens the policy" in result.err
    assert not (work / "out").exists()
    named = policy_bytes({"me": key.public_key}, ignore=["hub"])
    (work / "policy.json").write_bytes(named)
    assert cli("verify", signed, "--policy", "policy.json", *option, *ATTEST).code == 0


def test_sha256_is_recomputed_for_an_outcome(cli: Command, attested: Path, signed: Path) -> None:
    assert attested.exists()
    result = cli("verify", signed, "--key", "me.key.pub", *ATTEST, "--format", "json")
    files = json.loads(result.out)["files"]
    assert files["sha256Matched"] == files["listed"] == files["matched"]
    plain = cli("verify", signed, "--key", "me.key.pub", "--format", "json")
    assert json.loads(plain.out)["files"]["sha256Matched"] == 0


def test_outcome_beside_one_file_of_a_release_is_refused(
    cli: Command, signed: Path, gate: PrivateKey
) -> None:
    assert gate.fingerprint
    options = ("--attest", "gate.key", "--attest-output", signed / "out")
    for target in (
        (signed / "config.json",),
        ("--listing", signed / LISTING, "--manifest", signed / BUNDLE),
    ):
        result = cli("verify", *target, "--key", "me.key.pub", *options)
        assert (result.code, result.out) == (2, ""), result.err
    assert not (signed / "out").exists()


def test_digests_alone_do_not_pass_a_gate_unless_it_says_so(
    cli: Command, signed: Path, gate: PrivateKey
) -> None:
    assert gate.fingerprint
    held = ("--listing", signed / LISTING, "--manifest", signed / BUNDLE)
    assert cli("verify", *held, "--key", "me.key.pub", *ATTEST).code == 0
    options = ("check-summary", SUMMARY, "--key", "gate.key.pub", "--release", signed)
    refused = cli(*options)
    assert refused.code == 3
    assert refused.out.startswith("INCOMPLETE: the summary does not say 'TRAINING_PROVENANCE_FILES")
    assert cli(*options, "--require", "TRAINING_PROVENANCE_DIGESTS_MATCHED").code == 0


# A policy that its own subject brings along


@pytest.mark.parametrize("place", ["model/policy.json", "link.json"])
@pytest.mark.parametrize(
    "target",
    [
        ("model",),
        ("model/config.json",),
        ("--listing", "model/training-provenance/SHA256SUMS", "--manifest", "model/" + BUNDLE),
    ],
    ids=["folder", "file", "listing"],
)
def test_policy_in_the_model_is_a_wrong_option(
    cli: Command, signed: Path, key: PrivateKey, place: str, target: tuple[str, ...]
) -> None:
    work = signed.parent
    (signed / "policy.json").write_bytes(policy_bytes({"me": key.public_key}))
    (work / "link.json").symlink_to(signed / "policy.json")
    result = cli("verify", *target, "--policy", place)
    assert (result.code, result.out) == (2, "")
    assert "the policy lies in the folder that it is to judge" in result.err


def test_policy_that_the_model_links_to_is_a_wrong_option(
    cli: Command, signed: Path, key: PrivateKey, work: Path
) -> None:
    (work / "mine.json").write_bytes(policy_bytes({"me": key.public_key}))
    (signed / "policy.json").symlink_to(work / "mine.json")
    assert cli("verify", signed, "--policy", "model/policy.json").code == 2
    assert cli("verify", signed / "config.json", "--policy", "mine.json").code == 3


def test_policy_in_the_blobs_of_a_download_is_a_wrong_option(
    cli: Command, signed: Path, key: PrivateKey, work: Path
) -> None:
    snapshot = work / "models--lab--digits/snapshots/1"
    snapshot.parent.mkdir(parents=True)
    signed.rename(snapshot)
    blobs = work / "models--lab--digits/blobs"
    blobs.mkdir()
    (blobs / "abc").write_bytes(policy_bytes({"me": key.public_key}))
    (snapshot / "policy.json").symlink_to(blobs / "abc")
    for place in (snapshot / "policy.json", blobs / "abc"):
        assert cli("verify", snapshot, "--layout", "hf-cache", "--policy", place).code == 2
