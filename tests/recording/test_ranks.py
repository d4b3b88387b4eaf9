"""Which of many processes this one is, before any process group exists; one of them records."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import Future
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from provenance.digest import hash_file
from provenance.errors import RecordingError, UsageError
from provenance.recording import ProvenanceWarning, lifetime, read_project, start
from provenance.recording.deferring import NOT_HASHED
from provenance.recording.ranks import Rank, array_task_of, find_rank, given_rank, job_of, read_rank

if TYPE_CHECKING:
    from pathlib import Path

#: What launchers set, and what it says: the rank, the number of processes, whether it is certain.
CASES: dict[str, tuple[dict[str, str], tuple[int, int | None, bool]]] = {
    "nobody says anything": ({}, (0, None, True)),
    "torchrun": ({"RANK": "3", "WORLD_SIZE": "8"}, (3, 8, True)),
    "rank alone": ({"RANK": "3"}, (3, None, True)),
    "mpirun": ({"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "4"}, (2, 4, True)),
    "mpich": ({"PMI_RANK": "1", "PMI_SIZE": "4"}, (1, 4, True)),
    "srun": ({"SLURM_PROCID": "5", "SLURM_NTASKS": "8"}, (5, 8, True)),
    "batch step of one": ({"SLURM_PROCID": "0", "SLURM_NTASKS": "1"}, (0, 1, True)),
    "agreeing": (
        {"RANK": "1", "WORLD_SIZE": "2", "SLURM_PROCID": "1", "SLURM_NTASKS": "2"},
        (1, 2, True),
    ),
    "torchrun once a machine": (
        {
            "RANK": "9",
            "WORLD_SIZE": "16",
            "SLURM_PROCID": "1",
            "SLURM_NTASKS": "2",
            "TORCHELASTIC_RUN_ID": "x",
        },
        (9, 16, True),
    ),
    "torchrun of rank 0 on another machine": (
        {
            "RANK": "0",
            "WORLD_SIZE": "2",
            "SLURM_PROCID": "1",
            "SLURM_NTASKS": "2",
            "TORCHELASTIC_RUN_ID": "x",
        },
        (0, 2, True),
    ),
    "mpirun in a batch step": (
        {
            "OMPI_COMM_WORLD_RANK": "3",
            "OMPI_COMM_WORLD_SIZE": "4",
            "SLURM_PROCID": "0",
            "SLURM_NTASKS": "4",
        },
        (3, 4, True),
    ),
    "two launchers of as many processes": (
        {"RANK": "0", "WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4"},
        (0, None, False),
    ),
    "two launchers, neither says 0": (
        {"RANK": "2", "WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4"},
        (2, None, True),
    ),
    "left over without a size": ({"RANK": "0", "PMI_RANK": "1", "PMI_SIZE": "2"}, (0, None, False)),
    "text": ({"RANK": "first", "WORLD_SIZE": "2"}, (0, None, False)),
    "negative": ({"RANK": "-1", "WORLD_SIZE": "2"}, (0, None, False)),
    "other digits": ({"RANK": "\u0663", "WORLD_SIZE": "8"}, (0, None, False)),
    "huge": ({"RANK": "9" * 5000, "WORLD_SIZE": "2"}, (0, None, False)),
    "beyond the last": ({"RANK": "2", "WORLD_SIZE": "2"}, (0, None, False)),
    "of none": ({"RANK": "0", "WORLD_SIZE": "0"}, (0, None, False)),
}


@pytest.mark.parametrize(("variables", "expected"), CASES.values(), ids=CASES.keys())
def test_rank_is_what_the_launcher_says(
    variables: dict[str, str], expected: tuple[int, int | None, bool]
) -> None:
    found = read_rank(variables)
    assert (found.number, found.world_size, not found.problem) == expected
    assert found.writes == (found.number == 0)


@pytest.mark.parametrize("rank", [-1, True, 0.5, "0"], ids=repr)
def test_rank_that_is_none_is_refused(rank: object) -> None:
    with pytest.raises(UsageError, match="whole number from 0"):
        given_rank(rank)


def test_rank_beyond_the_last_is_refused() -> None:
    with pytest.raises(UsageError, match="no rank 2"):
        given_rank(2, 2)


def test_job_and_task_are_read_where_they_are_plain() -> None:
    assert job_of({"SLURM_JOB_ID": "17"}) == "SLURM_JOB_ID=17"
    assert job_of({"SLURM_JOB_ID": "1\n7"}) is None
    assert array_task_of({"SLURM_ARRAY_TASK_ID": "4"}) == "4"
    assert array_task_of({"SLURM_ARRAY_TASK_ID": "../4"}) is None


# Processes

TRAIN = """
import sys, time, warnings
from pathlib import Path
import provenance

saved = Path("saved")
run = provenance.start("train", output="runs", **eval(sys.argv[1]))
run.dataset("nowhere.csv", id="d") if run.rank else None
run.config({"rate": 0.1})
for step in range(1, 11):
    run.log({"loss": 1 / step}, step=step)
saved.mkdir(exist_ok=True)
(saved / f"__{run.rank}_0.distcp").write_text(f"rank {run.rank}")
if run.rank == 0:
    (saved / ".metadata").write_text("all")
run.shard(saved, step=10, seconds=float(sys.argv[2]))
run.note("done")
run.finish()
"""


def launch(
    place: Path, ranks: range, *, world: int, seconds: float = 60.0, given: str = "{}"
) -> list[str]:
    script = place / "train.py"
    script.write_text(TRAIN, encoding="utf-8")
    processes = [
        subprocess.Popen(
            [sys.executable, script, given, str(seconds)],
            cwd=place,
            env={**os.environ, "RANK": str(rank), "WORLD_SIZE": str(world), "MASTER_PORT": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ranks
    ]
    said = [it.communicate(timeout=60)[1] for it in processes]
    assert [it.returncode for it in processes] == [0] * len(ranks)
    return said


def test_one_rank_records_and_each_hashes_its_own_files(tmp_path: Path) -> None:
    assert launch(tmp_path, range(3), world=3) == ["", "", ""]
    (found,) = read_project(tmp_path / "runs")
    (saved,) = found.record.checkpoints
    names = [it.path for it in saved.inventory]
    assert names == [".metadata", "__0_0.distcp", "__1_0.distcp", "__2_0.distcp"]
    assert found.record.datasets == ()
    assert not [it for it in found.record.gaps if it.subject in {"ranks", saved.id}]
    assert not any((tmp_path / "runs" / ".ranks").iterdir())


def test_rank_that_says_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "__1_0.distcp").write_text("left by rank 1", encoding="utf-8")
    launch(tmp_path, range(1), world=3, seconds=0.2)
    (found,) = read_project(tmp_path / "runs")
    (gap,) = [it for it in found.record.gaps if it.subject == "ranks"]
    assert "no digests came from ranks 1, 2, rank 0 hashed their files" in gap.description
    assert len(found.record.checkpoints[0].inventory) == 3


def test_rank_0_alone_is_not_disturbed_by_what_others_leave(tmp_path: Path) -> None:
    launch(tmp_path, range(1, 2), world=2)
    (meeting,) = (tmp_path / "runs" / ".ranks").iterdir()
    (file,) = meeting.iterdir()
    tree = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(tree | {"files": "../../etc"}), encoding="utf-8")
    launch(tmp_path, range(1), world=2, seconds=0.2)
    (found,) = read_project(tmp_path / "runs")
    assert [it.subject for it in found.record.gaps].count("ranks") == 1
    assert len(found.record.checkpoints[0].inventory) == 3


def test_rank_that_contradicts_itself_records_with_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "1")
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    (said,) = launch(tmp_path, range(1), world=2, seconds=0.1)
    assert "not certain" in said
    (found,) = read_project(tmp_path / "runs")
    assert [it.subject for it in found.record.gaps].count("rank") == 1


def test_script_may_say_its_rank(tmp_path: Path) -> None:
    launch(tmp_path, range(1), world=2, given="{'rank': 1}")
    assert not list((tmp_path / "runs").glob("train-*"))


def test_what_an_earlier_job_said_of_other_bytes_is_not_taken(tmp_path: Path) -> None:
    launch(tmp_path, range(1, 2), world=2)
    (tmp_path / "saved" / "__1_0.distcp").write_text("RANK 1", encoding="utf-8")
    launch(tmp_path, range(1), world=2)
    (found,) = read_project(tmp_path / "runs")
    names = {it.path: it.digest["blake3"] for it in found.record.checkpoints[0].inventory}
    assert names["__1_0.distcp"] == hash_file(tmp_path / "saved" / "__1_0.distcp").digest["blake3"]


def test_ranks_may_meet_in_a_collective_call(tmp_path: Path) -> None:
    told: list[Any] = []
    for rank in (1, 0):
        run = start("train", output=tmp_path / "runs", rank=rank)
        folder = tmp_path / "saved"
        folder.mkdir(exist_ok=True)
        (folder / f"__{rank}_0.distcp").write_text(f"rank {rank}", encoding="utf-8")

        def gather(mine: Any) -> list[Any]:  # noqa: ANN401 - any object
            told.append(mine)
            return told

        run.shard(folder, step=5, gather=gather)
        run.finish()
    (found,) = read_project(tmp_path / "runs")
    assert [it.path for it in found.record.checkpoints[0].inventory] == [
        "__0_0.distcp",
        "__1_0.distcp",
    ]


def test_other_rank_that_releases_is_told_who_does(tmp_path: Path) -> None:
    run = start("train", output=tmp_path / "runs", rank=1)
    with pytest.raises(RecordingError, match="rank 0 keeps the record"):
        run.release(tmp_path / "out")


def test_file_that_a_rank_names_and_cannot_read_is_a_warning(tmp_path: Path) -> None:
    run = start("train", output=tmp_path / "runs", rank=1)
    with pytest.warns(ProvenanceWarning, match="shard"):
        run.shard(tmp_path, files=["nowhere.bin"], step=1)


def test_save_that_is_not_done_when_the_run_is_interrupted_stays_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifetime, "INTERRUPTED_SECONDS", 0.05)
    run = start("train", output=tmp_path / "runs", rank=0)
    run.shard(tmp_path, step=1, pending=Future())
    run.finish("interrupted")
    assert [it.description for it in run.record.gaps if it.subject == "step-1"] == [NOT_HASHED]
    assert run.record.checkpoints[0].files is None


@pytest.mark.parametrize("fault", [OSError("disk full"), None], ids=["failed", "cancelled"])
def test_save_that_fails_is_a_gap_and_binds_nothing(
    fault: Exception | None, tmp_path: Path
) -> None:
    run = start("train", output=tmp_path / "runs", rank=0)
    pending: Future[None] = Future()
    run.shard(tmp_path, step=1, pending=pending)
    if fault is None:
        pending.cancel()
    else:
        pending.set_exception(fault)
    with pytest.warns(ProvenanceWarning, match="the save failed"):
        run.finish()
    assert run.record.checkpoints[0].files is None
    assert NOT_HASHED not in {it.description for it in run.record.gaps}


def test_save_of_another_rank_that_fails_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "__0_0.distcp").write_text("rank 0", encoding="utf-8")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    first = start("train", output=tmp_path / "runs")
    monkeypatch.setenv("RANK", "1")
    second = start("train", output=tmp_path / "runs")
    mine: Future[None] = Future()
    other: Future[None] = Future()
    first.shard(folder, step=1, pending=mine)
    second.shard(folder, step=1, pending=other)
    with pytest.warns(ProvenanceWarning, match="disk full"):
        other.set_exception(OSError("disk full"))
    mine.set_result(None)
    first.finish()
    assert [it.path for it in first.record.checkpoints[0].inventory] == ["__0_0.distcp"]
    assert any("disk full" in it.description for it in first.record.gaps)


def test_pending_save_is_read_when_it_is_done_and_not_before(tmp_path: Path) -> None:
    run = start("train", output=tmp_path / "runs", rank=0)
    pending: Future[None] = Future()
    folder = tmp_path / "saved"
    run.shard(folder, step=1, pending=pending)
    folder.mkdir()
    (folder / "__0_0.distcp").write_text("late", encoding="utf-8")
    assert not run.wait(0.05)
    pending.set_result(None)
    run.finish()
    assert [it.path for it in run.record.checkpoints[0].inventory] == ["__0_0.distcp"]


class OpenGroup(ModuleType):
    """Stands for `torch.distributed` in a process that has joined a group."""

    is_available = is_initialized = staticmethod(lambda: True)
    get_rank = staticmethod(lambda: 1)
    get_world_size = staticmethod(lambda: 4)


class TestOpenGroup:
    """A process group of torch tells the rank where no launcher does."""

    @pytest.fixture(autouse=True)
    def _joined(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "torch.distributed", OpenGroup("torch.distributed"))

    def test_it_is_asked_last(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert find_rank() == Rank(1, 4, "torch.distributed")
        monkeypatch.setenv("RANK", "2")
        monkeypatch.setenv("WORLD_SIZE", "8")
        assert find_rank() == Rank(2, 8, "RANK")
        assert find_rank(0) == Rank(0, None, "rank=")

    def test_it_says_how_many_there_are(self) -> None:
        assert find_rank(1) == Rank(1, 4, "rank=")

    @pytest.mark.parametrize("question", ["is_available", "is_initialized"])
    def test_one_that_is_not_open_says_nothing(
        self, question: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(OpenGroup, question, staticmethod(lambda: False))
        assert find_rank() == Rank()

    def test_its_other_ranks_keep_no_record(self, tmp_path: Path) -> None:
        run = start("train", output=tmp_path / "runs")
        assert run.rank == 1
        assert run.folder is None
