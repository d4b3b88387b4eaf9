"""Two processes that train together and talk by gloo: each hashes what it saves."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch.distributed.checkpoint.api import CheckpointException

import provenance
from provenance.digest import hash_file, hash_tensors
from provenance.integrations import distributed
from provenance.integrations.distributed import async_save_checkpoint, save_checkpoint
from provenance.recording import read_project
from provenance.recording.faults import ProvenanceWarning
from support.frameworks import QUIET

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:torch.distributed is disabled")

RANKS = 2

SCRIPT = """
import json, os, sys, time
from pathlib import Path
import torch
import torch.distributed as dist
from safetensors.torch import save_file
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel
import provenance
from provenance.integrations.distributed import all_gather, async_save_checkpoint, save_checkpoint
from provenance.integrations.models import describe_model, tensor_digest_of
from provenance.integrations.pytorch import watch

output = Path(sys.argv[1])
torch.set_num_threads(1)
dist.init_process_group("gloo")
rank = dist.get_rank()
run = provenance.start("train", output=output / "runs", undeclared="ignore")
said = {"gathered": all_gather({"rank": rank})}

torch.manual_seed(5)
model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 2))
replicated = DistributedDataParallel(model)
optimizer = torch.optim.SGD(replicated.parameters(), lr=0.1)
watch(replicated, optimizer=optimizer)
for step in (1, 2):
    optimizer.zero_grad()
    loss = replicated(torch.full((2, 4), float(rank + step))).square().mean()
    loss.backward()
    optimizer.step()
    run.log(step, loss=loss)
if rank == 0:
    save_file(replicated.module.state_dict(), output / "ddp.safetensors")
run.checkpoint(output / "ddp.safetensors", step=2)
said["ddp"] = tensor_digest_of(replicated.state_dict()).to_tree()
said["described"] = describe_model(replicated)

sharded = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Linear(6, 2))
fully_shard(sharded, mesh=dist.init_device_mesh("cpu", (2,)))
sharded(torch.ones(1, 4)).sum().backward()
state = {"model": get_model_state_dict(sharded)}
save_checkpoint(state, output / "gathered", step=3, gather=all_gather)
save_checkpoint(state, output / "met", step=4)
group = dist.new_group()  # its thread talks while the ranks talk about other things
pending = async_save_checkpoint(state, output / "async", step=5, process_group=group)
said["fsdp"] = tensor_digest_of(sharded.state_dict()).to_tree()
said["fsdp_described"] = describe_model(sharded)
options = StateDictOptions(full_state_dict=True, cpu_offload=True)
full = get_model_state_dict(sharded, options=options)
if rank == 0:
    save_file(full, output / "fsdp.safetensors")
getattr(pending, "upload_completion", pending).result()
run.finish()
(output / f"{rank}.json").write_text(json.dumps(said))
dist.destroy_process_group()
"""


def train_rank(
    script: Path, variables: dict[str, str], rank: int
) -> subprocess.CompletedProcess[str]:
    said = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(RANKS)}
    return subprocess.run(
        (sys.executable, script, script.parent),
        env={**variables, **said},
        cwd=script.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training by two ranks."""
    folder = tmp_path_factory.mktemp("ranks")
    script = folder / "train.py"
    script.write_text(SCRIPT, encoding="utf-8")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    common = {**os.environ, **QUIET, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    with ThreadPoolExecutor(RANKS) as pool:
        every = list(pool.map(lambda rank: train_rank(script, common, rank), range(RANKS)))
    for done in every:
        assert done.returncode == 0, [it.stderr[-3000:] for it in every]
        assert "provenance:" not in done.stderr, done.stderr[-4000:]
    return folder


@pytest.fixture(scope="module")
def record(trained: Path) -> Any:  # noqa: ANN401 - a record
    (found,) = read_project(trained / "runs")
    return found.record


def said(folder: Path, rank: int) -> Any:  # noqa: ANN401 - a tree of JSON
    return json.loads((folder / f"{rank}.json").read_bytes())


def saved(record: Any, step: int) -> Any:  # noqa: ANN401 - a record and its checkpoint
    (found,) = (it for it in record.checkpoints if it.step == step)
    return found


def test_without_a_run_it_warns_and_saves(tmp_path: Path) -> None:
    with pytest.warns(ProvenanceWarning, match="no run is open"):
        save_checkpoint({"a": torch.zeros(2)}, tmp_path / "saved", no_dist=True)
    assert (tmp_path / "saved" / ".metadata").exists()


def test_a_save_that_fails_raises_as_ever(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointException):
        save_checkpoint({"a": torch.zeros(2)}, tmp_path / "file", no_dist=True)


def test_a_run_that_breaks_does_not_stop_the_save(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = provenance.start("train", output=tmp_path / "runs", undeclared="ignore")
    monkeypatch.setattr(type(run), "shard", lambda *_, **__: 1 / 0)
    with pytest.warns(ProvenanceWarning, match="shard"):
        save_checkpoint({"a": torch.zeros(2)}, tmp_path / "saved", run=run, no_dist=True)
    assert any("ZeroDivisionError" in it.description for it in run.record.gaps)


def test_an_asynchronous_save_that_fails_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = provenance.start("train", output=tmp_path / "runs", undeclared="ignore")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        place = tmp_path / "file"
        async_save_checkpoint({"a": torch.zeros(2)}, place, run=run, no_dist=True, step=1)
        run.finish()
    assert any("the save failed" in str(it.message) for it in caught)
    (checkpoint,) = run.record.checkpoints
    assert checkpoint.files is None
    assert any("the save failed" in it.description for it in run.record.gaps)


def test_an_asynchronous_save_is_bound_when_it_is_done(tmp_path: Path) -> None:
    run = provenance.start("train", output=tmp_path / "runs", undeclared="ignore")
    async_save_checkpoint({"a": torch.zeros(2)}, tmp_path / "saved", run=run, no_dist=True, step=1)
    run.finish()
    assert {it.path for it in run.record.checkpoints[0].inventory} == {"__0_0.distcp", ".metadata"}
    assert "saved" not in {it.subject for it in run.record.gaps}


def test_the_group_that_gathers_is_made_once() -> None:
    assert distributed._group.cache_info().maxsize is None


def test_rank_0_alone_keeps_the_record(trained: Path, record: Any) -> None:  # noqa: ANN401 - as above
    assert len(list((trained / "runs").glob("*/record.json"))) == 1
    assert record.status == "completed"
    assert [it for it in record.gaps if it.kind == "failed" or it.subject == "ranks"] == []
    assert record.segments[0].to_step == 5


def test_all_gather_returns_what_each_gave(trained: Path) -> None:
    assert (
        said(trained, 0)["gathered"] == said(trained, 1)["gathered"] == [{"rank": 0}, {"rank": 1}]
    )


def test_the_weights_of_replicas_are_those_of_the_file_of_rank_0(
    trained: Path,
    record: Any,  # noqa: ANN401 - as above
) -> None:
    root, _ = hash_tensors([trained / "ddp.safetensors"])
    assert saved(record, 2).tensors == root
    assert said(trained, 0)["ddp"] == said(trained, 1)["ddp"] == root.to_tree()
    assert said(trained, 0)["described"]["architecture"]["name"] == "Sequential"


def test_the_digest_of_sharded_weights_is_that_of_the_whole_ones(trained: Path) -> None:
    root, _ = hash_tensors([trained / "fsdp.safetensors"])
    assert said(trained, 0)["fsdp"] == said(trained, 1)["fsdp"] == root.to_tree()
    assert said(trained, 1)["fsdp_described"] == {
        "architecture": {"name": "Sequential", "parameter_count": 44, "data_type": "F32"}
    }


@pytest.mark.parametrize(
    ("step", "folder"),
    [
        pytest.param(3, "gathered", id="told-by-a-collective-call"),
        pytest.param(4, "met", id="told-through-the-project-folder"),
        pytest.param(5, "async", id="saved-in-the-background"),
    ],
)
def test_files_of_every_rank_are_in_the_checkpoint(
    step: int,
    folder: str,
    trained: Path,
    record: Any,  # noqa: ANN401 - as above
) -> None:
    found = {it.path: it for it in saved(record, step).inventory}
    assert set(found) == {"__0_0.distcp", "__1_0.distcp", ".metadata"}
    for name, entry in found.items():
        digest = hash_file(trained / folder / name, algorithms=("sha256",)).digest
        assert entry.digest["sha256"] == digest["sha256"]


def test_ranks_leave_nothing_where_they_met(trained: Path) -> None:
    assert list((trained / "runs" / ".ranks").glob("*/*")) == []
