"""`provenance doctor`: what a recording would capture here, and what mends what it would miss."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli.output import format_option, say, say_json
from provenance.cli.remote import LocalPath

if TYPE_CHECKING:
    from provenance.capture.outlook import Prospect

__all__ = ["doctor"]

#: Exit code where something can be mended.
CAN_BE_MENDED = 1


@click.command(
    short_help="Say what a recording would miss.",
    epilog="""
    \b
    Examples:
      provenance doctor
      provenance doctor train.py --output runs
      provenance doctor train.py --format json
    """,
)
@click.argument("script", required=False, type=LocalPath(path_type=Path))
@click.option(
    "--output",
    "-o",
    type=LocalPath(path_type=Path),
    default=Path("runs"),
    show_default=True,
    metavar="FOLDER",
    help="The project folder that would be recorded into; it is not made.",
)
@format_option
def doctor(*, script: Path | None, output: Path, output_format: str) -> int:
    """Say what recording SCRIPT here would capture, what would be a gap, and what mends it.

    Nothing is trained or written. SCRIPT is parsed, and neither run nor imported, so that what it
    does through other files of its project is not seen.

    The exit code is 0 if there is nothing to mend, 1 if something would be a gap that one line
    mends, 4 if SCRIPT cannot be read.
    """
    from provenance.capture.outlook import look_ahead
    from provenance.errors import CaptureError, InputError

    try:
        found = look_ahead(script, output=output)
    except CaptureError as error:
        raise InputError(path=error.path, problem=error.problem, remedy=error.remedy) from error
    gaps = [it for it in found if not it.captured]
    captured = [it for it in found if it.captured]
    if output_format == "json":
        say_json(
            {
                "captured": [{"subject": it.subject, "text": it.text} for it in captured],
                "gaps": [_tree(it) for it in gaps],
            }
        )
    else:
        _say(captured, gaps)
    return CAN_BE_MENDED if any(it.remedy for it in gaps) else 0


def _tree(gap: Prospect) -> dict[str, str]:
    tree = {"subject": gap.subject, "text": gap.text}
    return {**tree, "remedy": gap.remedy} if gap.remedy else tree


def _say(captured: list[Prospect], gaps: list[Prospect]) -> None:
    from provenance.render import escape

    say("Would be captured:")
    for one in captured:
        say(f"  {escape(one.subject)}: {escape(one.text)}")
    if not gaps:
        say("Nothing would be a gap.")
        return
    say("Would be a gap:")
    for one in gaps:
        say(f"  {escape(one.subject)}: {escape(one.text)}")
        if one.remedy:
            say(f"    {escape(one.remedy)}")
