"""`provenance conformance`: run the published vectors against any implementation, or be one."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.output import format_option, say, say_json, say_note
from provenance.cli.remote import LocalPath
from provenance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.cli.conformance_runner import Outcome

__all__ = ["conformance"]

#: Seconds for one answer, unless the user sets another limit ([R-CONF-6]).
ANSWER_SECONDS = 30.0


@click.command(
    short_help="Test an implementation against the vectors.",
    epilog="""
    \b
    Examples:
      provenance conformance --run "provenance conformance --serve" --vectors spec/vectors
      provenance conformance --run ./my-verifier --vectors spec/vectors --profile 1
    """,
)
@click.option("--run", "command", metavar="PROGRAM", help="Program under test, with its arguments.")
@click.option("--serve", is_flag=True, help="Be the program: answer requests on standard input.")
@click.option(
    "--vectors",
    type=LocalPath(path_type=Path),
    default=Path("spec/vectors"),
    show_default=True,
    help="Folder of vectors.",
)
@click.option(
    "--profile",
    type=click.IntRange(1, 3),
    default=3,
    show_default=True,
    help="Run the vectors up to this profile.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 3600),
    default=ANSWER_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Time for one answer.",
)
@format_option
def conformance(
    *,
    command: str | None,
    serve: bool,
    vectors: Path,
    profile: int,
    timeout: float,
    output_format: str,
) -> int:
    """Test an implementation of the format, in any language, against the vectors.

    PROGRAM is started without a shell and speaks the protocol of `spec/conformance.md`: one JSON
    request a line on standard input, one JSON response a line on standard output. The exit code is
    0 if every vector passed or was skipped as unsupported, 1 if one failed.
    """
    if serve == (command is not None):
        raise UsageError(problem="expected exactly one of --run and --serve")
    if command is None:
        from provenance.cli.conformance_protocol import serve as serve_requests

        serve_requests(sys.stdin.buffer, sys.stdout.buffer)
        return 0
    outcomes = _run_all(_split(command), vectors, profile, timeout)
    if output_format == "json":
        say_json(_tree(outcomes))
    else:
        _print(outcomes)
    return 1 if any(outcome.status == "failed" for outcome in outcomes) else 0


def _split(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(
            path="--run", problem=f"the command line is not closed: {error}"
        ) from error
    if not words:
        raise UsageError(path="--run", problem="there is no program")
    return words


def _run_all(
    command: Sequence[str], folder: Path, profile: int, timeout: float
) -> tuple[Outcome, ...]:
    from provenance.cli.conformance_runner import Program, find_vectors, run_vector

    vectors = find_vectors(folder, profile=profile)
    with Program(command, timeout_seconds=timeout) as program:
        return tuple(
            run_vector(program, vector, number=number) for number, vector in enumerate(vectors)
        )


def _print(outcomes: Sequence[Outcome]) -> None:
    from provenance.render import escape

    for outcome in outcomes:
        if outcome.status == "failed":
            say(f"failed   {escape(outcome.vector.name)}: {escape(outcome.problem)}")
            say_note(f"         {outcome.vector.spec}: {outcome.vector.description}")
        elif outcome.status == "skipped":
            say(f"skipped  {escape(outcome.vector.name)}")
    say(", ".join(f"{count} {status}" for status, count in _counts(outcomes).items()))


def _counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    statuses = [outcome.status for outcome in outcomes]
    return {status: statuses.count(status) for status in ("passed", "failed", "skipped")}


def _tree(outcomes: Sequence[Outcome]) -> dict[str, object]:
    return {
        **_counts(outcomes),
        "vectors": [
            {
                "name": outcome.vector.name,
                "problem": outcome.problem,
                "profile": outcome.vector.profile,
                "status": outcome.status,
            }
            for outcome in outcomes
        ],
    }
