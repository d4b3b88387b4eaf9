"""`provenance records`: the digests of the records of a dataset, and comparing two datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.output import format_option, say, say_json

if TYPE_CHECKING:
    from provenance.digest.records import RecordDigest

__all__ = ["records"]


@click.command(
    epilog="""
    \b
    Examples:
      provenance records train.parquet
      provenance records shards/ --columns text,label
      provenance records train.jsonl --compare train-shuffled.jsonl
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
    apart from a change. With --compare, exit code 1 if the records are not the same.
    """
    from provenance.digest.records import RecordComparison, compare_records

    made = _hash(paths, container, columns)
    other = _hash(others, container, columns) if others else None
    relation = None if other is None else compare_records(made, other)
    if output_format == "json":
        result: dict[str, object] = {"paths": [str(path) for path in paths], **made.to_tree()}
        if other is not None:
            result["other"] = {"paths": [str(path) for path in others], **other.to_tree()}
            result["relation"] = str(relation)
        say_json(result)
    else:
        _print(made)
        if other is not None:
            say(f"other    {other.root.root} ({_counted(other)})")
            say(f"relation {relation}")
    return int(relation is RecordComparison.DIFFERENT)


def _hash(paths: tuple[Path, ...], container: str | None, columns: str | None) -> RecordDigest:
    from provenance.digest.records import hash_records

    return hash_records(
        list(paths), format=container, columns=None if columns is None else columns.split(",")
    )


def _print(made: RecordDigest) -> None:
    say(f"tree     {made.root.root} ({_counted(made)})")
    say(f"set      {made.multiset}")
    say(f"encoding {made.encoding}")


def _counted(made: RecordDigest) -> str:
    from provenance.render import format_count

    return f"{format_count(made.count)} record{'' if made.count == 1 else 's'}"
