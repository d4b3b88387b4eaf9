"""`provenance policy`: templates, checking and explaining."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

import pytest

from provenance.signing import generate_private_key
from provenance.trust import TEMPLATES, read_policy
from support.policies import policy_bytes
from support.source import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command
    from provenance.signing import PrivateKey

FILLED = {
    "what you call this policy": "mine",
    "name of the model": "digits-mlp",
    "when it is to be renewed, e.g. 2027-12-31T00:00:00Z": "2199-12-31T00:00:00Z",
}


def filled(name: str, folder: Path) -> Path:
    """Write a template with its placeholders filled, and the keys that it names."""

    def fill(match: re.Match[str]) -> str:
        if match[1] in FILLED:
            return f'"{FILLED[match[1]]}"'
        key = folder / f"{len(list(folder.glob('*.pub')))}.pub"
        key.write_bytes(generate_private_key().public_key.to_pem())
        return f'"{key.name}"'

    path = folder / "policy.toml"
    path.write_text(re.sub(r'"<([^>]+)>"', fill, TEMPLATES[name]), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_says_that_it_is_to_be_filled_in(name: str, cli: Command) -> None:
    made = cli("policy", "init", name, "-o", "policy.toml")
    assert made.code == 0
    checked = cli("policy", "check", "policy.toml")
    assert checked.code == 2
    assert checked.out == ""
    assert "policy.toml#/name: " in checked.err
    assert "is a placeholder; fill it in" in checked.err


@pytest.mark.parametrize("name", TEMPLATES)
def test_everything_that_is_left_to_fill_in_is_said_at_once(name: str, cli: Command) -> None:
    cli("policy", "init", name, "-o", "policy.toml")
    checked = cli("policy", "check", "policy.toml")
    lines = checked.err.splitlines()
    assert len(lines) == len(re.findall(r'"<[^>]+>"', TEMPLATES[name]))
    assert all(line.startswith("error: policy.toml#/") for line in lines)


def test_missing_files_and_placeholders_are_said_together(cli: Command, work: Path) -> None:
    root = {"identity": "a@b.example", "issuer": "https://c.example", "trustedRoot": "root.json"}
    tree = {
        "policyVersion": "1.0",
        "name": "<name>",
        "signers": {
            "a": {"key": "a.pub"},
            "b": {"key": "<file>"},
            "c": {"certificate": {"authority": "ca.pem", "identity": "a@b.example"}},
            "d": {"keyless": root},
            "e": {"key": "here.pub", "trustedRoot": "log.json"},
        },
        "timestamps": {"authorities": ["tsa.pem", "here.pub"]},
        "roles": {"trainer": {"signers": ["a"]}},
    }
    (work / "here.pub").write_bytes(generate_private_key().public_key.to_pem())
    (work / "p.json").write_text(json.dumps(tree))
    checked = cli("policy", "check", "p.json")
    assert (checked.code, checked.out) == (2, "")
    places = [line.split("#")[1].split(": ")[0] for line in checked.err.splitlines()]
    assert places == [
        *("/name", "/signers/b/key", "/signers/a/key", "/signers/c/certificate/authority"),
        *("/signers/d/keyless/trustedRoot", "/signers/e/trustedRoot", "/timestamps/authorities/0"),
    ]
    assert "'a.pub': there is no such file" in checked.err


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_commented_ways_to_know_a_signer_are_valid(name: str) -> None:
    text = TEMPLATES[name]
    begin = text.index("# A line of an OpenSSH")
    end = text.index("# required = true") + len("# required = true")
    lines = text[begin:end].splitlines()
    shown = [line[2:] for line in lines if not line.endswith((":", ")."))]
    head = 'policyVersion = "1.0"\nname = "x"\nroles = {trainer = {signers = ["somebody"]}}\n'
    found = read_policy((head + "\n".join(shown)).encode())
    assert set(found.signers) == {"somebody", "department", "pipeline"}
    assert found.timestamps is not None


@pytest.mark.parametrize(
    ("pointer", "change", "allowed"),
    [
        ("/signers/key/pem", {"signers": {"key": {"pem": "x"}}}, "algorithms, certificate"),
        ("/roles/trainer/who", {"roles": {"trainer": {"signers": ["a"], "who": 1}}}, "threshold"),
        (
            "/timestamps/urls",
            {"timestamps": {"authorities": ["-----BEGIN "], "urls": []}},
            "authorities",
        ),
        ("/sign", {"sign": {}}, "policyVersion, require,"),
    ],
)
def test_an_unknown_field_lists_the_known_ones(
    cli: Command, work: Path, pointer: str, change: dict[str, object], allowed: str
) -> None:
    tree = {"policyVersion": "1.0", "name": "x", "signers": {"a": {"ssh": "x"}}, **change}
    (work / "p.json").write_text(json.dumps({"roles": {"trainer": {"signers": ["a"]}}, **tree}))
    checked = cli("policy", "check", "p.json")
    assert checked.code == 2
    assert f"p.json#{pointer}: this field is unknown" in checked.err
    assert "expected some of " in checked.err
    assert allowed in checked.err


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_filled_template_passes_and_is_explained(name: str, cli: Command, work: Path) -> None:
    path = filled(name, work)
    checked = cli("policy", "check", path)
    assert (checked.code, checked.err) == (0, "")
    assert checked.out.startswith('The policy "mine" can be used. Roles: trainer (')
    explained = cli("policy", "explain", path)
    assert explained.code == 0
    assert 'Policy "mine", version 1.' in explained.out
    assert "must have signed the manifest" in explained.out


def test_a_template_on_standard_output(cli: Command) -> None:
    assert cli("policy", "init", "consumer").out.rstrip("\n") == TEMPLATES["consumer"].rstrip("\n")
    tree = json.loads(cli("policy", "init", "consumer", "--format", "json").out)
    assert tree == {"template": "consumer", "text": TEMPLATES["consumer"]}


def test_nothing_is_overwritten(cli: Command, work: Path) -> None:
    (work / "policy.toml").write_text("mine", encoding="utf-8")
    refused = cli("policy", "init", "company", "-o", "policy.toml")
    assert refused.code == 1
    assert "never overwritten" in refused.err
    assert (work / "policy.toml").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(('key = "0.pub"', 'key = "9.pub"'), "#/signers/publisher/key: ", id="key"),
        pytest.param(
            ('signers = ["publisher"]', 'signers = ["publisher"]\nthreshold = 2'),
            "#/roles/trainer/threshold: ",
            id="threshold",
        ),
        pytest.param(("version = 1", "versoin = 1"), "#/versoin: ", id="field"),
        pytest.param(("[require]", "[require"), "is no TOML", id="syntax"),
    ],
)
def test_a_fault_is_said_in_one_line(
    change: tuple[str, str], said: str, cli: Command, work: Path
) -> None:
    path = filled("consumer", work)
    path.write_text(path.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    refused = cli("policy", "check", path)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.count("\n") == 1
    assert said in refused.err


def test_a_policy_that_cannot_be_read(cli: Command) -> None:
    assert cli("policy", "check", "nothing.toml").code == 4
    assert cli("policy", "explain", ".").code == 4


def test_an_expired_policy_is_said_to_be(cli: Command, work: Path) -> None:
    path = filled("company", work)
    text = path.read_text(encoding="utf-8").replace("2199-", "1999-")
    path.write_text(text, encoding="utf-8")
    assert "It has expired: nothing passes with it." in cli("policy", "check", path).out


def documented(command: str) -> set[str]:
    page = (REPOSITORY / "docs" / "reference" / "json-output.md").read_text(encoding="utf-8")
    section = page.split(f"\n## provenance {command}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))


def test_results_as_json(cli: Command, work: Path) -> None:
    path = filled("regulator", work)
    tree = json.loads(cli("policy", "check", path, "--format", "json").out)
    assert set(tree) == documented("policy check")
    assert tree["roles"]["auditor"]["signers"] == ["auditor"]
    assert tree["expires"] == "2199-12-31T00:00:00Z"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert tree["sha256"] == digest
    assert f"SHA-256 of its document: {digest}" in cli("policy", "check", path).out
    explained = json.loads(cli("policy", "explain", path, "--format", "json").out)
    assert explained["explanation"][0] == 'Policy "mine", version 1.'
    assert set(explained) == documented("policy explain")
    made = json.loads(cli("policy", "init", "company", "-o", "new.toml", "--format", "json").out)
    printed = json.loads(cli("policy", "init", "company", "--format", "json").out)
    assert {*made, *printed} == documented("policy init")


def test_foreign_text_draws_nothing(cli: Command, work: Path) -> None:
    path = filled("consumer", work)
    text = path.read_text(encoding="utf-8")
    evil = '[[revoked.keys]]\nfingerprint = "%s"\nreason = "\\u001b[2J\\u202e"\n' % ("0" * 64)
    path.write_text(text + evil, encoding="utf-8")
    explained = cli("policy", "explain", path)
    assert explained.code == 0
    assert "\x1b" not in explained.out
    assert "\u202e" not in explained.out


def trusting(path: Path, signer: PrivateKey, **changes: object) -> Path:
    """Write a policy that trusts one key."""
    path.write_bytes(policy_bytes({"me": signer.public_key}, **changes))
    return path


def test_verifying_with_a_policy(cli: Command, work: Path, signed: Path, key: PrivateKey) -> None:
    policy = trusting(work / "policy.json", key)
    passed = cli("verify", signed, "--policy", policy)
    assert (passed.code, passed.err) == (0, "")
    assert "in the policy as me" in passed.out
    stranger = trusting(work / "other.json", generate_private_key("ed25519"))
    assert cli("verify", signed, "--policy", stranger).code == 1


def test_pins_are_not_asked_where_a_policy_is_named(
    cli: Command, work: Path, signed: Path, key: PrivateKey
) -> None:
    assert cli("trust", "add", "me.key.pub", "--model", "digits-mlp", "--yes").code == 0
    stranger = trusting(work / "other.json", generate_private_key("ed25519"))
    assert key.fingerprint
    assert cli("verify", signed, "--policy", stranger).code == 1


@pytest.mark.parametrize("place", ["policy.json", "training-provenance/policy.json"])
def test_a_policy_inside_the_model_is_refused(
    place: str, cli: Command, signed: Path, key: PrivateKey
) -> None:
    policy = trusting(signed / place, key)
    refused = cli("verify", signed, "--policy", policy)
    assert (refused.code, refused.out) == (2, "")
    assert "the policy lies in the folder that it is to judge" in refused.err


def test_a_link_to_a_policy_inside_the_model_is_refused(
    cli: Command, work: Path, signed: Path, key: PrivateKey
) -> None:
    trusting(signed / "policy.json", key)
    (work / "link.json").symlink_to(signed / "policy.json")
    assert cli("verify", signed, "--policy", "link.json").code == 2


def test_a_policy_beside_the_model_is_never_looked_for(
    cli: Command, work: Path, signed: Path, key: PrivateKey
) -> None:
    for folder in (work, signed.parent):
        trusting(folder / "policy.json", key)
        trusting(folder / "policy.toml", key)
    assert cli("verify", signed).code == 3


def test_a_key_beside_a_policy_is_a_wrong_option(
    cli: Command, work: Path, signed: Path, key: PrivateKey
) -> None:
    policy = trusting(work / "policy.json", key)
    refused = cli("verify", signed, "--policy", policy, "--key", "me.key.pub")
    assert (refused.code, refused.out) == (2, "")


@pytest.mark.parametrize("policy", ["nothing.json", "."])
def test_a_policy_that_cannot_be_read_is_a_wrong_option(
    policy: str, cli: Command, signed: Path
) -> None:
    assert cli("verify", signed, "--policy", policy).code == 2
