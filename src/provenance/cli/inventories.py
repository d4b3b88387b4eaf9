"""`provenance inventory`: put inventories together, take them apart, and take their roots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.output import format_option, say, say_json, say_note
from provenance.cli.remote import LocalPath, refuse_url
from provenance.errors import DigestError, UsageError

if TYPE_CHECKING:
    from provenance.digest import Inventory, ShardIndex, TypedRoot

__all__ = ["inventory", "root_token"]

#: What the names of inventories that are parts of one end with.
INVENTORY_SUFFIX = ".inventory.jsonl"

_PATH = LocalPath(path_type=Path, readable=False)
_output_option = click.option(
    "-o", "--output", type=_PATH, required=True, metavar="FILE", help="The file to write."
)


@click.group(
    short_help="Merge, split and sum up inventories.",
    epilog="""
    \b
    Examples:
      provenance digest data/ --inventory data.inventory.jsonl
      provenance inventory root data.inventory.jsonl
      provenance inventory split data.inventory.jsonl --entries 1000000 -o parts
    """,
)
def inventory() -> None:
    """Put inventories together, take them apart, and take their roots. No file is read again.

    An inventory lists the files of a folder with sizes and digests; `provenance digest FOLDER
    --inventory FILE` writes one. Its root is the tree digest of the folder.
    """


@inventory.command(
    short_help="Merge inventories of parts into one.",
    epilog="""
    \b
    Examples:
      provenance inventory merge part-1.jsonl part-2.jsonl -o data.inventory.jsonl
      provenance inventory merge en=english.jsonl de=german.jsonl -o data.inventory.jsonl
    """,
)
@click.argument("parts", nargs=-1, required=True, metavar="[PREFIX=]FILE...")
@_output_option
@format_option
def merge(*, parts: tuple[str, ...], output: Path, output_format: str) -> None:
    """Merge inventories that were made apart, on several machines, into one.

    A PREFIX is the folder that holds the files of the part. A name that stands in two parts is
    refused, also if it is the same only on some systems.
    """
    from provenance.digest import merge_inventories, write_atomic

    read = [(prefix, _read_inventory(Path(path))) for prefix, path in map(_named, parts)]
    merged = merge_inventories(read)
    write_atomic(output, merged.to_bytes())
    say_note(f"Wrote {output}")
    _say_root(merged.root, output_format)


@inventory.command(
    short_help="Index the roots of many trees.",
    epilog="""
    \b
    Examples:
      provenance inventory shards a.inventory.jsonl b.inventory.jsonl -o shards.jsonl
      provenance inventory shards en=english.jsonl de=german.jsonl -o shards.jsonl
    """,
)
@click.argument("parts", nargs=-1, required=True, metavar="[NAME=]FILE...")
@_output_option
@format_option
def shards(*, parts: tuple[str, ...], output: Path, output_format: str) -> None:
    """Write the index of shards over inventories, or over indexes, and print its root.

    A shard is named as its file without `.inventory.jsonl`, unless NAME is given. The root goes
    into the field `shards` of a dataset with more files than one inventory holds.
    """
    from provenance.digest import Shard, ShardIndex, write_atomic

    named = [
        (name or Path(path).name.removesuffix(INVENTORY_SUFFIX), Path(path))
        for name, path in map(_named, parts)
    ]
    index = ShardIndex(tuple(Shard(name, _read(path).root) for name, path in named))
    write_atomic(output, index.to_bytes())
    say_note(f"Wrote {output}")
    _say_root(index.root, output_format)


@inventory.command(
    short_help="Split an inventory into parts and their index.",
    epilog="""
    \b
    Examples:
      provenance inventory split data.inventory.jsonl --entries 1000000 -o parts
    """,
)
@click.argument("file", type=_PATH)
@click.option("--entries", type=click.IntRange(min=1), required=True, help="Most files of a part.")
@click.option(
    "-o", "--output", type=_PATH, required=True, metavar="FOLDER", help="A new or empty folder."
)
@format_option
def split(*, file: Path, entries: int, output: Path, output_format: str) -> None:
    """Split the inventory FILE into parts, and write `shards.jsonl`, the index over them."""
    from provenance.digest import Shard, ShardIndex, split_inventory, write_atomic

    parts = split_inventory(_read_inventory(file), entries)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(path=str(output), problem="is not an empty folder")
    output.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        write_atomic(output / f"{name}{INVENTORY_SUFFIX}", part.to_bytes())
    index = ShardIndex(tuple(Shard(name, part.root) for name, part in parts.items()))
    write_atomic(output / "shards.jsonl", index.to_bytes())
    say_note(f"Wrote {len(parts)} parts and shards.jsonl into {output}")
    _say_root(index.root, output_format)


@inventory.command(
    short_help="Print the root of an inventory or index.",
    epilog="""
    \b
    Examples:
      provenance inventory root data.inventory.jsonl
      provenance inventory root shards.jsonl --format json
    """,
)
@click.argument("file", type=_PATH)
@format_option
def root(*, file: Path, output_format: str) -> None:
    """Print the typed root of the inventory, or index of shards, FILE."""
    _say_root(_read(file).root, output_format)


def root_token(root: TypedRoot) -> str:
    """Return a root as one word, which `check-proof --root` takes."""
    return f"{root.tree}:{root.size}:{root.root}"


def _named(argument: str) -> tuple[str, str]:
    """Return a name and a path; a folder may be named with a slash at its end."""
    name, separator, path = argument.partition("=")
    refuse_url(path)
    refuse_url(argument)
    return (name.rstrip("/"), path) if separator else ("", argument)


def _read(path: Path) -> Inventory | ShardIndex:
    from provenance.verification.proof_making import read_tree_file

    read = read_tree_file(path)
    if not len(read):
        # The format allows it, for a folder without files; here it is a file that nobody wrote.
        raise DigestError(
            path=str(path),
            problem="is empty: it lists no file and no shard",
            remedy="write an inventory with `provenance digest FOLDER --inventory FILE`",
            code="inventory-malformed",
        )
    return read


def _read_inventory(path: Path) -> Inventory:
    from provenance.digest import Inventory

    read = _read(path)
    if not isinstance(read, Inventory):
        raise UsageError(path=str(path), problem="is an index of shards, expected an inventory")
    return read


def _say_root(root: TypedRoot, output_format: str) -> None:
    if output_format == "json":
        say_json(root.to_tree())
    else:
        entries = "entry" if root.size == 1 else "entries"
        say(f"{root.tree:<8} {root.root} ({root.size} {entries})")
        say(f"root     {root_token(root)}")
