"""A loop in plain PyTorch that is watched: trained for real, on a CPU."""

from __future__ import annotations

import random
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import safetensors.torch
import torch
from safetensors.torch import save_file
from torch.utils.data import DataLoader, Dataset, TensorDataset

import provenance
from provenance.errors import ProvenanceError
from provenance.integrations import torch_saves
from provenance.integrations.models import tensor_digest_of
from provenance.integrations.pytorch import recorded_saves, watch
from provenance.recording.faults import ProvenanceWarning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from provenance.recording import Run


class Augmented(Dataset[Any]):
    """A dataset whose items draw numbers, as augmentation does."""

    def __len__(self) -> int:
        """Return how many there are."""
        return 8

    def __getitem__(self, number: int) -> tuple[torch.Tensor, int]:
        """Return an item that is new each time."""
        noise = torch.rand(4) + random.random() + float(np.random.rand())  # noqa: NPY002, S311 - as scripts do
        return noise + number, number % 2


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    begun = provenance.start("train", output=tmp_path / "runs", undeclared="ignore")
    yield begun
    if not begun.record.ended_at:
        begun.finish()


def serialize_file() -> Any:  # noqa: ANN401 - a function
    return vars(safetensors.torch)["serialize_file"]


def as_tree(facts: Any) -> Any:  # noqa: ANN401 - a tree of JSON
    assert facts is not None
    return facts


def train(
    folder: Path, *, recorded: bool, data: Dataset[Any] | None = None, output: Path | None = None
) -> tuple[Any, Run | None]:
    torch.manual_seed(3)
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002 - what scripts do
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(16, 4, generator=generator)
    found = TensorDataset(inputs, (inputs.sum(1) > 0).long()) if data is None else data
    loader = DataLoader(found, batch_size=4, shuffle=True)
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.2), torch.nn.Linear(4, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    run = None
    if recorded:
        run = watch(model, optimizer=optimizer, scheduler=scheduler, loader=loader, output=output)
    folder.mkdir()
    for step, (batch, labels) in enumerate((it for _ in range(2) for it in loader), 1):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(batch), labels)
        loss.backward()
        optimizer.step()
        if run is not None:
            run.log({"loss": loss}, step=step)
    scheduler.step()
    torch.save(model.state_dict(), folder / "last.pt")
    save_file(model.state_dict(), folder / "model.safetensors")
    return tensor_digest_of(model.state_dict()), run


class TestWatch:
    """What one line before a loop records."""

    def test_without_a_run_it_warns_and_trains(self, tmp_path: Path) -> None:
        with pytest.warns(ProvenanceWarning) as caught:
            found, run = train(tmp_path / "a", recorded=True)
        assert "no run is open" in str(caught[0].message)
        assert run is not None
        assert run.folder is None
        assert found == train(tmp_path / "b", recorded=False)[0]

    def test_data_that_draws_random_numbers_is_a_gap_and_trains_the_same(
        self, tmp_path: Path, run: Run
    ) -> None:
        with pytest.warns(ProvenanceWarning):
            found, _ = train(tmp_path / "a", recorded=True, data=Augmented())
        assert found == train(tmp_path / "b", recorded=False, data=Augmented())[0]
        assert any("each time it is read" in it.description for it in run.record.gaps)

    @pytest.mark.parametrize("method", ["model", "seed", "config", "dataset"])
    def test_a_recorder_that_breaks_does_not_stop_training(
        self, method: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object, **__: object) -> None:
            raise RuntimeError(method)

        monkeypatch.setattr(type(run), method, broken)
        with pytest.warns(ProvenanceWarning, match="RuntimeError"):
            found, _ = train(tmp_path / "a", recorded=True)
        assert found == train(tmp_path / "b", recorded=False)[0]
        assert any(it.kind == "failed" for it in run.record.gaps)

    def test_objects_of_other_kinds_become_gaps(self, run: Run) -> None:
        with pytest.warns(ProvenanceWarning):
            watch(torch.nn.Linear(1, 1), optimizer=object(), loader=object(), run=run)
        assert run.record.model is not None
        assert {it.kind for it in run.record.gaps} >= {"failed"}

    def test_a_second_model_is_recorded_beside_the_first(self, tmp_path: Path, run: Run) -> None:
        train(tmp_path / "a", recorded=True)
        assert watch(torch.nn.Bilinear(1, 1, 1)) is run
        assert as_tree(run.record.model)["architecture"]["name"] == "Sequential"
        settings: Any = run.record.hyperparameters
        assert settings["model Bilinear"]["parameter_count"] == 2

    def test_settings_model_seed_and_data_are_recorded(self, tmp_path: Path, run: Run) -> None:
        found, recorded = train(tmp_path / "a", recorded=True)
        assert recorded is run
        record = run.record
        assert found == train(tmp_path / "b", recorded=False)[0]
        assert as_tree(record.model)["architecture"]["name"] == "Sequential"
        assert as_tree(record.model)["architecture"]["parameterCount"] == 30
        settings: Any = record.hyperparameters
        assert settings["optimizer"]["name"] == "Adam"
        assert settings["optimizer"]["groups"][0]["lr"] == 0.01
        assert settings["scheduler"]["gamma"] == 0.9
        assert settings["loader"]["batch_size"] == 4
        assert record.seeds == {"torch": 3}
        assert record.datasets[0].roles == ("train",)
        assert record.datasets[0].records == 16
        assert record.datasets[0].record_tree is not None

    def test_it_can_begin_a_run_of_its_own(self, tmp_path: Path) -> None:
        _, run = train(tmp_path / "a", recorded=True, output=tmp_path / "own")
        assert run is not None
        run.finish()
        assert run.record.status == "completed"
        assert run.record.segments[0].to_step == 8

    def test_a_resumed_run_goes_on_in_a_new_segment(self, tmp_path: Path) -> None:
        weights = torch.nn.Linear(2, 2)
        first = watch(weights, output=tmp_path / "runs")
        assert first is not None
        first.log(1, loss=1.0)
        torch.save(weights.state_dict(), tmp_path / "1.pt")
        first.checkpoint(tmp_path / "1.pt", step=1)
        first.finish("interrupted")
        second = watch(weights, output=tmp_path / "runs", resume="auto")
        assert second is not None
        assert second.resumed_from == tmp_path / "1.pt"
        second.log(2, loss=0.5)
        second.finish()
        assert [it.resumed_from for it in second.record.segments] == [None, "step-1"]


class TestRecordedSaves:
    """Functions that save, inside a block."""

    def test_the_functions_are_the_old_ones_afterwards(self, run: Run) -> None:
        saved = (torch.save, serialize_file())
        with pytest.raises(ZeroDivisionError), recorded_saves(run):  # noqa: PT012 - what is inside counts
            assert torch.save is not saved[0]
            raise ZeroDivisionError
        assert (torch.save, serialize_file()) == saved

    def test_a_save_that_fails_raises_as_ever_and_is_not_recorded(
        self, tmp_path: Path, run: Run
    ) -> None:
        with recorded_saves(run), pytest.raises(RuntimeError):
            torch.save({}, tmp_path / "no" / "folder.pt")
        assert run.record.checkpoints == ()

    def test_what_another_one_patched_stays(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(torch, "save", torch.save)

        def other(*_: object) -> str:
            return "other"

        with recorded_saves(run):
            torch.save = other
        assert torch.save is other

    def test_a_recorder_that_breaks_saves_all_the_same(
        self, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(type(run), "checkpoint", lambda *_, **__: 1 / 0)
        with pytest.warns(ProvenanceWarning), recorded_saves(run):
            torch.save({"a": 1}, tmp_path / "a.pt")
        assert torch.load(tmp_path / "a.pt") == {"a": 1}

    def test_of_a_strict_run_errors_pass_and_the_file_is_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        strict = provenance.start(
            "strict", output=tmp_path / "runs", strict=True, undeclared="ignore"
        )
        monkeypatch.setattr(type(strict), "checkpoint", lambda *_, **__: 1 / 0)
        with recorded_saves(strict), pytest.raises(ProvenanceError):
            torch.save({}, tmp_path / "a.pt")
        assert (tmp_path / "a.pt").exists()

    def test_without_a_run_nothing_is_patched(self) -> None:
        before = torch.save
        with pytest.warns(ProvenanceWarning, match="no run"), recorded_saves():
            found = torch.save
        assert found is before

    def test_every_way_to_save_is_recorded_also_to_one_name(self, tmp_path: Path, run: Run) -> None:
        with recorded_saves():
            for step in (1, 2):
                run.log(step, loss=1.0)
                torch.save({"step": torch.tensor(step)}, f=str(tmp_path / "last.pt"))
            save_file({"a": torch.zeros(2)}, tmp_path / "a.safetensors")  # imported before
            safetensors.torch.save_model(torch.nn.Linear(1, 1), str(tmp_path / "b.safetensors"))
        torch.save({}, tmp_path / "after.pt")
        saved = run.record.checkpoints
        assert [it.inventory[0].path for it in saved] == [
            *("last.pt", "last.pt", "a.safetensors", "b.safetensors")
        ]
        assert saved[0].files != saved[1].files
        assert [it.step for it in saved] == [1, 2, 2, 2]
        assert saved[2].tensors == tensor_digest_of({"a": torch.zeros(2)})

    def test_large_files_are_hashed_before_they_are_written_again(
        self, tmp_path: Path, run: Run
    ) -> None:
        with recorded_saves(run):
            for value in (1.0, 2.0, 3.0):
                save_file({"a": torch.full((2_000_000,), value)}, tmp_path / "last.safetensors")
        run.finish()
        wanted = [
            tensor_digest_of({"a": torch.full((2_000_000,), value)}) for value in (1.0, 2.0, 3.0)
        ]
        assert [it.tensors for it in run.record.checkpoints] == wanted

    def test_an_open_file_is_a_gap_and_memory_is_none(self, tmp_path: Path, run: Run) -> None:
        import io  # noqa: PLC0415 - only here

        with recorded_saves(run):
            torch.save({}, io.BytesIO())
            assert not [it for it in run.record.gaps if it.subject == "checkpoint"]
            with (tmp_path / "a.pt").open("wb") as file:
                torch.save({}, file)
        assert [it for it in run.record.gaps if it.subject == "checkpoint"]

    def test_one_block_inside_another_records_once(self, tmp_path: Path, run: Run) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with recorded_saves(run), recorded_saves(run):
                torch.save({}, tmp_path / "a.pt")
        assert len(run.record.checkpoints) == 1


def test_the_adapter_names_what_it_patches() -> None:
    for module, name, _ in torch_saves.SAVERS:
        assert callable(getattr(__import__(module, fromlist=[name]), name))
