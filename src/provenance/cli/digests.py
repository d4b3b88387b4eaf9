"""`provenance digest`: the digests of a file or stream, and the tree digest of a folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provenance.cli.cache_options import cache_option, opened_cache
from provenance.cli.claims import compare_options, exit_code, read_claims_file
from provenance.cli.comparing import faults_are_no_difference
from provenance.cli.digest_results import (
    Wanted,
    check_excluded,
    hash_cached,
    hash_standard_input,
    print_digest,
)
from provenance.cli.executors import executor_options
from provenance.cli.output import format_option, say_json, say_note
from provenance.cli.remote import (
    LocalPath,
    PathOrUrl,
    check_local,
    digest_url,
    entries_tree,
    remote_options,
)
from provenance.cli.weights import digest_checkpoint, digest_weights, print_tensor
from provenance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from provenance.cli.claims import Claims

__all__ = ["digest"]

#: What stands for standard input.
STANDARD_INPUT = Path("-")


@click.command(
    epilog="""
    \b
    Examples:
      provenance digest model.safetensors
      provenance digest model.gguf
      provenance digest model.safetensors --tensor model.embed.weight
      provenance digest data/ --inventory data.inventory.jsonl
      provenance digest data/ --compare data.inventory.jsonl --quiet
      provenance digest data/ --compare data/SHA256SUMS
      provenance digest train.csv --compare train.csv.dvc
      provenance digest data/ --compare sums.txt --claims-format b3sum
      provenance digest data/ --cache ~/.cache/provenance/digests.db
      provenance digest /shared/data --dask tcp://10.0.0.1:8786
      provenance digest s3://bucket/data/ --storage-option region=eu-west-1
      curl -sL https://models.example/model.bin | provenance digest -
    """
)
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    type=PathOrUrl(path_type=Path, readable=False),
    metavar="PATH...",
)
@click.option(
    "--algorithm",
    "algorithms",
    multiple=True,
    type=click.Choice(["blake3", "sha256"]),
    help="Digest to compute. May be repeated.  [default: both; a folder always has blake3]",
)
@click.option(
    "--inventory",
    type=LocalPath(path_type=Path),
    metavar="FILE",
    help="Write the list of the folder's files with sizes and digests; outside of the folder.",
)
@click.option(
    "--exclude",
    "excluded",
    multiple=True,
    metavar="NAME",
    help="Leave out the file or folder NAME that lies directly in the folder; what is printed says "
    "so. May be repeated.",
)
@click.option(
    "--full",
    is_flag=True,
    help="With --format json: list a folder's files in the member `inventory`.",
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
    paths: tuple[Path | str, ...],
    output_format: str,
    storage_options: tuple[str, ...],
    trust_store: bool,
    compare: Path | None,
    claims_format: str | None,
    **options: Any,  # noqa: ANN401 - options by name, checked by `Wanted`
) -> None:
    """Print the digests of each file or folder PATH, which may be a URL, or `-` for standard input.

    For a file: its size and digests. For a folder: its tree digest, which depends on names, sizes
    and contents and on nothing else. For safetensors, an index of its shards, GGUF and ONNX also
    the tensor digest: the content of the weights, however they are split into files. For files of
    torch.save, which are never unpickled, the digests of their storages.

    With --compare the exit code is 0 if everything that is claimed matches, 1 if something differs
    or is missing, 3 if nothing does but something could not be compared. It is always 2 for a wrong
    option, and 4 if something cannot be read, or is nothing that has such a digest.
    """
    wanted = Wanted(output_format=output_format, **options)
    is_alone = not (wanted.inventory or wanted.tensor or compare or trust_store)
    if len(paths) > 1 and not is_alone:
        raise UsageError(
            problem="--inventory, --tensor, --compare and --trust-store are of one PATH",
            remedy="name one PATH",
        )
    with faults_are_no_difference():
        is_local = isinstance(paths[0], Path) and paths[0] != STANDARD_INPUT
        claims = read_claims_file(compare, claims_format, is_local=is_local)
        results = []
        for path in paths:
            if isinstance(path, str):  # not shown in errors before `digest_url` looked for secrets
                found = _url(path, wanted, storage_options, trust_store=trust_store)
            else:
                check_local(storage_options, trust_store=trust_store)
                found = _local(path, wanted, claims)
            if found is not None:
                results.append(found)
                if output_format == "text":
                    print_digest(found, after=len(results) > 1, quiet=wanted.quiet)
    if output_format == "json" and results:
        say_json(results if len(paths) > 1 else results[0])
    compared = results[0].get("claims") if results else None
    if isinstance(compared, dict):
        click.get_current_context().exit(exit_code(compared))


def _url(
    url: str, wanted: Wanted, storage_options: tuple[str, ...], *, trust_store: bool
) -> dict[str, object] | None:
    wanted.hashing.check(is_folder=False)
    check_excluded(Path(), wanted.excluded, is_folder=False)
    if wanted.cache is not None:
        raise _no_cache()
    if wanted.tensor is not None:
        raise UsageError(problem="a single tensor is only read from a file of this machine")
    return digest_url(
        url,
        algorithms=wanted.chosen,
        inventory=wanted.inventory,
        full=wanted.full,
        storage_options=storage_options,
        trust_store=trust_store,
        output_format=wanted.output_format,
    )


def _local(path: Path, wanted: Wanted, claims: Claims | None) -> dict[str, object] | None:
    """Return what is printed of a path of this machine; nothing if it is printed already."""
    from provenance.cli.totals import total_bytes
    from provenance.digest.cache_places import check_outside
    from provenance.render import show_progress

    is_folder, is_stream = path.is_dir(), path == STANDARD_INPUT
    wanted.hashing.check(is_folder=is_folder)
    check_excluded(path, wanted.excluded, is_folder=is_folder)
    if wanted.cache is not None and (wanted.hashing.is_cluster or is_stream):
        raise _no_cache()
    if wanted.tensor is not None:
        if claims is not None or wanted.inventory is not None or is_stream:
            raise UsageError(problem="--compare and --inventory are of whole files, not a tensor")
        print_tensor(path, wanted.tensor, wanted.output_format)
        return None
    if wanted.inventory is not None:
        if not is_folder and (is_stream or path.exists()):
            raise UsageError(path=str(path), problem="only a folder has an inventory")
        check_outside(wanted.inventory, path, what="its inventory")
    if claims is not None and is_folder:
        claims.check_place(path)
    with show_progress("Hashing", sys.stderr, total=lambda: total_bytes(path)) as progress:
        if is_folder:
            return _folder(path, wanted, progress, claims)
        if is_stream:
            return hash_standard_input(wanted.chosen, progress)
        return _file(path, wanted, progress, claims)


def _no_cache() -> UsageError:
    return UsageError(path="--cache", problem="is for files and folders that this machine reads")


def _file(
    path: Path,
    wanted: Wanted,
    progress: Callable[[int], None] | None,
    claims: Claims | None,
) -> dict[str, object]:
    # The caller named this file, so a link to it is followed; below a folder none is.
    real = os.path.realpath(path)
    with opened_cache(wanted.cache, path) as known:
        made = hash_cached(real, wanted.chosen, known, progress)
    result: dict[str, object] = {"digest": dict(made.digest), "path": str(path), "size": made.size}
    if known is not None:
        result["cached"] = known.hits
    if claims is not None:
        result["claims"] = claims.compare_file(path, made)
    return result | digest_weights(path)


def _folder(
    path: Path,
    wanted: Wanted,
    progress: Callable[[int], None] | None,
    claims: Claims | None,
) -> dict[str, object]:
    from provenance.digest import hash_tree, write_atomic

    with wanted.hashing.executor() as executor, opened_cache(wanted.cache, path) as known:
        listed = hash_tree(
            path,
            algorithms=tuple(dict.fromkeys(("blake3", *wanted.chosen))),
            progress=progress,
            executor=executor,
            workers=wanted.hashing.workers,
            cache=known,
            skip=wanted.excluded,
        )
    if wanted.inventory is not None:
        write_atomic(wanted.inventory, listed.to_bytes())
        say_note(f"Wrote {wanted.inventory}")
    result: dict[str, object] = {
        "files": listed.root.to_tree(),
        "path": str(path),
        "size": listed.total_bytes,
    }
    if wanted.excluded:
        result["excluded"] = sorted(wanted.excluded)
    if wanted.full:
        result["inventory"] = entries_tree(listed)
    if known is not None:
        result["cached"] = known.hits
    if claims is not None:
        result["claims"] = claims.compare_folder(path, listed)
    from provenance.digest.weights.choosing import tensor_files

    weights = [path / name for name in tensor_files(entry.path for entry in listed)]
    return result | digest_checkpoint(weights) if weights else result
