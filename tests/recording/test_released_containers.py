"""Releases of GGUF and ONNX files: their tensors are bound, in the run and in the release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import provenance
from digest.weights.containers import BIAS, WEIGHT, gguf, onnx_file, safetensors, torch_zip
from provenance.recording import describe_existing, record, release, release_existing, sign_release
from provenance.signing import generate_private_key
from support.crafted import write_tree
from support.releases import DESCRIPTION
from vectors import formulas

if TYPE_CHECKING:
    from pathlib import Path

BLOCKS = ("up", "GGML_Q4_0", (2, 32), bytes(range(36)))
PARTS = {"m-00001-of-00002.gguf": gguf(WEIGHT), "m-00002-of-00002.gguf": gguf(BIAS)}

BOUND: dict[str, tuple[dict[str, bytes], tuple[Any, ...], int | None, str | None]] = {
    "GGUF": ({"m.gguf": gguf(WEIGHT)}, (WEIGHT,), 6, "F32"),
    "quantised GGUF": ({"m.gguf": gguf(BLOCKS)}, (BLOCKS,), 64, None),
    "GGUF in parts": (PARTS, (BIAS, WEIGHT), 9, None),
    "ONNX": ({"m.onnx": onnx_file(WEIGHT, BIAS)}, (BIAS, WEIGHT), None, None),
}

#: Files whose tensors nothing binds but the digests of the files.
UNBOUND = {
    "two quantisations": {"a.gguf": gguf(WEIGHT), "b.gguf": gguf(BLOCKS)},
    "no GGUF": {"m.gguf": b"gguf"},
    "no ONNX": {"m.onnx": b"\0"},
    "torch.save": {"m.pt": torch_zip({"data.pkl": b"\x80\x02.", "data/0": bytes(4)})},
}


def root_of(tensors: tuple[Any, ...]) -> dict[str, Any]:
    return formulas.root("tensor", [formulas.tensor_leaf(*tensor) for tensor in tensors])


@pytest.mark.parametrize("case", BOUND)
def test_tensors_of_a_model_without_runs_are_bound(case: str, tmp_path: Path) -> None:
    files, tensors, count, data_type = BOUND[case]
    folder = write_tree(tmp_path / "model", files)
    described = describe_existing(folder)
    draft = release_existing(folder, DESCRIPTION)
    key = generate_private_key()
    sign_release(draft, key)
    manifest = draft.manifest
    assert manifest.release.tensors is not None
    assert manifest.release.tensors.to_tree() == root_of(tensors)
    assert (f"parameterCount = {count}" in described) == (count is not None)
    assert (f'dataType = "{data_type}"' in described) == (data_type is not None)
    report = provenance.inspect(draft.release, keys=[key.public_key], all_digests=True)
    assert str(report.verdict) == "PASS", report.summary
    assert "release-checkpoint-not-checked" not in report.codes()


@pytest.mark.parametrize("case", UNBOUND)
def test_files_whose_tensors_are_not_known_are_bound_as_files(case: str, tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "model", UNBOUND[case])
    draft = release_existing(folder, DESCRIPTION)
    key = generate_private_key()
    sign_release(draft, key)
    assert draft.manifest.release.tensors is None
    report = provenance.inspect(draft.release, keys=[key.public_key], all_digests=True)
    assert str(report.verdict) == "PASS", report.summary


@pytest.mark.parametrize("case", ["GGUF", "GGUF in parts", "ONNX"])
def test_released_weights_are_the_recorded_checkpoint(case: str, tmp_path: Path) -> None:
    files, tensors, _, _ = BOUND[case]
    saved = write_tree(tmp_path / "saved", files)
    script = tmp_path / "train.py"
    script.write_text("print('training')\n", encoding="utf-8")
    with record("train", output=tmp_path / "runs", script=script, strict=True) as run:
        run.checkpoint(saved, step=1)
    key = generate_private_key()
    draft = release(
        tmp_path / "runs", tmp_path / "model", checkpoint="last", description=DESCRIPTION
    )
    sign_release(draft, key)
    manifest = draft.manifest
    assert manifest.training is not None
    (checkpoint,) = manifest.training.checkpoints
    assert checkpoint.tensors is not None
    assert checkpoint.tensors.to_tree() == root_of(tensors)
    assert manifest.release.tensors == checkpoint.tensors
    assert manifest.release.checkpoint == checkpoint.id
    report = provenance.inspect(draft.release, keys=[key.public_key], all_digests=True)
    assert "release-checkpoint-matched" in report.codes(), report.summary


def test_weights_without_a_tensor_digest_are_told_at_release(tmp_path: Path) -> None:
    files = {"m.safetensors": safetensors(WEIGHT), "q.gguf": gguf(BLOCKS)}
    draft = release_existing(write_tree(tmp_path / "model", files), DESCRIPTION)
    assert [text for text in draft.warnings if "not over 'q.gguf'" in text]
    key = generate_private_key()
    sign_release(draft, key)
    report = provenance.inspect(draft.release, keys=[key.public_key], all_digests=True)
    assert str(report.verdict) == "PASS", report.summary
    assert "tensors-not-covered" in report.codes()
