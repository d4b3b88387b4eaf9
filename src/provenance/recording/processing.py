"""One processing step of a run, as a call, a context manager or a decorator."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, Protocol, Self, TypeVar

from provenance.recording.lifecycle import status_after

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike
    from types import TracebackType

__all__ = ["Processing"]

P = ParamSpec("P")
R = TypeVar("R")


class _Change(Protocol):
    """Adds to a step of a run what its handle learnt; never raises unless the run is strict."""

    def __call__(
        self,
        identifier: str,
        *,
        inputs: Sequence[str | PathLike[str]] = (),
        outputs: Sequence[str | PathLike[str]] = (),
        entered: bool = False,
        status: str | None = None,
    ) -> None: ...


class Processing:
    """A processing step; `run.processing` returns it.

    Used as a context manager or decorator, it takes the time of the block, and outputs given as
    paths are read when the block has ended.
    """

    def __init__(self, identifier: str, change: _Change) -> None:
        """Belong to a step, which is changed by a method of its run."""
        self.id = identifier
        self._change = change

    def add_input(self, *items: str | PathLike[str]) -> None:
        """Add datasets that the step read: ids, or paths that are then declared as datasets."""
        self._change(self.id, inputs=items)

    def add_output(self, *items: str | PathLike[str]) -> None:
        """Add datasets that the step made: ids, or paths that are then declared as datasets."""
        self._change(self.id, outputs=items)

    def __enter__(self) -> Self:
        """Take the time of the beginning."""
        self._change(self.id, entered=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take the time of the end, note how it ended, and let every exception pass."""
        self._change(self.id, status="completed" if error is None else status_after(error))

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Return a function that runs inside this step."""

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            with self:
                return function(*args, **kwargs)

        return call
