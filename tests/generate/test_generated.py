"""What stands in the repository is what its generators write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from generate.__main__ import REPOSITORY, main, stale_files
from generate.registries import TREES, registry_files

if TYPE_CHECKING:
    from pathlib import Path

REGISTRIES = REPOSITORY / "spec" / "registry"
SCHEMAS = REPOSITORY / "spec" / "schema"


def read(path: Path) -> Any:  # noqa: ANN401  # a JSON tree
    return json.loads(path.read_text(encoding="utf-8"))


def test_nothing_generated_is_stale() -> None:
    assert [str(path) for path in stale_files()] == []


def test_check_prints_the_difference_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = {REPOSITORY / "spec" / "registry" / "tree-kinds.json": ("old\n", "new\n")}
    monkeypatch.setattr("generate.__main__.stale_files", lambda: stale)
    assert main(["--check"]) == 1
    printed = capsys.readouterr().out
    assert "-old\n+new\n" in printed
    assert "make schema" in printed


def test_no_registry_lies_there_that_nothing_generates() -> None:
    names = {f"spec/registry/{path.name}" for path in REGISTRIES.glob("*.json")}
    assert names == set(registry_files())


def test_every_tree_kind_is_described() -> None:
    kinds = [row["kind"] for row in read(REGISTRIES / "tree-kinds.json")["kinds"]]
    assert kinds == list(TREES)


def test_parts_name_only_rungs_and_kinds_that_are_told_apart() -> None:
    registry = read(REGISTRIES / "parts.json")
    assert registry["rungs"][0] == "absent"
    assert len({part["id"] for part in registry["parts"]}) == 11
    for part in registry["parts"]:
        assert len({kind["name"] for kind in part["kinds"]}) == len(part["kinds"]) > 0


def test_readme_of_the_specification_lists_every_file() -> None:
    text = (REPOSITORY / "spec" / "README.md").read_text(encoding="utf-8")
    folder = REPOSITORY / "spec"
    files = [*folder.glob("*.md"), *folder.glob("[!v]*/*.json"), folder / "vectors" / "README.md"]
    names = {path.relative_to(folder).as_posix() for path in files} - {"README.md"}
    assert sorted(name for name in names if f"]({name})" not in text) == []


def test_only_two_algorithms_count() -> None:
    rows = read(REGISTRIES / "digest-algorithms.json")["algorithms"]
    assert [row["name"] for row in rows if row["counts"]] == ["blake3", "sha256"]


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.name)
def test_schema_is_a_valid_schema_with_a_description_for_every_field(path: Path) -> None:
    schema = read(path)
    jsonschema.Draft202012Validator.check_schema(schema)
    objects = {"": schema, **schema.get("$defs", {})}
    bare = [
        f"{name}.{field}"
        for name, definition in objects.items()
        for field, content in definition.get("properties", {}).items()
        if "description" not in content
    ]
    assert bare == []


def test_every_predicate_type_has_its_schema_or_its_specification() -> None:
    for row in read(REGISTRIES / "predicate-types.json")["types"]:
        assert (REPOSITORY / row.get("schema", row.get("specification"))).is_file()
