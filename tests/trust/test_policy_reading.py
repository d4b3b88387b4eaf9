"""Tests of the strict reading of policies: what is refused, and where the fault is said to be."""

from __future__ import annotations

import json
from contextlib import suppress

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.canonical import MAX_POLICY_BYTES
from provenance.errors import UsageError
from provenance.signing import generate_private_key
from provenance.trust import policy_schema, read_policy
from support.policies import policy_bytes, policy_tree

KEY = generate_private_key().public_key
PEM = KEY.to_pem().decode("ascii")
HEAD = 'policyVersion = "1.0"\nname = "x"\n'
TAIL = f'[signers.a]\nkey = """{PEM}"""\n[roles.trainer]\nsigners = ["a"]\n'

REFUSED: dict[str, tuple[str, str]] = {
    # name: TOML, place of the fault
    "empty": ("", "/policyVersion"),
    "no TOML": ("policyVersion = ", ""),
    "duplicate key": (HEAD + 'name = "y"\n' + TAIL, ""),
    "duplicate table": (HEAD + TAIL + "[roles.trainer]\n", ""),
    "duplicate signer": (HEAD + TAIL + '[signers.a]\nkey = "b"\n', ""),
    "unknown field": (HEAD + "maxAge = 90\n" + TAIL, "/maxAge"),
    "unknown field inside": (HEAD + TAIL + "thresholds = 1\n", "/roles/trainer/thresholds"),
    "snake case": (HEAD + "max_age_days = 90\n" + TAIL, "/max_age_days"),
    "no version": ('name = "x"\n' + TAIL, "/policyVersion"),
    "newer version": ('policyVersion = "1.1"\nname = "x"\n' + TAIL, "/policyVersion"),
    "other major version": ('policyVersion = "2.0"\nname = "x"\n' + TAIL, "/policyVersion"),
    "version as a number": ('policyVersion = 1.0\nname = "x"\n' + TAIL, "/policyVersion"),
    "no name": ('policyVersion = "1.0"\n' + TAIL, "/name"),
    "name with a line feed": ('policyVersion = "1.0"\nname = "x\\ny"\n' + TAIL, "/name"),
    "name with an escape": ('policyVersion = "1.0"\nname = "\\u001b[31m"\n' + TAIL, "/name"),
    "policy version 0": (HEAD + "version = 0\n" + TAIL, "/version"),
    "policy version as text": (HEAD + 'version = "1"\n' + TAIL, "/version"),
    "expires without a zone": (HEAD + "expires = 2027-01-01T00:00:00\n" + TAIL, "/expires"),
    "expires as a day": (HEAD + "expires = 2027-01-01\n" + TAIL, "/expires"),
    "expires as an hour": (HEAD + "expires = 12:00:00\n" + TAIL, "/expires"),
    "expires as a number": (HEAD + "expires = 1800000000\n" + TAIL, "/expires"),
    "expires without an equal": (
        HEAD + "expires = 0001-01-01T00:00:00+23:00\n" + TAIL,
        "/expires",
    ),
    "age 0": (HEAD + "maxAgeDays = 0\n" + TAIL, "/maxAgeDays"),
    "age below 0": (HEAD + "maxAgeDays = -1\n" + TAIL, "/maxAgeDays"),
    "age too large": (HEAD + "maxAgeDays = 36501\n" + TAIL, "/maxAgeDays"),
    "age as a fraction": (HEAD + "maxAgeDays = 1.5\n" + TAIL, "/maxAgeDays"),
    "age as a truth": (HEAD + "maxAgeDays = true\n" + TAIL, "/maxAgeDays"),
    "age nan": (HEAD + "maxAgeDays = nan\n" + TAIL, "/maxAgeDays"),
    "age infinite": (HEAD + "maxAgeDays = inf\n" + TAIL, "/maxAgeDays"),
    "number of many digits": (HEAD + f"maxAgeDays = 1{'0' * 5000}\n" + TAIL, ""),
    "number of 2^53": (HEAD + f"maxAgeDays = {2**53}\n" + TAIL, "/maxAgeDays"),
    "digests": (HEAD + 'digests = "none"\n' + TAIL, "/digests"),
    "empty answer": (HEAD + 'requireEmpty = "maybe"\n' + TAIL, "/requireEmpty"),
    "threshold 0": (HEAD + TAIL + "threshold = 0\n", "/roles/trainer/threshold"),
    "threshold below 0": (HEAD + TAIL + "threshold = -1\n", "/roles/trainer/threshold"),
    "threshold as text": (HEAD + TAIL + 'threshold = "1"\n', "/roles/trainer/threshold"),
    "no signers": (HEAD + 'signers = {}\n[roles.trainer]\nsigners = ["a"]\n', "/signers"),
    "no roles": (HEAD + f'roles = {{}}\n[signers.a]\nkey = """{PEM}"""\n', "/roles"),
    "role without signers": (
        HEAD + f'[signers.a]\nkey = """{PEM}"""\n[roles.trainer]\nsigners = []\n',
        "/roles/trainer/signers",
    ),
    "unknown role": (HEAD + TAIL + '[roles.boss]\nsigners = ["a"]\n', "/roles/boss"),
    "role with a capital": (HEAD + TAIL + '[roles.Auditor]\nsigners = ["a"]\n', "/roles/Auditor"),
    "signer with a blank": (HEAD + TAIL + '[signers."a b"]\nkey = "x"\n', "/signers/a b"),
    "signer without a name": (HEAD + TAIL + '[signers.""]\nkey = "x"\n', "/signers/"),
    "model with a star inside": (
        HEAD + TAIL + 'models = ["a*b"]\n',
        "/roles/trainer/models/0",
    ),
    "every model": (HEAD + TAIL + 'models = ["*"]\n', "/roles/trainer/models/0"),
    "model without a name": (HEAD + TAIL + 'models = [""]\n', "/roles/trainer/models/0"),
    "models as text": (HEAD + TAIL + 'models = "a"\n', "/roles/trainer/models"),
    "unknown rung": (HEAD + TAIL + '[require]\nevaluations = "proved"\n', "/require/evaluations"),
    "pattern with a blank": (HEAD + TAIL + '[require]\n"a b" = "bound"\n', "/require/a b"),
    "pattern as a pointer": (
        HEAD + TAIL + '[require]\n"/evaluations" = "bound"\n',
        "/require/~1evaluations",
    ),
    "pattern with an index": (
        HEAD + TAIL + '[require]\n"datasets[0]" = "bound"\n',
        "/require/datasets[0]",
    ),
    "pattern with dots alone": (HEAD + TAIL + '[require]\n"a..b" = "bound"\n', "/require/a..b"),
    "revoked key without a name": (HEAD + TAIL + "[[revoked.keys]]\n", "/revoked/keys/0"),
    "revoked key as text": (HEAD + TAIL + '[revoked]\nkeys = ["SHA256:x"]\n', "/revoked/keys/0"),
    "revoked artifact": (
        HEAD + TAIL + '[[revoked.artifacts]]\nsha256 = "ABC"\n',
        "/revoked/artifacts/0/sha256",
    ),
    "timestamps without authorities": (
        HEAD + TAIL + "[timestamps]\nrequired = true\n",
        "/timestamps/authorities",
    ),
    "timestamps with no authority": (
        HEAD + TAIL + "[timestamps]\nauthorities = []\n",
        "/timestamps/authorities",
    ),
    "required as a number": (HEAD + TAIL + "[log]\nrequired = 1\n", "/log/required"),
    "keyless without an issuer": (
        HEAD + TAIL + '[signers.b.keyless]\nidentity = "a@b.example"\ntrustedRoot = "r"\n',
        "/signers/b/keyless/issuer",
    ),
    "keyless without an identity": (
        HEAD + TAIL + '[signers.b.keyless]\nissuer = "https://i.example"\ntrustedRoot = "r"\n',
        "/signers/b/keyless/identity",
    ),
    "certificate without an identity": (
        HEAD + TAIL + '[signers.b.certificate]\nauthority = "ca.pem"\n',
        "/signers/b/certificate/identity",
    ),
    "placeholder": (HEAD.replace('"x"', '"<fill in>"') + TAIL, "/name"),
    "placeholder inside": (HEAD + TAIL.replace('["a"]', '["<who>"]'), "/roles/trainer/signers/0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_place_of_the_fault(name: str) -> None:
    text, place = REFUSED[name]
    with pytest.raises(UsageError) as caught:
        read_policy(text.encode("utf-8"), path="p.toml")
    expected = f"p.toml#{place}" if place else "p.toml"
    assert caught.value.path.startswith(expected)
    if place == "":
        assert caught.value.path == "p.toml"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(b"\xef\xbb\xbf" + (HEAD + TAIL).encode(), id="byte order mark"),
        pytest.param(b'{"policyVersion": "1.0", "policyVersion": "1.0"}', id="JSON duplicate"),
        pytest.param(b'{"policyVersion": "1.0",}', id="JSON comma"),
        pytest.param(b'["1.0"]', id="JSON list"),
        pytest.param(b'{"a": NaN}', id="JSON NaN"),
        pytest.param(b'{"name": "\\ud800"}', id="JSON surrogate"),
        pytest.param(b'{"a": null}', id="JSON null"),
        pytest.param(b"{" + b'"a": {' * 70 + b"}" * 71, id="JSON deep"),
        pytest.param(b"a = " + b"{b = " * 70 + b"1" + b"}" * 70, id="TOML deep"),
        pytest.param(b"a = " + b"[" * 50_000, id="TOML very deep"),
        pytest.param(b"a." * 100 + b"b = 1", id="TOML deep names"),
        pytest.param(b"a." * 500_000 + b"b = 1", id="TOML name of many parts"),
        pytest.param(b'"a" . ' * 100_000 + b"b = 1", id="TOML quoted name of many parts"),
        pytest.param(b'"\\' * 500_000, id="TOML strings without ends"),
        pytest.param(b'"""x' * 250_000, id="TOML long strings without ends"),
        pytest.param(b"'''x" * 250_000, id="TOML long literals without ends"),
        pytest.param(b"#" + b"x" * MAX_POLICY_BYTES, id="too large"),
        pytest.param(b"a = 1\x00", id="NUL"),
    ],
)
def test_hostile_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(UsageError):
        read_policy(data)


def test_toml_and_json_mean_the_same() -> None:
    tree = policy_tree(
        {"a": KEY},
        expires="2027-01-01T00:00:00Z",
        require={"datasets[*].licenses": "declared"},
    )
    text = (
        HEAD
        + "expires = 2027-01-01T01:00:00+01:00\n"
        + TAIL
        + '[require]\n"datasets[*].licenses" = "declared"\n'
    )
    toml = read_policy(text.replace('"x"', '"test"').encode("utf-8"))
    assert toml == read_policy(json.dumps(tree).encode("utf-8"))
    assert toml.to_tree()["require"] == {"datasets[*].licenses": "declared"}


@pytest.mark.parametrize("quote", ['"', "'", '"""', "'''"])
def test_dots_in_texts_and_comments_are_no_parts_of_names(quote: str) -> None:
    dots = "." * 500
    text = f"{HEAD}description = {quote}{dots}{quote} # {dots}\n# {dots}\n{TAIL}"
    assert read_policy(text.encode("utf-8")).description == dots


def test_a_document_cannot_be_changed() -> None:
    document = read_policy(policy_bytes({"a": KEY}))
    with pytest.raises(TypeError):
        document.signers["b"] = document.signers["a"]


@pytest.mark.parametrize("name", [name for name, row in REFUSED.items() if row[1]])
def test_the_schema_refuses_what_the_reader_refuses(name: str) -> None:
    import tomllib  # noqa: PLC0415 - this test alone reads TOML by itself

    try:
        tree = tomllib.loads(REFUSED[name][0])
    except ValueError:
        pytest.skip("no TOML at all")
    if "placeholder" in name or "expires" in name or "nan" in name or "2^53" in name:
        pytest.skip("no schema says this")
    validator = jsonschema.Draft202012Validator(policy_schema())
    assert list(validator.iter_errors(tree))


def test_the_schema_accepts_what_the_reader_accepts() -> None:
    tree = policy_tree({"a": KEY}, maxAgeDays=90, require={"evaluations": "matched"})
    jsonschema.Draft202012Validator(policy_schema()).validate(tree)


@pytest.mark.property
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8")))
def test_only_our_errors_leave(data: bytes) -> None:
    with suppress(UsageError):
        read_policy(data)
