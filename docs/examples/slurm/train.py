"""Train a little on a cluster: the same script for the first start and for each one after it."""

import argparse
import json
import time
from pathlib import Path

import provenance

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=1000)
parser.add_argument("--seconds-per-step", type=float, default=0.01)
arguments = parser.parse_args()

run = provenance.start("train", output="runs", resume="auto")
run.config(arguments)

weight, first = 0.0, 1
folder = Path("checkpoints")
folder.mkdir(exist_ok=True)
saved = max(folder.glob("step-*.json"), default=None)
if saved is not None:  # on every rank
    state = json.loads(saved.read_text())
    weight, first = state["weight"], state["step"] + 1
    run.segment(resumed_from=saved)

for step in range(first, arguments.steps + 1):
    weight += 0.1 * (1.0 - weight)
    time.sleep(arguments.seconds_per_step)
    run.log({"loss": (1.0 - weight) ** 2}, step=step)
    if step % 10 == 0 and run.rank == 0:
        new = folder / "new"
        new.write_text(json.dumps({"step": step, "weight": weight}))
        path = new.rename(folder / f"step-{step:06}.json")
        run.checkpoint(path, step=step)
run.finish()
