"""The rows of the speed table that are bounds, not ratios, and the recorder in a loop."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import provenance
from benchmarks.measuring import Contest, measure
from provenance.capture import capture_environment
from provenance.digest import (
    Inventory,
    InventoryDigest,
    InventoryEntry,
    check_inclusion,
    file_entry,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = [
    "Figure",
    "environment_figure",
    "hashing_row",
    "import_figure",
    "inventory_figures",
    "memory_figure",
    "recording_row",
]

#: Prints how much anonymous memory hashing a folder took at most beyond what was there before.
_MEMORY_PROGRAM = """
import sys, threading, time
from provenance.digest import hash_tree
def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))
before = peak = anonymous()
done = threading.Event()
def watch():
    global peak
    while not done.wait(0.002):
        peak = max(peak, anonymous())
watcher = threading.Thread(target=watch)
watcher.start()
hash_tree(sys.argv[1])
done.set()
watcher.join()
print((peak - before) / 1024)
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value with its bound."""

    name: str
    """What was measured."""

    value: float
    """The value."""

    unit: str
    """Its unit."""

    bound: float
    """What it must stay below."""

    def to_tree(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    def show(self) -> str:
        """Return it as text."""
        verdict = "met" if self.value < self.bound else "MISSED"
        return f"  {self.name:60} {self.value:10.3f} {self.unit}  below {self.bound:g}: {verdict}"


def import_figure(rounds: int = 9) -> Figure:
    """Return what `import provenance` adds to a bare interpreter."""
    times: dict[str, list[float]] = {"pass": [], "import provenance": []}
    for _ in range(rounds):
        for statement, taken in times.items():
            command = [sys.executable, "-I", "-c", statement]
            taken.append(_seconds(partial(subprocess.run, command, check=True)))
    added = statistics.median(times["import provenance"]) - statistics.median(times["pass"])
    return Figure("import provenance, beyond a bare interpreter", added * 1000, "ms", 10)


def environment_figure(folder: Path, rounds: int = 9) -> Figure:
    """Return what capturing the environment costs a script when its run begins."""
    capture = partial(capture_environment, "environment", code_folder=folder)
    taken = statistics.median(_seconds(capture) for _ in range(rounds))
    return Figure("capture the environment", taken * 1000, "ms", 150)


def inventory_figures(count: int) -> Iterator[Figure]:
    """Yield what writing, reading, root and proof of a long inventory cost."""
    digest = "0123456789abcdef" * 4
    both = InventoryDigest(digest, digest)
    entries = tuple(
        InventoryEntry(both, f"data/{number // 1000:05}/{number:08}.bin", number)
        for number in range(count)
    )
    listed = Inventory(entries)
    data = listed.to_bytes()
    work: dict[str, Callable[[], object]] = {
        "write": listed.to_bytes,
        "read": lambda: Inventory.from_bytes(data),
        "root": lambda: Inventory._trusted(entries).root,
    }
    seconds = {name: _seconds(run) for name, run in work.items()}
    path = entries[count // 2].path
    started = time.perf_counter()
    proof = listed.prove(path)
    seconds["prove one"] = time.perf_counter() - started
    entry = file_entry(path, count // 2, digest)
    for name, taken in seconds.items():
        yield Figure(f"inventory of {count:,} entries: {name}", taken, "s", 10)
    checks = [_seconds(lambda: check_inclusion(listed.root, entry, proof)) for _ in range(101)]
    yield Figure("check one proof", statistics.median(checks) * 1000, "ms", 1)
    yield Figure("size of one proof", len(proof.to_bytes()), "bytes", 2048)


def memory_figure(root: Path) -> Figure:
    """Return how much memory hashing a folder by both digests takes beyond the interpreter."""
    output = subprocess.run(
        [sys.executable, "-c", _MEMORY_PROGRAM, str(root)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return Figure("memory while hashing 4 x 512 MiB", float(output), "MiB", 150)


def recording_row(folder: Path) -> Contest:
    """Measure what one log entry a step adds to a loop of 1 ms steps."""

    def loop(run: provenance.Run | None) -> None:
        for step in range(500):
            _train_one_millisecond()
            if run is not None:
                run.log({"loss": 1.0 / (step + 1)}, step=step)

    with provenance.record("bench", output=folder / "loops") as run:
        return measure(
            "Training loop of 500 steps of 1 ms, one log entry a step",
            {"recorded": lambda: loop(run), "not recorded": lambda: loop(None)},
            rounds=9,
            bars={"not recorded": 0.99},
        )


def hashing_row(folder: Path) -> Contest:
    """Measure what a checkpoint that is hashed in the background adds to a loop of 1 ms steps.

    A loop that only waits for the clock would hide a held lock, so that each step also computes.
    """
    saved = folder / "checkpoint.bin"
    with saved.open("wb") as file:
        for _ in range(256):
            file.write(os.urandom(1 << 20))

    def loop(run: provenance.Run | None) -> None:
        if run is not None:
            run.checkpoint(saved, step=1)
        for _ in range(500):
            _train_one_millisecond()
            sum(range(20_000))

    with provenance.record("bench", output=folder / "hashing") as run:
        return measure(
            "Training loop of 500 steps, a checkpoint of 256 MiB hashed beside it",
            {"hashing": lambda: loop(run), "not hashing": lambda: loop(None)},
            rounds=9,
        )


def _train_one_millisecond() -> None:
    until = time.perf_counter() + 0.001
    while time.perf_counter() < until:
        pass


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
