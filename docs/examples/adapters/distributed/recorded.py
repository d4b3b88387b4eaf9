"""Train a network on handwritten digits in two processes: `python SCRIPT OUTPUT`."""

import gc
import os
import sys
from pathlib import Path

import torch
import torch.distributed.checkpoint as dcp
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.run import main as torchrun
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from provenance.integrations.pytorch import watch


def main():
    output = Path(sys.argv[1])
    torch.distributed.init_process_group("gloo")
    torch.manual_seed(7)
    pixels, labels = load_digits(return_X_y=True)
    pictures = torch.tensor(pixels / 16, dtype=torch.float32)
    data = TensorDataset(pictures, torch.tensor(labels))
    sampler = DistributedSampler(data, seed=7)
    loader = DataLoader(data, batch_size=32, sampler=sampler)
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    model = DistributedDataParallel(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    run = watch(model, optimizer=optimizer, loader=loader, output=output / "runs")

    step = 0
    for epoch in range(2):
        sampler.set_epoch(epoch)
        for batch, targets in loader:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(batch), targets)
            loss.backward()
            optimizer.step()
            step += 1
            run.log({"loss": loss}, step=step)
        dcp.save({"model": get_model_state_dict(model)}, checkpoint_id=output / f"epoch-{epoch}")
        run.shard(output / f"epoch-{epoch}", step=step)

    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    weights = get_model_state_dict(model, options=options)
    if torch.distributed.get_rank() == 0:
        (output / "model").mkdir()
        save_file(weights, output / "model" / "model.safetensors")
        run.checkpoint(output / "model" / "model.safetensors", step=step)
    run.finish()
    torch.distributed.destroy_process_group()


if "RANK" in os.environ:
    main()
    gc.collect()  # torch ends the threads of a group when nothing holds it any more
else:
    torchrun(["--standalone", "--nproc-per-node=2", *sys.argv])
