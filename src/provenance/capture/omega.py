"""OmegaConf configurations, read only if the script has imported OmegaConf itself.

Interpolations are resolved, with one exception: what comes out of the environment stays unresolved
(`${oc.env:NAME}`), because only allow-listed variables may enter a manifest.
"""

from __future__ import annotations

import re
import sys
from typing import Any

__all__ = ["is_omega", "omega_container"]

_ENVIRONMENT = re.compile(r"\$\{\s*(?:oc\.)?env\s*:")

#: Shortest resolved text that is looked for elsewhere; shorter ones would be found everywhere.
MIN_TRACED_CHARACTERS = 4


def is_omega(value: object) -> bool:
    """Return whether a value is a configuration of an OmegaConf that is loaded already."""
    omega: Any = getattr(sys.modules.get("omegaconf"), "OmegaConf", None)
    return omega is not None and bool(omega.is_config(value))


def omega_container(value: object) -> Any:  # noqa: ANN401 - free JSON has no narrower type
    """Return the dictionary or list of a configuration, resolved but for the environment."""
    omega: Any = sys.modules["omegaconf"].OmegaConf
    raw = omega.to_container(value, resolve=False)
    resolved = omega.to_container(value, resolve=True, throw_on_missing=False)
    traced: dict[str, str] = {}
    _trace(raw, resolved, traced)
    return _merge(raw, resolved, traced)


def _trace(raw: object, resolved: object, traced: dict[str, str]) -> None:
    """Collect what the environment gave, with the interpolation that asked for it."""
    if isinstance(raw, dict) and isinstance(resolved, dict):
        for key, item in raw.items():
            _trace(item, resolved.get(key), traced)
    elif isinstance(raw, list) and isinstance(resolved, list):
        for item, other in zip(raw, resolved, strict=False):
            _trace(item, other, traced)
    elif isinstance(raw, str) and _ENVIRONMENT.search(raw):
        traced[str(resolved)] = raw


def _merge(raw: object, resolved: object, traced: dict[str, str]) -> Any:  # noqa: ANN401 - free JSON
    if isinstance(raw, dict) and isinstance(resolved, dict):
        return {key: _merge(raw.get(key), item, traced) for key, item in resolved.items()}
    if isinstance(raw, list) and isinstance(resolved, list):
        return [_merge(item, other, traced) for item, other in zip(raw, resolved, strict=False)]
    if isinstance(raw, str) and "${" in raw:
        text = str(resolved)
        if _ENVIRONMENT.search(raw) or any(
            len(found) >= MIN_TRACED_CHARACTERS and found in text for found in traced
        ):
            return raw
    return resolved
