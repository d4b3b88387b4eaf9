"""Recording never breaks training: the one place where every failure of the recorder is caught.

A failure becomes a gap in the record and one warning; with `strict=True` it is raised. The script's
own exceptions never pass through here: recorder methods do not raise them.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from provenance.recording.signals import Termination
    from provenance.recording.state import RunState

__all__ = ["Guard", "ProvenanceWarning", "guarded", "nothing"]


class ProvenanceWarning(UserWarning):
    """Something was not recorded; the training itself goes on."""


class Guard:
    """What stands before and after every method of a run.

    Args:
        state: The run's state, which keeps failures.
        termination: The run's signal handler, which waits for the end of a method.
    """

    def __init__(self, state: RunState, termination: Termination) -> None:
        """Belong to one run."""
        self._state = state
        self._termination = termination

    def begins(self, action: str) -> bool:
        """Return whether calls are still taken; warn if not, except where another rank records."""
        if not self._state.rank.writes:
            return False
        if not self._state.is_own_process():
            self._state.warn_once(f"{action} was called in a forked process and is not recorded")
            return False
        if self._state.closed:
            self._state.warn_once(f"{action} was called after the run was finished")
            return False
        return True

    def enter(self) -> None:
        """Let signals wait."""
        self._termination.enter()

    def leave(self) -> None:
        """Let a signal that had to wait take its course."""
        self._termination.leave()

    def failed(self, action: str, error: Exception) -> None:
        """Keep a failure as a gap and warn, or raise it in strict mode."""
        self._state.add_failure(action, error)


class _IsGuarded(Protocol):
    """An object whose methods may be guarded."""

    _guard: Guard


Method = TypeVar("Method", bound="Callable[..., Any]")


def guarded(fallback: Callable[..., Any]) -> Callable[[Method], Method]:
    """Make a method of a run return `fallback(self, …)` instead of raising.

    Args:
        fallback: Called with the same arguments; it must not raise.
    """

    def decorate(method: Method) -> Method:
        action = method.__name__.strip("_")

        @wraps(method)
        def call(self: _IsGuarded, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any method
            guard = self._guard
            guard.enter()
            try:
                if guard.begins(action):
                    try:
                        return method(self, *args, **kwargs)
                    except Exception as error:  # noqa: BLE001 - the one broad except: training goes on
                        guard.failed(action, error)
                return fallback(self, *args, **kwargs)
            finally:
                guard.leave()

        return cast("Method", call)

    return decorate


def nothing(*_: object, **__: object) -> None:
    """Return nothing: the fallback of methods without a result."""
