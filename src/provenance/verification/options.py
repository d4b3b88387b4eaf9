"""What a caller asks for, checked before anything else.

The only I/O is reading key files, salts and the memory of releases, and looking where a cache lies.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

from provenance.canonical import MAX_DOCUMENT_BYTES
from provenance.digest import DigestCache, read_file
from provenance.digest.cache_places import check_outside
from provenance.errors import ProvenanceError, UsageError, shown
from provenance.manifest import PrivateFile
from provenance.signing import PublicKey, SignatureVerifier
from provenance.trust import Pin, TrustPolicy
from provenance.verification.surroundings import surroundings_of

if TYPE_CHECKING:
    from provenance.trust import TrustResolver

__all__ = ["Clock", "KeyLike", "Options", "PathLike", "Progress", "Target", "make_options"]

PathLike: TypeAlias = "str | os.PathLike[str]"
"""A path; text and path objects are treated alike."""

Target: TypeAlias = "PathLike | Mapping[str, tuple[int | None, Mapping[str, str]]]"
"""A folder, a file, or a mapping from path to (size in bytes or `None`, digests by algorithm)."""

KeyLike: TypeAlias = "PublicKey | SignatureVerifier | Pin | bytes | PathLike"
"""A key, whatever verifies signatures, a pin, a PEM or DER document as bytes, or a key file."""

Progress: TypeAlias = Callable[[int], None]
"""Called with the number of bytes that were read since the last call."""

Clock: TypeAlias = Callable[[], datetime]
"""Returns the present time with its time zone."""

#: Most patterns of names that a caller may give.
MAX_PATTERNS = 1_000

_LAYOUTS = ("plain", "hf-cache")


class Options(Struct, frozen=True, kw_only=True):
    """One request, checked and frozen."""

    target: Target
    """What to verify."""

    manifest: bytes | PathLike | None
    """The bundle, if it does not lie in its usual place."""

    policy: TrustPolicy
    """Whom to trust and what to require, keys included."""

    names: Mapping[str, str]
    """What the caller has pinned keys as, by fingerprint."""

    datasets: Mapping[str, PathLike]
    """Datasets that the caller holds, by id."""

    code: PathLike | None
    """A folder or file of code that the caller holds."""

    documents: PathLike | None
    """A folder or file of documents that the caller holds."""

    only: tuple[str, ...]
    """Patterns of names to look at; empty for all."""

    layout: Literal["plain", "hf-cache"]
    """How the folder is laid out."""

    now: datetime
    """The verifier's clock, read once."""

    progress: Progress | None
    """Whom to tell how far it is."""

    deadline: float | None
    """Time of `time.monotonic` after which no more bytes are read."""

    cancelled: Callable[[], bool] | None
    """Asked again and again; once it says true, no more bytes are read."""

    workers: int | None
    """How many threads or processes read at once; `None` for what suits the machine."""

    cache: DigestCache | PathLike | None
    """Where digests of unchanged files are known from; `None` reads every file."""

    state: PathLike | None
    """The file that remembers which releases passed."""

    oms: bool
    """Whether to verify the OMS signature beside the manifest as well."""

    tree_secrets: Mapping[str, bytes]
    """What the salts of private trees are derived from, by the dataset's id."""


def make_options(
    target: Target,
    *,
    manifest: bytes | PathLike | None = None,
    keys: Iterable[KeyLike] | KeyLike = (),
    model: str | None = None,
    policy: TrustPolicy | None = None,
    datasets: Mapping[str, PathLike] | None = None,
    code: PathLike | None = None,
    documents: PathLike | None = None,
    all_digests: bool = False,
    only: Iterable[str] | str = (),
    layout: str = "plain",
    presets: Iterable[str] | str = (),
    clock: Clock | None = None,
    progress: Progress | None = None,
    deadline: float | None = None,
    cancelled: Callable[[], bool] | None = None,
    workers: int | None = None,
    cache: DigestCache | PathLike | None = None,
    trust: TrustResolver | None = None,
    state: PathLike | None = None,
    oms: bool = False,
    salts: PathLike | None = None,
) -> Options:
    """Return the checked request.

    Raises:
        UsageError: A value makes no sense, or a key cannot be used; nothing is verified then.
    """
    if not isinstance(target, str | os.PathLike | Mapping):
        raise _nonsense("target", "a path or a mapping of digests", target)
    if layout not in _LAYOUTS:
        raise _nonsense("layout", " or ".join(_LAYOUTS), layout)
    if deadline is not None and (
        isinstance(deadline, bool) or not isinstance(deadline, int | float)
    ):
        raise _nonsense("deadline", "a time of time.monotonic()", deadline)
    if manifest is not None and not isinstance(manifest, bytes | str | os.PathLike):
        raise _nonsense("manifest", "the bytes or the path of a bundle", manifest)
    for name, path in (("code", code), ("documents", documents)):
        if path is not None and not isinstance(path, str | os.PathLike):
            raise _nonsense(name, "a path", path)
    _check_reading(cancelled, workers, cache)
    _check_cache(cache, target, code, documents, *_frozen(datasets).values())
    around = surroundings_of(target, manifest)
    _check_state(state, *around, target, code, documents, *_frozen(datasets).values())
    verifiers, names = _read_keys(keys)
    if trust is not None:
        policy, verifiers = _resolve(trust, model, policy, verifiers)
    patterns = _texts(only, "only")
    if len(patterns) > MAX_PATTERNS:
        raise _nonsense("only", f"at most {MAX_PATTERNS} patterns", len(patterns))
    return Options(
        target=target,
        manifest=manifest,
        policy=_merge(policy, verifiers, model, all_digests, _texts(presets, "presets")),
        names=names,
        datasets=_frozen(datasets),
        code=code,
        documents=documents,
        only=patterns,
        layout="hf-cache" if layout == "hf-cache" else "plain",
        now=_read_clock(clock),
        progress=progress,
        deadline=deadline,
        cancelled=cancelled,
        workers=workers,
        cache=cache,
        state=state,
        oms=_checked_flag("oms", oms),
        tree_secrets=_read_salts(salts),
    )


def _check_reading(cancelled: object, workers: object, cache: object) -> None:
    if cancelled is not None and not callable(cancelled):
        raise _nonsense("cancelled", "a function", cancelled)
    if workers is not None and (
        isinstance(workers, bool) or not isinstance(workers, int) or workers < 1
    ):
        raise _nonsense("workers", "a whole number from 1", workers)
    if cache is not None and not isinstance(cache, DigestCache | str | os.PathLike):
        raise _nonsense("cache", "a digest cache or a path", cache)


def _checked_flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _nonsense(name, "true or false", value)
    return value


def _read_salts(salts: object) -> Mapping[str, bytes]:
    """Return the secrets of private trees that a producer's private file holds."""
    if salts is None:
        return MappingProxyType({})
    if not isinstance(salts, str | os.PathLike):
        raise _nonsense("salts", "a path", salts)
    path = os.fspath(salts)
    try:
        data = read_file(os.path.realpath(path), max_bytes=MAX_DOCUMENT_BYTES)
        return PrivateFile.from_bytes(data).tree_secrets
    except ProvenanceError as error:
        raise UsageError(
            path=str(path),
            problem=error.problem,
            remedy="name the private.json of the draft, as its producer hands it over",
        ) from error


def _check_state(state: object, *places: object) -> None:
    """Refuse a memory that cannot be used before anything is verified."""
    if state is None:
        return
    if not isinstance(state, str | os.PathLike):
        raise _nonsense("state", "a path", state)
    from provenance.trust.state import read_state  # noqa: PLC0415 - most callers have no memory

    read_state(state)
    # The user may have linked it elsewhere, and what is written is what the link leads to.
    for place in places:
        if isinstance(place, str | os.PathLike):
            for path in (os.fspath(state), os.path.realpath(state)):
                check_outside(path, place, what="a memory of releases")


def _check_cache(cache: DigestCache | PathLike | None, *read: object) -> None:
    """Refuse a cache that lies in anything that is to be verified."""
    if cache is None:
        return
    path = cache.path if isinstance(cache, DigestCache) else os.fspath(cache)
    if not path:
        raise _nonsense("cache", "a path", path)
    for root in read:
        if isinstance(root, str | os.PathLike):
            check_outside(path, root)


def _merge(
    policy: TrustPolicy | None,
    keys: tuple[SignatureVerifier, ...],
    model: str | None,
    all_digests: bool,  # noqa: FBT001 - handed on from a keyword
    presets: tuple[str, ...],
) -> TrustPolicy:
    """Return the policy with what stands beside it added: requirements only grow."""
    base = TrustPolicy() if policy is None else policy
    if not isinstance(base, TrustPolicy):
        raise _nonsense("policy", "a TrustPolicy", policy)
    if model is not None and base.model_name not in {None, model}:
        problem = f"{shown(model)}, and the policy says {shown(base.model_name)}"
        raise UsageError(path="model", problem=problem)
    if not isinstance(all_digests, bool):
        raise _nonsense("all_digests", "true or false", all_digests)
    return replace(
        base,
        keys=(*base.keys, *keys),
        model_name=base.model_name if model is None else model,
        all_digests=base.all_digests or all_digests,
        presets=tuple(dict.fromkeys((*base.presets, *presets))),
    )


def _resolve(
    trust: TrustResolver,
    model: str | None,
    policy: TrustPolicy | None,
    verifiers: tuple[SignatureVerifier, ...],
) -> tuple[TrustPolicy | None, tuple[SignatureVerifier, ...]]:
    """Return the policy or the keys that a resolver has for the model."""
    if policy is not None or verifiers:
        # Whoever is named beside the resolver would be trusted for every namespace.
        raise UsageError(
            path="trust",
            problem="a resolver says whom to trust, and a key or policy is named beside it",
            remedy="leave one of the two out",
        )
    from provenance.trust.resolver import resolve_trust  # noqa: PLC0415 - most callers have none

    found = resolve_trust(trust, model)
    return (found, ()) if isinstance(found, TrustPolicy) else (None, found)


def _read_keys(
    keys: Iterable[KeyLike] | KeyLike,
) -> tuple[tuple[SignatureVerifier, ...], Mapping[str, str]]:
    if isinstance(keys, str | bytes | os.PathLike | Pin | SignatureVerifier):
        keys = (keys,)
    try:
        items = tuple(keys)
    except TypeError as error:
        raise _nonsense("keys", "keys", keys) from error
    names = {item.fingerprint: item.name for item in items if isinstance(item, Pin)}
    return tuple(_read_key(item) for item in items), MappingProxyType(names)


def _read_key(key: KeyLike) -> SignatureVerifier:
    try:
        if isinstance(key, Pin):
            return key.key
        if isinstance(key, SignatureVerifier):
            return key
        if isinstance(key, bytes):
            pem = b"-----BEGIN " in key
            return PublicKey.from_pem(key) if pem else PublicKey.from_der(key)
        if isinstance(key, str | os.PathLike):
            return PublicKey.load(key)
    except ProvenanceError as error:
        raise UsageError(
            path=error.path or "keys",
            problem=error.problem,
            remedy=error.remedy,
            code=error.code or "key-refused",
        ) from error
    raise _nonsense("keys", "keys, pins, key documents or key files", key)


def _read_clock(clock: Clock | None) -> datetime:
    now = datetime.now(UTC) if clock is None else clock()
    if now.tzinfo is None:
        raise _nonsense("clock", "a function that returns a time with its time zone", now)
    return now.astimezone(UTC)


def _texts(values: Iterable[object] | str, name: str) -> tuple[str, ...]:
    try:
        texts = (values,) if isinstance(values, str) else tuple(values)
    except TypeError as error:
        raise _nonsense(name, "texts", values) from error
    for text in texts:
        if not isinstance(text, str) or not text:
            raise _nonsense(name, "texts that are not empty", text)
    return tuple(str(text) for text in texts)


def _frozen(datasets: Mapping[str, PathLike] | None) -> Mapping[str, PathLike]:
    if datasets is not None and not isinstance(datasets, Mapping):
        raise _nonsense("datasets", "a mapping of id to path", datasets)
    items: list[tuple[object, object]] = list((datasets or {}).items())
    for name, path in items:
        if not isinstance(name, str) or not isinstance(path, str | os.PathLike):
            raise _nonsense("datasets", "texts with paths", (name, path))
    return MappingProxyType(dict(datasets or {}))


def _nonsense(name: str, expected: str, found: object) -> UsageError:
    return UsageError(path=name, problem=f"expected {expected}, found {shown(found)}")
