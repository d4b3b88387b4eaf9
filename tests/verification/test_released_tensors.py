"""Tensors of a release in other containers than safetensors: recomputed, and proved one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from digest.weights.containers import BIAS, WEIGHT, gguf, onnx_file, safetensors
from provenance.digest import TypedRoot
from provenance.digest.weights.choosing import describe_uncovered
from provenance.errors import ManifestError
from provenance.verification import prove_file
from support.crafted import CraftedRelease
from support.reports import errors_of, expect
from vectors import formulas

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from provenance.verification import Report

    Look = Callable[..., Report]

BLOCKS = ("up", "GGML_Q4_0", (2, 32), bytes(range(36)))

PARTS = {"m-00001-of-00002.gguf": gguf(WEIGHT), "m-00002-of-00002.gguf": gguf(BIAS)}
CONTAINERS: dict[str, tuple[dict[str, bytes], tuple[Any, ...]]] = {
    "GGUF": ({"m.gguf": gguf(WEIGHT, BIAS)}, (WEIGHT, BIAS)),
    "quantised GGUF": ({"m.gguf": gguf(WEIGHT, BLOCKS)}, (WEIGHT, BLOCKS)),
    "GGUF in parts": (PARTS, (WEIGHT, BIAS)),
    "ONNX": ({"m.onnx": onnx_file(WEIGHT, BIAS)}, (WEIGHT, BIAS)),
    "ONNX beside GGUF": ({"m.onnx": onnx_file(BIAS), "m.gguf": gguf(WEIGHT)}, (WEIGHT,)),
    "safetensors beside GGUF": (
        {"m.safetensors": safetensors(WEIGHT, BIAS), "q.gguf": gguf(BLOCKS)},
        (WEIGHT, BIAS),
    ),
}

#: Files whose names leave open which tensors are those of the model.
OPEN = {
    "two quantisations": {"a.gguf": gguf(WEIGHT), "b.gguf": gguf(BLOCKS)},
    "a part is missing": {
        "m-00001-of-00003.gguf": gguf(WEIGHT),
        "m-00003-of-00003.gguf": gguf(BIAS),
    },
    "two graphs": {"a.onnx": onnx_file(WEIGHT), "b.onnx": onnx_file(BIAS)},
}


def root_of(tensors: tuple[Any, ...]) -> TypedRoot:
    entries = [formulas.tensor_leaf(*tensor) for tensor in sorted(tensors)]
    return TypedRoot(**formulas.root("tensor", entries))


def write_release(folder: Path, files: Mapping[str, bytes], root: TypedRoot) -> Path:
    def edit(tree: dict[str, Any]) -> None:
        tree["release"]["tensors"] = root.to_tree()
        tree["release"].pop("checkpoint", None)

    return CraftedRelease(files=dict(files), edit_manifest=edit).write(folder)


@pytest.mark.parametrize("case", CONTAINERS)
def test_tensors_are_recomputed_on_request(case: str, tmp_path: Path, look: Look) -> None:
    files, tensors = CONTAINERS[case]
    folder = write_release(tmp_path / "model", files, root_of(tensors))
    report = look(folder, all_digests=True)
    assert report.verdict == "PASS", report.summary
    assert "release-checkpoint-not-checked" not in report.codes()
    expect(look(folder), "PASS", "release-checkpoint-not-checked")


@pytest.mark.parametrize("case", CONTAINERS)
def test_other_tensors_than_the_signed_ones_are_an_error(
    case: str, tmp_path: Path, look: Look
) -> None:
    files, tensors = CONTAINERS[case]
    folder = write_release(tmp_path / "model", files, root_of(tensors[1:]))
    report = look(folder, all_digests=True)
    assert errors_of(report) == [("release-checkpoint-mismatch", "/release/tensors")]


#: Files beside those that the tensor digest is over, and what is said of them.
SHARD = "m-00001-of-00002.safetensors"
UNCOVERED = {
    "GGUF beside safetensors": (
        ("m.safetensors", "q.gguf", "r.gguf"),
        "not over 'q.gguf', 'r.gguf'",
    ),
    "ONNX beside GGUF": (("m.gguf", "m.onnx"), "not over 'm.onnx'"),
    "a shard is missing": ((SHARD,), "without the shards that are not here of 'm'"),
    "an index without shards": (
        ("a.safetensors", "m.safetensors.index.json"),
        "that are not here of 'm'",
    ),
    "many others": (("m.safetensors", *(f"{n}.gguf" for n in range(9))), "'2.gguf' and 6 more"),
    "all of it": ((SHARD, SHARD.replace("1-", "2-"), "m.safetensors.index.json"), ""),
    "one file": (("a/m.safetensors", "README.md"), ""),
    "GGUF in parts": (tuple(PARTS), ""),
    "open": (("a.gguf", "b.gguf"), ""),
}


@pytest.mark.parametrize("case", UNCOVERED)
def test_weights_that_the_tensor_digest_is_not_over_are_named(
    case: str, tmp_path: Path, look: Look
) -> None:
    names, said = UNCOVERED[case]
    assert said in describe_uncovered(names)
    assert bool(describe_uncovered(names)) == bool(said)
    folder = write_release(tmp_path / "model", dict.fromkeys(names, b"x"), root_of((WEIGHT,)))
    report = look(folder)
    assert report.verdict == "PASS"
    assert ("tensors-not-covered" in report.codes()) == bool(said)
    assert any(said in line for line in report.not_checked)


@pytest.mark.parametrize("case", OPEN)
def test_where_it_is_open_which_tensors_are_meant_nothing_is_compared(
    case: str, tmp_path: Path, look: Look
) -> None:
    folder = write_release(tmp_path / "model", OPEN[case], root_of((WEIGHT,)))
    expect(look(folder, all_digests=True), "PASS", "release-checkpoint-not-checked")
    with pytest.raises(ManifestError, match="binds no tensors"):
        prove_file(folder, tensor="w")


@pytest.mark.parametrize(
    "data", [b"GGUF", b"nothing", gguf(WEIGHT)[:-9]], ids=["head", "no", "cut"]
)
def test_container_that_breaks_its_format_is_said(data: bytes, tmp_path: Path, look: Look) -> None:
    folder = write_release(tmp_path / "model", {"m.gguf": data}, root_of((WEIGHT,)))
    report = look(folder, all_digests=True)
    assert report.verdict != "PASS"
    assert "tensors-malformed" in report.codes()


@pytest.mark.parametrize("case", ["GGUF", "GGUF in parts", "ONNX"])
def test_one_tensor_is_proved(case: str, tmp_path: Path) -> None:
    files, tensors = CONTAINERS[case]
    folder = write_release(tmp_path / "model", files, root_of(tensors))
    proof = prove_file(folder, tensor="b")
    assert proof.entry["name"] == "b"
    assert proof.root == root_of(tensors)
