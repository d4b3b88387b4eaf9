"""What a manifest says of the program that wrote it."""

from __future__ import annotations

import provenance
from provenance.recording import about


def test_version_of_the_library_is_named() -> None:
    found = about.generator()
    assert (found.name, found.version) == ("training-provenance", provenance.__version__)
