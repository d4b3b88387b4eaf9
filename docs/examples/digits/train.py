"""Train a small network on the digits by stochastic gradient descent, written out in numpy."""

import argparse
import json
from pathlib import Path

import network
import numpy as np
from safetensors.numpy import save_file

import provenance


def load(path):
    with np.load(path) as part:
        return part["images"], part["labels"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints"))
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--save-every", type=int, default=100)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    args.checkpoints.mkdir(parents=True, exist_ok=True)

    with provenance.record("train", output=args.runs) as run:
        run.config(args)
        run.seed(numpy=args.seed)
        run.dataset(args.data / "train.npz")
        run.dataset(args.data / "validation.npz")

        images, labels = load(args.data / "train.npz")
        validation = load(args.data / "validation.npz")
        rng = np.random.default_rng(args.seed)
        weights = network.create(rng, inputs=images.shape[1], hidden=args.hidden, outputs=10)
        velocity = {name: np.zeros_like(tensor) for name, tensor in weights.items()}

        best = 0.0
        for step in range(1, args.steps + 1):
            batch = rng.integers(0, len(images), args.batch_size)
            loss, gradients = network.loss_and_gradients(weights, images[batch], labels[batch])
            for name, gradient in gradients.items():
                velocity[name] = args.momentum * velocity[name] - args.learning_rate * gradient
                weights[name] += velocity[name]
            run.log({"loss": loss}, step=step)

            if step % args.save_every == 0:
                score = network.accuracy(weights, *validation)
                run.log({"validation_accuracy": score}, step=step)
                path = args.checkpoints / f"step-{step}.safetensors"
                save_file(weights, path)
                run.checkpoint(path, step=step)
                print(f"step {step}: loss {loss:.4f}, validation accuracy {score:.4f}")
                if score >= best:
                    best = score
                    save_file(weights, args.checkpoints / "best.safetensors")

        config = args.checkpoints / "config.json"
        layers = [images.shape[1], args.hidden, 10]
        config.write_text(json.dumps({"model_type": "mlp", "layers": layers}, indent=2) + "\n")
        run.document(config, kind="configuration", id="architecture")
        run.document(network.__file__, kind="code")
        run.model(architecture={"family": "mlp", "configuration": "architecture"})


if __name__ == "__main__":
    main()
