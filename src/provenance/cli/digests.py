"""`provenance digest`: the digests of a file, and the tree digest of a folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.output import format_option, say, say_json, say_note
from provenance.errors import DigestError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provenance.digest import Inventory

__all__ = ["digest"]

#: The end of the names of files whose tensors have a digest of their own.
TENSOR_SUFFIX = ".safetensors"
#: Sizes from here on are also shown in a larger unit.
FULL_COUNT_IS_ENOUGH = 1024


@click.command(
    epilog="""
    \b
    Examples:
      provenance digest model.safetensors
      provenance digest data/ --inventory data.inventory.jsonl
    """
)
@click.argument("path", type=click.Path(path_type=Path, readable=False))
@click.option(
    "--algorithm",
    "algorithms",
    multiple=True,
    type=click.Choice(["blake3", "sha256"]),
    help="Digest to compute. May be repeated.  [default: both; a folder always has blake3]",
)
@click.option(
    "--inventory",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the list of the folder's files with sizes and digests.",
)
@format_option
def digest(
    *, path: Path, algorithms: tuple[str, ...], inventory: Path | None, output_format: str
) -> None:
    """Print the digests of the file or folder PATH.

    For a file: its size and digests. For a folder: its tree digest, which depends on names, sizes
    and contents and on nothing else. For safetensors, also the tensor digest: the content of the
    weights, however they are split into files.
    """
    from provenance.cli.totals import total_bytes
    from provenance.render import show_progress

    chosen = algorithms or ("blake3", "sha256")
    with show_progress("Hashing", sys.stderr, total=lambda: total_bytes(path)) as progress:
        if path.is_dir():
            result = _folder(path, chosen, inventory, progress)
        elif inventory is not None:
            raise UsageError(path=str(path), problem="only a folder has an inventory")
        else:
            result = _file(path, chosen, progress)
    if output_format == "json":
        say_json(result)
        return
    _print(result)


def _file(
    path: Path, algorithms: Sequence[str], progress: Callable[[int], None] | None
) -> dict[str, object]:
    from provenance.digest import hash_file

    # The caller named this file, so a link to it is followed; below a folder none is.
    real = os.path.realpath(path)
    made = hash_file(real, algorithms=algorithms, progress=progress)
    result = {"digest": dict(made.digest), "path": str(path), "size": made.size}
    if path.name.endswith(TENSOR_SUFFIX):
        result |= _tensors([real])
    return result


def _folder(
    path: Path,
    algorithms: Sequence[str],
    output: Path | None,
    progress: Callable[[int], None] | None,
) -> dict[str, object]:
    from provenance.digest import hash_tree, write_atomic

    listed = hash_tree(
        path, algorithms=tuple(dict.fromkeys(("blake3", *algorithms))), progress=progress
    )
    if output is not None:
        write_atomic(output, listed.to_bytes())
        say_note(f"Wrote {output}")
    result: dict[str, object] = {
        "files": listed.root.to_tree(),
        "inventory": _entries(listed),
        "path": str(path),
        "size": listed.total_bytes,
    }
    shards = [path / entry.path for entry in listed if entry.path.endswith(TENSOR_SUFFIX)]
    return result | _tensors(shards) if shards else result


def _entries(listed: Inventory) -> list[dict[str, object]]:
    return [
        {"digest": dict(entry.digest.digest_set), "path": entry.path, "size": entry.size}
        for entry in listed
    ]


def _tensors(paths: Sequence[str | Path]) -> dict[str, object]:
    from provenance.digest import hash_tensors

    try:
        root, _ = hash_tensors(paths)
    except DigestError as error:
        # Several checkpoints in one folder, or a damaged file: its other digests are still true.
        say_note(f"no tensor digest: {error}")
        return {}
    return {"tensors": root.to_tree()}


def _print(result: dict[str, object]) -> None:
    from provenance.render import escape, format_bytes, format_count

    size = result["size"]
    assert isinstance(size, int)  # noqa: S101 - made above
    say(f"path     {escape(str(result['path']))}")
    say(
        f"size     {format_count(size)} bytes"
        + (f" ({format_bytes(size)})" if size >= FULL_COUNT_IS_ENOUGH else "")
    )
    digests = result.get("digest")
    if isinstance(digests, dict):
        for algorithm, value in digests.items():
            say(f"{algorithm:<8} {value}")
    for name, label in (("files", "tree"), ("tensors", "tensors")):
        root = result.get(name)
        if isinstance(root, dict):
            say(f"{label:<8} {root['root']} ({format_count(root['size'])} {name})")
