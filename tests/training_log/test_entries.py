"""What one line of a training log holds, and that the fast writer is the canonical one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.canonical import encode_number
from provenance.errors import CanonicalError, ManifestError
from provenance.training_log import encode_entry, encode_metrics, parse_entry

if TYPE_CHECKING:
    from decimal import Decimal

AT = "2026-11-22T12:00:00.125Z"

MALFORMED = {
    "no JSON": b"{",
    "no object": b"[]",
    "not canonical": b'{"kind": "metrics", "at": "2026-11-22T12:00:00Z"}',
    "no kind": b'{"at":"2026-11-22T12:00:00Z"}',
    "kind is a number": b'{"at":"2026-11-22T12:00:00Z","kind":1}',
    "empty kind": b'{"at":"2026-11-22T12:00:00Z","kind":""}',
    "no time": b'{"kind":"metrics"}',
    "time without zone": b'{"at":"2026-11-22T12:00:00","kind":"metrics"}',
    "step is text": b'{"at":"2026-11-22T12:00:00Z","kind":"metrics","step":"1"}',
    "step is a truth value": b'{"at":"2026-11-22T12:00:00Z","kind":"metrics","step":true}',
    "step is null": b'{"at":"2026-11-22T12:00:00Z","kind":"metrics","step":null}',
    "values are a list": b'{"at":"2026-11-22T12:00:00Z","kind":"metrics","values":[]}',
    "a value is text": b'{"at":"2026-11-22T12:00:00Z","kind":"metrics","values":{"a":"1"}}',
    "a value has two spellings": (
        b'{"at":"2026-11-22T12:00:00Z","kind":"metrics","values":{"a":{"number":"1"}}}'
    ),
}


@pytest.mark.parametrize("line", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_line_is_refused(line: bytes) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_entry(line, source="log.jsonl:1")
    assert caught.value.code == "log-malformed"
    assert caught.value.path.startswith("log.jsonl:1")


def test_metrics_are_one_canonical_line() -> None:
    line = encode_metrics(AT, 3, {"loss": 0.5, "accuracy": 1.0})
    assert line == (
        b'{"at":"2026-11-22T12:00:00.125Z","kind":"metrics","step":3,'
        b'"values":{"accuracy":1,"loss":0.5}}'
    )


def test_nan_is_a_value() -> None:
    entry = parse_entry(encode_metrics(AT, 3, {"loss": math.nan, "up": math.inf}))
    assert math.isnan(entry.values["loss"])
    assert entry.values["up"] == math.inf


def test_entry_without_step_has_none() -> None:
    assert parse_entry(encode_metrics(AT, None, {"loss": 1})).step is None


def test_other_kinds_keep_their_fields() -> None:
    entry = parse_entry(encode_entry("checkpoint", AT, step=100, checkpoint="step-100"))
    assert (entry.kind, entry.step, entry.fields["checkpoint"]) == ("checkpoint", 100, "step-100")


def test_name_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(CanonicalError):
        encode_metrics(AT, 1, {"\ud800": 1.0})


NUMBERS = st.one_of(
    st.integers(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(min_value=-1e3, max_value=1e3),
    st.integers(min_value=-(2**60), max_value=2**60).map(float),
    st.decimals(allow_nan=False, allow_infinity=False, places=4),
)


@pytest.mark.property
class TestFastEncodingIsCanonical:
    """Law: `encode_metrics` writes, byte for byte, what the RFC 8785 writer writes."""

    @given(
        st.one_of(st.none(), st.integers(min_value=0, max_value=2**53 - 1)),
        st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), NUMBERS, max_size=5),
    )
    def test_bytes_are_equal(
        self, step: int | None, values: dict[str, int | float | Decimal]
    ) -> None:
        wire = {name: encode_number(value) for name, value in values.items()}
        expected = encode_entry("metrics", AT, step=step, values=wire)
        assert encode_metrics(AT, step, values) == expected
        entry = parse_entry(expected)
        assert entry.step == step
        assert set(entry.values) == set(values)
