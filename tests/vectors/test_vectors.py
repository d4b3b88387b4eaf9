"""The published vectors: generated, language-free, mostly negative, and true of this library."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from provenance.canonical import parse
from provenance.cli.conformance_protocol import answer
from provenance.cli.conformance_runner import Vector, find_vectors
from provenance.cli.conformance_trust import read_trust
from provenance.errors import InputError, ProvenanceError, UsageError, VerificationError
from provenance.findings import CODES, STEPS, Severity
from provenance.manifest import parse_timestamp
from provenance.signing import PublicKey
from provenance.verification import Report, inspect, read_listing, verify
from support.source import REPOSITORY
from vectors.__main__ import FOLDER, main, vector_files
from vectors.groups import GROUPS

SPEC = REPOSITORY / "spec"

#: Codes of severity *error* that no vector of files can reach, and why.
UNREACHED = {
    "artifact-mismatch": "which file is meant is an option of the caller; the protocol has none",
    "bundle-size": "a file of 96 MiB",
    "certificate-limit": "more certificates, or ways to chain them, than a folder should hold",
    "extension-invalid": "no schema is registered for any extension",
    "json-size": "a file of 64 MiB",
    "key-refused": "a key is an option: the verdict is USAGE, without findings",
    "records-unsupported": "JSON, CSV and tar hold no type without an encoding; Arrow and Parquet do",
    "proof-not-asked": "which proof is meant is an option of the caller; the protocol has none",
    "timestamp-invalid": "timestamps of a program are never the same bytes twice",
    "tree-limit": "four million files, or a path that many systems cannot hold",
}

VECTORS = find_vectors(FOLDER)
VERIFICATIONS = [vector for vector in VECTORS if vector.request["operation"] == "verify"]


def name_of(vector: Vector) -> str:
    return vector.name


def expected_findings(vector: Vector) -> list[dict[str, str]]:
    return json.loads(json.dumps(vector.expected.get("findings", [])))  # type: ignore[no-any-return]  # a JSON tree


def expected_codes(vector: Vector) -> set[str]:
    codes = {item["code"] for item in expected_findings(vector)}
    return codes | ({str(vector.expected["error"])} if "error" in vector.expected else set())


def is_positive(vector: Vector) -> bool:
    return vector.expected.get("verdict") == "PASS" or "output" in vector.expected


def test_what_is_published_is_what_the_generators_write(tmp_path: Path) -> None:
    assert main([], tmp_path) == 0
    written = {
        path.relative_to(tmp_path).as_posix(): path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    published = {
        path.relative_to(FOLDER).as_posix(): path.read_bytes()
        for path in FOLDER.rglob("*")
        if path.is_file() and path != FOLDER / "README.md"
    }
    assert written.keys() == published.keys()
    assert [name for name in written if written[name] != published[name]] == []


def test_stale_missing_and_surplus_files_are_named_and_repaired(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], tmp_path) == 0
    (tmp_path / "canonical/nan/document.json").write_bytes(b"0")
    (tmp_path / "canonical/nan/expected.json").unlink()
    (tmp_path / "canonical/nan/more.txt").write_bytes(b"")
    (tmp_path / "README.md").write_bytes(b"by hand")
    capsys.readouterr()
    assert main(["--check"], tmp_path) == 1
    assert capsys.readouterr().out.splitlines() == [
        "stale: canonical/nan/document.json",
        "stale: canonical/nan/expected.json",
        "stale: canonical/nan/more.txt",
    ]
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    assert (tmp_path / "README.md").read_bytes() == b"by hand"


def test_nothing_is_hidden_from_git_or_changed_by_it() -> None:
    if not (REPOSITORY / ".git").exists() or shutil.which("git") is None:
        pytest.skip("there is no repository here, or no git")
    names = "\0".join(f"spec/vectors/{name}" for name in vector_files()).encode()
    assert git("check-ignore", "-z", "--stdin", names=names) == b""
    attributes = git("check-attr", "-z", "--stdin", "text", names=names).split(b"\0")
    assert set(attributes[2::3]) == {b"unset"}


def git(*arguments: str, names: bytes) -> bytes:
    done = subprocess.run(
        ["git", *arguments], input=names, cwd=REPOSITORY, capture_output=True, check=False
    )
    return done.stdout


def test_folder_stays_small() -> None:
    assert sum(map(len, vector_files().values())) < 8_000_000


def test_no_two_names_are_one_file_on_some_system() -> None:
    names = [name.casefold() for name in vector_files()]
    assert len(set(names)) == len(names)
    assert all(name.isascii() and not re.search(r'[<>:"\\|?*]', name) for name in names)


def test_readme_has_a_row_for_every_group() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[`([a-z]+)`\]", text, re.MULTILINE)
    assert sorted(rows) == sorted(group.name for group in GROUPS)
    assert sorted(path.name for path in FOLDER.iterdir() if path.is_dir()) == sorted(rows)


def test_most_vectors_are_negative() -> None:
    assert len(VECTORS) >= 600
    negative = [vector for vector in VECTORS if not is_positive(vector)]
    assert len(negative) >= 0.7 * len(VECTORS)


def test_every_group_has_a_vector_that_must_be_accepted() -> None:
    accepted = {vector.name.partition("/")[0] for vector in VECTORS if is_positive(vector)}
    assert accepted == {group.name for group in GROUPS}


@pytest.mark.parametrize("group", sorted(group.name for group in GROUPS))
def test_every_description_is_a_sentence_of_its_own(group: str) -> None:
    said = [item.description for item in VECTORS if item.name.startswith(f"{group}/")]
    assert [text for text in said if not re.fullmatch(r"[A-Z\d`-].*[.!]", text)] == []
    assert sorted({text for text in said if said.count(text) > 1}) == []


def test_every_reference_to_the_specification_leads_somewhere() -> None:
    lost = [f"{vector.name}: {vector.spec}" for vector in VECTORS if not leads(vector.spec)]
    assert lost == []


def leads(reference: str) -> bool:
    """Return whether file, section or step, and rule of a reference exist."""
    if found := re.fullmatch(
        r"verification\.md, step (\d+)(?:; manifest\.md \[(R-MAN-\d+)\])?", reference
    ):  # one section for each step of the registry
        return int(found[1]) in STEPS and has_rule("manifest.md", found[2])
    found = re.fullmatch(r"([a-z-]+\.md), section ([^\[]+?)(?: \[(R-[A-Z]+-\d+)\])?", reference)
    if found is None:
        return False
    file, section, rule = found.groups()
    if not has_rule(file, rule):
        return False
    text = (SPEC / file).read_text(encoding="utf-8")
    return re.search(rf"^#+ (?:[\d.]+ )?{re.escape(section)}$", text, re.MULTILINE) is not None


def has_rule(file: str, rule: str | None) -> bool:
    return rule is None or f"[{rule}]" in (SPEC / file).read_text(encoding="utf-8")


def test_every_error_code_that_files_can_reach_has_a_vector() -> None:
    reached = {code for vector in VECTORS for code in expected_codes(vector)}
    errors = {code for code, info in CODES.items() if info.severity is Severity.ERROR}
    assert errors - reached == UNREACHED.keys()


def test_a_profile_asks_for_no_finding_of_a_higher_one() -> None:
    steps = {1: {*range(1, 14), 25}, 2: set(STEPS) - {21}, 3: set(STEPS)}
    asked = [
        f"{vector.name}: {item['code']}"
        for vector in VERIFICATIONS
        for item in expected_findings(vector)
        if CODES[item["code"]].step not in steps[vector.profile]
    ]
    assert asked == []


@pytest.mark.parametrize("vector", VECTORS, ids=name_of)
def test_library_answers_as_expected(vector: Vector) -> None:
    response = answer({"id": "1", **vector.request})
    for member in ("verdict", "output", "error"):
        if member in vector.expected:
            assert parse_again(response.get(member)) == vector.expected[member], response


def parse_again(value: object) -> object:
    return parse(json.dumps(value).encode(), foreign=True)


@pytest.mark.parametrize("vector", VERIFICATIONS, ids=name_of)
def test_inspect_and_verify_agree(vector: Vector) -> None:
    verdict, findings = inspected(vector)
    assert verdict == vector.expected["verdict"]
    wanted = {(item["code"], item["path"]) for item in expected_findings(vector)}
    assert wanted <= findings
    assert {item for item in findings - wanted if is_error(item[0])} == set()
    assert verified(vector) == (verdict, findings)


def is_error(code: str) -> bool:
    return CODES[code].severity is Severity.ERROR


def inspected(vector: Vector) -> tuple[str, set[tuple[str, str]]]:
    try:
        target, options = arguments_of(vector)
        return outcome(inspect(target, **options))
    except InputError:
        return "ERROR", set()
    except ProvenanceError:
        return "USAGE", set()


def verified(vector: Vector) -> tuple[str, set[tuple[str, str]]]:
    try:
        target, options = arguments_of(vector)
        report = verify(target, **options).report
    except VerificationError as error:
        return refused(error)
    except InputError:
        return "ERROR", set()
    except ProvenanceError:
        return "USAGE", set()
    assert report.verdict == "PASS"
    return outcome(report)


def refused(error: VerificationError) -> tuple[str, set[tuple[str, str]]]:
    assert isinstance(error.report, Report)
    assert error.report.verdict != "PASS"
    return outcome(error.report)


def outcome(report: Report) -> tuple[str, set[tuple[str, str]]]:
    return str(report.verdict), {(item.code, item.path) for item in report.findings}


def arguments_of(vector: Vector) -> tuple[Any, dict[str, Any]]:
    """Return a request as `inspect` and `verify` take it, apart from the code under test."""
    request: dict[str, Any] = dict(vector.request)
    now = parse_timestamp(request.pop("now"))
    request.pop("operation")
    listing = request.pop("listing", None)
    target = request.pop("folder", None) or request.pop("file", None)
    if listing is not None:
        target = read_listing(Path(listing).read_bytes())
    policy = read_trust(
        request.pop("policy", None),
        request.pop("policyKeys", ()),
        request.pop("policyUpdates", ()),
        now,
    )
    options = {
        "policy": policy,
        "manifest": request.pop("bundle", None),
        "keys": [PublicKey.load(path) for path in request.pop("keys")],
        "all_digests": request.pop("allDigests", False),
        "clock": lambda: now,
        "state": copied(request.pop("state", None), target),
        **request,
    }
    return target, options


def copied(state: str | None, target: object) -> str | None:
    """Return a copy of a memory, so that no verification writes into a vector."""
    if state is None or str(state).startswith(f"{target}/"):
        return state
    return shutil.copy(state, tempfile.mkdtemp())


def test_runner_passes_every_vector_against_the_program_itself() -> None:
    program = str(Path(sys.executable).with_name("provenance"))
    command = [program, "conformance", "--run", f"'{program}' conformance --serve"]
    done = subprocess.run(
        [*command, "--vectors", str(FOLDER), "--format", "json"],
        capture_output=True,
        check=False,
        timeout=300,
    )
    result = json.loads(done.stdout)
    assert [item for item in result["vectors"] if item["status"] != "passed"] == []
    assert result["passed"] == len(VECTORS)
    assert done.returncode == 0


def test_lower_profiles_run_fewer_vectors() -> None:
    counts = [len(find_vectors(FOLDER, profile=profile)) for profile in (1, 2, 3)]
    assert 0 < counts[0] < counts[1] < counts[2]


@pytest.mark.parametrize("file", ["expected.json", "scenario.json"])
def test_unknown_member_of_a_vector_is_refused(tmp_path: Path, file: str) -> None:
    folder = tmp_path / "canonical" / "nan"
    shutil.copytree(FOLDER / "canonical" / "nan", folder)
    tree = json.loads((folder / file).read_bytes())
    (folder / file).write_text(json.dumps({**tree, "comment": "hello"}), encoding="utf-8")
    with pytest.raises(UsageError, match="canonical/nan"):
        find_vectors(tmp_path)
