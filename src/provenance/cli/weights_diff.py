"""`provenance diff` of two models: which tensors differ, and by how much."""

from __future__ import annotations

import math
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

from provenance.cli.comparing import DIFFERS, SAME
from provenance.cli.output import say, say_json
from provenance.cli.weights import named_as_typed, no_such_kind, real_path
from provenance.errors import DigestError

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.digest import TensorDifference

__all__ = ["diff_weights", "pair_weights"]


def pair_weights(
    names: tuple[Path, Path], found: tuple[Path | None, Path | None]
) -> tuple[Path | None, Path | None]:
    """Return the weights of both sides, where a release beside weights stands for those in it.

    Args:
        names: What both were called.
        found: What `find_weights` returned.

    Raises:
        UsageError: The release holds no weights, or several models.
    """
    if (found[0] is None) == (found[1] is None):
        return found
    one, other = (
        _weights_of_release(name) if place is None and name.is_dir() else place
        for name, place in zip(names, found, strict=True)
    )
    return one, other


def _weights_of_release(folder: Path) -> Path:
    from provenance.digest import choose_weights

    try:
        return choose_weights(folder)
    except DigestError as error:
        raise no_such_kind(folder, error.problem) from error


def diff_weights(
    before: Path | None, after: Path | None, names: tuple[Path, Path], output_format: str
) -> int:
    """Print what differs between two models, and return the exit code.

    Args:
        before: The weights of the first, if it is a model.
        after: The weights of the second.
        names: What both were called.
        output_format: `text` or `json`.

    Raises:
        UsageError: Only one of both is weights.
    """
    from provenance.digest import compare_weights
    from provenance.render import escape, format_count, render_comparison

    if before is None or after is None:
        other = names[0] if before is None else names[1]
        raise no_such_kind(other, "is no file of weights, and the other one is")
    with named_as_typed(before, after):
        found = compare_weights(real_path(before), real_path(after))
    if output_format == "json":
        say_json(
            {
                "a": str(before),
                "b": str(after),
                "differences": [_tree(tensor) for tensor in found.different],
                "equal": found.equal,
                "identical": len(found.tensors) - len(found.different),
                "verified": False,
            }
        )
        return SAME if found.equal else DIFFERS
    both = f"{escape(str(before))} and {escape(str(after))}"
    total = format_count(len(found.tensors))
    plural = "" if len(found.tensors) == 1 else "s"
    if found.equal:
        same = f"the same {total} tensor{plural} (neither was verified)"
        say(f"No difference between {both}: {same}.")
        return SAME
    count = format_count(len(found.different))
    verb = "differs" if len(found.different) == 1 else "differ"
    say(f"{count} of {total} tensor{plural} {verb} between {both} (neither was verified):")
    say("\n".join(render_comparison(found)))
    return DIFFERS


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
            "nanAppeared": tensor.nan_appeared,
            "nanVanished": tensor.nan_vanished,
            "special": tensor.special,
        }
    return tree


def _finite(value: float | int | None) -> object:  # noqa: PYI041 - an int may be larger
    """Return a number as JSON; as text, if readers of JSON would take it for infinite."""
    if isinstance(value, int) and value > sys.float_info.max:
        return f"{Decimal(value):.17g}"
    return value if value is None or math.isfinite(value) else str(value)
