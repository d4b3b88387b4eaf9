"""Fixtures of the recorder's tests: a script, a project folder, a small release."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provenance.recording import Run, record
from support.releases import SmallRelease, make_release, record_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text("print('hello')\n", encoding="utf-8")
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def new_run(project: Path, script: Path) -> Iterator[Callable[..., Run]]:
    """Return a function that begins a strict run; what is left open is finished."""
    runs: list[Run] = []

    def begin(name: str = "train", *, strict: bool = True) -> Run:
        runs.append(record(name, output=project, script=script, strict=strict))
        return runs[-1]

    yield begin
    for run in runs:
        if run.record.status == "running":
            run.finish()


@pytest.fixture
def run(new_run: Callable[..., Run]) -> Run:
    return new_run()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_text("1,2\n3,4\n", encoding="utf-8")
    return path


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Return a project with a completed `prepare`, `train` and `evaluate`."""
    return record_project(tmp_path)


@pytest.fixture
def release(tmp_path: Path) -> SmallRelease:
    return make_release(tmp_path)
