"""Read the raw digits, check them, drop duplicates, scale them, and split them by a seed."""

import argparse
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

import provenance

PIXELS = 64
DIGITS = 10
BRIGHTEST = 16
SOURCE = "https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits"


def check(table):
    """Refuse a file that is not the digits: 64 counts from 0 to 16 and a label in each row."""
    images, labels = table[:, :PIXELS], table[:, PIXELS]
    if table.shape[1] != PIXELS + 1 or len(np.unique(labels)) != DIGITS:
        raise SystemExit("this is not the digits data set")
    if images.min() < 0 or images.max() > BRIGHTEST:
        raise SystemExit("a pixel is out of range")
    return images, labels.astype(np.int64)


def drop_duplicates(images, labels):
    """Keep the first of several equal images."""
    _, first = np.unique(images, axis=0, return_index=True)
    kept = np.sort(first)
    return images[kept], labels[kept]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--test-share", type=float, default=0.2)
    parser.add_argument("--validation-share", type=float, default=0.1)
    args = parser.parse_args()
    args.data.mkdir(parents=True, exist_ok=True)

    with (
        as_file(files("sklearn.datasets.data") / "digits.csv.gz") as path,
        provenance.record("prepare", output=args.runs) as run,
    ):
        raw = run.dataset(path, id="raw", role="raw", license="CC-BY-4.0", source=SOURCE)

        table = np.loadtxt(path, delimiter=",", dtype=np.float32)
        images, labels = check(table)
        images, labels = drop_duplicates(images, labels)
        images = images / BRIGHTEST

        order = np.random.default_rng(args.seed).permutation(len(images))
        test_size = round(len(order) * args.test_share)
        validation_size = round(len(order) * args.validation_share)
        parts = {
            "test": order[:test_size],
            "validation": order[test_size : test_size + validation_size],
            "train": order[test_size + validation_size :],
        }

        outputs = []
        for name, rows in parts.items():
            np.savez(args.data / f"{name}.npz", images=images[rows], labels=labels[rows])
            outputs.append(
                run.dataset(
                    args.data / f"{name}.npz",
                    id=name,
                    role=name,
                    license="CC-BY-4.0",
                    records=len(rows),
                )
            )

        run.seed(numpy=args.seed)
        run.processing(
            inputs=[raw],
            outputs=outputs,
            parameters={
                "test_share": args.test_share,
                "validation_share": args.validation_share,
                "scale": 1 / BRIGHTEST,
            },
            description="Checks shape and range, drops equal images, scales to 0..1, splits.",
            removed_records=len(table) - len(images),
        )
        print(", ".join(f"{name}: {len(rows)} images" for name, rows in parts.items()))


if __name__ == "__main__":
    main()
