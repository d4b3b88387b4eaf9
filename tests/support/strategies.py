"""Hypothesis strategies for whole documents, made from the classes, so that no field is forgotten.

`documents(kind)` gives documents of a class; `manifests()` those of `manifest/v1`. Their parts keep
the rules of one document (types, limits), not those between parts: ids may dangle.
"""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args, get_origin

from hypothesis import strategies as st

from provenance import manifest
from provenance.digest import DigestSet, TypedRoot
from provenance.manifest import base

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = ["digest_sets", "documents", "exact_numbers", "free_objects", "manifests", "typed_roots"]

D = TypeVar("D", bound=manifest.Document)

#: Text that a document takes: anything but lone surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)

#: One line: no control characters, no line or paragraph separators either.
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=8)

IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,6}", fullmatch=True)
URIS = st.from_regex(r"[a-z]{1,5}:[!-~]{1,8}", fullmatch=True)
POINTERS = st.from_regex(r"(/([^/~\ud800-\udfff]|~[01]){0,4}){0,3}", fullmatch=True)
TIMES = st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds") + "Z")
COMMITS = st.from_regex(r"([0-9a-f]{40}|[0-9a-f]{64})", fullmatch=True)
HEX = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
COUNTS = st.integers(0, 2**53 - 1)


def exact_numbers() -> st.SearchStrategy[int | float | Decimal]:
    """Return numbers of every kind that a document can hold, NaN among them."""
    decimals = st.decimals(allow_nan=False, allow_infinity=False, places=30)
    return st.integers(-(2**70), 2**70) | st.floats() | decimals


def free_objects() -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with any keys and any JSON in them; exact numbers as Python numbers."""
    leaves = st.none() | st.booleans() | exact_numbers() | TEXT
    keys = TEXT.filter(lambda key: key != "number")  # alone it would say that a number follows
    values = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=2),
        max_leaves=4,
    )
    return st.dictionaries(keys, values, min_size=1, max_size=2)


def digest_sets() -> st.SearchStrategy[DigestSet]:
    """Return sets of digests with at least one that counts."""
    known = st.dictionaries(st.sampled_from(["blake3", "sha256"]), HEX, min_size=1)
    return st.tuples(known, st.sampled_from([{}, {"sha9": "0aF="}])).map(
        lambda parts: DigestSet({**parts[0], **parts[1]})
    )


def typed_roots(*kinds: str) -> st.SearchStrategy[TypedRoot]:
    """Return typed roots of these kinds of trees."""
    return st.builds(TypedRoot, tree=st.sampled_from(kinds), size=COUNTS, root=HEX)


_TYPES: tuple[tuple[Any, st.SearchStrategy[Any]], ...] = (
    (bool, st.booleans()),
    (base.Commit, COMMITS),
    (base.Count, COUNTS),
    (base.Digests, digest_sets()),
    (base.Extensions, st.dictionaries(URIS, free_objects(), min_size=1, max_size=2)),
    (base.BlockRoot, typed_roots("block")),
    (base.FileRoot, typed_roots("file")),
    (base.FreeObject, free_objects()),
    (base.Hash, HEX),
    (base.Id, IDS),
    (base.LogRoot, typed_roots("log")),
    (base.Number, exact_numbers()),
    (
        base.Origins,
        st.dictionaries(
            POINTERS, st.sampled_from(["captured", "authored"]), min_size=1, max_size=2
        ),
    ),
    (base.Path, TEXT),
    (base.Pointer, POINTERS),
    (base.RecordRoot, typed_roots("record")),
    (base.RequiredDigests, digest_sets()),
    (base.Root, typed_roots("file", "tensor", "block", "record", "shard", "log")),
    (base.ShardRoot, typed_roots("shard")),
    (base.ShortText, LINE),
    (base.Step, COUNTS),
    (base.TensorRoot, typed_roots("tensor")),
    (base.Text, TEXT),
    (base.Timestamp, TIMES),
    (base.Uri, URIS),
    (base.Version, st.just(manifest.MANIFEST_VERSION)),
)


def documents(kind: type[D]) -> st.SearchStrategy[D]:
    """Return documents of a class, with any of its optional fields."""
    return _fields(kind).map(lambda values: kind(**values))


def manifests() -> st.SearchStrategy[manifest.Manifest]:
    """Return whole manifests."""
    return documents(manifest.Manifest)


def _fields(kind: type[manifest.Document]) -> st.SearchStrategy[dict[str, Any]]:
    hints = typing.get_type_hints(kind, include_extras=True)
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in kind.model_fields.items():
        least = any(getattr(rule, "min_length", 0) for rule in field.metadata)
        strategy = _strategy(hints[name], at_least_one=least)
        (required if field.is_required() else optional)[name] = strategy
    if kind is manifest.Disclosure:  # only what is withheld can be sealed, and by SHA-256
        optional["commitment"] = st.none()
    if "critical" in optional:  # what it names must be there and be known
        optional["critical"] = st.sampled_from([(), ("/producer/name",)])
    # A few of the optional fields: with half of all, a manifest would be very large.
    names = (
        st.lists(st.sampled_from(sorted(optional)), max_size=8, unique=True) if optional else None
    )
    chosen = (
        names.flatmap(lambda some: st.fixed_dictionaries({name: optional[name] for name in some}))
        if names is not None
        else st.just({})
    )
    return st.tuples(st.fixed_dictionaries(required), chosen).map(
        lambda parts: {**parts[0], **parts[1]}
    )


def _strategy(annotation: Any, *, at_least_one: bool = False) -> st.SearchStrategy[Any]:  # noqa: ANN401 - a type
    for known, strategy in _TYPES:
        if annotation == known:
            return strategy
    arguments = get_args(annotation)
    if get_origin(annotation) is typing.Literal:
        return st.sampled_from(arguments)
    if isinstance(annotation, type) and issubclass(annotation, manifest.Document):
        return st.deferred(lambda: documents(annotation))
    if get_origin(annotation) is tuple:
        return st.lists(_strategy(arguments[0]), min_size=int(at_least_one), max_size=2)
    if get_origin(annotation) is Annotated:
        return _strategy(arguments[0], at_least_one=at_least_one)
    (inner,) = (argument for argument in arguments if argument is not type(None))
    return _strategy(inner)
