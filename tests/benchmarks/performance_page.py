"""Write `docs/reference/performance.md` and its plot from the newest result of `make bench`."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")
REFERENCE = Path(__file__).parents[2] / "docs" / "reference"

HEADER = """\
# Performance

Measured by `make bench` on {date}: {processor}, {cores} cores, {system}, Python {python}, load
{load:.1f} at the start. Each ratio says how many times slower the other was than ours: the median
of {rounds} paired rounds in one interleaved run, with the smallest and the largest. Times depend
on the machine; the ratios are what to carry over. A *bar* is what the design asks for.

Peers: {versions}.

```{{image}} performance.svg
:alt: How many times slower the others are than ours, for each row of the table below
```

| work | by | median | other / ours (min to max) | bar |
|---|---|---|---|---|
"""

BOUNDS = """
| work | measured | bound |
|---|---|---|
"""


def row(title: str, contender: dict[str, Any]) -> str:
    """Return one line of the table."""
    ratios = contender["ratios"]
    median = statistics.median(ratios)
    bar = contender["bar"]
    verdict = "" if bar is None else f"{bar:g}: {'met' if median >= bar else 'missed'}"
    milliseconds = statistics.median(contender["wallSeconds"]) * 1000
    spread = (
        "1" if set(ratios) == {1.0} else f"{median:.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    )
    return f"| {title} | {contender['name']} | {milliseconds:,.1f} ms | {spread} | {verdict} |\n"


def plot(document: dict[str, Any], path: Path) -> None:
    """Write the ratios as horizontal bars on a logarithmic axis."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "performance"  # the same figures give the same file
    from matplotlib import pyplot as plt

    labels, ratios = [], []
    for contest in document["rows"]:
        for contender in contest["contenders"][1:]:
            labels.append(f"{contest['title']}: {contender['name']}")
            ratios.append(statistics.median(contender["ratios"]))
    figure, axes = plt.subplots(figsize=(10, 0.28 * len(labels) + 1))
    axes.barh(
        labels[::-1], ratios[::-1], color=["#2a7" if r >= 1 else "#c55" for r in ratios[::-1]]
    )
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("times slower than ours (logarithmic)")
    axes.tick_params(axis="y", labelsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Write both files."""
    newest = max(path for path in RESULTS.glob("*.json") if not path.stem.endswith("-quick"))
    document = json.loads(newest.read_text(encoding="utf-8"))
    versions = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    text = HEADER.format(
        date=document["date"],
        versions=versions,
        rounds=len(document["rows"][0]["contenders"][0]["wallSeconds"]),
        load=document["machine"].pop("load")[0],
        **document["machine"],
    )
    for contest in document["rows"]:
        for contender in contest["contenders"]:
            text += row(contest["title"], contender)
    text += BOUNDS
    for figure in document["figures"]:
        verdict = "met" if figure["value"] < figure["bound"] else "missed"
        value = f"{figure['value']:,.3g} {figure['unit']}"
        text += f"| {figure['name']} | {value} | below {figure['bound']:g}: {verdict} |\n"
    REFERENCE.joinpath("performance.md").write_text(text, encoding="utf-8")
    plot(document, REFERENCE / "performance.svg")
    print(f"Wrote {REFERENCE / 'performance.md'} from {newest.name}")


if __name__ == "__main__":
    main()
