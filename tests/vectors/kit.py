"""What a vector is: a request, what must come out, and the files that the request names.

A generator is a function whose name is the vector's and whose docstring is its description, or a row
of a table where one line says all. `spec/conformance.md` is the contract for what is written.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["NOW", "Case", "Group", "Vector", "base64", "pretty", "refuses", "returns", "verdict"]

#: The verifier's clock in every vector; a vector never ages.
NOW = "2026-11-22T12:00:00Z"


@dataclass(frozen=True)
class Case:
    """A request with its files, and the answer."""

    request: Mapping[str, Any]
    """`scenario.json` without `profile`; paths are relative to the vector's folder."""

    expected: Mapping[str, Any]
    """`expected.json` without `description` and `spec`."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    """Content by path inside the vector's folder."""


@dataclass(frozen=True)
class Vector:
    """One folder of `spec/vectors/`, ready to be written."""

    name: str
    """`<group>/<name>`."""

    files: Mapping[str, bytes]
    """Every file of it, by path inside its folder."""


class Group:
    """The vectors of one folder of `spec/vectors/`, in the order in which they were declared.

    Args:
        name: The folder.
        spec: File of `spec/` that most of its vectors are about; a vector adds the section.
        profile: The lowest profile that must get them right, unless a vector says otherwise.
    """

    def __init__(self, name: str, *, spec: str, profile: int = 1) -> None:
        """Start with no vector."""
        self.name = name
        self._spec = spec
        self._profile = profile
        self._makers: dict[str, Callable[[], Vector]] = {}

    def vector(
        self, section: str, *, spec: str = "", profile: int = 0
    ) -> Callable[[Callable[[], Case]], Callable[[], Case]]:
        """Declare a generator: its name is the vector's, its docstring the description."""

        def declare(make: Callable[[], Case]) -> Callable[[], Case]:
            description = " ".join((make.__doc__ or "").split())
            self.add(make.__name__, description, section, make, spec=spec, profile=profile)
            return make

        return declare

    def add(
        self,
        name: str,
        description: str,
        section: str,
        make: Callable[[], Case],
        *,
        spec: str = "",
        profile: int = 0,
    ) -> None:
        """Declare one vector.

        Args:
            name: Its folder.
            description: One sentence.
            section: Section or step of the rule.
            make: Returns the case; called when the vector is built.
            spec: File of the rule, if it is not the group's.
            profile: Its profile, if it is not the group's.
        """
        if name in self._makers or not description:
            message = f"{self.name}/{name} is declared twice, or has no description"
            raise ValueError(message)

        def build() -> Vector:
            case = make()
            scenario = {**case.request, "profile": profile or self._profile}
            about = {"description": description, "spec": f"{spec or self._spec}, {section}"}
            files = {
                **case.files,
                "expected.json": pretty({**about, **case.expected}),
                "scenario.json": pretty(scenario),
            }
            return Vector(f"{self.name}/{name}", files)

        self._makers[name] = build

    def build(self) -> Iterable[Vector]:
        """Make every vector."""
        return (build() for build in self._makers.values())


def returns(
    request: Mapping[str, Any], output: object, files: Mapping[str, bytes] | None = None
) -> Case:
    """Return the case of an operation that succeeds."""
    return Case(request, {"output": output}, files or {})


def refuses(
    request: Mapping[str, Any], error: str, files: Mapping[str, bytes] | None = None
) -> Case:
    """Return the case of an operation that answers with a finding code."""
    return Case(request, {"error": error}, files or {})


def verdict(
    request: Mapping[str, Any],
    files: Mapping[str, bytes],
    word: str,
    *findings: tuple[str, str],
) -> Case:
    """Return the case of a verification.

    Args:
        request: Beside `operation` and `now`.
        files: Everything that the request names.
        word: The verdict.
        findings: Code and path of each finding that must be there; of severity *error*, all.
    """
    listed = [{"code": code, "path": path} for code, path in findings]
    full = {"operation": "verify", "now": NOW, **request}
    return Case(full, {"verdict": word, "findings": listed}, files)


def base64(data: bytes) -> str:
    """Return standard base64 with padding."""
    return b64encode(data).decode("ascii")


def pretty(tree: object) -> bytes:
    """Return a file of a vector that people read: JSON, indented, sorted, ASCII."""
    return (json.dumps(tree, indent=2, sort_keys=True, allow_nan=False) + "\n").encode("ascii")
