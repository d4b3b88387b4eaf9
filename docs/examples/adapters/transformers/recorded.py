"""Train a tiny GPT-2 on the Zen of Python with transformers: `python SCRIPT OUTPUT`."""

import codecs
import sys
from pathlib import Path

import datasets
import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

from provenance.integrations.transformers import ProvenanceCallback

OUTPUT = Path(sys.argv[1])
LENGTH = 32

torch.set_num_threads(1)
torch.manual_seed(7)

# CPython keeps the text in its own cipher, in a module that prints it when it is imported.
source = Path(codecs.__file__).with_name("this.py").read_text()
text = codecs.decode(source.partition('"""')[2].partition('"""')[0], "rot13")
characters = sorted(set(text))
codes = [characters.index(it) for it in text]
rows = [codes[start : start + LENGTH] for start in range(0, len(codes) - LENGTH, LENGTH)]
data = datasets.Dataset.from_dict({"input_ids": rows, "labels": rows}).train_test_split(
    test_size=0.2, seed=7
)

model = GPT2LMHeadModel(
    GPT2Config(
        vocab_size=len(characters),
        n_positions=LENGTH,
        n_embd=32,
        n_layer=2,
        n_head=2,
        bos_token_id=0,
        eos_token_id=0,
    )
)
trainer = Trainer(
    model=model,
    args=TrainingArguments(
        output_dir=str(OUTPUT / "checkpoints"),
        max_steps=20,
        save_steps=5,
        save_total_limit=2,
        logging_steps=1,
        learning_rate=1e-3,
        report_to=[],
        seed=7,
    ),
    train_dataset=data["train"],
    eval_dataset=data["test"],
)
ProvenanceCallback(output=OUTPUT / "runs").attach(trainer)
trainer.train()
trainer.save_model(str(OUTPUT / "model"))
print(trainer.evaluate()["eval_loss"])
