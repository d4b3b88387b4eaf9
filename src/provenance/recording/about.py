"""What a record and a manifest say of the program that wrote them."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Final

from provenance.manifest.manifest import Generator

__all__ = ["GENERATOR_NAME", "generator"]

#: The name of this library's distribution.
GENERATOR_NAME: Final = "training-provenance"


def generator() -> Generator:
    """Return the name and version of this library, as a record and a manifest state them."""
    try:
        number = version(GENERATOR_NAME)
    except PackageNotFoundError:  # run from a source tree that is not installed
        number = "unknown"
    return Generator(name=GENERATOR_NAME, version=number)
