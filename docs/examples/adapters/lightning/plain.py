"""Train a small network on handwritten digits with Lightning: `python SCRIPT OUTPUT`."""

import sys
from pathlib import Path

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split


class Digits(pl.LightningModule):
    def __init__(self, width):
        super().__init__()
        self.save_hyperparameters()
        layers = torch.nn.Linear(64, width), torch.nn.ReLU(), torch.nn.Linear(width, 10)
        self.network = torch.nn.Sequential(*layers)

    def measure(self, batch, name):
        loss = torch.nn.functional.cross_entropy(self.network(batch[0]), batch[1])
        self.log(name, loss)
        return loss

    def training_step(self, batch):
        return self.measure(batch, "train_loss")

    def validation_step(self, batch):
        self.measure(batch, "val_loss")

    def test_step(self, batch):
        self.measure(batch, "test_loss")

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-2)


output = Path(sys.argv[1])
pl.seed_everything(7)
pixels, labels = load_digits(return_X_y=True)
digits = TensorDataset(torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(labels))
parts = [DataLoader(it, batch_size=64) for it in random_split(digits, [1400, 200, 197])]
callbacks = [ModelCheckpoint(output / "checkpoints", monitor="val_loss", save_top_k=1)]
trainer = pl.Trainer(
    default_root_dir=output, max_epochs=3, log_every_n_steps=5, callbacks=callbacks
)
module = Digits(width=32)
trainer.fit(module, *parts[:2])
(output / "model").mkdir()
save_file(module.network.state_dict(), output / "model" / "model.safetensors")
trainer.test(module, parts[2], ckpt_path="best", weights_only=True)
