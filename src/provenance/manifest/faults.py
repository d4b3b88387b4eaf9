"""What a refused document says: where the fault is, what was expected, what was found. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from provenance import canonical
from provenance.errors import ManifestError, ProvenanceError, shown

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["FaultError", "Place", "describe_pattern", "located", "refusal"]

Place: TypeAlias = tuple[str | int, ...]
"""The reference tokens of a JSON Pointer, indices as numbers."""

# What a text must look like, in words, by the pattern that checks it.
_PATTERNS: dict[str, str] = {}

#: What was expected, by pydantic's type of fault; `{…}` stand for the fault's own limits.
_EXPECTATIONS: Mapping[str, str] = MappingProxyType(
    {
        "bool_type": "expected true or false",
        "dict_type": "expected an object",
        "greater_than_equal": "expected a number not below {ge}",
        "int_type": "expected a whole number",
        "less_than_equal": "expected a number not above {le}",
        "literal_error": "expected {expected}",
        "model_type": "expected an object",
        "string_too_long": "expected at most {max_length} characters",
        "string_too_short": "expected some text",
        "string_type": "expected text",
        "string_unicode": "expected text without lone surrogates",
        "too_long": "expected at most {max_length} items",
        "too_short": "expected at least {min_length} items",
        "tuple_type": "expected a list",
    }
)


class FaultError(ValueError):
    """A refusal inside a validator; pydantic catches and locates only `ValueError`s.

    Args:
        problem: What was found, against what was expected.
        code: The finding code.
        tokens: Where, below the value that the validator was given.
        remedy: What to do about it.
    """

    def __init__(
        self,
        problem: str,
        *,
        code: str = "manifest-invalid",
        tokens: Place = (),
        remedy: str = "",
    ) -> None:
        """Keep the parts for `refusal`."""
        super().__init__(problem)
        self.problem = problem
        self.code = code
        self.tokens = tokens
        self.remedy = remedy


@contextmanager
def located(*tokens: str | int) -> Iterator[None]:
    """Turn errors of other rooms into `FaultError`s below these tokens."""
    try:
        yield
    except ProvenanceError as error:
        raise FaultError(
            error.problem,
            code=error.code or "manifest-invalid",
            tokens=(*tokens, *canonical.split_pointer(error.path)),
            remedy=error.remedy,
        ) from error


def describe_pattern(pattern: str, expectation: str) -> str:
    """Keep the words for a pattern, and return the pattern."""
    _PATTERNS[pattern] = expectation
    return pattern


def refusal(
    error: ValidationError,
    *,
    path: str = "",
    to_wire: Callable[[Place], Place],
    find_names: Callable[[Place], tuple[str, ...]],
) -> ManifestError:
    """Return the error that tells the first fault which pydantic found.

    Args:
        error: What pydantic raised.
        path: JSON Pointer of the document, for the message.
        to_wire: Turns the Python names in a place into those of the wire.
        find_names: Gives the field names of the object at a place, to suggest one.
    """
    fault = _choose(error.errors(include_url=False))
    place: Place = fault["loc"]
    if fault["type"] == "extra_forbidden":
        name = str(place[-1])
        return ManifestError(
            path=path + canonical.join_pointer(*to_wire(place[:-1]), name),
            problem="this field is unknown",
            remedy=_suggest(name, find_names(place[:-1])),
            code="field-unknown",
        )
    cause = fault.get("ctx", {}).get("error")
    if isinstance(cause, FaultError):
        return ManifestError(
            path=path + canonical.join_pointer(*to_wire(place), *cause.tokens),
            problem=cause.problem,
            remedy=cause.remedy,
            code=cause.code,
        )
    return ManifestError(
        path=path + canonical.join_pointer(*to_wire(place)),
        problem=_describe(fault),
        code="manifest-invalid",
    )


def _choose(faults: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the first fault, or the misspelt field beside it that explains why it is missing."""
    first = faults[0]
    if first["type"] == "missing":
        for fault in faults:
            if fault["type"] == "extra_forbidden" and fault["loc"][:-1] == first["loc"][:-1]:
                return fault
    return first


def _describe(fault: Mapping[str, Any]) -> str:
    kind: str = fault["type"]
    if kind == "missing":
        return "expected this field, and it is not there"
    limits = fault.get("ctx", {})
    if kind == "too_long":
        return f"{_EXPECTATIONS[kind].format(**limits)}, found {limits['actual_length'] or 'more'}"
    if kind == "string_pattern_mismatch":
        expected = _PATTERNS.get(limits["pattern"], f"text of the form {limits['pattern']}")
        return f"expected {expected}, found {shown(fault['input'])}"
    template = _EXPECTATIONS.get(kind)
    # Whatever pydantic adds one day has at least its own words.
    expected = template.format(**limits) if template else str(fault["msg"])
    return f"{expected}, found {_brief(fault['input'])}"


def _brief(value: object) -> str:
    """Show a value of a wrong kind; of a collection, only what it is."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    return "null" if value is None else shown(value)


def _suggest(name: str, names: tuple[str, ...]) -> str:
    import difflib  # noqa: PLC0415  # slow to import, and only a refusal needs it

    # A name of any length would make the comparison slow.
    near = difflib.get_close_matches(name[:100], names, n=1, cutoff=0.7)
    return f"did you mean {near[0]!r}?" if near else ""
