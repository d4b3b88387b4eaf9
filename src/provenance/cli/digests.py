"""`provenance digest`: the digests of a file, and the tree digest of a folder."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.cache_options import cache_option, opened_cache
from provenance.cli.claims import compare_options, exit_code, print_claims, read_claims_file
from provenance.cli.comparing import faults_are_no_difference
from provenance.cli.executors import Hashing, executor_options
from provenance.cli.output import format_option, say, say_json, say_note
from provenance.cli.remote import PathOrUrl, check_local, digest_url, remote_options
from provenance.cli.weights import digest_weights, print_tensor
from provenance.errors import DigestError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provenance.cli.claims import Claims
    from provenance.digest import Inventory

__all__ = ["digest"]

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
      provenance digest train.csv --compare train.csv.dvc
      provenance digest data/ --compare sums.txt --claims-format b3sum
      provenance digest data/ --cache ~/.cache/provenance/digests.db
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
@cache_option("What is printed says how many files were not read.")
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
    cache: Path | None,
    output_format: str,
) -> None:
    """Print the digests of the file or folder PATH, which may be a URL.

    For a file: its size and digests. For a folder: its tree digest, which depends on names, sizes
    and contents and on nothing else. For safetensors, an index of its shards, GGUF and ONNX also
    the tensor digest: the content of the weights, however they are split into files. For files of
    torch.save, which are never unpickled, the digests of their storages.

    With --compare the exit code is 0 if everything that is claimed matches, 1 if something differs
    or is missing, 3 if nothing does but something could not be compared, 4 if something cannot be
    read.
    """
    from provenance.cli.totals import total_bytes
    from provenance.render import show_progress

    chosen = algorithms or ("blake3", "sha256")
    is_folder = isinstance(path, Path) and path.is_dir()
    hashing.check(is_folder=is_folder)
    if cache is not None and (not is_folder or hashing.is_cluster):
        raise UsageError(path="--cache", problem="is for a folder that this machine reads")
    claims = read_claims_file(compare, claims_format, is_local=isinstance(path, Path))
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
        if claims is not None or inventory is not None:
            raise UsageError(problem="--compare and --inventory are of whole files, not a tensor")
        print_tensor(path, tensor, output_format)
        return
    faults = nullcontext() if claims is None else faults_are_no_difference()
    with faults, show_progress("Hashing", sys.stderr, total=lambda: total_bytes(path)) as progress:
        if path.is_dir():
            result = _folder(path, chosen, inventory, progress, hashing, claims=claims, cache=cache)
        elif inventory is not None:
            raise UsageError(path=str(path), problem="only a folder has an inventory")
        else:
            result = _file(path, chosen, progress, claims)
    _say(result, output_format)
    compared = result.get("claims")
    if isinstance(compared, dict):
        click.get_current_context().exit(exit_code(compared))


def _file(
    path: Path,
    algorithms: Sequence[str],
    progress: Callable[[int], None] | None,
    claims: Claims | None,
) -> dict[str, object]:
    from provenance.digest import hash_file

    # The caller named this file, so a link to it is followed; below a folder none is.
    real = os.path.realpath(path)
    made = hash_file(real, algorithms=algorithms, progress=progress)
    result: dict[str, object] = {"digest": dict(made.digest), "path": str(path), "size": made.size}
    if claims is not None:
        result["claims"] = claims.compare_file(path, made)
    return result | digest_weights(real)


def _folder(
    path: Path,
    algorithms: Sequence[str],
    output: Path | None,
    progress: Callable[[int], None] | None,
    hashing: Hashing,
    *,
    claims: Claims | None,
    cache: Path | None,
) -> dict[str, object]:
    from provenance.digest import hash_tree, write_atomic

    with hashing.executor() as executor, opened_cache(cache, path) as known:
        listed = hash_tree(
            path,
            algorithms=tuple(dict.fromkeys(("blake3", *algorithms))),
            progress=progress,
            executor=executor,
            workers=hashing.workers,
            cache=known,
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
    if known is not None and known.hits:
        result["cached"] = known.hits
    if claims is not None:
        result["claims"] = claims.compare_folder(path, listed)
    from provenance.digest.weights.choosing import tensor_files

    weights = [path / name for name in tensor_files(entry.path for entry in listed)]
    return result | _tensors(weights) if weights else result


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
    cached = result.get("cached")
    if isinstance(cached, int):
        files = "file" if cached == 1 else "files"
        say(f"cached   {format_count(cached)} {files} by digests cached earlier, not read")
    storages = result.get("storages")
    if isinstance(storages, list):
        for item in storages:
            say(f"storage  {item['key']} {item['blake3']} ({format_count(item['size'])} bytes)")
    claims = result.get("claims")
    if isinstance(claims, dict):
        print_claims(claims)
