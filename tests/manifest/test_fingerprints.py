"""Environments of one class are the same for the bits of a result, and others are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provenance.manifest import (
    NEUTRAL_VARIABLES,
    Environment,
    environment_class,
    fingerprinted,
    full_capture,
    lacks_for_bitwise,
    parse_document,
)
from vectors import formulas

PAGE = (Path(__file__).parents[2] / "spec" / "manifest.md").read_text(encoding="utf-8")

#: The example of the specification.
EXAMPLE: dict[str, Any] = {
    "determinism": {"hashSeed": "0", "instructionSets": ("avx2",)},
    "hardware": {"cores": 8, "machine": "x86_64"},
    "id": "env-1",
    "language": "CPython 3.11.7",
    "packages": (
        {
            "content": {"sha256": "2" * 64},
            "name": "torch",
            "record": {"sha256": "1" * 64},
            "version": "2.9.0",
        },
    ),
    "threads": {"torch": 1},
    "variables": {"OMP_NUM_THREADS": "1", "RANK": "0"},
}
DETERMINISTIC = {"instructionSets": ("avx2",), "torch": {"deterministicAlgorithms": True}}


def environment(**members: Any) -> Environment:  # noqa: ANN401 - JSON
    tree = {key: value for key, value in {**EXAMPLE, **members}.items() if value is not None}
    return parse_document(Environment, tree)


@pytest.mark.parametrize(
    "members",
    [
        {"language": "CPython 3.11.8"},
        {"threads": {"torch": 2}},
        {"threads": None},
        {"determinism": {"instructionSets": ("avx2", "avx512f")}},
        {"variables": {"OMP_NUM_THREADS": "1", "MKL_CBWR": "COMPATIBLE"}},
        {"variables": {"OMP_NUM_THREADS": "1", "WORLD_SIZE": "2"}},
        {"packages": ({"name": "torch", "version": "2.9.1"},)},
        {"packages": ({"name": "torch", "version": "2.9.0", "record": {"sha256": "3" * 64}},)},
        {"hardware": {"machine": "aarch64"}},
        {"hardware": {"machine": "x86_64", "processor": "Xeon"}},
        {"hardware": {"machine": "x86_64", "accelerators": ({"name": "H100", "driver": "5"},)}},
    ],
    ids=",".join,
)
def test_what_can_change_bits_changes_the_class(members: dict[str, Any]) -> None:
    assert environment_class(environment(**members)) != environment_class(environment())
    assert full_capture(environment(**members)) != full_capture(environment())


@pytest.mark.parametrize(
    "members",
    [
        {"operatingSystem": "Linux 7.0"},
        {"container": "docker"},
        {"hardware": {"machine": "x86_64", "cores": 64, "memoryBytes": 1}},
        {"determinism": {"hashSeed": "random", "instructionSets": ("avx2",)}},
        {"variables": {"OMP_NUM_THREADS": "1", "RANK": "7", "PYTHONHASHSEED": "3"}},
        {"packages": ({**EXAMPLE["packages"][0], "record": {"sha256": "9" * 64}},)},
    ],
    ids=",".join,
)
def test_what_cannot_change_bits_changes_the_capture_alone(members: dict[str, Any]) -> None:
    assert environment_class(environment(**members)) == environment_class(environment())
    assert full_capture(environment(**members)) != full_capture(environment())


@pytest.mark.parametrize(
    "members",
    [{"id": "other"}, {"description": "the node"}, {"document": "doc-1"}, {"packages": ()}],
    ids=",".join,
)
def test_names_enter_neither_digest(members: dict[str, Any]) -> None:
    base = environment(packages=None) if "packages" in members else environment()
    assert environment_class(environment(**members)) == environment_class(base)
    assert full_capture(environment(**members)) == full_capture(base)


def test_digests_of_digests_are_the_same() -> None:
    once = fingerprinted(environment())
    assert fingerprinted(once) == once
    assert dict(once.environment_class or {}) == {"sha256": environment_class(environment())}


def test_example_of_the_specification_is_true() -> None:
    assert f"environmentClass.sha256 = {environment_class(environment())}\n" in PAGE
    assert f"fullCapture.sha256      = {full_capture(environment())}\n" in PAGE


def test_formula_of_the_vectors_says_the_same() -> None:
    made = fingerprinted(environment()).to_tree()
    digests = formulas.environment_digests(EXAMPLE)
    assert {name: dict(made[name]) for name in digests} == digests


def test_specification_lists_the_neutral_variables() -> None:
    text = PAGE[PAGE.index("*Neutral* are variables") :].partition("For example")[0]
    assert {name.strip("`.,") for name in text.split() if name.isupper()} == NEUTRAL_VARIABLES
    assert "WORLD_SIZE" not in NEUTRAL_VARIABLES


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"packages": None}, "no list of packages"),
        ({"packages": ({"name": "a", "version": "1"},)}, "no RECORD digest of 'a'"),
        ({"threads": None}, "no number of threads"),
        ({"determinism": None}, "no instruction sets"),
        (
            {"determinism": {"instructionSets": ("avx2",), "torch": {"version": "2"}}},
            "PyTorch's deterministic algorithms are not switched on",
        ),
        (
            {"hardware": {"accelerators": ({"name": "H100"},)}},
            "no settings of what runs on the accelerators",
        ),
        (
            {
                "hardware": {"accelerators": ({"name": "H100"},)},
                "determinism": {
                    **DETERMINISTIC,
                    "torch": {"deterministicAlgorithms": True, "cudnnBenchmark": True},
                },
            },
            "cuDNN may choose its algorithms by measuring them",
        ),
        (
            {
                "hardware": {"accelerators": ({"name": "H100"},)},
                "determinism": {
                    **DETERMINISTIC,
                    "torch": {
                        "deterministicAlgorithms": True,
                        "cudnnBenchmark": False,
                        "cuda": "12.8",
                    },
                },
            },
            "CUBLAS_WORKSPACE_CONFIG is not set",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_claim_of_equal_bits_lacks(members: dict[str, Any], reason: str) -> None:
    assert list(lacks_for_bitwise(fingerprinted(environment(**members)))) == [reason]


def test_nothing_is_lacking_where_everything_is_there() -> None:
    assert list(lacks_for_bitwise(fingerprinted(environment(determinism=DETERMINISTIC)))) == []
    assert list(lacks_for_bitwise(environment())) == ["no environment class"]
