"""`provenance digest`: the digests of a file, and the tree digest of a folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.claims import compare_claims, compare_options, exit_code, print_claims
from provenance.cli.executors import Hashing, executor_options
from provenance.cli.output import format_option, say, say_json, say_note
from provenance.cli.remote import PathOrUrl, check_local, digest_url, remote_options
from provenance.cli.weights import digest_weights, print_tensor
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
      provenance digest model.gguf
      provenance digest model.safetensors --tensor model.embed.weight
      provenance digest data/ --inventory data.inventory.jsonl
      provenance digest data/ --compare data/SHA256SUMS
      provenance digest /shared/data --dask tcp://10.0.0.1:8786
      provenance digest s3://bucket/data/ --storage-option region=eu-west-1
    """
)
@click.argument("path", type=PathOrUrl(path_type=Path, readable=False))
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
@remote_options
@click.option(
    "--tensor",
    metavar="NAME",
    help="Print the digest of this tensor alone, reading only the header and its bytes.",
)
@compare_options
@executor_options
@format_option
def digest(
    *,
    path: Path | str,
    algorithms: tuple[str, ...],
    inventory: Path | None,
    storage_options: tuple[str, ...],
    trust_store: bool,
    tensor: str | None,
    compare: Path | None,
    claims_format: str | None,
    hashing: Hashing,
    output_format: str,
) -> None:
    """Print the digests of the file or folder PATH, which may be a URL.

    For a file: its size and digests. For a folder: its tree digest, which depends on names, sizes
    and contents and on nothing else. For safetensors, an index of its shards, GGUF and ONNX also
    the tensor digest: the content of the weights, however they are split into files. For files of
    torch.save, which are never unpickled, the digests of their storages.
    """
    from provenance.cli.totals import total_bytes
    from provenance.render import show_progress

    chosen = algorithms or ("blake3", "sha256")
    is_folder = isinstance(path, Path) and path.is_dir()
    hashing.check(is_folder=is_folder)
    if compare is not None and not is_folder:
        raise UsageError(problem="only a folder of this machine is compared with claims")
    if isinstance(path, str):  # not shown in errors before `digest_url` has looked for secrets
        if tensor is not None:
            raise UsageError(problem="a single tensor is only read from a file of this machine")
        found = digest_url(
            path,
            algorithms=chosen,
            inventory=inventory,
            storage_options=storage_options,
            trust_store=trust_store,
            output_format=output_format,
        )
        if found is not None:
            _say(found, output_format)
        return
    check_local(storage_options, trust_store=trust_store)
    if tensor is not None:
        print_tensor(path, tensor, output_format)
        return
    with show_progress("Hashing", sys.stderr, total=lambda: total_bytes(path)) as progress:
        if path.is_dir():
            result, listed = _folder(path, chosen, inventory, progress, hashing)
            if compare is not None:
                result["claims"] = compare_claims(path, listed, compare, claims_format)
        elif inventory is not None:
            raise UsageError(path=str(path), problem="only a folder has an inventory")
        else:
            result = _file(path, chosen, progress)
    _say(result, output_format)
    claims = result.get("claims")
    if isinstance(claims, dict):
        click.get_current_context().exit(exit_code(claims))


def _file(
    path: Path, algorithms: Sequence[str], progress: Callable[[int], None] | None
) -> dict[str, object]:
    from provenance.digest import hash_file

    # The caller named this file, so a link to it is followed; below a folder none is.
    real = os.path.realpath(path)
    made = hash_file(real, algorithms=algorithms, progress=progress)
    result: dict[str, object] = {"digest": dict(made.digest), "path": str(path), "size": made.size}
    return result | digest_weights(real)


def _folder(
    path: Path,
    algorithms: Sequence[str],
    output: Path | None,
    progress: Callable[[int], None] | None,
    hashing: Hashing,
) -> tuple[dict[str, object], Inventory]:
    from provenance.digest import hash_tree, write_atomic

    with hashing.executor() as executor:
        listed = hash_tree(
            path,
            algorithms=tuple(dict.fromkeys(("blake3", *algorithms))),
            progress=progress,
            executor=executor,
            workers=hashing.workers,
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
    return (result | _tensors(shards) if shards else result), listed


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


def _say(result: dict[str, object], output_format: str) -> None:
    if output_format == "json":
        say_json(result)
    else:
        _print(result)


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
    storages = result.get("storages")
    if isinstance(storages, list):
        for item in storages:
            say(f"storage  {item['key']} {item['blake3']} ({format_count(item['size'])} bytes)")
    claims = result.get("claims")
    if isinstance(claims, dict):
        print_claims(claims)
