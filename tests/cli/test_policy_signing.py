"""`provenance policy sign`, `policy update`, and `verify --policy` with a signed policy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.test_json_output import documented
from provenance.signing import PrivateKey, generate_private_key, write_key_pair
from support.policies import policy_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command


@pytest.fixture
def keys(work: Path, key: PrivateKey) -> dict[str, PrivateKey]:
    """Return the keys of two people; their files are `ann.key` and `ben.key`."""
    made = {name: generate_private_key() for name in ("ann", "ben")}
    for name, one in made.items():
        write_key_pair(work / f"{name}.key", one)
    return {"me": key, **made}


def write_policy(work: Path, keys: dict[str, PrivateKey], version: int, **changes: Any) -> str:  # noqa: ANN401 - JSON
    """Write `vN.json` and return its name."""
    name = f"v{version}.json"
    data = policy_bytes(
        {who: one.public_key for who, one in keys.items()},
        version=version,
        policySigners={"signers": ["ann", "ben"], "threshold": 2},
        **changes,
    )
    (work / name).write_bytes(data)
    return name


@pytest.fixture
def first(cli: Command, work: Path, keys: dict[str, PrivateKey]) -> str:
    """Return version 1, signed by both."""
    name = write_policy(work, keys, 1)
    both = ("--key", "ann.key", "--key", "ben.key")
    assert cli("policy", "sign", name, *both, "-o", "v1.signed").code == 0
    return "v1.signed"


@pytest.fixture
def second(cli: Command, work: Path, keys: dict[str, PrivateKey], first: str) -> str:
    """Return version 2, signed by both."""
    name = write_policy(work, keys, 2)
    both = ("--key", "ann.key", "--key", "ben.key")
    made = cli("policy", "sign", name, *both, "--previous", first, "-o", "v2.signed")
    assert (made.code, made.out) == (0, "Wrote v2.signed: a signed policy with 2 signatures.\n")
    return "v2.signed"


def test_signature_is_added_to_the_file(
    cli: Command, work: Path, keys: dict[str, PrivateKey], signed: Path
) -> None:
    name = write_policy(work, keys, 1)
    cli("policy", "sign", name, "--key", "ann.key", "-o", "p.signed")
    options = ("--policy", "p.signed", "--policy-key", "ann.key.pub")
    refused = cli("verify", signed, *options)
    assert (refused.code, refused.out) == (2, "")
    assert "1 of the 2 signatures that are needed of its own policySigners" in refused.err
    added = cli("policy", "sign", "p.signed", "--key", "ben.key", "-o", "p.signed")
    assert added.out == "Wrote p.signed: a signed policy with 2 signatures.\n"
    assert cli("verify", signed, *options).code == 0


def test_no_file_is_overwritten(cli: Command, work: Path, first: str) -> None:
    (work / "precious").write_text("precious")
    result = cli("policy", "sign", "v1.json", "--key", "ann.key", "-o", "precious")
    assert result.code == 1
    result = cli("policy", "update", "--current", first, first, "-o", "precious")
    assert result.code == 1
    assert (work / "precious").read_text() == "precious"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ((), "nobody is named who may have signed it"),
        (("--policy-key", "me.key.pub"), "signed by none of the keys"),
        (("--policy-key", "nothing.pub"), "cannot be read"),
        (("--policy-key", "SHA256:x"), "SHA256:x"),
        (("--policy-key", "SHA256:" + "A" * 43), "no key of those who may sign it"),
    ],
    ids=["no key", "other key", "no file", "no fingerprint", "other fingerprint"],
)
def test_signed_policy_needs_its_key(
    cli: Command, signed: Path, first: str, options: tuple[str, ...], problem: str
) -> None:
    result = cli("verify", signed, "--policy", first, *options)
    assert (result.code, result.out) == (2, "")
    assert problem in result.err
    checked = cli("policy", "check", first, *options)
    assert checked.code
    assert problem in checked.err


def test_fingerprint_is_enough(
    cli: Command, signed: Path, first: str, keys: dict[str, PrivateKey]
) -> None:
    options = ("--policy-key", keys["ben"].fingerprint)
    assert cli("verify", signed, "--policy", first, *options).code == 0
    assert cli("policy", "explain", first, *options).code == 0


def test_key_for_an_unsigned_policy_is_refused(cli: Command, signed: Path, first: str) -> None:
    assert first
    result = cli("verify", signed, "--policy", "v1.json", "--policy-key", "ann.key.pub")
    assert result.code == 2
    assert "this policy is not signed" in result.err
    result = cli("verify", signed, "--key", "me.key.pub", "--policy-key", "ann.key.pub")
    assert result.code == 2
    assert "goes with --policy" in result.err


def test_update_is_checked_and_written(cli: Command, work: Path, first: str, second: str) -> None:
    result = cli("policy", "update", "--current", first, second, "-o", first)
    assert result.code == 0
    assert result.out.startswith('Version 2 of the policy "test" may be used.')
    assert (work / first).read_bytes() == (work / second).read_bytes()


def test_update_as_json(cli: Command, first: str, second: str) -> None:
    result = cli("policy", "update", "--current", first, second, "--format", "json")
    tree = json.loads(result.out)
    assert (tree["name"], tree["version"], tree["output"]) == ("test", 2, None)
    assert set(tree) == documented("policy update")
    options = ("--key", "ann.key", "-o", "more.signed", "--format", "json")
    assert set(json.loads(cli("policy", "sign", first, *options).out)) == documented("policy sign")


def test_update_that_does_not_follow_is_refused(
    cli: Command, work: Path, first: str, second: str
) -> None:
    before = (work / second).read_bytes()
    result = cli("policy", "update", "--current", second, first, "-o", second)
    assert (result.code, result.out) == (1, "")
    assert "version 1 is older than version 2" in result.err
    assert (work / second).read_bytes() == before
    assert cli("policy", "update", "--current", first, "v2.json").code == 1
    assert cli("policy", "update", "--current", first, "nothing").code == 4
    assert cli("policy", "update", "--current", first).code == 2


def test_wrong_version_is_not_signed(
    cli: Command, work: Path, keys: dict[str, PrivateKey], first: str
) -> None:
    name = write_policy(work, keys, 3)
    made = cli("policy", "sign", name, "--key", "ann.key", "--previous", first, "-o", "new")
    assert made.code == 1
    assert "2 is missing" in made.err
    assert not (work / "new").exists()


def test_what_a_policy_names_is_written_into_it(cli: Command, work: Path, signed: Path) -> None:
    (work / "p.toml").write_text(
        'policyVersion = "1.0"\nname = "mine"\n[signers.me]\nkey = "me.key.pub"\n'
        '[roles.trainer]\nsigners = ["me"]\n'
    )
    made = cli("policy", "sign", "p.toml", "--key", "me.key", "-o", "p.signed")
    assert made.code == 0
    assert "written into the policy, which is now JSON: me.key.pub" in made.err
    (work / "me.key.pub").rename(work / "elsewhere.pub")
    options = ("--policy", "p.signed", "--policy-key", "elsewhere.pub")
    assert cli("verify", signed, *options).code == 0


def test_a_file_that_a_policy_names_and_is_missing(cli: Command, work: Path, key: object) -> None:
    assert key
    (work / "p.toml").write_text(
        'policyVersion = "1.0"\nname = "mine"\n[signers.me]\nkey = "none.pub"\n'
        '[roles.trainer]\nsigners = ["me"]\n'
    )
    made = cli("policy", "sign", "p.toml", "--key", "me.key", "-o", "p.signed")
    assert (made.code, made.out) == (2, "")
    assert "p.toml#/signers/me/key: 'none.pub'" in made.err
    assert not (work / "p.signed").exists()


def test_a_later_version_names_the_one_before(
    cli: Command, work: Path, keys: dict[str, PrivateKey]
) -> None:
    name = write_policy(work, keys, 2)
    made = cli("policy", "sign", name, "--key", "ann.key", "-o", "p.signed")
    assert (made.code, made.out) == (2, "")
    assert "version 2 follows another one, and none is named" in made.err


def test_a_signer_who_may_not_decide_is_told(
    cli: Command, work: Path, keys: dict[str, PrivateKey]
) -> None:
    name = write_policy(work, keys, 1)
    made = cli("policy", "sign", name, "--key", "me.key", "--key", "ann.key", "-o", "p.signed")
    assert made.code == 0
    said = [line for line in made.err.splitlines() if line.startswith("warning: ")]
    assert len(said) == 1
    assert f"key {keys['me'].fingerprint} is not among the policySigners" in said[0]
