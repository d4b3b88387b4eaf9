"""Prepare digits with `datasets` and train on them: `python plain.py OUTPUT`."""

import sys
from pathlib import Path

import torch
from datasets import Dataset
from safetensors.torch import save_file
from sklearn.datasets import load_digits

output = Path(sys.argv[1])
torch.manual_seed(7)
torch.set_num_threads(1)
pixels, labels = load_digits(return_X_y=True)
digits = Dataset.from_dict({"pixels": pixels.tolist(), "label": labels.tolist()})
odd = digits.filter(lambda row: row["label"] % 2 == 1)
splits = odd.train_test_split(test_size=0.25, seed=7)

model = torch.nn.Linear(64, 10)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for batch in splits["train"].with_format("torch").iter(batch_size=32):
    loss = torch.nn.functional.cross_entropy(model(batch["pixels"].float() / 16), batch["label"])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

(output / "model").mkdir()
save_file(model.state_dict(), output / "model" / "model.safetensors")
