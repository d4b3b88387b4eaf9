"""Weights on the command line: their digests in `provenance digest`, two of them in `diff`."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from provenance.cli.output import say, say_json, say_note
from provenance.errors import DigestError, ManifestError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.digest import TensorDifference, WeightsDigest

__all__ = ["diff_weights", "digest_weights", "find_weights", "print_tensor"]

#: The end of the names of files that are meant to have a tensor digest, whatever they hold.
TENSOR_SUFFIX = ".safetensors"
#: Formats of which nothing is said: most files are no weights.
_SILENT = frozenset({"other", "JSON", "zip"})
_COMPARED = frozenset({"safetensors", "safetensors index", "GGUF", "ONNX"})
_PICKLED = frozenset({"zip", "pickle"})


def digest_weights(path: str) -> dict[str, object]:
    """Return what `provenance digest` says of the weights in a file, by its content."""
    from provenance.digest import hash_tensors, hash_weights

    try:
        found = hash_weights(path)
        if found.formats == ("other",) and path.endswith(TENSOR_SUFFIX):
            hash_tensors(path)  # it says what is wrong with the file
    except DigestError as error:
        # A damaged file: its other digests are still true.
        say_note(f"no tensor digest: {error}")
        return {}
    return _described(found)


def _described(found: WeightsDigest) -> dict[str, object]:
    (container,) = found.formats
    if container in _SILENT:
        return {}
    for note in found.notes:
        say_note(f"{container}: {note}")
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
    found = hash_tensor(_real(place), name)
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
        DigestError: It is a file whose tensors cannot be known.
        InputError: It cannot be read.
    """
    from provenance.cli.sources import find_statement
    from provenance.digest import choose_weights, find_format

    if path.is_dir():
        try:
            find_statement(path)
        except ManifestError:
            return choose_weights(path)
        return None
    kind = find_format(_real(path))
    if kind in _PICKLED:
        problem = f"is a {kind} file, whose tensor names are not known without unpickling"
        raise DigestError(path=str(path), problem=problem, code="tensors-malformed")
    return path if kind in _COMPARED or path.name.endswith(TENSOR_SUFFIX) else None


def diff_weights(before: Path | None, after: Path | None, output_format: str) -> int:
    """Print what differs between two models, and return the exit code.

    Raises:
        UsageError: Only one of both is weights.
    """
    from provenance.digest import compare_weights
    from provenance.render import escape, format_count, render_comparison

    if before is None or after is None:
        raise UsageError(problem="one is a file of weights and the other is not")
    found = compare_weights(_real(before), _real(after))
    if output_format == "json":
        say_json(
            {
                "differences": [_tree(tensor) for tensor in found.different],
                "equal": found.equal,
                "identical": len(found.tensors) - len(found.different),
                "verified": False,
            }
        )
        return 0 if found.equal else 1
    names = f"{escape(str(before))} and {escape(str(after))}"
    total = format_count(len(found.tensors))
    plural = "" if len(found.tensors) == 1 else "s"
    if found.equal:
        same = f"the same {total} tensor{plural} (neither was verified)"
        say(f"No difference between {names}: {same}.")
        return 0
    count = format_count(len(found.different))
    say(f"{count} of {total} tensor{plural} differ between {names} (neither was verified):")
    say("\n".join(render_comparison(found)))
    return 1


def _tree(tensor: TensorDifference) -> dict[str, object]:
    """Return a difference as JSON; a number that JSON cannot hold is text."""
    tree: dict[str, object] = {"name": tensor.name, "status": tensor.status}
    for side, dtype, shape in (
        ("a", tensor.dtype_a, tensor.shape_a),
        ("b", tensor.dtype_b, tensor.shape_b),
    ):
        if dtype is not None and shape is not None:
            tree[side] = {"dtype": dtype, "shape": list(shape)}
    if tensor.differing is not None:
        tree |= {
            "differing": tensor.differing,
            "largestAbsolute": _finite(tensor.largest_absolute),
            "largestRelative": _finite(tensor.largest_relative),
            "special": tensor.special,
        }
    return tree


def _finite(value: float | None) -> object:
    return value if value is None or math.isfinite(value) else str(value)


def _real(path: Path) -> str:
    """Return the file that a person names; a link to it is followed, as it is his word."""
    return os.path.realpath(path)
