"""Measure a checkpoint on images that training never saw, and write the results to a file."""

import argparse
import json
from pathlib import Path

import network
import numpy as np
from safetensors.numpy import load_file

import provenance


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoints/best.safetensors"))
    parser.add_argument("--results", type=Path, default=Path("results.json"))
    args = parser.parse_args()

    with provenance.record("evaluate", output=args.runs) as run:
        weights = load_file(args.checkpoint)
        with np.load(args.data / "test.npz") as part:
            images, labels = part["images"], part["labels"]

        accuracy = network.accuracy(weights, images, labels)
        by_digit = {
            str(digit): network.accuracy(weights, images[labels == digit], labels[labels == digit])
            for digit in range(10)
        }
        results = {"accuracy": accuracy, "images": len(labels), "accuracy_by_digit": by_digit}
        args.results.write_text(json.dumps(results, indent=2) + "\n")

        measured = {"value": accuracy, "samples": len(labels), "higher_is_better": True}
        run.evaluation(
            task="test accuracy",
            dataset=args.data / "test.npz",
            checkpoint=args.checkpoint,
            metrics={"accuracy": measured},
            results=args.results,
        )
        print(f"test accuracy {accuracy:.4f} on {len(labels)} images")


if __name__ == "__main__":
    main()
