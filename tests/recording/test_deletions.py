"""Checkpoints that are deleted while a run goes on."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import provenance
from support.releases import DESCRIPTION, write_safetensors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from provenance.recording import Run


def save(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    content = write_safetensors({"w": [float(len(name))]})
    (folder / name / "model.safetensors").write_bytes(content)
    return folder / name


def test_one_that_is_there_is_not_marked(run: Run, tmp_path: Path) -> None:
    run.checkpoint(save(tmp_path, "a"), step=1)
    run.finish()
    assert run.record.checkpoints[0].availability is None


def test_what_the_script_says_stays(run: Run, tmp_path: Path) -> None:
    place = save(tmp_path, "a")
    run.checkpoint(place, step=1, availability="kept")
    shutil.rmtree(place)
    run.finish()
    assert run.record.checkpoints[0].availability == "kept"


def test_one_that_cannot_be_looked_at_is_not_marked(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = save(tmp_path, "a")
    run.checkpoint(place, step=1)
    original = type(place).lstat

    def refuse(self: Path) -> Any:  # noqa: ANN401 - as the original
        if self == place:
            raise PermissionError(13, "denied")
        return original(self)

    monkeypatch.setattr(type(place), "lstat", refuse)
    run.finish()
    assert run.record.checkpoints[0].availability is None


def test_one_that_is_gone_is_marked_and_keeps_its_digests(run: Run, tmp_path: Path) -> None:
    for step, name in enumerate(("a", "bb", "ccc"), start=1):
        run.checkpoint(save(tmp_path, name), step=step)
    before = run.record.checkpoints
    shutil.rmtree(tmp_path / "a")
    (tmp_path / "bb" / "model.safetensors").unlink()
    (tmp_path / "bb").rmdir()
    run.finish()
    assert [it.availability for it in run.record.checkpoints] == ["deleted", "deleted", None]
    assert [(it.files, it.tensors) for it in run.record.checkpoints] == [
        (it.files, it.tensors) for it in before
    ]
    assert run.folder is not None
    on_disk = json.loads((run.folder / "record.json").read_bytes())
    assert [it.get("availability") for it in on_disk["checkpoints"]] == ["deleted", "deleted", None]


def test_it_is_released_from_files_that_are_given(run: Run, tmp_path: Path, project: Path) -> None:
    place = save(tmp_path, "a")
    weights = shutil.copy(place / "model.safetensors", tmp_path / "model.safetensors")
    run.checkpoint(place, step=1, id="a")
    shutil.rmtree(place)
    run.finish()
    assert run.record.checkpoints[0].availability == "deleted"
    draft = provenance.release(
        project, tmp_path / "released", description=DESCRIPTION, files=[weights]
    )
    assert draft.manifest.training is not None
    (saved,) = draft.manifest.training.checkpoints
    assert saved.availability == "released"


def test_a_stage_of_its_own_throws_no_steps_away(new_run: Callable[..., Run]) -> None:
    run = new_run()
    run.log(3, loss=1.0)
    run.segment(from_step=0, stage="second")
    run.log(1, loss=1.0)
    run.segment(from_step=0, stage="second", event="crash")
    run.finish()
    assert [it.rollback_to for it in run.record.segments] == [None, None, 0]
