"""`provenance records`: the digests of the records of a dataset, and comparing two datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.comparing import DIFFERS, NOT_COMPARABLE, SAME, faults_are_no_difference
from provenance.cli.output import format_option, say, say_error, say_json
from provenance.errors import InputError

if TYPE_CHECKING:
    from provenance.digest.records import RecordDigest

__all__ = ["records"]

#: What `RecordComparison.DIFFERENT` says; a test compares them.
DIFFERENT = "different content"
#: Codes of faults that say nothing about the data: it cannot be compared.
_NOT_COMPARABLE = frozenset({"records-unsupported", "digest-format"})


@click.command(
    epilog="""
    \b
    Examples:
      provenance records train.parquet
      provenance records shards/ --columns text,label
      provenance records train.jsonl --compare train-shuffled.jsonl
      provenance records train.parquet --compare part-0.csv --compare part-1.csv
      provenance records export.txt --container jsonl
    """
)
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, readable=False),
    metavar="PATH...",
)
@click.option(
    "--container",
    type=click.Choice(["arrow", "csv", "jsonl", "parquet", "webdataset"]),
    help="How the files are read.  [default: by the ends of their names]",
)
@click.option("--columns", metavar="A,B", help="The columns that count.  [default: all]")
@click.option(
    "--compare",
    "others",
    multiple=True,
    type=click.Path(path_type=Path, readable=False),
    metavar="OTHER",
    help="Say how the records relate to those of OTHER. May be repeated: its files in this order.",
)
@format_option
def records(
    *,
    paths: tuple[Path, ...],
    container: str | None,
    columns: str | None,
    others: tuple[Path, ...],
    output_format: str,
) -> int:
    """Print the digests of the records in the files and folders PATH, in this order.

    One digest depends on the records and their order, the other on the records alone. Neither
    depends on the container, the split into files, row groups, or compression: a shuffle is told
    apart from a change.

    With --compare the exit code is 0 if both hold the same records, in whatever order, 1 if not,
    3 if they cannot be compared (a column has a type without an encoding), 4 if one of them cannot
    be read.
    """
    for path in (*paths, *others):
        _check_there(path)
    if not others:
        _say(paths, _hash(paths, container, columns), output_format)
        return SAME
    try:
        with faults_are_no_difference():
            made, other = (_hash(files, container, columns) for files in (paths, others))
            relation = _relate(made, other)
    except InputError as error:
        if error.code not in _NOT_COMPARABLE:
            raise
        say_error(str(error))
        return NOT_COMPARABLE
    _say(paths, made, output_format, others, other, relation)
    return DIFFERS if relation == DIFFERENT else SAME


def _check_there(path: Path) -> None:
    """Refuse a path where nothing is, before anybody asks which container it is."""
    from provenance.digest.opening import unreadable

    try:
        path.stat()
    except (OSError, ValueError) as error:
        raise unreadable(str(path), error) from error


def _hash(paths: tuple[Path, ...], container: str | None, columns: str | None) -> RecordDigest:
    from provenance.digest.records import hash_records

    return hash_records(
        list(paths), format=container, columns=None if columns is None else columns.split(",")
    )


def _relate(made: RecordDigest, other: RecordDigest) -> str:
    from provenance.digest.records import compare_records

    return str(compare_records(made, other))


def _say(  # noqa: PLR0917 - the members of one result
    paths: tuple[Path, ...],
    made: RecordDigest,
    output_format: str,
    others: tuple[Path, ...] = (),
    other: RecordDigest | None = None,
    relation: str = "",
) -> None:
    if output_format == "json":
        result: dict[str, object] = {"paths": [str(path) for path in paths], **made.to_tree()}
        if other is not None:
            result["other"] = {"paths": [str(path) for path in others], **other.to_tree()}
            result["relation"] = relation
        say_json(result)
        return
    _print(made)
    if other is not None:
        say(f"other    {other.root.root} ({_counted(other)})")
        say(f"relation {relation}")


def _print(made: RecordDigest) -> None:
    say(f"tree     {made.root.root} ({_counted(made)})")
    say(f"set      {made.multiset}")
    say(f"encoding {made.encoding}")


def _counted(made: RecordDigest) -> str:
    from provenance.render import format_count

    return f"{format_count(made.count)} record{'' if made.count == 1 else 's'}"
