"""Train a small network on handwritten digits: `python SCRIPT OUTPUT`."""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

from provenance.integrations.pytorch import watch

output = Path(sys.argv[1])
(output / "checkpoints").mkdir(parents=True)
(output / "model").mkdir()

torch.manual_seed(7)
pixels, labels = load_digits(return_X_y=True)
pictures = torch.tensor(pixels / 16, dtype=torch.float32)
loader = DataLoader(TensorDataset(pictures, torch.tensor(labels)), batch_size=64, shuffle=True)
model = torch.nn.Sequential(
    torch.nn.Linear(64, 32),
    torch.nn.ReLU(),
    torch.nn.Dropout(0.1),
    torch.nn.Linear(32, 10),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
run = watch(model, optimizer=optimizer, scheduler=scheduler, loader=loader, output=output / "runs")

step = 0
for epoch in range(3):
    for batch, targets in loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(batch), targets)
        loss.backward()
        optimizer.step()
        step += 1
        run.log({"loss": loss}, step=step)
    scheduler.step()
    torch.save(model.state_dict(), output / "checkpoints" / f"{epoch}.pt")
    run.checkpoint(output / "checkpoints" / f"{epoch}.pt", step=step)

save_file(model.state_dict(), output / "model" / "model.safetensors")
run.checkpoint(output / "model" / "model.safetensors", step=step)
run.finish()
