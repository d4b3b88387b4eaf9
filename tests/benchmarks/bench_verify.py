"""Hashing, verifying and recording: ours, side by side with plain loops, in one interleaved run.

The whole speed table of the design, with peers, is measured where the digest room is tuned. This
prints what a small release costs from outside, what hashing costs in process, and what a log call
adds to a training loop.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blake3 import blake3

import provenance
from provenance.digest import hash_tree
from provenance.signing import generate_private_key, load_private_key, write_key_pair

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Rounds of each measurement; the first is thrown away.
ROUNDS = 6
#: One big file and many small ones.
BIG_BYTES = 256 * 1024 * 1024
SMALL_FILES = 2_000
SMALL_BYTES = 8 * 1024


def read_loop(root: Path, new: Callable[[], Any]) -> None:
    """Hash every file of a folder by a plain loop with 1 MiB reads."""
    for path in sorted(root.rglob("*")):
        if path.is_file():
            hasher = new()
            with path.open("rb") as file:
                while data := file.read(1024 * 1024):
                    hasher.update(data)


def interleaved(work: Mapping[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Run every piece of work in turn, and return the seconds of each round but the first."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(ROUNDS):
        for name, run in work.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    return {name: taken[1:] for name, taken in seconds.items()}


def show(title: str, seconds: dict[str, list[float]]) -> None:
    """Print the median of each, and its ratio to the first with minimum and maximum."""
    print(f"\n{title}")
    first = next(iter(seconds.values()))
    for name, taken in seconds.items():
        ratios = [other / own for own, other in zip(first, taken, strict=True)]
        spread = f"{statistics.median(ratios):5.2f}x ({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"  {name:44} {statistics.median(taken) * 1000:9.1f} ms  {spread}")


def make_release(folder: Path) -> tuple[Path, Path]:
    """Record, release and sign a tiny training; return the release and the public key."""
    weights = folder / "weights.bin"
    weights.write_bytes(b"\0" * 4096)
    with provenance.record("train", output=folder / "runs") as run:
        run.log({"loss": 1.0}, step=1)
        run.checkpoint(weights, step=1)
    description = {"model": {"name": "bench"}, "producer": {"name": "Bench"}}
    provenance.release(folder / "runs", folder / "model", description=description)
    private, public = write_key_pair(folder / "bench.key", generate_private_key())
    provenance.sign_release(folder / "model", [load_private_key(private)])
    return folder / "model", public


def bench_hashing(folder: Path) -> None:
    """Print what hashing a big file and many small ones costs in process."""
    big, small = folder / "big", folder / "small"
    big.mkdir()
    small.mkdir()
    (big / "weights").write_bytes(os.urandom(BIG_BYTES))
    for number in range(SMALL_FILES):
        (small / f"{number:05}").write_bytes(os.urandom(SMALL_BYTES))
    for name, root in (("one file of 256 MiB", big), ("2,000 files of 8 KiB", small)):
        work = {
            "hash_tree, BLAKE3": lambda root=root: hash_tree(root, algorithms=("blake3",)),
            "hash_tree, BLAKE3 and SHA-256": lambda root=root: hash_tree(root),
            "plain loop, BLAKE3": lambda root=root: read_loop(root, blake3),
            "plain loop, SHA-256": lambda root=root: read_loop(root, hashlib.sha256),
        }
        show(f"Hashing {name}, warm", interleaved(work))


def bench_verifying(folder: Path) -> None:
    """Print what verifying a small release costs, in process and as a whole process."""
    release, public = make_release(folder)
    program = str(Path(sys.executable).with_name("provenance"))
    bare = [sys.executable, "-I", "-c", "pass"]
    command = [program, "verify", str(release), "--key", str(public)]
    work = {
        "provenance verify, whole process": lambda: subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL
        ),
        "provenance.verify, in process": lambda: provenance.verify(release, keys=public),
        "bare interpreter": lambda: subprocess.run(bare, check=True),
    }
    show("Verifying a small release", interleaved(work))


def bench_recording(folder: Path) -> None:
    """Print what one log entry a step adds to a loop of 1 ms steps."""

    def loop(run: provenance.Run | None) -> None:
        for step in range(500):
            until = time.perf_counter() + 0.001
            while time.perf_counter() < until:
                pass
            if run is not None:
                run.log({"loss": 1.0 / (step + 1)}, step=step)

    with provenance.record("bench", output=folder / "loops") as run:
        work = {
            "loop of 500 steps of 1 ms": lambda: loop(None),
            "the same, recorded": lambda: loop(run),
        }
        show("Recording", interleaved(work))


def main() -> None:
    """Print all of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench_hashing(folder)
        bench_verifying(folder)
        bench_recording(folder)


if __name__ == "__main__":
    main()
