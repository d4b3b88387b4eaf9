"""Pages of the reference that say what the code says: finding codes and the command line's help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provenance.cli.program import program
from provenance.findings import CODES, STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["page_files"]

#: Width of the help texts, in characters.
HELP_WIDTH = 90

#: How the page calls the severities.
SEVERITIES = {
    "error": "error",
    "warning": "warning",
    "note": "note",
    "notChecked": "not checked",
}

#: What stands above the tables of codes.
CODES_INTRODUCTION = """\
Every finding has one of these codes; each code has one severity and belongs to one step of the
verification. An *error* makes the verdict FAIL. *Not checked* makes it INCOMPLETE where the policy
requires it; where it is marked as a *fault*, we could not do our work, and the verdict is ERROR.
The same list, for programs: `spec/registry/finding-codes.json`.
"""


def page_files() -> dict[str, str]:
    """Return the text of every generated page by its path in the repository."""
    return {
        "docs/reference/cli.md": "\n".join(_help_page()),
        "docs/reference/finding-codes.md": "\n".join(_codes_page()),
    }


def _help_page() -> Iterator[str]:
    yield "# Command line"
    yield ""
    yield "What `--help` prints. `training-provenance` is another name of `provenance`."
    yield ""
    for name, text in _helps(program, "provenance", None):
        yield f"## {name}"
        yield ""
        yield "```text"
        yield text
        yield "```"
        yield ""


def _helps(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[tuple[str, str]]:
    context = click.Context(
        command,
        info_name=name,
        parent=parent,
        max_content_width=HELP_WIDTH,
        terminal_width=HELP_WIDTH,
        **command.context_settings,
    )
    yield context.command_path, command.get_help(context).rstrip()
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None and not found.hidden:
                yield from _helps(found, child, context)


def _codes_page() -> Iterator[str]:
    yield "# Finding codes"
    yield ""
    yield CODES_INTRODUCTION
    for number, title in STEPS.items():
        yield f"## {number}. {title}"
        yield ""
        yield "| code | severity | meaning | what to do |"
        yield "|---|---|---|---|"
        for row in CODES.values():
            if row.step == number:
                severity = "not checked (fault)" if row.fault else SEVERITIES[row.severity]
                cells = (f"`{row.code}`", severity, row.meaning, row.remedy)
                yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
        yield ""
