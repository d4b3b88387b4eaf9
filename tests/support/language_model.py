"""The example in `docs/examples/language_model/`, run with and without the recorder."""

from __future__ import annotations

import hashlib
import os
import runpy
import shutil
import subprocess
import sys
import sysconfig
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import provenance
from support.source import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

__all__ = [
    "EXAMPLE",
    "SMALL",
    "add_data",
    "environment",
    "gaps_in_draft",
    "run_script",
    "train_here",
    "train_plainly",
    "weights_of",
    "with_fault",
    "without_recorder",
]

#: The folder of the scripts.
EXAMPLE = REPOSITORY / "docs" / "examples" / "language_model"

#: Settings of `train.py` by which a training takes no time.
SMALL = ("--steps=12", "--save-every=4", "--batch-size=4", "--context=32")

# What stands in the place of the library in a training that is not recorded; the script is one.
_NOTHING = """
class Nothing:
    def __getattr__(self, name):
        return lambda *arguments, **fields: None


def start(*arguments, **fields):
    return Nothing()
"""

# Runs the training script, and calls `happen` with the number of each step before it is taken.
_DRIVER = """
import os, runpy, signal, sys, time
import torch
sys.path.insert(0, {folder!r})
begun = 0
take = torch.optim.AdamW.step
def step(self, *arguments, **fields):
    global begun
    begun += 1
    happen(begun)
    return take(self, *arguments, **fields)
torch.optim.AdamW.step = step
def happen(step):
    pass
def kill(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
def fill():
    try:
        with open("runs/filler", "wb", buffering=0) as filler:
            while filler.write(bytes(512)):
                pass
    except OSError:
        pass
{fault}
runpy.run_path({script!r}, run_name="__main__")
"""


def environment() -> dict[str, str]:
    """Return variables for a process that trains: one thread, nothing beside the scripts."""
    # Coverage would write to the disk that is full, and a process that is killed has none to write.
    kept = {name: it for name, it in os.environ.items() if not name.startswith("COVERAGE_")}
    return {**kept, "NO_COLOR": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def without_recorder(folder: Path) -> dict[str, str]:
    """Return the same variables for a process in which `import provenance` records nothing.

    Args:
        folder: Where the module that does nothing is put.
    """
    folder.mkdir(exist_ok=True)
    (folder / "provenance.py").write_text(_NOTHING, encoding="utf-8")
    return {**environment(), "PYTHONPATH": str(folder)}


def run_script(
    name: str | Path,
    *arguments: str,
    folder: Path,
    variables: dict[str, str] | None = None,
    expected: Sequence[int] = (0,),
) -> subprocess.CompletedProcess[str]:
    """Run a script of the example, or another one, in a folder and insist on its exit code."""
    done = subprocess.run(
        [sys.executable, EXAMPLE / name, *arguments],
        cwd=folder,
        env=environment() if variables is None else variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in expected, (done.returncode, done.stdout, done.stderr[-4000:])
    assert "Traceback" not in done.stderr, done.stderr[-4000:]
    return done


def weights_of(checkpoints: Path) -> dict[str, str]:
    """Return the digest of the weights of each checkpoint, by its name; one step, one state."""
    return {
        path.parent.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(checkpoints.glob("step-*/model.safetensors"))
    }


def with_fault(place: Path, fault: str) -> Path:
    """Return a script that trains as `train.py` does, with something that goes wrong.

    Args:
        place: Where the script is put.
        fault: Lines that replace `happen`, or something of the recorder; they may call `kill` and
            `fill`.
    """
    path = place / "driver.py"
    script = str(EXAMPLE / "train.py")
    path.write_text(_DRIVER.format(folder=str(EXAMPLE), script=script, fault=fault), "utf-8")
    return path


def add_data(place: Path) -> Path:
    """Put a little real text where `train.py` looks for it; return the folder."""
    (place / "data").mkdir()
    for name, module in (("train", "argparse"), ("validation", "calendar")):
        source = Path(sysconfig.get_path("stdlib")) / f"{module}.py"
        shutil.copyfile(source, place / "data" / f"{name}.txt")
    return place


def train_here(place: Path, monkeypatch: pytest.MonkeyPatch) -> list[warnings.WarningMessage]:
    """Train a small model in this process, which has torch by now; return what was warned of."""
    import torch  # noqa: PLC0415 - this file is also read where torch is missing

    monkeypatch.chdir(place)
    monkeypatch.syspath_prepend(EXAMPLE)
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE / "train.py"), *SMALL])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            runpy.run_path(str(EXAMPLE / "train.py"), run_name="__main__")
    finally:
        torch.use_deterministic_algorithms(mode=False)
    return caught


def train_plainly(place: Path) -> dict[str, str]:
    """Train a small model without the recorder and return the digests of its checkpoints."""
    variables = without_recorder(add_data(place) / "nothing")
    run_script("train.py", *SMALL, folder=place, variables=variables)
    found = weights_of(place / "checkpoints")
    assert list(found) == ["step-000004", "step-000008", "step-000012"]
    return found


def gaps_in_draft(place: Path) -> str:
    """Draft a release from what was recorded, and return the gaps that it lists as one text."""
    draft = provenance.release(
        place / "runs",
        place / "released",
        description=EXAMPLE.parent / "adapters" / "model.toml",
        unfinished=True,
    )
    return "; ".join(f"{it.kind} {it.description}" for it in draft.manifest.gaps)
