"""Running a script by itself, and by `provenance run`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PYTHON = sys.executable
PROVENANCE = str(Path(sys.executable).with_name("provenance"))


def write(place: Path, text: str, name: str = "train.py") -> None:
    (place / name).write_text(text, encoding="utf-8")


def plain(place: Path, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=place, input=text, capture_output=True, text=True, check=False, env=world(place)
    )


def world(place: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(place / "home"), "COLUMNS": "80"}


def wrapped(
    place: Path, *words: str, options: tuple[str, ...] = (), text: str = ""
) -> subprocess.CompletedProcess[str]:
    begin = (PROVENANCE, "run", *options, "--")
    return plain(place, *begin, *words, text=text)
