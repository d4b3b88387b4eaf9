"""Ray: tasks and actors record themselves where they run; the driver and they meet by content."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import ray

import provenance
from provenance.integrations.ray import recorded_task
from provenance.recording.faults import ProvenanceWarning
from provenance.recording.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", autouse=True)
def _cluster() -> Iterator[None]:
    """One worker on this machine, which nobody else can reach."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Tests are no package that workers could import from.
        ray.init(
            num_cpus=1,
            include_dashboard=False,
            log_to_driver=False,
            _node_ip_address="127.0.0.1",
            object_store_memory=80 * 1024 * 1024,
            runtime_env={"env_vars": {"PYTHONPATH": str(Path(__file__).parents[1])}},
        )
        yield
        ray.shutdown()


def test_what_a_task_raises_passes_and_fails_its_run(tmp_path: Path) -> None:
    def train() -> None:
        message = "a bug of the script"
        raise ValueError(message)

    with pytest.raises(ValueError, match="a bug of the script"):
        ray.get(_remote(recorded_task(output=tmp_path)(train)).remote())
    record = _record(tmp_path, "train")
    assert (record["status"], record["failure"]) == ("failed", "ValueError: a bug of the script")


@pytest.mark.parametrize("method", ["note", "finish"])
def test_a_recorder_that_breaks_stops_no_task(tmp_path: Path, method: str) -> None:
    def train(number: int) -> int:
        return number + 1

    def broken(*_: object, **__: object) -> None:
        message = "broken"
        raise RuntimeError(message)

    def sabotaged(number: int) -> int:
        original = getattr(Run, method)
        setattr(Run, method, broken)
        try:
            return recorded_task(output=tmp_path)(train)(number)
        finally:
            setattr(Run, method, original)
            while (run := provenance.current_run()) is not None:
                run.finish()

    assert ray.get(_remote(sabotaged).remote(1)) == 2


def test_a_project_folder_that_cannot_be_made_stops_no_task(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    task = _remote(recorded_task(output=tmp_path / "runs")(_add))
    assert ray.get(task.remote(1, more=2)) == 3


def test_what_runs_in_pieces_is_warned_of_and_let_be(tmp_path: Path) -> None:
    async def later() -> None:
        """Run in pieces."""

    with pytest.warns(ProvenanceWarning, match="runs in pieces"):
        assert recorded_task(output=tmp_path)(later) is later


def test_decorated_twice_it_records_once(tmp_path: Path) -> None:
    twice = recorded_task(output=tmp_path)(recorded_task(output=tmp_path)(_add))
    assert ray.get(_remote(twice).remote(1, more=2)) == 3
    assert len(list(tmp_path.glob("*/record.json"))) == 1


def test_a_task_records_its_own_process_and_the_script_of_the_driver(tmp_path: Path) -> None:
    def train(folder: str) -> tuple[int, str]:
        run: Any = provenance.current_run()
        run.config(width=3)
        run.log({"loss": 0.5}, step=1)
        weights = Path(folder) / "weights.bin"
        weights.write_bytes(b"weights")
        run.checkpoint(weights)
        return os.getpid(), str(weights)

    project = tmp_path / "runs"
    with provenance.record("drive", output=project) as run:
        task = _remote(recorded_task(output=project, name="fit")(train))
        process, weights = ray.get(task.remote(str(tmp_path)))
        run.evaluation(task="size", metrics={"bytes": 7}, checkpoint=weights)
        assert run.record.checkpoints == ()
    assert process != os.getpid()

    fit, drive = _record(project, "fit"), _record(project, "drive")
    assert fit["status"] == drive["status"] == "completed"
    assert fit["code"]["path"].endswith("test_ray.py")
    assert "command" not in fit
    assert any("worker of Ray" in gap["description"] for gap in fit["gaps"])
    assert "a task of Ray" in fit["journal"][0]["text"]
    assert fit["checkpoints"][0]["id"] == drive["evaluations"][0]["checkpoint"]
    assert {gap["subject"] for gap in fit["gaps"] if gap["kind"] == "failed"} <= {"git"}
    assert "127.0.0.1" not in json.dumps(fit)


def test_methods_of_an_actor_are_recorded_one_by_one(tmp_path: Path) -> None:
    class Trainer:
        """Holds a number."""

        def __init__(self) -> None:
            self.number = 0

        @recorded_task(output=tmp_path)
        def step(self, more: int) -> int:
            """Add to the number."""
            self.number += more
            run: Any = provenance.current_run()
            run.log({"number": self.number}, step=self.number)
            return self.number

    actor: Any = ray.remote(Trainer).remote()
    assert ray.get([actor.step.remote(1), actor.step.remote(2)]) == [1, 3]
    records = [json.loads(it.read_bytes()) for it in tmp_path.glob("step-*/record.json")]
    assert [it["status"] for it in records] == ["completed", "completed"]


def test_called_in_the_driver_it_records_into_the_open_run(tmp_path: Path) -> None:
    with provenance.record("drive", output=tmp_path / "drive"):
        assert recorded_task(output=tmp_path / "runs")(_add)(1, more=2) == 3
    assert not (tmp_path / "runs").exists()


def _remote(function: Any) -> Any:  # noqa: ANN401 - Ray's types know no keyword arguments
    return ray.remote(function)


def _add(number: int, *, more: int) -> int:
    return number + more


def _record(folder: Path, name: str) -> Any:  # noqa: ANN401 - a tree of JSON
    (place,) = folder.glob(f"{name}-*/record.json")
    return json.loads(place.read_bytes())
