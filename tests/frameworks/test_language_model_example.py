"""The example of a language model: interrupted, resumed, evaluated, released and verified."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.language_model import EXAMPLE, environment, run_script, weights_of, without_recorder

#: A shorter training than that of the tutorial.
SHORT = ("--steps=100", "--save-every=25")


def provenance(*arguments: str, folder: Path, expected: int = 0) -> str:
    command = [str(Path(sys.executable).with_name("provenance")), *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environment(), "XDG_CONFIG_HOME": str(folder / "config")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == expected, (arguments, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which everything up to the signature was done."""
    folder = tmp_path_factory.mktemp("byte-lm")
    run_script("prepare.py", folder=folder)
    interrupt(folder)
    again = run_script("train.py", *SHORT, folder=folder)
    assert again.stdout.startswith("going on after step ")
    assert again.stderr == ""
    evaluated = run_script("evaluate.py", folder=folder)
    assert "bits per byte on" in evaluated.stdout
    provenance(
        *("release", "runs", "--output", "byte-lm", "--file", "checkpoints/config.json"),
        *("--description", str(EXAMPLE / "model.toml")),
        folder=folder,
    )
    provenance("keygen", "lab.key", folder=folder)
    provenance("sign", "byte-lm", "--key", "lab.key", "--yes", folder=folder)
    return folder


def interrupt(folder: Path) -> None:
    """Train, and send the process a SIGTERM once it has saved its first checkpoint."""
    with subprocess.Popen(
        [sys.executable, EXAMPLE / "train.py", *SHORT],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("step 25:")
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM


@pytest.fixture(scope="module")
def manifest(project: Path) -> dict[str, Any]:
    drafted: dict[str, Any] = json.loads(
        (project / "byte-lm.draft" / "statement.json").read_bytes()
    )
    return dict(drafted["predicate"])


def test_a_stranger_verifies_the_release(project: Path) -> None:
    found = provenance(
        "verify", "byte-lm", "--key", "lab.key.pub", "--model", "byte-lm", folder=project
    )
    assert found.startswith("PASS: ")
    assert "the run was interrupted: SIGTERM" in found
    assert "the released files are, byte for byte, those of 'step-100'" in found
    assert "Checkpoints                                  bound       (3 bound, 1 matched)" in found


def test_who_holds_the_data_raises_it_to_matched(project: Path) -> None:
    held = [f"--dataset={name}=data/{name}.txt" for name in ("train", "validation")]
    found = provenance(
        *("verify", "byte-lm", "--key", "lab.key.pub", "--dataset=raw=data/raw", *held),
        folder=project,
    )
    assert "Training: 8 of 11 parts backed by evidence" in found


def test_the_interruption_is_two_segments_of_one_run(
    project: Path, manifest: dict[str, Any]
) -> None:
    names = sorted(path.name.split("-")[0] for path in (project / "runs").iterdir())
    assert names == ["evaluate", "prepare", "train"]
    first, second = manifest["training"]["segments"]
    assert (first["fromStep"], first["status"]) == (0, "interrupted")
    assert first["toStep"] >= 25
    assert (second["toStep"], second["status"], second["event"]) == (100, "completed", "resume")
    assert second["resumedFrom"] == f"step-{second['fromStep']}"
    assert second["fromStep"] <= first["toStep"]
    assert second.get("rollbackTo", first["toStep"]) == second["fromStep"]
    assert first["run"] == second["run"]
    assert first["datasets"] == second["datasets"] == ["train"]
    assert first["seeds"] == second["seeds"] == {"torch": 7}


def test_checkpoints_descend_from_one_another_and_from_the_raw_text(
    manifest: dict[str, Any],
) -> None:
    saved = {it["id"]: it for it in manifest["training"]["checkpoints"]}
    assert list(saved) == ["step-25", "step-50", "step-75", "step-100"]
    assert [it.get("parents", []) for it in saved.values()] == [
        *([], ["step-25"], ["step-50"], ["step-75"]),
    ]
    assert all(it["tensors"]["size"] == 30 for it in saved.values())
    assert manifest["release"]["checkpoint"] == "step-100"
    assert manifest["release"]["tensors"] == saved["step-100"]["tensors"]
    (step,) = manifest["processing"]
    assert (step["inputs"], step["outputs"]) == (["raw"], ["train", "validation"])
    (measured,) = manifest["evaluations"]
    assert (measured["checkpoint"], measured["dataset"]) == ("step-100", "validation")
    assert 0 < measured["metrics"][0]["value"] < 8


def test_every_step_is_in_the_log(project: Path, manifest: dict[str, Any]) -> None:
    (log,) = (project / "byte-lm" / "training-provenance" / "training-log").iterdir()
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    steps = {it["step"] for it in entries if "loss" in it.get("values", ())}
    assert steps == set(range(1, 101))
    assert manifest["training"]["metricNames"] == ["loss", "validation_bits_per_byte"]


def test_neither_recorder_nor_interruption_changes_a_bit_of_the_weights(
    project: Path, tmp_path: Path
) -> None:
    shutil.copytree(project / "data", tmp_path / "data")
    plain = without_recorder(tmp_path / "nothing")
    run_script("train.py", *SHORT, folder=tmp_path, variables=plain)
    assert not (tmp_path / "runs").exists()
    found = weights_of(tmp_path / "checkpoints")
    assert len(found) == 4
    assert found == weights_of(project / "checkpoints")


def test_a_changed_tensor_fails(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project / "byte-lm", tmp_path / "byte-lm")
    weights = tmp_path / "byte-lm" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    found = provenance(
        "verify", "byte-lm", "--key", str(project / "lab.key.pub"), folder=tmp_path, expected=1
    )
    assert found.startswith("FAIL: model.safetensors")
