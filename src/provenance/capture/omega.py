"""OmegaConf configurations, read only if the script has imported OmegaConf itself.

Interpolations are resolved, with two exceptions: what comes out of the environment stays unresolved
(`${oc.env:NAME}`), because only allow-listed variables may enter a manifest; so does what cannot be
resolved, and the rest is kept.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["is_omega", "omega_container", "unset_settings"]

#: Texts that came out of the environment, and interpolations that take them up.
Kept: TypeAlias = tuple[frozenset[str], frozenset[str]]

_WORDS = re.compile(r"\w+")
_ENVIRONMENT = re.compile(r"\$\{\s*(?:oc\.)?env\s*:")

#: How OmegaConf writes a setting that must still be given.
MISSING = "???"

#: Deepest nesting that is resolved setting by setting.
MAX_DEPTH = 32

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
    try:
        resolved = omega.to_container(value, resolve=True, throw_on_missing=False)
    except Exception:  # noqa: BLE001 - resolvers are code of the script; a variable may not be set
        resolved = _resolve_each(value, raw, 0)
    traced: dict[str, str] = {}
    _trace(raw, resolved, traced)
    return _merge(raw, resolved, (frozenset(traced), _derived(raw)))


def unset_settings(container: object, path: str = "") -> list[str]:
    """Return where a configuration's container has no value yet (`???`), in dots."""
    if container == MISSING:
        return [path]
    items: Any = ()
    if isinstance(container, dict):
        items = container.items()
    elif isinstance(container, list):
        items = enumerate(container)
    return [
        found
        for key, item in items
        for found in unset_settings(item, f"{path}.{key}" if path else str(key))
    ]


def _resolve_each(value: Any, raw: object, depth: int) -> Any:  # noqa: ANN401 - free JSON
    """Resolve the settings of a configuration one by one; what breaks stays as it is written."""
    if depth >= MAX_DEPTH or not isinstance(raw, dict | list) or not is_omega(value):
        return raw
    found: dict[Any, Any] = {}
    for key, item in raw.items() if isinstance(raw, dict) else enumerate(raw):
        try:
            inner = None if item == MISSING else value[key]
        except Exception:  # noqa: BLE001 - as above
            inner = None
        if is_omega(inner):
            container = item if isinstance(item, dict | list) else _raw_of(inner)
            found[key] = _resolve_each(inner, container, depth + 1)
        else:
            found[key] = item if inner is None else inner
    return found if isinstance(raw, dict) else list(found.values())


def _raw_of(value: object) -> Any:  # noqa: ANN401 - free JSON
    return sys.modules["omegaconf"].OmegaConf.to_container(value, resolve=False)


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


def _texts(raw: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every interpolation with the last part of the name that it has."""
    if isinstance(raw, dict):
        for key, item in raw.items():
            yield from _texts(item, str(key))
    elif isinstance(raw, list):
        for item in raw:
            yield from _texts(item, name)
    elif isinstance(raw, str) and "${" in raw:
        yield name, raw


def _derived(raw: object) -> frozenset[str]:
    """Return the interpolations that take up, over however many, what the environment gave.

    A resolver of the script may make another text of a secret, so that it is not found by its
    value. Settings are told by the last part of their names: too many rather than too few.
    """
    texts = list(_texts(raw))
    found = {text for _, text in texts if _ENVIRONMENT.search(text)}
    names: set[str] = set()
    while more := {name for name, text in texts if text in found} - names:
        names |= more
        found |= {text for _, text in texts if names & set(_WORDS.findall(text))}
    return frozenset(found)


def _merge(raw: object, resolved: object, kept: Kept) -> Any:  # noqa: ANN401 - free JSON
    if isinstance(raw, dict) and isinstance(resolved, dict):
        return {key: _merge(raw.get(key), item, kept) for key, item in resolved.items()}
    if isinstance(raw, list) and isinstance(resolved, list):
        return [_merge(item, other, kept) for item, other in zip(raw, resolved, strict=False)]
    if isinstance(raw, str) and "${" in raw:
        traced, derived = kept
        text = str(resolved)
        if raw in derived or any(
            len(found) >= MIN_TRACED_CHARACTERS and found in text for found in traced
        ):
            return raw
    return resolved
