"""The exception tree is the one that `errors.py` draws, and messages have their three parts."""

from __future__ import annotations

import inspect
import re

import pytest

from provenance import errors
from provenance.errors import ProvenanceError, shown


def drawn_tree() -> dict[str, str]:
    """Return class → base as the module's docstring draws them."""
    trail: list[str] = []
    tree = {}
    for line in (inspect.getdoc(errors) or "").splitlines():
        if match := re.match(r"( *(?:│   |    )*(?:[├└]── )?)([A-Z]\w+Error)\b", line):
            depth = len(match[1]) // 4 - 1  # the whole drawing is indented once
            tree[match[2]] = trail[depth - 1] if depth else "Exception"
            trail[depth:] = [match[2]]
    return tree


def error_classes() -> dict[str, type[Exception]]:
    return {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }


def test_drawing_in_the_docstring_is_the_tree_of_classes() -> None:
    bases = {name: value.__mro__[1].__name__ for name, value in error_classes().items()}
    assert drawn_tree() == bases


def test_every_error_has_the_one_root_and_is_public() -> None:
    assert all(issubclass(value, ProvenanceError) for value in error_classes().values())
    assert set(error_classes()) <= set(errors.__all__)


def test_message_says_where_what_and_what_to_do() -> None:
    error = ProvenanceError(
        path="/datasets/2/files/root",
        problem="expected 64 hex characters, found 12",
        remedy="compute it again",
        code="digest-format",
    )
    expected = "/datasets/2/files/root: expected 64 hex characters, found 12; compute it again"
    assert str(error) == expected
    assert error.code == "digest-format"


def test_message_without_place_or_remedy_is_the_problem_alone() -> None:
    assert str(ProvenanceError(problem="nothing is here")) == "nothing is here"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "'plain'"),
        ("red \x1b[31m", r"'red \x1b[31m'"),
        ("ä\u202e", r"'\xe4\u202e'"),
        (b"\x00", r"b'\x00'"),
        (None, "None"),
    ],
)
def test_foreign_text_is_shown_escaped(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize("value", ["x" * 10_000_000, b"\xff" * 10_000_000, list(range(10_000))])
def test_long_foreign_text_is_cut(value: object) -> None:
    assert len(shown(value)) == errors.MAX_SHOWN_CHARACTERS + 1
    assert shown(value).endswith("…")
