"""`provenance recover`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from provenance.cli.program import run
from provenance.recording import read_record, record
from support.source import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def left_behind(place: Path) -> Path:
    """Return the folder of a run that looks as if its process had been killed."""
    script = place / "train.py"
    script.write_text("", encoding="utf-8")
    recording = record("train", output=place / "runs", script=script)
    recording.log({"loss": 1.0}, step=1)
    folder = recording.folder
    assert folder is not None
    recording.finish()
    path = folder / "record.json"
    tree = json.loads(path.read_bytes()) | {"status": "running"}
    path.write_text(json.dumps(tree), encoding="utf-8")
    return folder


def test_folder_without_runs_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["recover", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_run_is_recovered_and_its_gaps_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = left_behind(tmp_path)
    assert run(["recover", str(tmp_path / "runs")]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{folder.name}: recovered\n  run: the process was killed")
    assert read_record(folder).record.status == "interrupted"
    assert run(["recover", str(folder)]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_json_names_outcome_and_gaps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left_behind(tmp_path)
    assert run(["recover", "--format", "json", str(tmp_path / "runs")]) == 0
    tree = json.loads(capsys.readouterr().out)
    page = (REPOSITORY / "docs" / "reference" / "json-output.md").read_text(encoding="utf-8")
    section = page.split("\n## provenance recover\n")[1].split("\n## ")[0]
    assert set(tree) == set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    (found,) = tree["runs"]
    assert f"`{found['outcome']}`" in section
    assert found["outcome"] == "recovered"
    assert found["gaps"][0]["kind"] == "crashed"
