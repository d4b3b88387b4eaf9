"""What a record and a manifest say of the program that wrote them."""

from __future__ import annotations

from typing import Final

from provenance.manifest.manifest import Generator
from provenance.version import __version__

__all__ = ["GENERATOR_NAME", "generator"]

#: The name of this library's distribution.
GENERATOR_NAME: Final = "training-provenance"


def generator() -> Generator:
    """Return the name and version of this library, as a record and a manifest state them."""
    return Generator(name=GENERATOR_NAME, version=__version__)
