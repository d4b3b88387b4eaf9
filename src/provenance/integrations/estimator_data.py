"""What an estimator of scikit-learn's shape is given: parameters, seeds and training data.

Reads objects by what they have; imports no framework but NumPy, which every estimator needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from provenance.errors import MissingExtraError

try:
    import numpy as np
except ModuleNotFoundError as _error:
    raise MissingExtraError(
        problem="NumPy is not installed", remedy="install it: pip install numpy"
    ) from _error

__all__ = ["plain_setting", "seeds_of", "settings_of", "sparse_parts", "training_data"]

#: Deepest parameter inside a parameter that is looked at.
MAX_DEPTH: Final = 16


def settings_of(estimator: Any) -> dict[str, Any]:  # noqa: ANN401 - any estimator
    """Return the class and all parameters of an estimator; nested ones as `scaler__with_mean`."""
    parameters = estimator.get_params(deep=True)
    return {
        "estimator": _class_name(estimator),
        "parameters": {name: plain_setting(value, 0) for name, value in parameters.items()},
    }


def seeds_of(estimator: Any) -> dict[str, int]:  # noqa: ANN401 - any estimator
    """Return the parameters of an estimator that are seeds, by name."""
    return {
        name: int(value)
        for name, value in estimator.get_params(deep=True).items()
        if name.endswith("random_state") and isinstance(value, int | np.integer)
    }


def training_data(**given: object) -> dict[str, object]:
    """Return datasets by name for what `fit` was given: all of it, as arrays or as records.

    Arrays of numbers (also sparse ones) make one dataset together; each data frame is one of its
    own; texts and mixed lists become records with one field for each argument.
    """
    frames = {name: value for name, value in given.items() if hasattr(value, "columns")}
    others = {
        name: value for name, value in given.items() if value is not None and name not in frames
    }
    found: dict[str, object] = dict(frames)
    arrays: dict[str, Any] = {}
    for name, value in others.items():
        parts = sparse_parts(value) if hasattr(value, "tocsr") else {"": np.asarray(value)}
        arrays |= {f"{name}{part}": array for part, array in parts.items()}
    if arrays and all(array.dtype.kind in "biufc" for array in arrays.values()):
        found["training-arrays"] = arrays
    elif arrays:
        rows = zip(*(_rows(value) for value in others.values()), strict=True)
        found["training-records"] = [dict(zip(others, row, strict=True)) for row in rows]
    return found


def sparse_parts(value: Any) -> dict[str, Any]:  # noqa: ANN401 - of SciPy
    """Return a sparse matrix as arrays, one form for one content, by the ends of their names."""
    matrix = value.tocsr(copy=True)  # of any kind; one form for one content
    matrix.sum_duplicates()
    parts = {".data": matrix.data, ".indices": matrix.indices, ".indptr": matrix.indptr}
    # SciPy takes the narrowest integers that will do; the content has one width.
    wide = {name: part.astype(np.int64) for name, part in parts.items() if name != ".data"}
    return {**parts, **wide, ".shape": np.asarray(matrix.shape, np.int64)}


def _rows(value: Any) -> list[Any]:  # noqa: ANN401 - a column
    if hasattr(value, "tocsr"):
        value = value.toarray()
    rows = value.tolist() if hasattr(value, "tolist") else list(value)
    return [row.tolist() if hasattr(row, "tolist") else row for row in rows]


def _class_name(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def plain_setting(value: Any, depth: int) -> Any:  # noqa: ANN401 - any parameter
    """Return a parameter with estimators and splitters of data in it by their names."""
    if hasattr(value, "get_params"):
        return _class_name(value)
    if isinstance(value, np.ma.MaskedArray):  # `cv_results_`: a parameter that a row has not
        value = value.filled(None)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if depth < MAX_DEPTH and isinstance(value, Mapping):
        return {str(key): plain_setting(item, depth + 1) for key, item in value.items()}
    if depth < MAX_DEPTH and isinstance(value, list | tuple):
        return [plain_setting(item, depth + 1) for item in value]
    if type(value).__module__.startswith("sklearn.") and hasattr(value, "split"):
        return {"splitter": _class_name(value), **vars(value)}
    return value
