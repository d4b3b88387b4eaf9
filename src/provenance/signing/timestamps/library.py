"""The library that reads and verifies timestamps: an extra, loaded when a timestamp is at hand."""

from __future__ import annotations

from typing import Any

from provenance.errors import MissingExtraError

__all__ = ["rfc3161"]


def rfc3161() -> Any:  # noqa: ANN401 - an extra
    """Return the package `rfc3161_client`.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import rfc3161_client  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError(
            problem="timestamps need the library `rfc3161-client`",
            remedy="install `training-provenance[timestamps]`",
        ) from error
    return rfc3161_client
