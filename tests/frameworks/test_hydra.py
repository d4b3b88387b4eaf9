"""Hydra and OmegaConf: jobs as runs, and settings resolved without what the environment knows."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from omegaconf import OmegaConf

import provenance
from provenance.capture import resolve_configuration
from provenance.integrations.hydra import ProvenanceCallback
from support.frameworks import QUIET

if TYPE_CHECKING:
    from pathlib import Path

SWITCH = "+hydra.callbacks.provenance._target_=provenance.integrations.hydra.ProvenanceCallback"

CANARY = "canary-6f1d-secret"

SCRIPT = """
import os, sys
import hydra

@hydra.main(version_base=None, config_path="conf", config_name="config")
def train(cfg):
    if cfg.fail == "error":
        raise ValueError("a bug of the script")
    if cfg.fail == "exit":
        sys.exit(3)
    if cfg.fail == "recorder":
        import provenance
        provenance.current_run().finish("interrupted")
    with open(os.environ["RESULT"], "a") as file:
        file.write(f"{cfg.lr} {cfg.twice.value}\\n")

if os.environ.get("BREAK"):
    from provenance.recording.run import Run
    def broken(*_, **__):
        raise RuntimeError("broken")
    setattr(Run, os.environ["BREAK"], broken)
train()
"""

CONFIG = """
lr: 0.1
twice: {value: "${lr}"}
name: run-${lr}
key: ${oc.env:MY_KEY}
text: at ${key}
unset: ???
fail: ""
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder with a script of Hydra."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.yaml").write_text(CONFIG)
    (tmp_path / "app.py").write_text(SCRIPT)
    return tmp_path


def _run(app: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "app.py", *words),
        cwd=app,
        env={**os.environ, **QUIET, "MY_KEY": CANARY, "RESULT": str(app / "result"), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("how", "code"), [("error", 1), ("exit", 3)], ids=["error", "exit"])
def test_a_job_that_fails_fails_and_its_run_says_so(app: Path, how: str, code: int) -> None:
    plain = _run(app, f"fail={how}")
    done = _run(app, SWITCH, f"fail={how}", "+hydra.callbacks.provenance.output=runs")
    assert done.returncode == plain.returncode == code
    (record,) = _records(app / "runs")
    if how == "error":
        assert (record["status"], record["failure"]) == (
            "failed",
            "ValueError: a bug of the script",
        )
        assert "a bug of the script" in done.stderr
    else:  # the interpreter ends, and Hydra calls nothing any more
        assert record["status"] == "interrupted"


@pytest.mark.parametrize("method", ["config", "note", "finish"])
def test_a_recorder_that_breaks_stops_no_job(app: Path, method: str) -> None:
    done = _run(app, SWITCH, "+hydra.callbacks.provenance.output=runs", BREAK=method)
    assert done.returncode == 0, done.stderr
    assert (app / "result").read_text() == "0.1 0.1\n"
    assert "provenance" in done.stderr


def test_a_run_that_the_job_finished_itself_is_let_be(app: Path) -> None:
    done = _run(app, SWITCH, "fail=recorder", "+hydra.callbacks.provenance.output=runs")
    assert done.returncode == 0, done.stderr
    (record,) = _records(app / "runs")
    assert record["status"] == "interrupted"


def test_an_output_that_cannot_be_made_stops_no_job(app: Path) -> None:
    (app / "runs").write_text("a file")
    done = _run(app, SWITCH, "+hydra.callbacks.provenance.output=runs")
    assert done.returncode == 0, done.stderr
    assert (app / "result").exists()


def test_one_line_records_a_job_in_its_own_folder(app: Path) -> None:
    done = _run(app, SWITCH)
    assert done.returncode == 0, done.stderr
    (place,) = app.glob("outputs/*/*/provenance/app-*/record.json")
    record = json.loads(place.read_bytes())
    assert record["status"] == "completed"
    assert record["hyperparameters"] == {
        "lr": 0.1,
        "twice": {"value": 0.1},
        "name": "run-0.1",
        "key": "${oc.env:MY_KEY}",
        "text": "at ${key}",
        "unset": "???",
        "fail": "",
    }
    assert "unset has no value (???)" in [gap["description"] for gap in record["gaps"]]
    leaks = [
        path for path in app.rglob("*") if path.is_file() and CANARY in path.read_text("latin-1")
    ]
    assert leaks == []


def test_each_job_of_several_is_a_run(app: Path) -> None:
    done = _run(
        app, "-m", "lr=1,2", SWITCH, "+hydra.callbacks.provenance.output=runs",
        "hydra.sweep.dir=sweep", "+hydra.callbacks.provenance.name=sweep",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    records = sorted(_records(app / "runs"), key=lambda it: it["hyperparameters"]["lr"])
    assert [it["name"] for it in records] == ["sweep", "sweep"]
    assert [it["hyperparameters"]["twice"]["value"] for it in records] == [1, 2]
    assert [it["status"] for it in records] == ["completed", "completed"]
    notes = [it["journal"][0]["text"] for it in records]
    assert ["number 0" in notes[0], "number 1" in notes[1]] == [True, True]


def test_the_callback_can_be_sent_to_another_process() -> None:
    sent = pickle.dumps(ProvenanceCallback(output="runs"))
    assert pickle.loads(sent)._output == "runs"  # noqa: S301 - made here


def test_a_configuration_that_cannot_be_resolved_is_kept_as_far_as_it_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_KEY", CANARY)
    config = OmegaConf.create(
        {
            "a": "${nowhere}",
            "b": 1,
            "unset": "${oc.env:NEVER_SET_ANYWHERE}",
            "list": ["${oc.env:MY_KEY}", "x-${b}"],
            "inner": {"list": "${list}", "all": "${inner}"},
            "missing": "???",
        }
    )
    captured = resolve_configuration(config)
    assert captured.value["list"] == ("${oc.env:MY_KEY}", "x-1")
    assert (captured.value["a"], captured.value["b"]) == ("${nowhere}", 1)
    assert captured.value["unset"] == "${oc.env:NEVER_SET_ANYWHERE}"
    assert CANARY not in str(captured.value)
    assert [gap.description for gap in captured.gaps] == ["missing has no value (???)"]


def test_a_secret_that_a_resolver_turned_over_is_not_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_KEY", CANARY)
    OmegaConf.register_new_resolver("reversed", lambda text: text[::-1], replace=True)
    config = OmegaConf.create(
        {
            "key": "${oc.env:MY_KEY}",
            "again": "${key}",
            "turned": "${reversed:${again}}",
            "twice": {"turned": "${reversed:${..turned}}x"},
            "harmless": "${reversed:abc}",
        }
    )
    captured = resolve_configuration({"nested": config})
    text = str(captured.value)
    assert CANARY not in text
    assert CANARY[::-1] not in text
    assert captured.value["nested"]["harmless"] == "cba"


def test_structured_settings_keep_their_names(tmp_path: Path) -> None:
    config = OmegaConf.create(
        {"model": {"width": 8, "depth": "${.width}"}, "layers": [1, "${model.width}"]}
    )
    with provenance.record("train", output=tmp_path) as run:
        run.config(config)
    (record,) = _records(tmp_path)
    assert record["hyperparameters"] == {"model": {"width": 8, "depth": 8}, "layers": [1, 8]}
    assert config.model.depth == 8


def _records(folder: Path) -> list[Any]:
    return [json.loads(place.read_bytes()) for place in sorted(folder.glob("*/record.json"))]
