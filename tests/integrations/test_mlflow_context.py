"""The plugin that MLflow loads by itself: silent unless a run is open, and it never raises."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from provenance.integrations.mlflow_context import RUN_TAG, RunContext
from provenance.recording import record

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]


def test_nothing_is_said_where_no_run_is_open() -> None:
    assert not RunContext().in_context()
    assert RunContext().tags() == {}


def test_open_run_is_named(tmp_path: Path) -> None:
    with record("train", output=tmp_path) as run:
        assert RunContext().in_context()
        assert RunContext().tags() == {RUN_TAG: run.record.id}
    assert not RunContext().in_context()


def test_fault_of_ours_is_no_fault_of_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError

    module = SimpleNamespace(current_run=broken)
    monkeypatch.setitem(sys.modules, "provenance.recording.active", module)
    assert RunContext().tags() == {}
    assert not RunContext().in_context()


def test_loading_it_loads_nothing_of_ours() -> None:
    program = (
        "import sys; from provenance.integrations.mlflow_context import RunContext; "
        "assert not RunContext().in_context(); "
        "print(sorted(it for it in sys.modules if it.startswith('provenance.')))"
    )
    done = subprocess.run(
        (sys.executable, "-c", program), capture_output=True, text=True, check=True
    )
    assert "provenance.recording" not in done.stdout
    assert "provenance.manifest" not in done.stdout


def test_entry_point_names_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (target,) = project["entry-points"]["mlflow.run_context_provider"].values()
    module, _, name = target.partition(":")
    assert getattr(import_module(module), name) is RunContext
