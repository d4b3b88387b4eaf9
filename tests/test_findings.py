"""The registry is whole: the codes in the code, in the registry and in the spec are one set."""

from __future__ import annotations

import ast
import json
import re

import pytest

from provenance import findings
from provenance.findings import CODES, STEPS, Finding, Severity
from support.source import REPOSITORY, SOURCE, find_modules, parse, string_constants

#: Calls whose first argument is a finding code.
CODE_FIRST = frozenset({"Finding", "TreeFault"})


def codes_used() -> dict[str, set[str]]:
    """Return every string of `src/` that stands where a finding code must, with its modules."""
    used: dict[str, set[str]] = {}
    for name, path in find_modules(SOURCE, "provenance").items():
        for node in ast.walk(parse(path)):
            if not isinstance(node, ast.Call):
                continue
            candidates = [word.value for word in node.keywords if word.arg == "code"]
            if ast.unparse(node.func).rpartition(".")[2] in CODE_FIRST:
                candidates += node.args[:1]
            for candidate in candidates:
                if isinstance(candidate, ast.Constant) and candidate.value:
                    used.setdefault(str(candidate.value), set()).add(name)
    return used


def test_each_code_has_one_row() -> None:
    codes = [row[0] for row in findings._ROWS]
    assert sorted(codes) == sorted(set(codes))
    assert list(CODES) == codes


@pytest.mark.parametrize("code", CODES)
def test_row_is_well_formed(code: str) -> None:
    row = CODES[code]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
    assert row.code == code
    assert row.step in STEPS
    assert row.meaning.endswith(".")
    assert row.remedy == "" or row.remedy.endswith(".")
    assert not row.fault or row.severity is Severity.NOT_CHECKED


def test_rows_stand_in_the_order_of_their_steps() -> None:
    steps = [row.step for row in CODES.values()]
    assert steps == sorted(steps)
    assert list(STEPS) == list(range(1, len(STEPS) + 1))
    assert set(steps) == set(STEPS), "a step without a code can report nothing"


def test_a_finding_takes_everything_else_from_its_row() -> None:
    finding = Finding("file-missing", "model.safetensors", "not here")
    row = CODES["file-missing"]
    assert (finding.severity, finding.step, finding.remedy) == (row.severity, row.step, row.remedy)


def test_a_finding_with_an_unknown_code_is_refused() -> None:
    with pytest.raises(KeyError, match="not in the registry"):
        Finding("no-such-code", "", "")


def test_registries_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        CODES["new"] = CODES["file-missing"]  # type: ignore[index]  # the refusal is the test
    with pytest.raises(TypeError):
        STEPS[99] = "new"  # type: ignore[index]  # the refusal is the test


def test_every_code_used_is_in_the_registry() -> None:
    unknown = {code: where for code, where in codes_used().items() if code not in CODES}
    assert unknown == {}


def test_every_code_of_the_registry_is_used() -> None:
    own = SOURCE / "provenance" / "findings.py"
    modules = find_modules(SOURCE, "provenance").values()
    strings = set().union(*(string_constants(path) for path in modules if path != own))
    assert [code for code in CODES if code not in strings] == []


def test_published_registry_is_the_one_in_the_code() -> None:
    path = REPOSITORY / "spec" / "registry" / "finding-codes.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["codes"]
    assert {row["code"]: (row["severity"], row["step"], row["fault"]) for row in rows} == {
        code: (row.severity, row.step, row.fault) for code, row in CODES.items()
    }


def test_spec_describes_every_step_and_code_and_no_other() -> None:
    text = (REPOSITORY / "spec" / "verification.md").read_text(encoding="utf-8")
    assert [(n, title) for n, title in STEPS.items() if f"{n}. {title}" not in text] == []
    assert [code for code in CODES if f"`{code}`" not in text] == []
