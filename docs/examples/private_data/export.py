"""Write the private records: one file a customer and month. This stands for the company's archive.

The rows are those of scikit-learn's breast cancer data; the customers are made up. Nothing here is
recorded, and nothing that it writes is published.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer

CUSTOMERS = ("st-orlan-hospital", "quarry-lane-practice", "merivale-oncology")
MONTHS = ("2026-03", "2026-04", "2026-05")
HOLDOUT = 0.2


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("clinic-exports"))
    args = parser.parse_args()

    found = load_breast_cancer()
    table = np.column_stack([found.data, found.target])
    table = table[np.random.default_rng(11).permutation(len(table))]
    size = round(len(table) * HOLDOUT)
    for part, rows in (("holdout", table[:size]), ("records", table[size:])):
        names = [f"{customer}/{month}.csv" for customer in CUSTOMERS for month in MONTHS]
        for name, share in zip(names, np.array_split(rows, len(names)), strict=True):
            path = args.data / part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savetxt(path, share, delimiter=",", fmt="%.6g")


if __name__ == "__main__":
    main()
