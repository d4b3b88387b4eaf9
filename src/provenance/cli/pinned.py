"""Which pins count for a release: those for the model name that is asked for, or that it bears.

A pin is for one model name. Where the user asks for no name, the name that the manifest claims
chooses the pins, and is then asked for, so that a key that is pinned for one model can never sign
another one.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.cli.pinning import pins_file
from provenance.cli.sources import MANIFEST_FILE, read_statement
from provenance.errors import ProvenanceError, TrustError, UsageError

if TYPE_CHECKING:
    from provenance.trust import Pin

__all__ = ["find_pins"]


def find_pins(
    path: Path | None, manifest: Path | None, *, model: str | None, layout: str
) -> tuple[tuple[Pin, ...], str | None]:
    """Return the pins for a release, and the model name that they are for.

    Args:
        path: The release, or the bundle alone.
        manifest: The bundle, if it lies elsewhere. Nothing in it is trusted.
        model: The name that the user asks for, or `None`.
        layout: How the folder is laid out.

    Returns:
        No pins, and `model` as it was given, if there are none for the name.

    Raises:
        UsageError: The user's file of pins cannot be used.
    """
    from provenance.trust import pins_for, read_pins

    try:
        pins = read_pins(pins_file())
    except TrustError as error:
        raise UsageError(path=error.path, problem=error.problem, remedy=error.remedy) from error
    if not pins:
        return (), model
    name = model
    if name is None:
        # What is wrong with a bundle that cannot be read, the verification that follows will say.
        with suppress(ProvenanceError):
            name = _claimed_name(_read_bundle(path, manifest, layout))
    chosen = () if name is None else pins_for(pins, name)
    return chosen, name if chosen else model


def _read_bundle(path: Path | None, manifest: Path | None, layout: str) -> bytes:
    from provenance.canonical import MAX_BUNDLE_BYTES
    from provenance.digest import read_file
    from provenance.verification.hub_cache import HubCacheSource

    if manifest is not None or path is None:
        return read_file(os.path.realpath(manifest or ""), max_bytes=MAX_BUNDLE_BYTES)
    if layout == "hf-cache":
        with HubCacheSource(str(path)) as snapshot:
            return snapshot.read(MANIFEST_FILE.as_posix(), max_bytes=MAX_BUNDLE_BYTES)
    return read_file(path / MANIFEST_FILE if path.is_dir() else path, max_bytes=MAX_BUNDLE_BYTES)


def _claimed_name(data: bytes) -> str | None:
    """Return the model name that an unverified bundle claims."""
    model = read_statement(data, Path()).statement.predicate.get("model")
    name = model.get("name") if isinstance(model, dict) else None
    return name if isinstance(name, str) else None
