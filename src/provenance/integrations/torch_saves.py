"""What `torch.save` and safetensors write inside a block is recorded as checkpoints."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from provenance.integrations.observer import TrainingObserver, observed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from provenance.recording.run import Run

__all__ = ["recorded_saves"]

#: Functions that write a file whose path is their second argument, and that argument's name. All
#: that safetensors writes passes the second, also through names that were imported before.
SAVERS: Final = (("torch", "save", "f"), ("safetensors.torch", "serialize_file", "filename"))


@contextmanager
def recorded_saves(run: Run | None = None) -> Iterator[None]:
    """Record as a checkpoint what is saved inside the block by `torch.save` and safetensors.

    The functions are called as ever, once, and are the old ones again afterwards. What is saved to
    anything but a path is not recorded, and a gap says so of files.

    Args:
        run: The run to record into; otherwise the one that is open.
    """
    saves = _Saves(TrainingObserver("pytorch saves", run=run))
    undo = saves.patch() if saves.observer.begin() is not None else []
    try:
        yield
    finally:
        saves.stop(undo)


class _Saves:
    """The functions that save, while a block records them."""

    def __init__(self, observer: TrainingObserver) -> None:
        self.observer = observer
        self._active = True

    def patch(self) -> list[tuple[Any, str, Any, Any]]:
        """Put functions that record in the place of those that save; return what to undo."""
        undo = []
        for module, name, parameter in SAVERS:
            try:
                home = import_module(module)
                original = getattr(home, name)
            except (ImportError, AttributeError):
                continue
            recorded = self._recording(original, parameter)
            setattr(home, name, recorded)
            undo.append((home, name, original, recorded))
        return undo

    def stop(self, undo: list[tuple[Any, str, Any, Any]]) -> None:
        """Put the old functions back, except where somebody else has put another one since."""
        self._active = False
        for home, name, original, recorded in undo:
            if getattr(home, name) is recorded:
                setattr(home, name, original)
        self.observer.end()

    def _recording(self, original: Callable[..., Any], parameter: str) -> Callable[..., Any]:
        @wraps(original)
        def save(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the original
            place = kwargs.get(parameter, args[1] if len(args) > 1 else None)
            if self._active:
                self.before(place)
            result = original(*args, **kwargs)
            if self._active:
                self.after(place)
            return result

        return save

    @observed
    def before(self, place: object) -> None:
        """Have a file hashed before it is written again."""
        run = self.observer.run
        if run is not None and isinstance(place, str | os.PathLike) and os.path.exists(place):  # noqa: PTH110 - any path
            run.wait()

    @observed
    def after(self, place: object) -> None:
        """Record what was saved."""
        run = self.observer.run
        if run is None:
            return
        if isinstance(place, str | os.PathLike):
            run.checkpoint(place)
        elif isinstance(getattr(place, "name", None), str):
            run.gap("checkpoint", "torch.save wrote to an open file, which is not recorded")
