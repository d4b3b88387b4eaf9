"""`provenance diff` of two models."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import pytest

from digest.weights.containers import BIAS, WEIGHT, gguf, index_folder, safetensors, torch_zip

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command

CHANGED = ("w", "F32", (2, 3), struct.pack("<6f", 0, 1, 2, 3, 4, 7.5))


@pytest.fixture
def models(work: Path) -> Path:
    """Write one model in several containers, and a changed one."""
    (work / "a.safetensors").write_bytes(safetensors(WEIGHT, BIAS))
    (work / "a.gguf").write_bytes(gguf(BIAS, WEIGHT))
    (work / "b.safetensors").write_bytes(safetensors(CHANGED, ("c", *BIAS[1:])))
    (work / "shards").mkdir()
    for name, data in index_folder({"1.safetensors": [WEIGHT], "2.safetensors": [BIAS]}).items():
        (work / "shards" / name).write_bytes(data)
    (work / "m.pt").write_bytes(torch_zip({"data.pkl": b"\x80\x02.", "data/0": b"1234"}))
    (work / "text").write_bytes(b"hello")
    return work


@pytest.mark.usefixtures("models")
def test_same_tensors_are_no_difference(cli: Command) -> None:
    for other in ("a.safetensors", "a.gguf", "shards", "shards/model.safetensors.index.json"):
        shown = cli("diff", "a.safetensors", other)
        assert shown.code == 0
        assert "the same 2 tensors (neither was verified)" in shown.out


@pytest.mark.usefixtures("models")
def test_differences_are_a_line_each(cli: Command) -> None:
    shown = cli("diff", "a.gguf", "b.safetensors")
    assert shown.code == 1
    assert shown.out.splitlines() == [
        "3 of 3 tensors differ between a.gguf and b.safetensors (neither was verified):",
        "- b  F16 [3]",
        "+ c  F16 [3]",
        "~ w  F32 [2, 3]  1 element, largest difference 2.5, relative 0.333333",
    ]


@pytest.mark.usefixtures("models")
def test_differences_as_json(cli: Command) -> None:
    shown = cli("diff", "a.gguf", "b.safetensors", "--format", "json")
    found = json.loads(shown.out)
    assert (shown.code, found["equal"], found["identical"], found["verified"]) == (
        1,
        False,
        0,
        False,
    )
    assert found["differences"][0] == {
        "a": {"dtype": "F16", "shape": [3]},
        "name": "b",
        "status": "only-in-a",
    }
    assert found["differences"][2]["largestAbsolute"] == 2.5


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(
    ("other", "code", "said"),
    [
        ("m.pt", 1, "without unpickling"),
        ("text", 2, "the other is not"),
        ("nowhere", 4, "nowhere"),
        (".", 1, "has to be named"),
    ],
)
def test_what_cannot_be_compared_is_refused(cli: Command, other: str, code: int, said: str) -> None:
    refused = cli("diff", "a.safetensors", other)
    assert refused.code == code
    assert refused.err.startswith("error: ")
    assert said in refused.err
