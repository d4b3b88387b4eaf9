"""`provenance conformance`: the protocol, the vectors, and programs that misbehave."""

from __future__ import annotations

import io
import json
import sys
from base64 import b64decode, b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from cli.small_release import BUNDLE
from provenance import canonical
from provenance.cli import conformance_runner
from provenance.cli.conformance_fields import FIELDS, PATH_FIELDS
from provenance.cli.conformance_protocol import answer, serve
from provenance.cli.conformance_runner import find_vectors
from provenance.digest import hash_tensors, hash_tree, prove_inclusion, typed_root
from provenance.errors import ProvenanceError

if TYPE_CHECKING:
    from cli.conftest import Command

SPEC = Path(__file__).resolve().parents[2] / "spec" / "conformance.md"


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def ask(operation: str, **members: Any) -> dict[str, Any]:  # noqa: ANN401 - any request
    return dict(answer({"id": "7", "operation": operation, **members}))


# --- the protocol ---------------------------------------------------------------------------


def test_specification_names_every_operation_and_member() -> None:
    text = SPEC.read_text(encoding="utf-8")
    for operation, fields in FIELDS.items():
        section = text.split(f"\n### {operation}\n")[1].split("\n### ")[0].split("\n## ")[0]
        listed = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
        results = {"verdict", "findings"} if operation == "verify" else set()
        assert set(listed) - results == set(fields)


def test_members_with_paths_are_members() -> None:
    members = {name for fields in FIELDS.values() for name in fields}
    assert members >= PATH_FIELDS


def test_canonical_form_is_answered() -> None:
    response = ask("canonicalize", input=base64(b'{"b": 1, "a": [2.50]}'))
    assert response["id"] == "7"
    assert b64decode(response["output"]) == b'{"a":[2.5],"b":1}'


def test_document_in_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "d.json").write_bytes(b"[1e300]")
    response = ask("canonicalize", file=str(tmp_path / "d.json"), foreign=True)
    assert b64decode(response["output"]) == b"[1e+300]"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"input": base64(b'{"a":1,"a":2}')}, "json-duplicate-key"),
        ({"input": base64(b"[1e300]")}, "json-number"),
        ({"input": "%%%"}, "manifest-invalid"),
        ({}, "manifest-invalid"),
        ({"input": "", "file": "x"}, "manifest-invalid"),
        ({"input": 1}, "manifest-invalid"),
        ({"other": 1}, "manifest-invalid"),
        ({"file": "/nowhere/at/all"}, "file-unreadable"),
    ],
)
def test_faults_are_answered_with_their_code(members: dict[str, Any], code: str) -> None:
    response = ask("canonicalize", **members)
    assert response["error"] == code
    assert response["message"]


@pytest.mark.parametrize(
    ("members", "output"),
    [
        ({"text": "0.50"}, 0.5),
        ({"text": "18446744073709551615"}, {"number": "18446744073709551615"}),
        ({"text": "NaN"}, {"number": "NaN"}),
        ({"wire": {"number": "1e400"}}, "1e400"),
        ({"wire": 0.00001}, "0.00001"),
        ({"wire": 7}, "7"),
    ],
)
def test_numbers_go_both_ways(members: dict[str, Any], output: object) -> None:
    assert ask("number", **members)["output"] == output


@pytest.mark.parametrize("text", ["007", "1.50E+2", "-0.0", "1e-5", "Infinity", "-Infinity"])
def test_numbers_as_people_write_them_are_read(text: str) -> None:
    assert "output" in ask("number", text=text)


@pytest.mark.parametrize(
    "text",
    [
        *("", " 1", "1\n", "+1", "--1", "1.", ".5", "1e", "1_000", "\u0661", "0x1"),
        *("nan", "sNaN", "-NaN", "inf", "infinity", "+Infinity", "1e" + "9" * 30),
    ],
)
def test_text_outside_the_grammar_of_numbers_is_refused(text: str) -> None:
    assert ask("number", text=text)["error"] == "json-number"


@pytest.mark.parametrize(
    "members",
    [{"text": "1,5"}, {"wire": {"number": "1"}}, {"wire": "1"}, {"wire": True}, {"wire": 2.0**53}],
)
def test_numbers_that_are_none_are_refused(members: dict[str, Any]) -> None:
    assert ask("number", **members)["error"] == "json-number"


def test_number_needs_one_of_two(tmp_path: Path) -> None:
    assert "error" in ask("number")
    assert "error" in ask("tree-digest")
    assert "error" in ask("tree-digest", folder=str(tmp_path), inventory="x")


def test_tree_digest_of_folder_and_inventory(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a").write_bytes(b"x")
    inventory = hash_tree(tmp_path / "tree")
    (tmp_path / "i.jsonl").write_bytes(inventory.to_bytes())
    expected = inventory.root.to_tree()
    assert ask("tree-digest", folder=str(tmp_path / "tree"))["output"] == expected
    assert ask("tree-digest", inventory=str(tmp_path / "i.jsonl"))["output"] == expected


def test_tensor_digest(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_file({"a": np.ones(3, np.float32)}, path)
    assert ask("tensor-digest", files=(str(path),))["output"] == hash_tensors(path)[0].to_tree()
    assert "error" in ask("tensor-digest", files=(1,))


def test_inclusion_proof_is_checked() -> None:
    entries = [b"a", b"b", b"c"]
    root = typed_root("record", entries)
    proof = canonical.parse(prove_inclusion("record", entries, 1).to_bytes())
    members = {"root": root.to_tree(), "proof": proof}
    assert ask("inclusion", entry=base64(b"b"), **members) == {"id": "7", "output": True}
    assert ask("inclusion", entry=base64(b"c"), **members)["error"] == "digest-mismatch"
    other = {**members, "root": {**root.to_tree(), "tree": "file"}}
    assert ask("inclusion", entry=base64(b"b"), **other)["error"] == "digest-format"
    assert "error" in ask("inclusion", entry=base64(b"b"), root={}, proof=proof)


def test_pae_counts_bytes() -> None:
    response = ask("dsse-pae", payloadType="é", payload=base64(b"ab"))
    assert b64decode(response["output"]) == "DSSEv1 2 é 2 ab".encode()


NOW = "2026-11-22T12:00:00Z"


def test_release_is_verified(signed: Path) -> None:
    key = str(signed.with_name("me.key.pub"))
    passed = ask("verify", folder=str(signed), keys=(key,), model="digits-mlp", now=NOW)
    assert passed["verdict"] == "PASS"
    assert {"code": "signature-verified", "path": ""} in passed["findings"]
    (signed / "config.json").write_bytes(b'{"layers": 3}\n')
    failed = ask("verify", folder=str(signed), keys=(key,), now=NOW)
    assert failed["verdict"] == "FAIL"
    assert {"code": "digest-mismatch", "path": "config.json"} in failed["findings"]


def test_clock_of_the_request_counts(signed: Path) -> None:
    key = str(signed.with_name("me.key.pub"))
    early = ask("verify", folder=str(signed), keys=(key,), now="2020-01-01T00:00:00Z")
    assert early["verdict"] == "FAIL"
    assert "created-in-future" in {item["code"] for item in early["findings"]}


def test_listing_and_single_file_are_verified_with_a_bundle(signed: Path) -> None:
    rest = {
        "keys": (str(signed.with_name("me.key.pub")),),
        "bundle": str(signed / BUNDLE),
        "now": NOW,
    }
    listing = str(signed / "training-provenance" / "SHA256SUMS")
    assert ask("verify", listing=listing, **rest)["verdict"] == "PASS"
    assert ask("verify", file=str(signed / "config.json"), **rest)["verdict"] == "INCOMPLETE"


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"now": None}, "USAGE"),
        ({"now": "soon"}, "USAGE"),
        ({"presets": ("everything",)}, "USAGE"),
        ({"keys": ("/nowhere.pub",)}, "USAGE"),
        ({"keys": "x"}, "USAGE"),
        ({"layout": "zip"}, "USAGE"),
        ({"unknown": 1}, "USAGE"),
        ({"file": "x"}, "USAGE"),
        ({"folder": None, "listing": "/nowhere"}, "ERROR"),
    ],
)
def test_requests_that_make_no_sense_are_answered(
    signed: Path, changes: dict[str, Any], verdict: str
) -> None:
    request = {"folder": str(signed), "now": NOW, **changes}
    response = ask("verify", **{name: item for name, item in request.items() if item is not None})
    assert response["verdict"] == verdict
    assert response["findings"] == ()
    assert response["message"]


def test_unknown_operation_is_unsupported() -> None:
    assert ask("levitate") == {"id": "7", "unsupported": True}
    assert answer({"operation": 1}) == {"id": "", "unsupported": True}


def test_every_line_gets_one_line() -> None:
    lines = [
        b'{"id": "1", "operation": "number", "text": "1"}\n',
        b"nonsense\n",
        b"[]\n",
        b'{"id": "2", "operation": "levitate"}\n',
    ]
    sink = io.BytesIO()
    serve(io.BytesIO(b"".join(lines)), sink)
    assert [json.loads(line) for line in sink.getvalue().splitlines()] == [
        {"id": "1", "output": 1},
        {"id": "", "error": "json-syntax"},
        {"id": "", "error": "json-syntax"},
        {"id": "2", "unsupported": True},
    ]


# --- the vectors ----------------------------------------------------------------------------


def write_vector(
    root: Path, name: str, scenario: object, expected: object, *, folder: str = "group"
) -> Path:
    place = root / folder / name
    place.mkdir(parents=True)
    (place / "scenario.json").write_text(json.dumps(scenario), encoding="utf-8")
    (place / "expected.json").write_text(json.dumps(expected), encoding="utf-8")
    return place


NUMBER = {"operation": "number", "text": "1"}
ONE = {"description": "One is one.", "spec": "canonical-encoding.md, Numbers", "output": 1}
VERIFY = {
    "operation": "verify",
    "folder": "release",
    "keys": ["a.pub"],
    "now": "2026-01-01T00:00:00Z",
}
FAIL = {
    "description": "It fails.",
    "spec": "verification.md, step 12",
    "verdict": "FAIL",
    "findings": [{"code": "digest-mismatch", "path": "a"}],
}


def test_paths_of_a_vector_become_absolute(tmp_path: Path) -> None:
    request = {**VERIFY, "datasets": {"raw": "data/raw.csv"}}
    place = write_vector(tmp_path, "one", request, FAIL)
    (vector,) = find_vectors(tmp_path)
    assert vector.name == "group/one"
    assert vector.request["folder"] == str(place / "release")
    assert vector.request["keys"] == (str(place / "a.pub"),)
    assert vector.request["datasets"] == {"raw": str(place / "data" / "raw.csv")}
    assert vector.request["now"] == "2026-01-01T00:00:00Z"


def test_profile_chooses_vectors(tmp_path: Path) -> None:
    write_vector(tmp_path, "one", NUMBER, ONE)
    write_vector(tmp_path, "two", {**NUMBER, "profile": 2}, ONE)
    assert [v.name for v in find_vectors(tmp_path, profile=1)] == ["group/one"]
    assert [v.profile for v in find_vectors(tmp_path)] == [1, 2]
    assert "profile" not in find_vectors(tmp_path)[1].request


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ({**NUMBER, "profile": 4}, ONE),
        ({**NUMBER, "profile": True}, ONE),
        ({**NUMBER, "extra": 1}, ONE),
        ({**NUMBER, "id": "1"}, ONE),
        ({"operation": "levitate"}, ONE),
        ({}, ONE),
        ([], ONE),
        (NUMBER, []),
        (NUMBER, {**ONE, "comment": "x"}),
        (NUMBER, {**ONE, "error": "json-number"}),
        (NUMBER, FAIL),
        (VERIFY, ONE),
        (NUMBER, {"output": 1, "spec": "x"}),
        (NUMBER, {"output": 1, "description": "x"}),
        (VERIFY, {**FAIL, "findings": [{"code": "no-such-code", "path": ""}]}),
    ],
)
def test_malformed_vector_is_refused_not_ignored(
    tmp_path: Path, scenario: object, expected: object
) -> None:
    write_vector(tmp_path, "bad", scenario, expected)
    with pytest.raises(ProvenanceError, match="group/bad"):
        find_vectors(tmp_path)


def test_folder_without_vectors_is_refused(cli: Command) -> None:
    refused = cli("conformance", "--run", "true", "--vectors", ".")
    assert refused.code == 2
    assert "--vectors" in refused.err


# --- programs -------------------------------------------------------------------------------


def program(folder: Path, body: str) -> str:
    """Write a program that answers each line, and return how to start it."""
    path = folder / "program.py"
    head = "import json, os, sys, time\nfor line in sys.stdin:\n    request = json.loads(line)\n"
    path.write_text(head + body, encoding="utf-8")
    return f"'{sys.executable}' '{path}'"


def say(expression: str) -> str:
    return f"    print({expression}, flush=True)\n"


def run_vectors(cli: Command, work: Path, body: str, *options: str) -> tuple[int, dict[str, Any]]:
    command = program(work, body)
    done = cli(
        "conformance", "--run", command, "--vectors", "vectors", "--format", "json", *options
    )
    return done.code, json.loads(done.out)


ANSWER = say('json.dumps({"id": request["id"], "output": 1})')


def test_right_answers_pass(cli: Command, work: Path) -> None:
    for name in ("a", "b"):
        write_vector(work / "vectors", name, NUMBER, ONE)
    code, result = run_vectors(cli, work, ANSWER)
    assert (code, result["passed"], result["failed"]) == (0, 2, 0)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (say('json.dumps({"id": request["id"], "output": 2})'), "expected output 1, found 2"),
        (say('json.dumps({"id": request["id"], "output": True})'), "expected output 1, found True"),
        (say('json.dumps({"id": request["id"], "error": "x"})'), "found 'x'"),
        (say('json.dumps({"id": "other", "output": 1})'), "has the id 'other'"),
        (say('"[]"'), "not a JSON object"),
        (say('"nonsense"'), "not one JSON object"),
        (say("\"{'id'\" * 3"), "not one JSON object"),
        ("    sys.exit(3)\n", "ended without an answer (exit code 3)"),
        ("    os.close(1); time.sleep(60)\n", "still running"),
        ("    time.sleep(60)\n", "no answer within 0.5 seconds"),
        ("    sys.stdout.write('x'); sys.stdout.flush(); time.sleep(60)\n", "no answer"),
        ("    sys.stdout.write('x' * 40_000_000); sys.stdout.flush(); time.sleep(60)\n", "bytes"),
    ],
)
def test_wrong_answers_and_misbehaviour_fail_with_a_sentence(
    cli: Command, work: Path, monkeypatch: pytest.MonkeyPatch, body: str, problem: str
) -> None:
    monkeypatch.setattr(conformance_runner, "GOODBYE_SECONDS", 0.2)
    write_vector(work / "vectors", "a", NUMBER, ONE)
    code, result = run_vectors(cli, work, body, "--timeout", "0.5")
    assert code == 1
    assert problem in result["vectors"][0]["problem"]


def test_crash_costs_one_vector(cli: Command, work: Path) -> None:
    for text in ("1", "2", "1"):
        count = len(list((work / "vectors").glob("*/*")))
        write_vector(work / "vectors", f"v{count}", {**NUMBER, "text": text}, ONE)
    body = '    if request["text"] == "2": os._exit(9)\n' + ANSWER
    code, result = run_vectors(cli, work, body)
    assert code == 1
    assert [vector["status"] for vector in result["vectors"]] == ["passed", "failed", "passed"]


def test_unsupported_is_skipped_not_passed(cli: Command, work: Path) -> None:
    write_vector(work / "vectors", "a", NUMBER, ONE)
    command = program(work, say('json.dumps({"id": request["id"], "unsupported": True})'))
    done = cli("conformance", "--run", command, "--vectors", "vectors")
    assert done.code == 0
    assert done.out == "skipped  group/a\n0 passed, 0 failed, 1 skipped\n"


@pytest.mark.parametrize(
    ("findings", "problem"),
    [
        ([("digest-mismatch", "a")], ""),
        ([("digest-mismatch", "a"), ("hard-link", "b")], ""),
        ([("digest-mismatch", "a"), ("file-extra", "b")], "'file-extra' at 'b' was not expected"),
        ([("digest-mismatch", "a"), ("own-code", "b")], "'own-code' at 'b' was not expected"),
        ([("digest-mismatch", "b")], "no finding digest-mismatch at 'a'"),
        ([], "no finding digest-mismatch"),
    ],
)
def test_findings_are_compared_by_code_and_path(
    cli: Command, work: Path, findings: list[tuple[str, str]], problem: str
) -> None:
    write_vector(work / "vectors", "a", VERIFY, FAIL)
    listed = [{"code": code, "path": path} for code, path in findings]
    body = say(f'json.dumps({{"id": request["id"], "verdict": "FAIL", "findings": {listed!r}}})')
    code, result = run_vectors(cli, work, body)
    assert code == (1 if problem else 0)
    assert problem in result["vectors"][0]["problem"]


def test_failures_are_printed_with_their_rule(cli: Command, work: Path) -> None:
    write_vector(work / "vectors", "a", NUMBER, {**ONE, "output": 2})
    done = cli("conformance", "--run", program(work, ANSWER), "--vectors", "vectors")
    assert done.code == 1
    assert (
        done.out == "failed   group/a: expected output 2, found 1\n0 passed, 1 failed, 0 skipped\n"
    )
    assert "canonical-encoding.md, Numbers: One is one." in done.err


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--serve", "--run", "x"),
        ("--run", ""),
        ("--run", "'open"),
        ("--run", "true", "--timeout", "0"),
    ],
)
def test_options_that_make_no_sense_are_refused(cli: Command, options: tuple[str, ...]) -> None:
    assert cli("conformance", *options).code == 2


def test_program_that_cannot_be_started_is_a_usage_error(cli: Command, work: Path) -> None:
    write_vector(work / "vectors", "a", NUMBER, ONE)
    refused = cli("conformance", "--run", "./nowhere", "--vectors", "vectors")
    assert refused.code == 2
    assert "cannot be started" in refused.err


def test_our_own_server_passes(cli: Command, work: Path) -> None:
    write_vector(work / "vectors", "a", NUMBER, ONE)
    script = Path(sys.executable).parent / "provenance"
    done = cli("conformance", "--run", f"'{script}' conformance --serve", "--vectors", "vectors")
    assert done.out == "1 passed, 0 failed, 0 skipped\n"


def test_server_in_this_process(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    request = io.TextIOWrapper(io.BytesIO(b'{"id": "1", "operation": "number", "text": "2"}\n'))
    monkeypatch.setattr(sys, "stdin", request)
    assert json.loads(cli("conformance", "--serve").out) == {"id": "1", "output": 2}
