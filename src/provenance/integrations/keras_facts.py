"""What a model of Keras and its callbacks say of themselves. Imports no framework."""

from __future__ import annotations

import inspect
import json
from glob import escape
from math import prod
from pathlib import Path
from string import Formatter
from typing import Any, Final

__all__ = ["callbacks_around", "describe", "fitting_settings", "restored_epoch", "saved_by"]

#: Longest description of a model that is kept among the settings, in characters of JSON.
MAX_ARCHITECTURE_CHARACTERS: Final = 64 * 1024

#: Frames between a list of callbacks and what looks for it.
MAX_FRAMES: Final = 5


def callbacks_around(kind: type) -> list[Any]:
    """Return the callbacks of the list whose method is calling: Keras does not hand it over.

    Args:
        kind: The class of such a list, which has them as `callbacks`.
    """
    frame = inspect.currentframe()
    for _ in range(MAX_FRAMES):
        frame = None if frame is None else frame.f_back
        caller = None if frame is None else frame.f_locals.get("self")
        if isinstance(caller, kind):
            return list(getattr(caller, "callbacks", ()))
    return []


def describe(model: Any) -> dict[str, Any]:  # noqa: ANN401 - any model
    """Return what `run.model` takes: the class, and the number of trained parameters."""
    count = sum(prod(it.shape) for it in model.trainable_weights)
    return {"architecture": {"name": type(model).__name__, "parameter_count": count}}


def fitting_settings(model: Any, fit: dict[str, Any] | None) -> dict[str, Any]:  # noqa: ANN401 - any model
    """Return the arguments of `fit` and `compile`, and the layers where they are not too many."""
    settings = {"fit": dict(fit or {}), "compile": model.get_compile_config()}
    try:
        text = model.to_json()
    except (NotImplementedError, TypeError, ValueError):  # a class that Keras cannot describe
        text = None
    if text is not None and len(text) <= MAX_ARCHITECTURE_CHARACTERS:
        settings["model"] = json.loads(text).get("config")
    return {name: value for name, value in settings.items() if value}


def restored_epoch(callback: Any) -> int | None:  # noqa: ANN401 - any callback
    """Return the epoch, from 0, whose weights an `EarlyStopping` puts back when training ends."""
    restores = getattr(callback, "restore_best_weights", False)
    if restores and getattr(callback, "best_weights", None) is not None:
        return int(callback.best_epoch)
    return None


def saved_by(saver: Any) -> list[Path]:  # noqa: ANN401 - a `ModelCheckpoint`
    """Return the files that its template stands for, whose fields are filled as it saves."""
    template = Path(saver.filepath)
    parts = Formatter().parse(template.as_posix())
    pattern = "".join(escape(text) + ("" if field is None else "*") for text, field, _, _ in parts)
    anchor = Path(template.anchor or ".")
    return sorted(anchor.glob(pattern.removeprefix(template.anchor)))
