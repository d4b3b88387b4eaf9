"""The other tools, each by its own public call; what is not installed is left out and named."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blake3 import blake3

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "b3sum",
    "dirhash",
    "dvc_data",
    "model_signing",
    "model_signing_program",
    "plain_loop",
    "sha256sum",
]


def model_signing(root: Path, algorithm: str) -> Callable[[], object]:
    """Hash a folder by the `model_signing` library, one digest a file."""
    from model_signing import hashing

    # Its types are half there: what it calls a literal is any text to us.
    make: Any = hashing.Config
    configuration = make().use_file_serialization(hashing_algorithm=algorithm)
    return lambda: configuration.hash(root)


def model_signing_program() -> str:
    """Return the path of the `model_signing` program beside this interpreter."""
    return str(Path(sys.executable).with_name("model_signing"))


def dvc_data(root: Path, algorithm: str) -> Callable[[], object]:
    """Hash a folder by `dvc-data`, as `dvc add` does before it stores anything."""
    from dvc_data.hashfile.build import build
    from dvc_data.hashfile.db import HashFileDB
    from dvc_objects.fs.local import LocalFileSystem

    files: Any = LocalFileSystem()
    store = HashFileDB(files, str(root.parent / "dvc-store"))
    return lambda: build(store, str(root), files, algorithm, dry_run=True)


def dirhash(root: Path) -> Callable[[], object]:
    """Hash a folder by `dirhash` with SHA-256 and two jobs."""
    from dirhash import dirhash as run

    return lambda: run(str(root), "sha256", jobs=2)


def b3sum(root: Path) -> Callable[[], object] | None:
    """Hash all files below a folder by `find | xargs b3sum`."""
    return _piped("b3sum", root)


def sha256sum(root: Path) -> Callable[[], object] | None:
    """Hash all files below a folder by `find | xargs sha256sum`."""
    return _piped("sha256sum", root)


def plain_loop(root: Path) -> Callable[[], object]:
    """Hash all files by the loop that everybody writes: sorted `rglob`, 1 MiB reads."""

    def run() -> None:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                hasher = blake3()
                with path.open("rb") as file:
                    while data := file.read(1024 * 1024):
                        hasher.update(data)

    return run


def _piped(program: str, root: Path) -> Callable[[], object] | None:
    found = shutil.which(program)
    if found is None:
        print(f"{program} is not installed here: left out")
        return None
    command = f"find . -type f -print0 | xargs -0 {found} > /dev/null"
    return lambda: subprocess.run(command, shell=True, cwd=root, check=True)  # noqa: S602 - our own words
