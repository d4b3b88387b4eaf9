"""Random states that recording leaves as it found them: items of a dataset may draw numbers."""

from __future__ import annotations

import random
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["unchanged_random_states"]


@contextmanager
def unchanged_random_states() -> Iterator[None]:
    """Put the states of Python, NumPy and torch back afterwards, of those that are loaded.

    The states belong to the process: use it only on the thread that draws from them.
    """
    numpy: Any = sys.modules.get("numpy")
    torch: Any = sys.modules.get("torch")
    pythons = random.getstate()
    numpys = numpy.random.get_state() if hasattr(numpy, "random") else None
    torches = torch.get_rng_state() if hasattr(torch, "get_rng_state") else None
    cudas = None
    if torches is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        cudas = torch.cuda.get_rng_state_all()
    try:
        yield
    finally:
        random.setstate(pythons)
        if numpys is not None:
            numpy.random.set_state(numpys)
        if torches is not None:
            torch.set_rng_state(torches)
        if cudas is not None:
            torch.cuda.set_rng_state_all(cudas)
