"""Train the language model; after an interruption, the same command goes on where it was."""

import argparse
import json
import os
import shutil
import signal
from pathlib import Path

import network
import torch
from safetensors.torch import load_file, save_file

import provenance


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints"))
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--save-every", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--context", type=int, default=64)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--terminate-at", type=int, help="get a SIGTERM after this step, once")
    return parser.parse_args()


def save(folder, model, optimizer, step):
    """Write a checkpoint so that it is there as a whole or not at all; return its path."""
    new = folder / "new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    save_file(model.state_dict(), new / "model.safetensors")
    state = {"step": step, "optimizer": optimizer.state_dict(), "random": torch.get_rng_state()}
    torch.save(state, new / "state.pt")
    return new.rename(folder / f"step-{step:06}")


def load(path, model, optimizer):
    """Go back to a checkpoint, that of the random numbers included; return its step."""
    model.load_state_dict(load_file(path / "model.safetensors"))
    state = torch.load(path / "state.pt", weights_only=True)
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"])
    return state["step"]


def train(args, run):
    torch.manual_seed(args.seed)
    sizes = {name: getattr(args, name) for name in ("context", "width", "layers", "heads")}
    model = network.ByteTransformer(**sizes, dropout=args.dropout)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate)
    text = network.read_text(args.data / "train.txt").unfold(0, args.context + 1, 1)
    held_out = network.read_text(args.data / "validation.txt")[:16_384]

    first = 1
    saved = max(args.checkpoints.glob("step-*"), default=None)
    if saved is not None:
        first = load(saved, model, optimizer) + 1
        run.segment(resumed_from=saved)
        print(f"going on after step {first - 1}", flush=True)

    for step in range(first, args.steps + 1):
        windows = text[torch.randint(len(text), (args.batch_size,))]
        loss = network.loss_of(model, windows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.log({"loss": loss}, step=step)

        if step % args.save_every == 0 or step == args.steps:
            bits = network.bits_per_byte(model, held_out)
            run.log({"validation_bits_per_byte": bits}, step=step)
            run.checkpoint(save(args.checkpoints, model, optimizer, step), step=step)
            print(f"step {step}: loss {loss:.3f}, {bits:.3f} bits per byte", flush=True)
        if step == args.terminate_at and first == 1:
            os.kill(os.getpid(), signal.SIGTERM)
    return sizes


def main():
    args = parse_arguments()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)  # noqa: FBT003 - as torch has it
    args.checkpoints.mkdir(parents=True, exist_ok=True)

    run = provenance.start("train", output=args.runs, resume="auto")
    run.config(args)
    run.seed(torch=args.seed)
    run.dataset(args.data / "train.txt")
    run.dataset(args.data / "validation.txt")

    sizes = train(args, run)

    config = args.checkpoints / "config.json"
    config.write_text(json.dumps({"model_type": "byte-transformer", **sizes}, indent=2) + "\n")
    run.document(config, kind="configuration", id="architecture")
    run.document(network.__file__, kind="code")
    run.model(architecture={"family": "byte-transformer", "configuration": "architecture"})
    run.finish()


if __name__ == "__main__":
    main()
