"""`provenance records`: the digests of the records of a dataset, and comparing two datasets."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.comparing import DIFFERS, NOT_COMPARABLE, SAME, faults_are_no_difference
from provenance.cli.output import format_option, say, say_error, say_json, say_warning
from provenance.cli.remote import LocalPath
from provenance.errors import InputError, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.digest.records import RecordDifference, RecordDigest

__all__ = ["records"]

#: What `RecordComparison.DIFFERENT` says; a test compares them.
DIFFERENT = "different content"
#: What stands in its place where text and numbers face each other.
NO_RELATION = "not comparable"
#: Names of fields that a message shows.
MAX_NAMED = 5
#: Bytes of a file in which its header is looked for, to warn of tabs.
HEADER_BYTES = 64 * 1024
#: Codes of faults that say nothing about the data: it cannot be compared.
_NOT_COMPARABLE = frozenset({"records-unsupported", "digest-format"})


@click.command(
    epilog="""
    \b
    Examples:
      provenance records train.parquet
      provenance records shards/ --columns text,label
      provenance records train.jsonl --compare train-shuffled.jsonl
      provenance records train.parquet --compare part-0.jsonl --compare part-1.jsonl.gz
      provenance records export.txt --container jsonl
    """
)
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    type=LocalPath(path_type=Path, readable=False),
    metavar="PATH...",
)
@click.option(
    "--container",
    type=click.Choice(["arrow", "csv", "jsonl", "parquet", "tsv", "webdataset"]),
    help="How the files are read.  [default: by the ends of their names, such as .jsonl or "
    ".jsonl.gz]",
)
@click.option("--columns", metavar="A,B", help="The columns that count.  [default: all]")
@click.option(
    "--compare",
    "others",
    multiple=True,
    type=LocalPath(path_type=Path, readable=False),
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
    3 if they cannot be compared (a column has a type without an encoding, or one side is CSV, whose
    fields are text, and the other is not). It is always 4 if a file cannot be read, is damaged, or
    lacks a column.
    """
    for path in (*paths, *others):
        _check_there(path)
        _warn_of_tabs(path, container)
    chosen = _Chosen(container, None if columns is None else tuple(columns.split(",")))
    if not others:
        with faults_are_no_difference():
            made = chosen.hash(paths)
        _say(paths, made, output_format)
        return SAME
    difference, text = None, ""
    try:
        with faults_are_no_difference():
            made, other = (chosen.hash(files) for files in (paths, others))
            relation = _relate(made, other)
            difference = chosen.find_difference(paths, others) if relation == DIFFERENT else None
            if difference is not None and made.count == other.count:
                text = chosen.text_against_types(paths, others)
    except InputError as error:
        if error.code not in _NOT_COMPARABLE:
            raise
        say_error(str(error))
        return NOT_COMPARABLE
    if text:
        relation, difference = NO_RELATION, None
    _say(paths, made, output_format, others, other, relation, difference)
    if text:
        say_error(f"these cannot be compared: {text}")
        return NOT_COMPARABLE
    return DIFFERS if relation == DIFFERENT else SAME


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The options that say how files are read."""

    container: str | None
    columns: tuple[str, ...] | None

    def hash(self, paths: tuple[Path, ...]) -> RecordDigest:
        """Return the digests of files."""
        from provenance.digest.records import hash_records

        return hash_records(list(paths), format=self.container, columns=self.columns)

    def find_difference(
        self, paths: tuple[Path, ...], others: tuple[Path, ...]
    ) -> RecordDifference:
        """Read both once more, and return where they differ."""
        from provenance.digest.records import find_difference

        return find_difference(
            list(paths), list(others), format=self.container, columns=self.columns
        )

    def text_against_types(self, paths: tuple[Path, ...], others: tuple[Path, ...]) -> str:
        """Say why none of the records can be equal, if one side is CSV and the other is not."""
        from provenance.digest.records import find_containers, typed_fields

        sides = [find_containers(list(files), self.container) for files in (paths, others)]
        are_text = [side <= {"csv", "tsv"} for side in sides]
        if are_text[0] == are_text[1]:
            return ""
        name = "/".join(sorted(sides[0] if are_text[0] else sides[1])).upper()
        typed = typed_fields(
            list(others if are_text[0] else paths), format=self.container, columns=self.columns
        )
        if not typed:
            return ""
        return f"fields of {name} are text; in the other, {_listed(typed)}"


def _listed(typed: Mapping[str, str]) -> str:
    """Return fields by what they are: `id and y are numbers, ok is booleans`."""
    groups: dict[str, list[str]] = {}
    for name, kind in typed.items():
        groups.setdefault(kind, []).append(shown(name)[1:-1])
    return ", ".join(
        f"{' and '.join(names[:MAX_NAMED])}{' and others' * (len(names) > MAX_NAMED)} "
        f"{'is' if len(names) == 1 else 'are'} {kind}"
        for kind, names in groups.items()
    )


def _warn_of_tabs(path: Path, container: str | None) -> None:
    """Warn of a CSV of one column whose name holds a tab: most likely it is TSV."""
    if container not in {None, "csv"} or not path.is_file():
        return
    if container is None and path.suffix.lower() != ".csv":
        return
    from provenance.digest import open_regular

    with open_regular(os.path.realpath(path)) as descriptor:
        header = os.read(descriptor, HEADER_BYTES).partition(b"\n")[0]
    if b"\t" in header and b"," not in header:
        say_warning(
            f"{path}: the header is one column whose name holds a tab; if tabs end the fields, say "
            "--container tsv"
        )


def _check_there(path: Path) -> None:
    """Refuse a path where nothing is, before anybody asks which container it is."""
    from provenance.digest.opening import unreadable

    try:
        path.stat()
    except (OSError, ValueError) as error:
        raise unreadable(str(path), error) from error


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
    difference: RecordDifference | None = None,
) -> None:
    if output_format == "json":
        result: dict[str, object] = {"paths": [str(path) for path in paths], **made.to_tree()}
        if other is not None:
            result["other"] = {"paths": [str(path) for path in others], **other.to_tree()}
            result["relation"] = relation
        if difference is not None:
            result["difference"] = {
                "fields": list(difference.fields),
                "first": difference.first,
                "onlyInOther": difference.only_other,
                "onlyInPaths": difference.only_one,
            }
        say_json(result)
        return
    _print(made)
    if other is not None:
        say(f"other    {other.root.root} ({_counted(other)})")
        if difference is not None:
            _print_difference(difference)
        say(f"relation {relation}")


def _print(made: RecordDigest) -> None:
    say(f"tree     {made.root.root} ({_counted(made)})")
    say(f"set      {made.multiset}")
    say(f"encoding {made.encoding}")


def _print_difference(difference: RecordDifference) -> None:
    from provenance.render import escape, format_count

    if difference.only_one is not None and difference.only_other is not None:
        one, other = map(format_count, (difference.only_one, difference.only_other))
        say(f"differ   {one} of PATH are not in OTHER, {other} of OTHER are not in PATH")
    if difference.first is not None:
        names = ", ".join(map(escape, difference.fields[:MAX_NAMED]))
        more = " and others" * (len(difference.fields) > MAX_NAMED)
        where = f"record {format_count(difference.first)} (from 0)"
        say(f"first    {where}{': ' * bool(names)}{names}{more}")


def _counted(made: RecordDigest) -> str:
    from provenance.render import format_count

    return f"{format_count(made.count)} record{'' if made.count == 1 else 's'}"
