"""Train a small network on handwritten digits with accelerate: `python SCRIPT OUTPUT`."""

import sys
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration, set_seed
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

output = Path(sys.argv[1])
set_seed(7)
pixels, labels = load_digits(return_X_y=True)
pictures = torch.tensor(pixels / 16, dtype=torch.float32)
data = TensorDataset(pictures, torch.tensor(labels))
model = torch.nn.Sequential(
    torch.nn.Linear(64, 32),
    torch.nn.ReLU(),
    torch.nn.Linear(32, 10),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)

project = ProjectConfiguration(str(output), automatic_checkpoint_naming=True, total_limit=2)
accelerator = Accelerator(cpu=True, project_config=project)
accelerator.init_trackers("digits", config={"epochs": 3})
model, optimizer, loader = accelerator.prepare(
    model, optimizer, DataLoader(data, batch_size=64, shuffle=True)
)

step = 0
for _ in range(3):
    for batch, targets in loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(batch), targets)
        accelerator.backward(loss)
        optimizer.step()
        step += 1
        accelerator.log({"loss": loss.item()}, step=step)
    accelerator.save_state()

accelerator.save_model(model, output / "model")
accelerator.end_training()
