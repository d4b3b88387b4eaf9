"""Each adapter in the script of a user: a few lines more, the same weights, a signed release.

The pairs lie in `docs/examples/adapters/<framework>/`: `plain.py`, and `recorded.py`, which is the
same script with the adapter. Both take the folder to write to and train there for real.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.frameworks import QUIET

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "adapters"

DESCRIPTION = EXAMPLES / "model.toml"

FRAMEWORKS = sorted(folder.name for folder in EXAMPLES.iterdir() if (folder / "plain.py").exists())

#: What torch 2.13 says, now and then, when a process that is done lets go of a gloo group whose
#: thread is still ending; plain scripts die of it too, and `torchrun` then ends the other rank.
TEARDOWN = "terminate called without an active exception"

#: How often a training in two processes is tried because of that.
ATTEMPTS = 4

#: Lines that an adapter may cost.
MAX_ADDED_LINES = 8

#: Endings of files that hold final weights, and whose bytes are a function of the weights.
WEIGHTS = ("*.safetensors", "*.npz", "*.ubj", "*.json")


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_adapter_adds_few_lines_and_changes_none(framework: str) -> None:
    plain, recorded = (
        (EXAMPLES / framework / name).read_text().splitlines()
        for name in ("plain.py", "recorded.py")
    )
    changes = list(difflib.ndiff(plain, recorded))
    assert [line for line in changes if line.startswith("- ")] == []
    assert 0 < len([line for line in changes if line.startswith("+ ")]) <= MAX_ADDED_LINES


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_recorded_training_has_the_same_weights_and_can_be_released(
    framework: str, tmp_path: Path
) -> None:
    _train(framework, "plain.py", tmp_path / "plain")
    _train(framework, "recorded.py", tmp_path / "recorded")
    assert _weights(tmp_path / "recorded" / "model") == _weights(tmp_path / "plain" / "model") != {}

    record = _record(tmp_path / "recorded" / "runs")
    assert record["status"] == "completed"
    assert record["checkpoints"], "the adapter recorded no checkpoint"
    assert record["hyperparameters"], "the adapter recorded no settings"
    assert [gap for gap in record.get("gaps", ()) if gap["kind"] == "failed"] == []

    printed = ""
    for arguments in (
        ("keygen", "lab.key"),
        ("release", "recorded/runs", "--output", "released", "--description", str(DESCRIPTION)),
        ("sign", "released", "--key", "lab.key", "--yes"),
        ("verify", "released", "--key", "lab.key.pub"),
    ):
        printed = _provenance(*arguments, folder=tmp_path)
    assert printed.startswith("PASS")


def _train(framework: str, script: str, output: Path) -> None:
    said = ""
    for _ in range(ATTEMPTS):
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir()
        done = subprocess.run(
            (sys.executable, EXAMPLES / framework / script, output),
            env={**os.environ, **QUIET},
            cwd=output,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if done.returncode == 0:
            assert "provenance:" not in done.stderr, done.stderr[-4000:]  # the recorder warned
            return
        said = done.stderr[-4000:]
        if framework != "distributed" or TEARDOWN not in done.stderr:
            break
    pytest.fail(said)


def _weights(folder: Path) -> dict[str, str]:
    files = [path for pattern in WEIGHTS for path in folder.glob(pattern)]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _record(project: Path) -> Any:  # noqa: ANN401 - a tree of JSON
    records = list(project.glob("*/record.json"))
    assert len(records) == 1, records
    return json.loads(records[0].read_bytes())


def _provenance(*arguments: str, folder: Path) -> str:
    done = subprocess.run(
        (str(Path(sys.executable).with_name("provenance")), *arguments),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return done.stdout
