"""What a `Trainer` of transformers does that its callbacks do not hear of, or hear twice."""

from __future__ import annotations

import sys
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Heard", "heard_save", "heard_train", "listen", "script_failed"]


class Heard:
    """The events that were heard last."""

    def __init__(self) -> None:
        """Have heard none."""
        self._last: dict[str, tuple[object, ...]] = {}

    def is_new(self, kind: str, *event: object) -> bool:
        """Return whether an event is heard first: who was added twice hears everything twice."""
        last, self._last[kind] = self._last.get(kind, ()), event
        return not last or any(a is not b for a, b in zip(last, event, strict=True))


def listen(
    trainer: Any,  # noqa: ANN401 - a trainer
    begins: Callable[[object], None],
    broke: Callable[[BaseException], None],
    saved: Callable[[Any, str | None], None],
) -> None:
    """Put in the place of a trainer's methods those that also tell what no callback hears of."""
    trainer.train = heard_train(trainer.train, begins, broke)
    trainer.save_model = heard_save(trainer.save_model, trainer, saved)


def script_failed() -> bool:
    """Return whether an exception has ended the script, as the interpreter leaves it behind."""
    return hasattr(sys, "last_value")


def heard_train(
    train: Callable[..., Any],
    begins: Callable[[object], None],
    broke: Callable[[BaseException], None],
) -> Callable[..., Any]:
    """Return `Trainer.train` that also tells what it is to go on from, and what ends it early."""

    @wraps(train)
    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the original
        begins(args[0] if args else kwargs.get("resume_from_checkpoint"))
        try:
            return train(*args, **kwargs)
        except BaseException as error:
            if kwargs.get("trial") is None:  # a search goes on where one of its trials ends
                broke(error)
            raise

    return call


def heard_save(
    save: Callable[..., Any],
    trainer: Any,  # noqa: ANN401 - a trainer
    saved: Callable[[Any, str | None], None],
) -> Callable[..., Any]:
    """Return `Trainer.save_model` that also tells where it saved, except checkpoints."""

    @wraps(save)
    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the original
        result = save(*args, **kwargs)
        if not kwargs.get("_internal_call", len(args) > 1 and args[1]):
            saved(trainer, args[0] if args else kwargs.get("output_dir"))
        return result

    return call
