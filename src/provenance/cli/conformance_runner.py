"""Drive any program through the vectors of `spec/`, by the protocol of `spec/conformance.md`.

The program is started once and again after each crash or silence, so that one bad answer costs one
vector. Whatever it does (dies, floods, hangs, prints nonsense) is a failed vector and a sentence.
"""

from __future__ import annotations

import queue
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from provenance import canonical
from provenance.cli.conformance_fields import FIELDS, PATH_FIELDS
from provenance.cli.conformance_protocol import MAX_LINE_BYTES
from provenance.errors import ProvenanceError, UsageError, shown
from provenance.findings import CODES, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import IO

    from provenance.canonical import JsonValue

__all__ = ["Outcome", "Program", "Vector", "find_vectors", "run_vector"]

#: Most vectors of one folder.
MAX_VECTORS = 100_000
#: Largest `scenario.json` or `expected.json`.
MAX_FILE_BYTES = MAX_LINE_BYTES
#: Seconds that a program gets to end after its input has ended.
GOODBYE_SECONDS = 5
#: Lines of a program that talks without being asked which are kept; then its pipe fills up.
MAX_WAITING_LINES = 4

_PROFILES = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Vector:
    """One scenario and what must come out."""

    name: str
    """`<group>/<name>`."""

    request: Mapping[str, JsonValue]
    """The request, without `id`; its paths are absolute."""

    expected: Mapping[str, JsonValue]
    """`verdict` and `findings`, `output` or `error`."""

    description: str
    """The sentence that says what is wrong, or right, with it."""

    spec: str
    """File and section of the rule."""

    profile: int
    """The lowest profile that must get it right."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program made of one vector."""

    vector: Vector
    """The vector."""

    status: str
    """`passed`, `failed` or `skipped`."""

    problem: str = ""
    """What was expected and what was found, if it failed."""


def find_vectors(folder: Path, *, profile: int = 3) -> tuple[Vector, ...]:
    """Return the vectors of a folder up to a profile, by name.

    Raises:
        InputError: A file of a vector cannot be read.
        UsageError: There is no vector, or one of them breaks the rules ([R-CONF-10]).
    """
    scenarios = sorted(folder.glob("*/*/scenario.json"))
    if not scenarios or len(scenarios) > MAX_VECTORS:
        raise UsageError(
            path=str(folder),
            problem=f"expected <group>/<name>/scenario.json, found {len(scenarios)}",
            remedy="name the folder `spec/vectors` of a checkout with --vectors",
        )
    vectors = [_read_vector(path.parent) for path in scenarios]
    return tuple(vector for vector in vectors if vector.profile <= profile)


class Program:
    """A running program under test; a context manager that ends it."""

    def __init__(self, command: Sequence[str], *, timeout_seconds: float) -> None:
        """Remember what to start; nothing runs before the first request."""
        self._command = tuple(command)
        self._timeout = timeout_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.Queue[bytes] = queue.Queue(MAX_WAITING_LINES)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the program: kindly first, if it is idle."""
        if self._process is not None:
            with suppress(OSError):
                _pipe(self._process.stdin).close()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GOODBYE_SECONDS)
            self.stop()

    def ask(self, request: Mapping[str, JsonValue]) -> Mapping[str, JsonValue] | str:
        """Return the program's response to one request, or a sentence that says why there is none.

        Raises:
            UsageError: It cannot be started.
        """
        process = self._process or self._start()
        line = canonical.write(request, foreign=True) + b"\n"
        # In a thread of its own: a program that does not read must not hold up the runner.
        threading.Thread(target=_send, args=(_pipe(process.stdin), line), daemon=True).start()
        try:
            answer = self._lines.get(timeout=self._timeout)
        except queue.Empty:
            return f"no answer within {self._timeout:g} seconds"
        if not answer:
            return f"the program ended without an answer ({self._exit_code(process)})"
        return _parse_response(answer, request["id"])

    def stop(self) -> None:
        """Kill the program; the next request starts it again."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                with suppress(OSError):
                    _pipe(stream).close()

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            process = subprocess.Popen(  # noqa: S603 - the user named this program; no shell
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        except OSError as error:
            raise UsageError(
                path=self._command[0],
                problem=f"cannot be started: {error.strerror}",
                remedy="name a program that can be executed",
            ) from error
        self._process = process
        self._lines = queue.Queue(MAX_WAITING_LINES)
        reader = threading.Thread(
            target=_read_lines, args=(_pipe(process.stdout), self._lines), daemon=True
        )
        reader.start()
        return process

    @staticmethod
    def _exit_code(process: subprocess.Popen[bytes]) -> str:
        try:
            return f"exit code {process.wait(GOODBYE_SECONDS)}"
        except subprocess.TimeoutExpired:
            return "still running, its output closed"


def run_vector(program: Program, vector: Vector, *, number: int) -> Outcome:
    """Put one vector before a program and compare."""
    response = program.ask({"id": str(number), **vector.request})
    if isinstance(response, str):
        program.stop()
        return Outcome(vector, "failed", response)
    if response.get("unsupported") is True:
        return Outcome(vector, "skipped")
    problem = "; ".join(_differences(vector.expected, response))
    return Outcome(vector, "failed" if problem else "passed", problem)


def _read_vector(folder: Path) -> Vector:
    name = f"{folder.parent.name}/{folder.name}"
    scenario = dict(_read_object(folder / "scenario.json", name))
    expected = dict(_read_object(folder / "expected.json", name))
    profile = scenario.pop("profile", 1)
    description, spec = expected.pop("description", ""), expected.pop("spec", "")
    if profile not in _PROFILES or isinstance(profile, bool):
        raise _malformed(name, f"profile is 1, 2 or 3, not {shown(profile)}")
    if not (isinstance(description, str) and description and isinstance(spec, str) and spec):
        raise _malformed(name, "expected.json needs a description and the spec's section")
    _check_request(scenario, name)
    _check_expected(scenario["operation"], expected, name)
    request = {field: _located(field, value, folder) for field, value in scenario.items()}
    return Vector(name, request, expected, description, spec, int(profile))


def _read_object(path: Path, name: str) -> Mapping[str, JsonValue]:
    from provenance.digest import read_file

    data = read_file(path, max_bytes=MAX_FILE_BYTES)
    tree = canonical.parse(data, source=f"{name}/{path.name}", foreign=True)
    if not isinstance(tree, dict):
        raise _malformed(name, f"{path.name} is no object")
    return tree


def _check_request(scenario: Mapping[str, JsonValue], name: str) -> None:
    operation = scenario.get("operation")
    if not isinstance(operation, str) or operation not in FIELDS:
        raise _malformed(name, f"{shown(operation)} is no operation")
    unknown = set(scenario) - set(FIELDS[operation]) - {"operation"}
    if unknown:
        raise _malformed(name, f"{operation} has no member {shown(min(unknown))}")


def _check_expected(operation: JsonValue, expected: Mapping[str, JsonValue], name: str) -> None:
    allowed: tuple[set[str], ...] = ({"output"}, {"error"})
    if operation in {"verify", "verify-oms"}:
        allowed = ({"verdict", "findings"},)
    if set(expected) not in allowed:
        raise _malformed(name, f"expected.json has the members {shown(sorted(expected))}")
    for item in _findings(expected):
        if item[0] not in CODES:
            raise _malformed(name, f"{shown(item[0])} is no finding code")


def _located(field: str, value: JsonValue, folder: Path) -> JsonValue:
    if field not in PATH_FIELDS:
        return value
    if isinstance(value, tuple):
        return tuple(_located(field, item, folder) for item in value)
    if isinstance(value, dict):
        return {key: _located(field, item, folder) for key, item in value.items()}
    return str(folder.resolve() / str(value))


def _differences(
    expected: Mapping[str, JsonValue], response: Mapping[str, JsonValue]
) -> Iterator[str]:
    # What agrees, and what does not, is rule [R-CONF-11].
    from provenance.render import find_changes

    for member in ("verdict", "output", "error"):
        if member not in expected:
            continue
        # By JSON's own equality: for Python, true is 1.
        if member not in response or find_changes(expected[member], response[member]):
            found = response.get(member, response.get("message", response.get("error")))
            yield f"expected {member} {shown(expected[member])}, found {shown(found)}"
    if "findings" in expected:
        wanted, found_all = _findings(expected), _findings(response)
        for code, path in sorted(wanted - found_all):
            yield f"no finding {code} at {shown(path)}"
        for code, path in sorted(found_all - wanted):
            if code not in CODES or CODES[code].severity is Severity.ERROR:
                yield f"finding {shown(code)} at {shown(path)} was not expected"


def _findings(tree: Mapping[str, JsonValue]) -> set[tuple[str, str]]:
    listed = tree.get("findings", ())
    items = listed if isinstance(listed, tuple) else ()
    return {
        (str(item.get("code")), str(item.get("path"))) for item in items if isinstance(item, dict)
    }


def _send(stream: IO[bytes], line: bytes) -> None:
    with suppress(OSError, ValueError):  # it died, or was stopped: the missing answer tells
        stream.write(line)
        stream.flush()


def _read_lines(stream: IO[bytes], lines: queue.Queue[bytes]) -> None:
    # An empty line in the queue stands for the end of the output.
    with suppress(OSError, ValueError):
        while line := stream.readline(MAX_LINE_BYTES + 1):
            lines.put(line)
    lines.put(b"")


def _parse_response(line: bytes, identity: JsonValue) -> Mapping[str, JsonValue] | str:
    try:
        response = canonical.parse(line, max_bytes=MAX_LINE_BYTES, foreign=True)
    except ProvenanceError as error:
        return f"the answer is not one JSON object: {error}"
    if not isinstance(response, dict):
        return f"the answer is not a JSON object: {shown(line)}"
    if response.get("id") != identity:
        return f"the answer has the id {shown(response.get('id'))}, not {shown(identity)}"
    return response


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101 - the process was started with pipes
    return stream


def _malformed(name: str, problem: str) -> UsageError:
    return UsageError(
        path=name, problem=problem, remedy="see `spec/conformance.md`, section Vectors"
    )
