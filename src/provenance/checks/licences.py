"""SPDX licence expressions: whether a text is one, by the list that `license-expression` holds."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from provenance.errors import shown

__all__ = ["licence_fault"]

#: Identifiers that most manifests hold; they are valid without loading the whole list (50 ms).
_COMMON = frozenset(
    {
        "AGPL-3.0-only",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC-BY-4.0",
        "CC-BY-NC-4.0",
        "CC-BY-SA-4.0",
        "CC0-1.0",
        "GPL-3.0-only",
        "GPL-3.0-or-later",
        "MIT",
        "MPL-2.0",
        "ODC-By-1.0",
    }
)

#: How SPDX writes licences that its list does not have.
_OWN_PREFIXES = ("LicenseRef-", "DocumentRef-")


@lru_cache(maxsize=4096)
def licence_fault(text: str) -> str:
    """Return what is wrong with a licence expression; empty if it is valid."""
    if text in _COMMON:
        return ""
    try:
        names = _licensing().license_keys(text)
        faults = _licensing().validate(text).errors
    except _errors():
        return "not an SPDX licence expression"
    unknown = [name for name in names if _is_unknown(name)]
    if unknown:
        return f"{shown(unknown[0])} is not in the SPDX list and does not begin with LicenseRef-"
    # The library does not know LicenseRef-… and says so; SPDX allows it.
    told = [fault for fault in faults if not fault.startswith("Unknown license key")]
    return "not an SPDX licence expression" if told or not names else ""


def _is_unknown(name: str) -> bool:
    return not name.startswith(_OWN_PREFIXES) and name not in _licensing().known_symbols


def _errors() -> tuple[type[Exception], ...]:
    """Return what the library raises for text that is no expression; it recurses on brackets."""
    import license_expression  # type: ignore[import-untyped]  # noqa: PLC0415 - loads the list

    return (license_expression.ExpressionError, RecursionError)


@cache
def _licensing() -> Any:  # noqa: ANN401 - the package ships no types
    import license_expression  # noqa: PLC0415 - loads the list of licences, 50 ms

    return license_expression.get_spdx_licensing()
