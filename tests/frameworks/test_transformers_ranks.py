"""The callback for the Trainer of transformers, in two processes that train together."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from support.frameworks import QUIET

SCRIPT = """
import sys
from pathlib import Path

from frameworks.test_transformers import ProvenanceCallback, make_trainer

folder = Path(sys.argv[1])
trainer = make_trainer(
    folder,
    max_steps=4,
    use_cpu=True,
    ddp_backend="gloo",
    per_device_train_batch_size=1,
    save_total_limit=1,
)
ProvenanceCallback(output=folder / "runs").attach(trainer)
trainer.train()
trainer.save_model(str(folder / "model"))
trainer.evaluate()
"""


def test_two_ranks_make_one_record(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    processes = []
    for rank in ("0", "1"):
        world = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        path = {"PYTHONPATH": str(Path(__file__).parents[1])}
        processes.append(
            subprocess.Popen(
                (sys.executable, "train.py", tmp_path),
                env={**os.environ, **QUIET, **world, **meeting, **path},
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    outputs = [process.communicate(timeout=150)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs

    (found,) = (tmp_path / "runs").glob("*/record.json")
    record = json.loads(found.read_bytes())
    assert record["status"] == "completed"
    assert [it for it in record["gaps"] if it["kind"] == "failed"] == []
    saved = {it["id"]: it for it in record["checkpoints"]}
    assert list(saved) == ["step-2", "step-4", "final"]
    assert saved["step-2"]["availability"] == "deleted"
    for name in ("step-2", "step-4"):
        files = {it["path"] for it in saved[name]["inventory"]}
        assert {"rng_state_0.pth", "rng_state_1.pth", "model.safetensors"} <= files
    assert [it["id"] for it in record["datasets"]] == ["train", "test"]
    assert record["evaluations"][0]["checkpoint"] == "final"
