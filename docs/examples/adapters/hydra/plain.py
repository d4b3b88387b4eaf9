"""Train a classifier that Hydra configures: `python plain.py OUTPUT`."""

import sys
from pathlib import Path

import hydra
import torch
from omegaconf import DictConfig
from safetensors.torch import save_file
from sklearn.datasets import load_digits


@hydra.main(version_base=None, config_path="conf", config_name="config")
def train(config: DictConfig) -> None:
    """Train on all digits at once and save the weights."""
    torch.manual_seed(config.seed)
    torch.set_num_threads(1)
    digits, labels = (torch.tensor(array) for array in load_digits(return_X_y=True))
    model = torch.nn.Sequential(
        torch.nn.Linear(64, config.model.width),
        torch.nn.Tanh(),
        torch.nn.Linear(config.model.width, config.model.classes),
    )
    optimizer = torch.optim.SGD(model.parameters(), config.optimizer.learning_rate)
    for step in range(1, config.optimizer.steps + 1):
        loss = torch.nn.functional.cross_entropy(model(digits.float() / 16), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.3f}")
    weights = Path(config.output) / "model" / "model.safetensors"
    weights.parent.mkdir()
    save_file(model.state_dict(), weights)


output = Path(sys.argv.pop()).resolve()
sys.argv += [f"output='{output}'", f"hydra.run.dir='{output}/job'"]
train()
