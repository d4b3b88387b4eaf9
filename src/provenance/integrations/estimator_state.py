"""What `fit` has left in an estimator of scikit-learn's shape: arrays, texts, curves and scores.

Reads objects by what they have; imports no framework but NumPy, which every estimator needs.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from provenance.errors import MissingExtraError
from provenance.integrations.estimator_data import plain_setting, sparse_parts

try:
    import numpy as np
except ModuleNotFoundError as _error:
    raise MissingExtraError(
        problem="NumPy is not installed", remedy="install it: pip install numpy"
    ) from _error

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Fitted", "curves_of", "fitted_state", "safetensors_bytes", "scores_of", "tables_of"]

#: Deepest estimator inside an estimator that is looked at.
MAX_DEPTH: Final = 16

#: Longest array of texts, such as the names of classes, that is kept among the settings.
MAX_TEXTS: Final = 1_000

#: Names of lists with a value for each iteration, and of the metric that they are.
CURVES: Final = {
    "loss_curve_": "loss",
    "train_score_": "train_score",
    "validation_score_": "validation_score",
    "validation_scores_": "validation_score",
}

#: Attributes that are a number and say how a training went.
SCORES: Final = ("best_loss_", "best_score_", "inertia_", "n_iter_", "oob_score_")

# Attributes without an underscore at the end that hold fitted estimators all the same.
_PARTS: Final = frozenset({"steps", "transformer_list"})

# How a search went; it is recorded as an evaluation, and how long it took differs each time.
_NO_STATE: Final = frozenset({"cv_results_", "refit_time_"})


class Fitted:
    """What `fit` has left in an estimator."""

    def __init__(self) -> None:
        """Begin empty."""
        self.arrays: dict[str, Any] = {}
        self.texts: dict[str, list[str]] = {}
        self.left: list[str] = []  # what is neither numbers nor texts

    def add(self, name: str, value: Any, depth: int = 0) -> None:  # noqa: ANN401 - any attribute
        """Take an attribute apart into arrays."""
        if value is None or isinstance(value, str | np.random.RandomState):
            return
        if hasattr(value, "get_params") and depth < MAX_DEPTH:
            for part, item in _state(value):
                self.add(f"{name}.{part}" if name else part, item, depth + 1)
        elif hasattr(value, "tocsr"):
            for part, array in sparse_parts(value).items():
                self.add(f"{name}{part}", array)
        elif isinstance(value, np.ndarray | np.generic | bool | int | float):
            self._add_array(name, np.asarray(value), depth)
        elif isinstance(value, list | tuple) and depth < MAX_DEPTH:
            self._add_items(name, value, depth)
        elif type(value).__module__ == "sklearn.tree._tree":
            for part, item in value.__getstate__().items():
                self.add(f"{name}.{part}", item, depth + 1)
        else:
            self.left.append(name)

    def _add_items(self, name: str, items: Any, depth: int) -> None:  # noqa: ANN401 - a sequence
        for number, item in enumerate(items):
            named = isinstance(item, tuple) and item and isinstance(item[0], str)
            part, inner = (item[0], item[1]) if named and len(item) > 1 else (number, item)
            self.add(f"{name}.{part}", inner, depth + 1)

    def _add_array(self, name: str, array: Any, depth: int) -> None:  # noqa: ANN401 - an array
        if array.dtype.kind in "biuf" and array.dtype.itemsize <= 8:  # noqa: PLR2004 - bytes of float64
            self.arrays[name] = array
        elif array.dtype.names:
            for field in array.dtype.names:
                self.add(f"{name}.{field}", array[field], depth + 1)
        elif array.dtype == object and any(not isinstance(it, str) for it in array.flat):
            self._add_items(name, list(array.flat), depth)
        elif array.dtype.kind in "OUT" and array.size <= MAX_TEXTS:
            self.texts[name] = [str(it) for it in array.flat]
        else:
            self.left.append(name)


def fitted_state(estimator: Any) -> Fitted:  # noqa: ANN401 - any estimator
    """Return everything that an estimator holds besides its parameters."""
    fitted = Fitted()
    fitted.add("", estimator)
    return fitted


def curves_of(estimator: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any estimator
    """Return the metrics of each iteration, by name, of the estimator that was fitted last."""
    inner = _innermost(estimator)
    curves = {
        metric: list(values)
        for attribute, metric in CURVES.items()
        if (values := getattr(inner, attribute, None)) is not None
    }
    return [
        {name: values[number] for name, values in curves.items() if number < len(values)}
        for number in range(max(map(len, curves.values()), default=0))
    ]


def scores_of(estimator: Any) -> dict[str, Any]:  # noqa: ANN401 - any estimator
    """Return the numbers that say how a training went, by name."""
    sources = (_innermost(estimator), estimator)
    return {
        name.strip("_"): value
        for source in sources
        for name in SCORES
        if (value := getattr(source, name, None)) is not None
    }


def _innermost(estimator: Any) -> Any:  # noqa: ANN401 - any estimator
    """Return what a search has chosen, and the last step of a pipeline."""
    inner = getattr(estimator, "best_estimator_", estimator)
    return getattr(inner, "_final_estimator", inner)


def tables_of(estimator: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any estimator
    """Yield what a search over parameters has found, by the name of the attribute."""
    for name in ("cv_results_",):
        table = getattr(estimator, name, None)
        if isinstance(table, Mapping):
            yield name, {key: plain_setting(value, 0) for key, value in table.items()}


def safetensors_bytes(arrays: Mapping[str, Any]) -> bytes:
    """Return a safetensors file of arrays: the same bytes for the same arrays.

    Source: the format's description; header, then little-endian rows in the order of the header.
    """
    letters = {"b": "BOOL", "i": "I{}", "u": "U{}", "f": "F{}"}
    header: dict[str, Any] = {}
    data = bytearray()
    # Wider elements first, so that each array lies at a multiple of its own element size.
    for name in sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name)):
        array = arrays[name]
        raw = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        header[name] = {
            "dtype": letters[array.dtype.kind].format(array.dtype.itemsize * 8),
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(data)


def _state(estimator: Any) -> list[tuple[str, Any]]:  # noqa: ANN401 - any estimator
    parameters = set(estimator.get_params(deep=False))
    return [
        (name, value)
        for name, value in sorted(vars(estimator).items())
        if (name not in parameters or name in _PARTS) and name not in _NO_STATE
    ]
