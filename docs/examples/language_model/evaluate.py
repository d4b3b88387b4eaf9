"""Measure a checkpoint on the modules that training never saw, in bits per byte."""

import argparse
import json
from pathlib import Path

import network
import torch
from safetensors.torch import load_file

import provenance


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints"))
    parser.add_argument("--results", type=Path, default=Path("results.json"))
    args = parser.parse_args()
    torch.set_num_threads(1)

    with provenance.record("evaluate", output=args.runs) as run:
        config = json.loads((args.checkpoints / "config.json").read_text())
        del config["model_type"]
        model = network.ByteTransformer(**config)
        weights = max(args.checkpoints.glob("step-*")) / "model.safetensors"
        model.load_state_dict(load_file(weights))
        text = network.read_text(args.data / "validation.txt")

        bits = network.bits_per_byte(model, text)
        results = {"bits_per_byte": bits, "bytes": len(text)}
        args.results.write_text(json.dumps(results, indent=2) + "\n")

        measured = {"value": bits, "samples": len(text), "higher_is_better": False}
        run.evaluation(
            task="bits per byte of unseen modules",
            dataset=args.data / "validation.txt",
            checkpoint=weights,
            metrics={"bits_per_byte": measured},
            results=args.results,
        )
        print(f"{bits:.3f} bits per byte on {len(text):,} bytes")


if __name__ == "__main__":
    main()
