"""Weights on the command line: their digests in `provenance digest`, two of them in `diff`."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from provenance.cli.output import say, say_json, say_note, say_warning
from provenance.errors import DigestError, InputError, ManifestError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from provenance.digest import WeightsDigest

__all__ = [
    "digest_checkpoint",
    "digest_weights",
    "find_opaque",
    "find_weights",
    "named_as_typed",
    "no_such_kind",
    "print_tensor",
    "real_path",
]

#: The end of the names of files that are meant to have a tensor digest, whatever they hold.
TENSOR_SUFFIX = ".safetensors"
#: Formats of which nothing is said: most files are no weights.
_SILENT = frozenset({"other", "JSON", "zip"})
_COMPARED = frozenset({"safetensors", "safetensors index", "GGUF", "ONNX"})
_PICKLED = frozenset({"zip", "pickle"})
#: The end of the names of zip files of NumPy arrays.
_ARRAYS_SUFFIX = ".npz"
#: Containers of arrays that are known by their first bytes, and whose tensors are not read.
_OPAQUE = frozenset({*_PICKLED, "HDF5", "NumPy"})
#: Whose tensors have digests, as a sentence.
READ_FORMATS = "tensor digests are of safetensors files, an index of their shards, GGUF and ONNX"
#: Bytes by which a container is told.
HEAD_BYTES = 16


def digest_weights(path: Path) -> dict[str, object]:
    """Return what `provenance digest` says of the weights in a file, by its content."""
    from provenance.digest import hash_tensors, hash_weights

    try:
        with named_as_typed(path):
            found = hash_weights(real_path(path))
            if found.formats == ("other",) and path.name.endswith(TENSOR_SUFFIX):
                hash_tensors(real_path(path))  # it says what is wrong with the file
    except DigestError as error:
        # A damaged file, or types of later formats: its other digests are still true.
        say_warning(f"no tensor digest: {error}; the digests of the whole file are complete")
        return {"problem": str(error)}
    return _described(found)


def digest_checkpoint(paths: Sequence[str | Path]) -> dict[str, object]:
    """Return what `provenance digest` says of the weights in a folder, which are these files."""
    from provenance.digest import hash_tensors

    try:
        root, _ = hash_tensors(paths)
    except DigestError as error:
        # Several checkpoints in one folder, or a damaged file: its other digests are still true.
        say_warning(f"no tensor digest: {error}")
        return {"problem": str(error)}
    return {"tensors": root.to_tree()}


def _described(found: WeightsDigest) -> dict[str, object]:
    (container,) = found.formats
    if container in _SILENT:
        return {}
    for note in found.notes:
        say_note(f"{container}: {note}")
    if found.root is None:
        say_note(f"the digests of the whole file are complete; {READ_FORMATS}")
    result: dict[str, object] = {"container": container, "notes": list(found.notes)}
    if found.root is not None:
        result["tensors"] = found.root.to_tree()
    if found.storages:
        result["storages"] = [
            {"blake3": item.blake3, "key": item.key, "size": item.size} for item in found.storages
        ]
    return result


def print_tensor(path: Path, name: str, output_format: str) -> None:
    """Print the digest of one tensor; of the file, only the header and its bytes are read."""
    from provenance.digest import choose_weights, hash_tensor
    from provenance.render import escape

    place = choose_weights(path) if path.is_dir() else path
    kind = _kind(place)
    if kind not in _COMPARED and not place.name.endswith(TENSOR_SUFFIX):
        problem = find_opaque(place) or "is no file of weights whose tensors can be read"
        raise UsageError(path=str(place), problem=problem, remedy=READ_FORMATS)
    with named_as_typed(place):
        found = hash_tensor(real_path(place), name)
    if output_format == "json":
        tree = {"blake3": found.blake3, "dtype": found.dtype, "name": found.name}
        say_json({**tree, "path": str(path), "shape": list(found.shape)})
        return
    say(f"path     {escape(str(path))}")
    say(f"tensor   {escape(found.name)}")
    say(f"type     {found.dtype} [{', '.join(map(str, found.shape))}]")
    say(f"blake3   {found.blake3}")


def find_weights(path: Path) -> Path | None:
    """Return the file of weights that a person means by a path, or nothing if he means a manifest.

    A folder with a manifest is a release; one without stands for the weights in it.

    Raises:
        InputError: It cannot be read.
        UsageError: It is nothing that two of can be compared.
    """
    from provenance.cli.sources import find_statement
    from provenance.digest import choose_weights

    if path.is_dir():
        try:
            find_statement(path)
        except ManifestError:
            try:
                return choose_weights(path)
            except DigestError as error:
                problem = f"{error.problem}, and there is no manifest"
                raise no_such_kind(path, problem) from error
        return None
    kind = _kind(path)
    if kind in _COMPARED or path.name.endswith(TENSOR_SUFFIX):
        return path
    if kind not in {"JSON", *_OPAQUE}:
        raise no_such_kind(path, "is neither a manifest nor weights whose tensors can be read")
    return None


def find_opaque(path: Path) -> str:
    """Return why a file of weights cannot be compared tensor by tensor; empty if it can.

    Raises:
        InputError: It cannot be read.
    """
    kind = "" if path.is_dir() else _kind(path)
    if kind == "zip" and path.name.lower().endswith(_ARRAYS_SUFFIX):
        kind = "NumPy"
    if kind in _PICKLED:
        return (
            f"is a {kind} file, whose tensor names are not known without unpickling; "
            "`provenance digest` prints the digests of the file and of its storages"
        )
    if kind in _OPAQUE:
        return (
            f"is a {kind} file, whose tensors are not read; `provenance digest` prints the digest "
            "of the file"
        )
    return ""


def no_such_kind(path: Path, problem: str) -> UsageError:
    """Return the error for a path that `diff` does not take, which says what it takes."""
    return UsageError(
        path=str(path),
        problem=problem,
        remedy="diff takes two releases, bundles or drafts, or two files of weights: safetensors, "
        "an index or folder of its shards, GGUF, ONNX; or two inventories; datasets are compared "
        "with `provenance records A --compare B`",
    )


def _kind(path: Path) -> str:
    """Return the container that a file is by its content; `JSON` also of other JSON."""
    from provenance.digest import find_format
    from provenance.digest.weights.opening_weights import OTHER, detect_format
    from provenance.digest.weights.sources import Sources

    with named_as_typed(path):
        kind = find_format(real_path(path))
    if kind == OTHER:
        with Sources(real_path(path)) as sources:
            size = min(HEAD_BYTES, sources.size(sources.main))
            return detect_format(sources.read(sources.main, 0, size))
    return kind


@contextmanager
def named_as_typed(*paths: Path) -> Iterator[None]:
    """Let errors call each of these files as a person did, not by the place that it led to.

    Raises:
        DigestError: What was raised inside.
        InputError: The same.
    """
    from provenance.digest import printable_name

    try:
        yield
    except (DigestError, InputError) as error:
        typed = {printable_name(real_path(path)): str(path) for path in paths}
        if error.path not in typed:
            raise
        kind = DigestError if isinstance(error, DigestError) else InputError
        raise kind(
            path=typed[error.path], problem=error.problem, remedy=error.remedy, code=error.code
        ) from error


def real_path(path: Path) -> str:
    """Return the file that a person names; a link to it is followed, as it is his word."""
    return os.path.realpath(path)
