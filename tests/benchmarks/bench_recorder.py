"""What recording costs the language model of the examples: the row of the speed table, or alone.

`python -m benchmarks.bench_recorder` in `tests/`, with any interpreter: torch is in an environment
of its own, whose interpreter runs the measurement.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import Contest, Timing

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["recorder_rows"]

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "docs" / "examples" / "language_model"
PYTHON = REPOSITORY / ".venv-frameworks" / "bin" / "python"
WORK = "300 steps of the language model, one log entry a step, 3 checkpoints"
TITLES = {"loop": f"Train {WORK}", "run": f"The same from `start` to `finish`: {WORK}"}
#: The most that recording may add to the loop is 1 % of its wall time.
BARS = {"loop": {"not recorded": 0.99}, "run": {}}


class Nothing:
    """A run that records nothing."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method of a run
        """Return a method that does nothing."""
        return lambda *_, **__: None


@dataclass
class Watch:
    """Wall and CPU seconds of one contender, round by round."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def add(self, began: tuple[float, float]) -> None:
        """Add what has passed since `began`."""
        for taken, now, then in zip((self.wall, self.cpu), clocks(), began, strict=True):
            taken.append(now - then)


def clocks() -> tuple[float, float]:
    """Return the clocks of the wall and of this process, with all its threads."""
    return time.perf_counter(), time.process_time()


def recorder_rows(folder: Path, *, rounds: int = 9) -> Iterator[Contest]:
    """Yield the rows, measured in an environment with torch; none where there is none.

    Args:
        folder: Where the model is trained.
        rounds: Rounds that count; one more is run first and thrown away.
    """
    if not PYTHON.exists():
        print("torch is not here (.venv-frameworks): the rows of the recorder are left out")
        return
    place = folder / "language-model"
    place.mkdir()
    options = ["--here", str(place), "--rounds", str(rounds)]
    done = subprocess.run(
        [str(PYTHON), "-m", "benchmarks.bench_recorder", *options],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    for name, watches in json.loads(done.stdout.splitlines()[-1]).items():
        timings = (Timing(who, tuple(it["wall"]), tuple(it["cpu"])) for who, it in watches.items())
        yield Contest(TITLES[name], tuple(timings), BARS[name])


def measure_here(folder: Path, rounds: int) -> dict[str, dict[str, Watch]]:
    """Train in this process with and without the recorder, in turns; return seconds of both."""
    import torch

    import provenance

    torch.set_num_threads(1)
    os.chdir(folder)
    subprocess.run([sys.executable, EXAMPLE / "prepare.py"], check=True, stdout=sys.stderr)
    sys.path.insert(0, str(EXAMPLE))
    script = importlib.import_module("train")
    sys.argv = ["train.py"]
    arguments = script.parse_arguments()
    who = ("recorded", "not recorded")
    found = {name: {it: Watch() for it in who} for name in TITLES}
    for number in range(rounds + 1):
        # Whoever is second finds a warmer processor, so that they take turns in that too.
        for name in who if number % 2 else who[::-1]:
            shutil.rmtree(arguments.checkpoints, ignore_errors=True)
            arguments.checkpoints.mkdir()
            begun = clocks()
            run: Any = Nothing()
            if name == "recorded":
                run = provenance.start("train", output="runs", script=EXAMPLE / "train.py")
            run.config(arguments)
            run.seed(torch=arguments.seed)
            run.dataset(arguments.data / "train.txt")
            run.dataset(arguments.data / "validation.txt")
            looped = clocks()
            script.train(arguments, run)
            if number:
                found["loop"][name].add(looped)
            run.finish()
            if number:
                found["run"][name].add(begun)
    return found


def main() -> None:
    """Print the rows; or measure them and print their seconds, where torch is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--here", type=Path, help="measure in this process and folder")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    if options.here is not None:
        seconds = measure_here(options.here, options.rounds)
        print(json.dumps(seconds, default=vars))
        return
    with tempfile.TemporaryDirectory() as name:
        for contest in recorder_rows(Path(name), rounds=options.rounds):
            print(contest.show())


if __name__ == "__main__":
    main()
