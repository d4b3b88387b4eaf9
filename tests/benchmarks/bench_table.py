"""The speed table of the design, side by side with other tools: `make bench`.

Prints every row as paired ratios and writes all of it, dated, under `results/`. `--quick` makes the
trees sixteen times smaller: that tries the script and proves nothing.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import bench_recorder, figures, layouts, peers
from benchmarks.measuring import Contest, machine, measure
from provenance.digest import FileJob, hash_files, hash_tree, open_cache, open_folder, walk_tree
from provenance.signing import generate_private_key, write_key_pair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RESULTS = Path(__file__).with_name("results")
PEERS = ("model-signing", "dvc-data", "dirhash", "blake3", "cryptography", "pydantic")
MIB = 1024 * 1024


class Places:
    """The trees and keys that all rows share."""

    def __init__(self, folder: Path, shrink: int) -> None:
        """Make them; `shrink` divides their sizes."""
        self.folder = folder
        self.big = layouts.make_shards(folder / "big4", count=4, size=512 * MIB // shrink)
        self.small = layouts.make_small_files(folder / "s20k", count=20_000 // shrink, size=8192)
        self.tiny = layouts.make_shards(folder / "tiny", count=1, size=64 * 1024)
        self.key, self.public = write_key_pair(
            folder / "bench.key", generate_private_key("ecdsa-p256")
        )


def run(*command: object) -> None:
    """Run a program that must succeed, its output unseen."""
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


def program() -> str:
    """Return the path of our program beside this interpreter."""
    return str(Path(sys.executable).with_name("provenance"))


def hash_big(root: Path, *, in_child: bool) -> Callable[[], object]:
    """Return the work of hashing big files by BLAKE3 in process."""

    def work() -> None:
        jobs = [FileJob(file.path, file.size, ("blake3",)) for file in walk_tree(root).files]
        with open_folder(root) as folder:
            for result in hash_files(folder, jobs, in_child=in_child):
                if isinstance(result, Exception):
                    raise result

    return work


def present(**contenders: Callable[[], object] | None) -> dict[str, Callable[[], object]]:
    """Return those that are installed, with underscores as blanks."""
    return {name.replace("_", " "): work for name, work in contenders.items() if work is not None}


def digest_rows(places: Places) -> Iterator[Contest]:
    """Hashing in process: big files, small files warm and cold, and through the cache."""
    big, small = places.big, places.small
    # Every timed pair must first agree on what it computes.
    digests = {entry.path: entry.digest.blake3 for entry in hash_tree(big, algorithms=("blake3",))}
    for line in subprocess.run(
        ["b3sum", *sorted(digests)], cwd=big, capture_output=True, text=True, check=True
    ).stdout.splitlines():
        value, _, name = line.partition("  ")
        if digests[name] != value:
            raise SystemExit(f"{name}: b3sum has another digest")
    for title, in_child, bar in (("mapped in a child", True, 0.9), ("safe reads", False, 0.7)):
        yield measure(
            f"Hash 4 x 512 MiB, BLAKE3, {title}",
            present(
                ours=hash_big(big, in_child=in_child),
                b3sum=peers.b3sum(big),
                model_signing_blake3=peers.model_signing(big, "blake3"),
                model_signing_default=peers.model_signing(big, "sha256"),
            ),
            prepare=layouts.warm(big),
            bars={"b3sum": bar},
        )
    yield measure(
        "Hash 4 x 512 MiB, BLAKE3 and SHA-256 in one reading",
        present(
            ours=lambda: hash_tree(big),
            model_signing_default=peers.model_signing(big, "sha256"),
            sha256sum=peers.sha256sum(big),
            dvc_data_MD5=peers.dvc_data(big, "md5"),
            dirhash_SHA256=peers.dirhash(big),
        ),
        prepare=layouts.warm(big),
        rounds=5,
    )
    ours = {"ours": lambda: hash_tree(small, algorithms=("blake3",))}
    yield measure(
        "Hash 20,000 x 8 KiB warm, BLAKE3",
        ours
        | present(
            b3sum=peers.b3sum(small),
            plain_loop=peers.plain_loop(small),
            model_signing_blake3=peers.model_signing(small, "blake3"),
            model_signing_default=peers.model_signing(small, "sha256"),
            dvc_data_MD5=peers.dvc_data(small, "md5"),
            dirhash_SHA256=peers.dirhash(small),
            sha256sum=peers.sha256sum(small),
        ),
        prepare=layouts.warm(small),
        bars={"b3sum": 1.3, "model signing blake3": 13},
    )
    if (drop := layouts.drop_caches()) is None:
        print("the page cache cannot be dropped here: the cold row is left out")
    else:
        yield measure(
            "Hash 20,000 x 8 KiB cold, BLAKE3",
            ours
            | present(
                plain_loop=peers.plain_loop(small),
                model_signing_default=peers.model_signing(small, "sha256"),
            ),
            prepare=drop,
            bars={"plain loop": 6, "model signing default": 8},
        )
    yield from cache_rows(places)


def cache_rows(places: Places) -> Iterator[Contest]:
    """Hashing what has not changed, through the cache."""
    # Entries younger than two seconds are not stored, and these files are minutes old by now.
    for title, root, bar in (
        ("4 x 512 MiB", places.big, 20.0),
        ("20,000 x 8 KiB", places.small, 0.9),
    ):
        path = places.folder / f"{root.name}.cache"

        def through(root: Path = root, path: Path = path) -> None:
            with open_cache(path) as cache:
                hash_tree(root, algorithms=("blake3",), cache=cache)

        through()
        yield measure(
            f"Hash {title} unchanged, through the cache",
            {
                "ours, cache": through,
                "ours, again": partial(hash_tree, root, algorithms=("blake3",)),
            },
            prepare=layouts.warm(root),
            bars={"ours, again": bar},
        )


def release_rows(places: Places) -> Iterator[Contest]:
    """Signing and verifying as whole processes."""
    for title, root, verify_bar in (
        ("4 x 512 MiB", places.big, 2.6),
        ("a small model", places.tiny, 2.0),
    ):
        signature = places.folder / f"{root.name}.sig"
        description = places.folder / f"{root.name}.toml"
        description.write_text(
            '[model]\nname = "bench"\n[producer]\nname = "Bench"\n', encoding="utf-8"
        )

        def sign_ours(root: Path = root, description: Path = description) -> None:
            run(
                program(),
                "release",
                "--existing",
                root,
                "--description",
                description,
                "--overwrite",
            )
            run(program(), "sign", root, "--key", places.key, "--overwrite")

        def sign_theirs(root: Path = root, signature: Path = signature) -> None:
            ignore = root / "training-provenance"
            run(peers.model_signing_program(), "sign", "key", root, "--private_key", places.key,
                "--signature", signature, "--ignore-paths", ignore)  # fmt: skip

        def verify_ours(root: Path = root, *options: str) -> None:
            run(program(), "verify", root, "--key", places.public, *options)

        def verify_theirs(root: Path = root, signature: Path = signature) -> None:
            ignore = root / "training-provenance"
            run(peers.model_signing_program(), "verify", "key", root, "--public_key", places.public,
                "--signature", signature, "--ignore-paths", ignore)  # fmt: skip

        theirs = {"model signing default": 1.0}
        yield measure(
            f"Sign {title}, both digests and tensors, whole process",
            {"ours": sign_ours, "model signing default": sign_theirs},
            prepare=layouts.warm(root),
            bars=theirs,
        )
        yield measure(
            f"Verify {title}, whole process",
            {"ours": verify_ours, "model signing default": verify_theirs},
            prepare=layouts.warm(root),
            bars={"model signing default": verify_bar},
        )
        yield measure(
            f"Verify {title} with --all-digests, whole process",
            {
                "ours": partial(verify_ours, root, "--all-digests"),
                "model signing default": verify_theirs,
            },
            prepare=layouts.warm(root),
            bars=theirs,
        )


def write(contests: list[Contest], bounds: list[figures.Figure], *, quick: bool) -> Path:
    """Write the dated result and return its path."""
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    document: dict[str, Any] = {
        "date": today,
        "command": "make bench",
        "quick": quick,
        "machine": machine(),
        "versions": {name: importlib.metadata.version(name) for name in PEERS},
        "rows": [contest.to_tree() for contest in contests],
        "figures": [figure.to_tree() for figure in bounds],
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{today}{'-quick' if quick else ''}.json"
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return path


def main() -> None:
    """Measure every row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="trees sixteen times smaller")
    parser.add_argument("--folder", help="where the trees are made (4 GB)")
    options = parser.parse_args()
    print(json.dumps(machine()))
    contests = []
    shrink = 16 if options.quick else 1
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        places = Places(Path(name), shrink)
        for rows in (digest_rows, release_rows):
            for contest in rows(places):
                print(contest.show(), flush=True)
                contests.append(contest)
        for row in (figures.recording_row, figures.hashing_row):
            contests.append(row(Path(name)))
            print(contests[-1].show())
        for contest in bench_recorder.recorder_rows(Path(name)):
            print(contest.show(), flush=True)
            contests.append(contest)
        bounds = [
            figures.import_figure(),
            figures.environment_figure(Path(name)),
            figures.memory_figure(places.big),
        ]
    bounds.extend(figures.inventory_figures(1_000_000 // shrink))
    print("\nBounds", *(figure.show() for figure in bounds), sep="\n")
    print(f"\nWrote {write(contests, bounds, quick=options.quick)}")


if __name__ == "__main__":
    main()
