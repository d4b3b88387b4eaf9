"""`provenance digest --compare`: digests that others computed, beside what we read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from provenance.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provenance.digest import Inventory

    F = TypeVar("F", bound=Callable[..., Any])

__all__ = ["compare_claims", "compare_options", "exit_code", "print_claims"]

#: Something contradicts a claim; nothing does, but not every claim could be compared.
EXIT_MISMATCH = 1
EXIT_NOT_COMPARABLE = 3


def compare_options(command: F) -> F:
    """Add `--compare` and `--claims-format` to a command."""
    chosen = click.option(
        "--claims-format",
        type=click.Choice(["sha256sum", "b3sum", "dvc", "lfs", "hub"]),
        help="What the file of --compare is.  [default: told from its content]",
    )(command)
    return click.option(
        "--compare",
        type=click.Path(path_type=Path, readable=False),
        metavar="FILE",
        help="Compare with digests that others computed: SHA256SUMS, output of b3sum, .dvc, "
        "dvc.lock, a Git LFS pointer, a listing of a hub. Exit code 1 if something differs or is "
        "missing, 3 if something could not be compared.",
    )(chosen)


def compare_claims(
    folder: Path, inventory: Inventory, file: Path, claims_format: str | None
) -> dict[str, object]:
    """Return how the claims of a file fare against what was read below a folder."""
    from provenance.canonical import MAX_LISTING_BYTES
    from provenance.digest import read_file
    from provenance.digest.claims import read_claims

    real = os.path.realpath(file)
    claims = read_claims(read_file(real, max_bytes=MAX_LISTING_BYTES), claims_format, file.name)
    itself = Path(os.path.relpath(real, os.path.realpath(folder))).as_posix()
    return {
        "format": claims.format,
        "results": [
            {"message": result.message, "outcome": result.outcome, "path": result.path}
            for result in claims.compare(inventory)
            # Nobody lists the list.
            if not (result.path == itself and result.outcome == "extra")
        ],
        "source": str(file),
    }


def print_claims(compared: Mapping[str, Any]) -> None:
    """Print a line for each file, and the sums."""
    from provenance.render import escape

    outcomes = [row["outcome"] for row in compared["results"]]
    width = max(map(len, outcomes), default=0)
    for row in compared["results"]:
        say(f"{row['outcome']:<{width}} {escape(row['path'])}: {escape(row['message'])}")
    say(", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in dict.fromkeys(outcomes)))


def exit_code(compared: Mapping[str, Any]) -> int:
    """Return 1 if something contradicts a claim, 3 if one could not be compared, otherwise 0."""
    outcomes = {row["outcome"] for row in compared["results"]}
    if outcomes & {"mismatch", "missing"}:
        return EXIT_MISMATCH
    return EXIT_NOT_COMPARABLE if "notComparable" in outcomes else 0
