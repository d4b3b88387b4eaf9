"""Ray as a `concurrent.futures.Executor`, which Ray itself does not offer."""

from __future__ import annotations

import importlib
import inspect
from concurrent.futures import CancelledError, Executor, Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from provenance.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec, TypeVar

    from typing_extensions import override

    P = ParamSpec("P")
    T = TypeVar("T")
else:
    # `typing.override` came with Python 3.12.
    def override(method: object) -> object:
        """Return the method; only type checkers read the mark."""
        return method


__all__ = ["RayExecutor", "import_extra"]


def import_extra(module: str, extra: str, name: str) -> Any:  # noqa: ANN401 - any module
    """Return an optional module.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            problem=f"{name} is not installed",
            remedy=f"install it with `pip install 'training-provenance[{extra}]'`",
        ) from error


class RayExecutor(Executor):
    """Tasks of the Ray cluster that this process is connected to, one for each call.

    Args:
        options: Options of each task as `ray.remote` takes them, e.g. `{"num_cpus": 1}`.

    Raises:
        MissingExtraError: Ray is not installed.
    """

    def __init__(self, options: dict[str, Any] | None = None) -> None:
        """Look whether Ray is there; the cluster is the caller's (`ray.init`)."""
        self._ray = import_extra("ray", "ray", "Ray")
        self._options = options or {}
        self._functions: dict[Callable[..., Any], Any] = {}
        self._out: set[Future[Any]] = set()
        self._closed = False

    @override
    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start a call as a Ray task and return its future; cancelling it cancels the task."""
        if self._closed:
            message = "cannot schedule new futures after shutdown"
            raise RuntimeError(message)
        if inspect.isfunction(fn):
            reference = self._remote(fn).remote(*args, **kwargs)
        else:  # Ray takes functions only, not what is built in, a method or a `partial`
            reference = self._remote(_call).remote(fn, *args, **kwargs)
        future: Future[T] = reference.future()

        def finished(done: Future[T]) -> None:
            self._out.discard(done)
            if done.cancelled():
                self._ray.cancel(reference)

        self._out.add(future)
        future.add_done_callback(finished)
        return future

    def _remote(self, fn: Callable[..., Any]) -> Any:  # noqa: ANN401 - what Ray makes of it
        """Return the task of a function, which Ray is given once."""
        if fn not in self._functions:
            made = self._ray.remote(fn)
            self._functions[fn] = made.options(**self._options) if self._options else made
        return self._functions[fn]

    @override
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as Executor has it
        """Take no more calls; the cluster itself goes on.

        Args:
            wait: Return only when all calls are done.
            cancel_futures: Cancel those that are not done.
        """
        self._closed = True
        pending = list(self._out)
        if cancel_futures:
            for future in pending:
                future.cancel()
        if wait:
            for future in pending:
                with suppress(CancelledError):
                    future.exception()  # `wait` waits for ever for what was cancelled early


def _call(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return fn(*args, **kwargs)
