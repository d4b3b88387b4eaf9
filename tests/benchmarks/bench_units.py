"""Unit costs of digests on this machine, from which `docs/explanation/scale.md` works out the rest.

`python tests/benchmarks/bench_units.py [--dask]` prints one line a cost: the best of three rounds,
with warm page cache, one process unless the line says otherwise.
"""

from __future__ import annotations

import importlib
import platform
import sys
import tempfile
import time
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.digest import (
    Inventory,
    InventoryDigest,
    InventoryEntry,
    hash_bytes,
    hash_file,
    hash_tree,
    typed_root,
    walk_tree,
)
from provenance.digest.executing import hash_batch

if TYPE_CHECKING:
    from collections.abc import Callable

FILES, FILE_BYTES = 4_000, 1_000
LARGE_BYTES = 512 * 1024 * 1024
ENTRIES = 200_000
BATCHES = 200
GIB = 1024**3


def best(work: Callable[[], object], rounds: int = 3) -> float:
    """Return the seconds of the fastest round."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def report(name: str, value: float, unit: str) -> None:
    print(f"{name:<44} {value:>10.2f} {unit}", flush=True)


def small_files(folder: Path) -> None:
    root = folder / "small"
    for number in range(FILES):
        file = root / f"{number % 20:02}" / f"{number:06}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(number.to_bytes(8, "big") * (FILE_BYTES // 8))
    report("walk, a file", best(lambda: walk_tree(root)) / FILES * 1e6, "us")
    one = best(lambda: hash_tree(root, algorithms=("blake3",), workers=1))
    report(f"walk and hash, a file of {FILE_BYTES:,} bytes", one / FILES * 1e6, "us")


def large_file(folder: Path) -> None:
    file = folder / "large"
    with file.open("wb") as stream:
        for number in range(LARGE_BYTES // 2**20):
            stream.write(number.to_bytes(4, "big") * 2**18)
    for algorithms in (("blake3",), ("blake3", "sha256")):
        seconds = best(partial(hash_file, file, algorithms=algorithms))
        report(
            f"hash a large file, {' and '.join(algorithms)}", LARGE_BYTES / GIB / seconds, "GiB/s"
        )


def entries() -> None:
    digest = hash_bytes(b"", "blake3")
    listed = Inventory(
        tuple(
            InventoryEntry(
                InventoryDigest(digest), f"train/{number // 1000:06}/{number:012}.jpg", 1_000_000
            )
            for number in range(ENTRIES)
        )
    )
    data = listed.to_bytes()
    report("inventory, an entry", len(data) / ENTRIES, "bytes")
    report("write an inventory, an entry", best(listed.to_bytes) / ENTRIES * 1e6, "us")
    report(
        "read an inventory, an entry",
        best(lambda: Inventory.from_bytes(data)) / ENTRIES * 1e6,
        "us",
    )
    rooting = best(lambda: Inventory.from_bytes(data).root) - best(
        lambda: Inventory.from_bytes(data)
    )
    report("root over an inventory, an entry", rooting / ENTRIES * 1e6, "us")
    shards = [data[:64]] * 250
    report("root over 250 shards", best(lambda: typed_root("shard", shards)) * 1e3, "ms")
    report(
        f"proof in {ENTRIES:,} entries",
        len(listed.prove(listed.entries[7].path).to_bytes()),
        "bytes",
    )


def empty_batches(name: str, executor: Executor, folder: Path) -> None:
    """Print what a batch costs whose files need no work: the engine's own price."""
    executor.submit(hash_batch, str(folder), [], ("blake3",), None, "0").result()

    def round_of_batches() -> None:
        futures = [
            executor.submit(hash_batch, str(folder), [], ("blake3",), None, str(number))
            for number in range(BATCHES)
        ]
        for future in futures:
            future.result()

    report(f"an empty batch on {name}", best(round_of_batches) / BATCHES * 1e6, "us")


def main() -> None:
    print(f"{platform.machine()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        small_files(folder)
        large_file(folder)
        entries()
        pool = stack.enter_context(ProcessPoolExecutor(2, mp_context=get_context("spawn")))
        empty_batches("2 processes", pool, folder)
        if "--dask" in sys.argv:
            dask = importlib.import_module("distributed")
            local = dask.LocalCluster(2, host="127.0.0.1", dashboard_address=None)
            client = stack.enter_context(dask.Client(stack.enter_context(local)))
            empty_batches("Dask, 2 workers", client.get_executor(pure=False), folder)


if __name__ == "__main__":
    main()
