"""The version of this library.

It stands in the source because a report names it: to ask `importlib.metadata` takes 10 ms, most of
them for a parser of e-mail. A test compares it with the one of the distribution.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
