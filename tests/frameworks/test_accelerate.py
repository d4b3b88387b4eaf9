"""A loop with accelerate that is recorded: trained for real, on a CPU, alone and by two ranks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import ProjectConfiguration, set_seed
from torch.utils.data import DataLoader, TensorDataset

import provenance
from provenance.errors import ProvenanceError
from provenance.integrations.accelerate import ProvenanceTracker
from provenance.integrations.models import tensor_digest_of
from provenance.recording import read_project
from provenance.recording.faults import ProvenanceWarning
from support.frameworks import QUIET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from provenance.recording import Run

STEPS = 8


@pytest.fixture(autouse=True)
def _fresh_state() -> Iterator[None]:
    """An accelerator remembers the first one of its process."""
    yield
    AcceleratorState._reset_state(reset_partial_state=True)
    PartialState._reset_state()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    begun = provenance.start("train", output=tmp_path / "runs", undeclared="ignore")
    yield begun
    if not begun.record.ended_at:
        begun.finish()


class Training:
    """One training, of which tests look at parts."""

    def __init__(
        self,
        folder: Path,
        tracker: ProvenanceTracker | None,
        log_with: Any = None,  # noqa: ANN401 - trackers
    ) -> None:
        """Prepare everything."""
        set_seed(3)
        self.folder = folder
        project = ProjectConfiguration(str(folder), automatic_checkpoint_naming=True, total_limit=1)
        self.accelerator = Accelerator(cpu=True, project_config=project, log_with=log_with)
        if tracker is not None:
            tracker.attach(self.accelerator)
        self.accelerator.init_trackers("test", config={"epochs": 2})
        inputs = torch.randn(16, 4, generator=torch.Generator().manual_seed(1))
        data = TensorDataset(inputs, (inputs.sum(1) > 0).long())
        model = torch.nn.Sequential(
            torch.nn.Linear(4, 4), torch.nn.Dropout(0.1), torch.nn.Linear(4, 2)
        )
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        prepared = self.accelerator.prepare(
            model,
            optimizer,
            scheduler,
            DataLoader(data, batch_size=4, shuffle=True),
            DataLoader(data),
        )
        self.model, self.optimizer, self.scheduler, self.loader, _ = prepared
        self.step = 0

    def epoch(self) -> None:
        """Train, log and save."""
        for batch, labels in self.loader:
            self.optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(self.model(batch), labels)
            self.accelerator.backward(loss)
            self.optimizer.step()
            self.step += 1
            self.accelerator.log({"loss": loss.item(), "note": "text"}, step=self.step)
        self.accelerator.save_state()

    def finish(self) -> Any:  # noqa: ANN401 - a typed root
        """Save the final weights and end; return their digest."""
        self.accelerator.save_model(self.model, self.folder / "final")
        self.accelerator.end_training()
        return tensor_digest_of(self.model.state_dict())


def train(folder: Path, tracker: ProvenanceTracker | None = None) -> Any:  # noqa: ANN401 - a typed root
    training = Training(folder, tracker)
    training.epoch()
    training.epoch()
    found = training.finish()
    AcceleratorState._reset_state(reset_partial_state=True)
    return found


def test_without_a_run_it_warns_and_trains(tmp_path: Path) -> None:
    with pytest.warns(ProvenanceWarning, match="no run is open"):
        found = train(tmp_path / "a", ProvenanceTracker())
    assert found == train(tmp_path / "b")


@pytest.mark.parametrize(
    "method", ["model", "seed", "config", "dataset", "log", "checkpoint", "wait"]
)
def test_a_recorder_that_breaks_does_not_stop_training(
    method: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(method)

    monkeypatch.setattr(type(run), method, broken)
    with pytest.warns(ProvenanceWarning, match="RuntimeError"):
        found = train(tmp_path / "a", ProvenanceTracker(run=run))
    monkeypatch.undo()
    assert found == train(tmp_path / "b")
    assert any(it.kind == "failed" for it in run.record.gaps)


def test_a_save_that_fails_raises_as_ever_and_is_not_recorded(tmp_path: Path, run: Run) -> None:
    training = Training(tmp_path / "a", ProvenanceTracker())
    (tmp_path / "a").mkdir(exist_ok=True)
    (tmp_path / "a" / "checkpoints").write_text("a file")
    with pytest.raises(FileExistsError):
        training.accelerator.save_state()
    assert run.record.checkpoints == ()


def test_a_training_that_raises_is_recorded_as_failed(tmp_path: Path) -> None:
    def fail() -> None:
        with provenance.record("train", output=tmp_path / "runs", undeclared="ignore"):
            Training(tmp_path / "a", ProvenanceTracker()).epoch()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    (found,) = read_project(tmp_path / "runs")
    assert found.record.status == "failed"
    assert [it.step for it in found.record.checkpoints] == [4]


def test_of_a_strict_run_errors_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = provenance.start("train", output=tmp_path / "runs", strict=True, undeclared="ignore")
    monkeypatch.setattr(type(strict), "checkpoint", lambda *_, **__: 1 / 0)
    training = Training(tmp_path / "a", ProvenanceTracker())
    with pytest.raises(ProvenanceError):
        training.epoch()


def test_attached_twice_and_given_as_tracker_records_once(tmp_path: Path, run: Run) -> None:
    tracker = ProvenanceTracker()
    training = Training(tmp_path / "a", tracker, log_with=[tracker])
    tracker.attach(training.accelerator)
    assert training.accelerator.trackers == [tracker]
    with pytest.warns(ProvenanceWarning, match="added twice"):
        ProvenanceTracker().attach(training.accelerator)
    training.epoch()
    training.finish()
    assert len(run.record.checkpoints) == 2


def test_the_accelerator_is_as_it_was_afterwards(tmp_path: Path, run: Run) -> None:
    tracker = ProvenanceTracker(run=run)
    training = Training(tmp_path / "a", tracker)
    assert "save_state" in vars(training.accelerator)
    training.finish()
    assert not {"prepare", "save_state", "save_model"} & set(vars(training.accelerator))
    assert training.accelerator._load_model_state_pre_hook == {}
    assert run.record.status != "completed", "the caller finishes a run that it gave"


def test_as_a_tracker_alone_it_records_settings_and_metrics(tmp_path: Path) -> None:
    tracker = ProvenanceTracker(output=tmp_path / "runs")
    accelerator = Accelerator(cpu=True, log_with=[tracker])
    accelerator.init_trackers("test", config={"lr": 0.5})
    assert accelerator.get_tracker("provenance", unwrap=True) is tracker.tracker
    accelerator.log({"loss": 1.5}, step=1)
    accelerator.log({"loss": 1.0})
    accelerator.end_training()
    (found,) = read_project(tmp_path / "runs")
    assert found.record.hyperparameters == {"lr": 0.5}
    assert found.record.status == "completed"


def test_everything_is_recorded_and_the_weights_are_the_same(tmp_path: Path) -> None:
    found = train(tmp_path / "a", ProvenanceTracker(output=tmp_path / "runs"))
    assert found == train(tmp_path / "b")
    (project,) = read_project(tmp_path / "runs")
    record: Any = project.record
    assert record.status == "completed"
    assert record.hyperparameters["epochs"] == 2
    assert record.hyperparameters["optimizer"]["name"] == "Adam"
    assert record.hyperparameters["scheduler"]["gamma"] == 0.9
    assert record.hyperparameters["loader"]["shuffles"] is True
    assert record.hyperparameters["accelerate"]["processes"] == 1
    assert record.model["architecture"]["name"] == "Sequential"
    assert record.seeds == {"torch": 3}
    assert [(it.roles, it.records) for it in record.datasets] == [(("train",), 16)]
    # The limit of one has deleted the first checkpoint, whose digest stays.
    assert [path.name for path in (tmp_path / "a" / "checkpoints").iterdir()] == ["checkpoint_1"]
    assert [it.step for it in record.checkpoints] == [4, 8, 8]
    assert record.checkpoints[0].files != record.checkpoints[1].files
    assert [it.tensors == found for it in record.checkpoints] == [False, True, True]
    assert [it for it in record.gaps if it.kind == "failed"] == []


def test_a_state_that_is_loaded_begins_a_segment(tmp_path: Path, run: Run) -> None:
    first = Training(tmp_path / "a", ProvenanceTracker(run=run))
    first.epoch()
    first.accelerator.end_training()
    run.finish("interrupted")
    AcceleratorState._reset_state(reset_partial_state=True)
    place = tmp_path / "a" / "checkpoints" / "checkpoint_0"
    again = provenance.start("train", output=tmp_path / "runs", undeclared="ignore")
    second = Training(tmp_path / "a", ProvenanceTracker(run=again))
    second.accelerator.load_state(str(place))
    second.accelerator.project_configuration.iteration = 1
    second.step = 4
    second.epoch()
    second.finish()
    again.finish()
    assert again.record.segments[0].resumed_from == "step-4"
    assert (again.record.segments[0].from_step, again.record.segments[0].to_step) == (4, STEPS)


SCRIPT = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import torch
from frameworks.test_accelerate import ProvenanceTracker, Training

torch.set_num_threads(1)
output = Path(sys.argv[1])
training = Training(output / "training", ProvenanceTracker(output=output / "runs"))
training.epoch()
rank = training.accelerator.process_index
root = training.finish()
(output / f"{rank}.json").write_text(json.dumps(root.to_tree()))
"""


def test_of_two_ranks_each_hashes_what_it_saved(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT, encoding="utf-8")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    common = {**os.environ, **QUIET, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    common["ACCELERATE_USE_CPU"] = "true"

    def start(rank: int) -> subprocess.CompletedProcess[str]:
        said = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
        return subprocess.run(
            (sys.executable, script, tmp_path, os.path.dirname(os.path.dirname(__file__))),  # noqa: PTH120 - a text
            env={**common, **said},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    with ThreadPoolExecutor(2) as pool:
        every = list(pool.map(start, range(2)))
    for done in every:
        assert done.returncode == 0, [it.stderr[-3000:] for it in every]
        assert "provenance:" not in done.stderr, done.stderr[-4000:]
    (project,) = read_project(tmp_path / "runs")
    record: Any = project.record
    assert record.hyperparameters["accelerate"]["processes"] == 2
    state, final = record.checkpoints
    assert {"random_states_0.pkl", "random_states_1.pkl", "model.safetensors"} <= {
        it.path for it in state.inventory
    }
    digests = [json.loads((tmp_path / f"{rank}.json").read_bytes()) for rank in (0, 1)]
    assert digests[0] == digests[1] == final.tensors.to_tree()
    assert [it for it in record.gaps if it.kind == "failed" or it.subject == "ranks"] == []
