"""`provenance digest --compare`: digests that others computed, beside what we read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from provenance.cli.comparing import DIFFERS, NOT_COMPARABLE, SAME, faults_are_no_difference
from provenance.cli.output import say, say_error
from provenance.cli.remote import LocalPath
from provenance.errors import DigestError, UsageError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from provenance.digest import FileDigest, Inventory
    from provenance.digest.claims import ClaimedDigests, ClaimResult

    F = TypeVar("F", bound=Callable[..., Any])

__all__ = ["Claims", "compare_options", "exit_code", "print_claims", "read_claims_file"]

#: What `--claims-format` takes; a test compares it with the readers.
CLAIMS_FORMATS = ("sha256sum", "b3sum", "dvc", "lfs", "hub", "inventory")

#: Most files that are shown with a line of their own.
MAX_LINES = 1000
_WORST_FIRST = ("mismatch", "missing", "notComparable", "extra", "matched")


def compare_options(command: F) -> F:
    """Add `--compare`, `--claims-format` and `--quiet` to a command."""
    command = click.option(
        "--quiet", is_flag=True, help="With --compare: print no line for a file that matches."
    )(command)
    chosen = click.option(
        "--claims-format",
        type=click.Choice(CLAIMS_FORMATS),
        help="What the file of --compare is.  [default: told from its content; sums of sha256sum "
        "and b3sum, which look alike, from its name]",
    )(command)
    return click.option(
        "--compare",
        type=LocalPath(path_type=Path, readable=False),
        metavar="CLAIMS",
        help="Compare with digests that others computed: SHA256SUMS, output of b3sum, .dvc, "
        "dvc.lock, a Git LFS pointer, a listing of a hub, or what --inventory wrote earlier. PATH "
        "is the folder, or the one file, that they are about.",
    )(chosen)


@dataclass(frozen=True, slots=True)
class Claims:
    """The file of `--compare`."""

    file: Path
    """The file as it was named."""

    read: ClaimedDigests
    """What it claims."""

    @property
    def _real(self) -> Path:
        return Path(os.path.realpath(self.file))

    def check_place(self, folder: Path) -> None:
        """Refuse claims that were made one folder further up, of which none could match.

        Raises:
            UsageError: All of them are about files below the name of the folder.
        """
        real = Path(os.path.realpath(folder))
        name = real.name
        if all(claim.path.startswith(f"{name}/") for claim in self.read) and not (
            (real / name).exists()
        ):
            raise UsageError(
                path=str(self.file),
                problem=f"the list names files below {shown(name)[1:-1]}/, and {folder} is that "
                "folder itself",
                remedy=f"name its parent: provenance digest {os.path.relpath(real.parent)} "
                f"--compare {self.file}",
            )

    def compare_folder(self, folder: Path, inventory: Inventory) -> dict[str, object]:
        """Return how the claims fare against what was read below a folder."""
        itself = Path(os.path.relpath(self._real, os.path.realpath(folder))).as_posix()
        return self._tree(
            # Nobody lists the list.
            result
            for result in self.read.compare(inventory)
            if not (result.path == itself and result.outcome == "extra")
        )

    def compare_file(self, path: Path, made: FileDigest) -> dict[str, object]:
        """Return how the claim about one file fares; `made` is what was read of it.

        A list calls its files from where it lies, so that is how the file is looked up in it.
        """
        place = Path(os.path.realpath(path.parent), path.name)
        name = Path(os.path.relpath(place, self._real.parent)).as_posix()
        return self._tree([self.read.compare_file(name, made)])

    def _tree(self, results: Iterable[ClaimResult]) -> dict[str, object]:
        return {
            "format": self.read.format,
            "results": [
                {"message": result.message, "outcome": result.outcome, "path": result.path}
                for result in results
            ],
            "source": str(self.file),
        }


def read_claims_file(
    file: Path | None, claims_format: str | None, *, is_local: bool
) -> Claims | None:
    """Return the claims of `--compare`, before anything else is read; nothing without the option.

    Raises:
        InputError: They cannot be read, or break their format.
        UsageError: An option does not apply, or the format has to be named.
    """
    from provenance.canonical import MAX_LISTING_BYTES
    from provenance.digest import read_file
    from provenance.digest.claims import read_claims

    if file is None:
        if claims_format is not None:
            raise UsageError(
                problem="--claims-format says what the file of --compare is; give both"
            )
        return None
    if not is_local:
        raise UsageError(problem="only a file or folder of this machine is compared with claims")
    data = read_file(os.path.realpath(file), max_bytes=MAX_LISTING_BYTES)
    chosen = claims_format or _recognise(data, file)
    with faults_are_no_difference():
        return Claims(file, read_claims(data, chosen, file.name))


def _recognise(data: bytes, file: Path) -> str:
    from provenance.digest.claim_formats import WEAK_SUMS_REMEDY, recognise

    try:
        return recognise(data, file.name)
    except DigestError as error:
        if error.remedy == WEAK_SUMS_REMEDY:
            say_error(f"{file}: {error.problem}; {error.remedy}")
            click.get_current_context().exit(NOT_COMPARABLE)
        raise UsageError(
            path=str(file),
            problem=error.problem,
            remedy=f"name it: --claims-format {', '.join(CLAIMS_FORMATS[:-1])} or "
            f"{CLAIMS_FORMATS[-1]}",
        ) from error


def print_claims(compared: Mapping[str, Any], *, quiet: bool = False) -> None:
    """Print a line for each file, or for each that does not match, and the sums."""
    from provenance.render import escape

    outcomes = [row["outcome"] for row in compared["results"]]
    width = max(map(len, outcomes), default=0)
    rows = [row for row in compared["results"] if not (quiet and row["outcome"] == "matched")]
    # Where not all are shown, what contradicts comes before what does not.
    ranked = sorted(range(len(rows)), key=lambda at: _WORST_FIRST.index(rows[at]["outcome"]))
    for at in sorted(ranked[:MAX_LINES]):
        row = rows[at]
        say(f"{row['outcome']:<{width}} {escape(row['path'])}: {escape(row['message'])}")
    if len(rows) > MAX_LINES:
        say(f"… and {len(rows) - MAX_LINES} more lines; --format json has all of them")
    say(", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in dict.fromkeys(outcomes)))


def exit_code(compared: Mapping[str, Any]) -> int:
    """Return 1 if something contradicts a claim, 3 if one could not be compared, otherwise 0."""
    outcomes = {row["outcome"] for row in compared["results"]}
    if outcomes & {"mismatch", "missing"}:
        return DIFFERS
    # Where no file has a claim, and no claim a file, nothing was compared at all.
    return SAME if "matched" in outcomes and "notComparable" not in outcomes else NOT_COMPARABLE
