"""Train a logistic regression on records that may not be published, and measure it on others."""

import argparse
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

import provenance

PRIVATE = "Names of files tell who our customers are."


def load(folder):
    """Return features and labels of all files below a folder."""
    table = np.concatenate([np.loadtxt(it, delimiter=",") for it in sorted(folder.glob("*/*.csv"))])
    return table[:, :-1], table[:, -1]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("clinic-exports"))
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--learning-rate", type=float, default=0.5)
    parser.add_argument("--tracker", default="https://runs.ml.northgate-lab.example/triage")
    args = parser.parse_args()

    with provenance.record("train", output="runs") as run:
        run.config(args)
        records, holdout = args.data / "records", args.data / "holdout"
        run.dataset(records, id="records", name="Patients", role="train", private=PRIVATE)
        run.dataset(holdout, id="holdout", name="Other patients", role="test", private=PRIVATE)

        features, labels = load(records)
        mean, spread = features.mean(axis=0), features.std(axis=0)
        features = (features - mean) / spread
        weight, bias = np.zeros(features.shape[1]), 0.0
        for step in range(1, args.steps + 1):
            chance = 1 / (1 + np.exp(-(features @ weight + bias)))
            error = (chance - labels) / len(labels)
            weight -= args.learning_rate * features.T @ error
            bias -= args.learning_rate * error.sum()
            loss = -np.log(np.where(labels == 1, chance, 1 - chance) + 1e-12).mean()
            run.log({"loss": loss}, step=step)

        # The scaling is folded into the weights: means of patients' data are not published either.
        scaled = weight / spread
        tensors = {"weight": scaled, "bias": np.array([bias - mean @ scaled])}
        save_file({name: it.astype(np.float32) for name, it in tensors.items()}, "last.safetensors")
        run.checkpoint("last.safetensors", step=args.steps)

        features, labels = load(holdout)
        right = (features @ scaled + tensors["bias"] > 0) == (labels == 1)
        run.evaluation(
            task="right diagnoses",
            dataset="holdout",
            checkpoint="last.safetensors",
            metrics={"accuracy": {"value": float(right.mean()), "higher_is_better": True}},
        )
        print(f"loss {loss:.4f}, accuracy {right.mean():.3f} on {len(labels)} other patients")


if __name__ == "__main__":
    main()
