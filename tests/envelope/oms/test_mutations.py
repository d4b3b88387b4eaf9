"""Whatever is done to a bundle or a statement, only our own errors come out."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from provenance.envelope.oms import parse_oms_bundle, parse_oms_statement
from provenance.errors import ProvenanceError
from provenance.signing import generate_private_key
from support.oms import oms_bundle, payload_of, resource, statement

BUNDLE = oms_bundle(generate_private_key())
SHARDS = statement(
    [resource("x:0:4", b"abcd"), resource("x:4:6", b"ef")], method="shards", shard_size=4
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=4,
)


def places(tree: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - a JSON tree
    """Return the path of everything in a tree."""
    found: list[tuple[Any, ...]] = []
    items = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    for key, value in items:
        found += [(key,), *((key, *rest) for rest in places(value))]
    return found


def replaced(tree: Any, path: tuple[Any, ...], value: object) -> Any:  # noqa: ANN401 - a JSON tree
    made = json.loads(json.dumps(tree))
    inside = made
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return made


@given(st.sampled_from(places(BUNDLE)), JUNK)
def test_bundles(path: tuple[Any, ...], value: object) -> None:
    with suppress(ProvenanceError):
        parse_oms_bundle(json.dumps(replaced(BUNDLE, path, value)).encode())


@given(st.sampled_from([statement(), SHARDS]), st.data(), JUNK, st.booleans())
def test_statements(tree: Any, data: st.DataObject, value: object, legacy: bool) -> None:  # noqa: ANN401, FBT001 - drawn
    path = data.draw(st.sampled_from(places(tree)))
    with suppress(ProvenanceError):
        parse_oms_statement(payload_of(replaced(tree, path, value)), legacy=legacy)
